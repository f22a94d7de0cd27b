"""Status as text: aligned tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "bindings",
    "bits",
    "counters",
    "duration",
    "octets",
    "reloaded",
    "signal_words",
    "status",
    "table",
    "tunnels",
]

Row = Sequence[str]


def status(values: dict[str, Any]) -> str:
    """The whole of `roamctl status`."""
    parts = [_head(values)]
    if values.get("problem"):
        parts.append(f"PROBLEM: {values['problem']}")
    parts.extend(f"{one['state'].upper()}: {one['text']}" for one in values.get("states", ()))
    if values.get("config_problem"):
        lines = "\n".join(f"  {problem['text']}" for problem in values["config_problem"])
        parts.append(f"PROBLEM: the file is refused, the configuration before it is in force:\n{lines}")
    if "uplinks" in values:
        parts.append(_section("Uplinks", _uplinks(values["uplinks"])))
        if any(row.get("path") for row in values["uplinks"]):
            parts.append(_section("Paths", _paths(values["uplinks"])))
    parts.append(_section("Bindings", bindings(values.get("bindings", []))))
    parts.append(_section("Tunnels", tunnels(values.get("tunnels", []))))
    if values.get("flow_bindings"):
        parts.append(_section("Flow bindings", _flow_bindings(values["flow_bindings"])))
    if "flows" in values:
        parts.append(_section("Flows", _flows(values["flows"])))
    return "\n\n".join(parts) + "\n"


def counters(values: dict[str, int]) -> str:
    """The whole of `roamctl counters`."""
    return table(("COUNTER", "VALUE"), sorted((name, str(value)) for name, value in values.items())) + "\n"


def reloaded(values: dict[str, Any]) -> str:
    """What `roamctl reload` says."""
    text = f"changed: {', '.join(values['changed']) or 'nothing'}\n"
    return text + (f"started anew: {', '.join(values['restarted'])}\n" if values["restarted"] else "")


def table(head: Row, rows: Iterable[Row]) -> str:
    """Left-aligned columns, as wide as their widest cell."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def duration(seconds: float) -> str:
    """`42s`, `4m10s`, `3h05m`, `2d04h`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def octets(count: int) -> str:
    return _scaled(count, "B", ("B", "kB", "MB", "GB", "TB"))


def signal_words(modem: Mapping[str, Any]) -> str:
    """The strongest word on the signal that is known: `RSRP -95 dBm, SINR 12 dB`."""
    level = [
        f"{name.upper()} {modem[name]:g} dBm"
        for name in ("rsrp", "rscp", "rssi")
        if modem.get(name) is not None
    ]
    quality = [f"SINR {modem['sinr']:g} dB"] if modem.get("sinr") is not None else []
    return ", ".join(level[:1] + quality)


def bits(kilobits: int | None) -> str:
    """A rate given in kbit/s."""
    return (
        "-"
        if kilobits is None
        else _scaled(kilobits * 1000, "bit/s", ("bit/s", "kbit/s", "Mbit/s", "Gbit/s"))
    )


def _scaled(value: float, unit: str, units: Sequence[str]) -> str:
    for unit in units:
        if value < 1000 or unit == units[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 100 or value == int(value) else f"{value:.1f} {unit}"


def _section(title: str, body: str) -> str:
    return f"{title}\n{body}"


def _head(values: dict[str, Any]) -> str:
    roles = " and ".join(role.replace("_", " ") for role in values.get("role", []))
    text = f"roamd {values.get('version', '?')}, {roles}, up {duration(values.get('uptime', 0))}"
    if values.get("home_address"):
        return f"{text}\nhome address {values['home_address']} at home agent {values.get('home_agent')}"
    if "home_agent" in values:
        return f"{text}\nhome agent {values['home_agent']}"
    return f"{text}\nforeign agent with care-of address {values.get('care_of_address')}"


def _uplinks(rows: list[dict[str, Any]]) -> str:
    head = (
        "NAME",
        "BID",
        "KIND",
        "DEVICE",
        "STATE",
        "ADDRESS",
        "GATEWAY",
        "PATH MTU",
        "DOWN",
        "UP",
        "REGISTRATION",
        "SIGNAL",
    )
    return table(
        head,
        (
            (
                row["name"], str(row["bid"]), row["kind"], row["device"] or "-", row["state"],
                row["address"] or "-", row["gateway"] or "-", str(row.get("path_mtu") or "-"),
                bits(row["bandwidth_down"]), bits(row["bandwidth_up"]), _registration(row), _signal(row),
            )
            for row in rows
        ),
    )  # fmt: skip


def _paths(rows: list[dict[str, Any]]) -> str:
    head = ("NAME", "LIVENESS", "RTT", "LEAST", "LOSS", "DOWN", "UP", "SURE", "BY", "PENALTY", "PROBES TODAY")
    return table(head, (_path(row["name"], row["path"]) for row in rows if row.get("path")))


def _path(name: str, path: dict[str, Any]) -> Row:
    penalty = f"{path['penalty']}, suppressed" if path["suppressed"] else str(path["penalty"])
    return (
        name, path["liveness"], _ms(path["rtt"]), _ms(path["rtt_min"]), f"{100 * path['loss']:.0f}%",
        bits(path["down"]), bits(path["up"]), f"{100 * path['confidence']:.0f}%", path["source"], penalty,
        f"{octets(path['probe_octets_today'])} of {octets(path['probe_budget'])}",
    )  # fmt: skip


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _registration(row: dict[str, Any]) -> str:
    return f"{row['registration']}: {row['detail']}" if row.get("detail") else row["registration"]


def _signal(row: dict[str, Any]) -> str:
    modem, wifi = row.get("modem"), row.get("wifi")
    if modem:
        parts = [modem.get("operator") or modem["state"], modem.get("technology"), modem.get("band")]
        level = next((modem[name] for name in ("rsrp", "rscp", "rssi") if modem.get(name) is not None), None)
        parts.append(f"{level:g} dBm" if level is not None else None)
        return " ".join(part for part in parts if part)
    if wifi and wifi.get("signal") is not None:
        return f"{wifi.get('ssid') or ''} {wifi['signal']} dBm".strip()
    return "-"


def bindings(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "none"
    head = ("OF", "BID", "CARE-OF ADDRESS", "ENCAPSULATION", "NAT", "LIFETIME", "LEFT", "STATE")
    return table(
        head,
        (
            (
                row.get("mobile") or row.get("uplink") or "-", str(row["bid"]), row["care_of_address"],
                row["encapsulation"], "yes" if row["nat"] else "no", duration(row["lifetime"]),
                duration(row["remaining"]), row["state"],
            )
            for row in rows
        ),
    )  # fmt: skip


def _flow_bindings(rows: list[dict[str, Any]]) -> str:
    head = ("OF", "ACTION", "BIDS", "MATCH")
    return table(
        head,
        (
            (row["mobile"], row["action"], " ".join(map(str, row["bids"])) or "-", row["match"])
            for row in rows
        ),
    )


def tunnels(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "none"
    head = ("DEVICE", "PLANE", "ENCAPSULATION", "LOCAL", "REMOTE", "MTU", "IN", "OUT", "DROPPED")
    return table(
        head,
        (
            (
                row["device"], row["plane"], row["encapsulation"], row["local"], row["remote"],
                str(row["mtu"]), octets(row.get("rx_bytes", 0)), octets(row.get("tx_bytes", 0)),
                str(row.get("dropped", 0)),
            )
            for row in rows
        ),
    )  # fmt: skip


def _flows(values: dict[str, Any]) -> str:
    lines = [f"policy {row['name']}: {_policy(row)}" for row in values["policies"]]
    shares = [f"{name} {100 * count / values['size']:.0f}%" for name, count in values["buckets"].items()]
    lines.append("the rest: " + (", ".join(shares) or "no tunnel"))
    return "\n".join([*lines, f"{values['active']} of {values['tracked']} connections carry something"])


def _policy(row: dict[str, Any]) -> str:
    if row["action"] == "drop":
        now = "drop"
    else:
        named = (" > " if row["action"] == "prefer" else " ").join(row["uplinks"])
        living = row["path"] or " ".join(row["members"]) or "spread (none of them lives)"
        now = f"{row['action']} {named}".rstrip() + f", now {living}"
    return f"{now} (not at this hour)" if row["asleep"] else now
