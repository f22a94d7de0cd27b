"""Flows as text: tables and reasons for people."""

from __future__ import annotations

from typing import Any

from router.control.render import bits, duration, table

__all__ = ["explained", "flows", "policy_check"]

Values = dict[str, Any]


def flows(values: Values) -> str:
    """The whole of `roamctl flows`."""
    head = ("FLOW", "PROTO", "FROM", "TO", "PATH", "WHY", "DOWN", "UP", "AGE", "MOVED")
    rows = [
        (
            row["id"], row["protocol"], row["source"], row["destination"], row["path"], row["why"],
            bits(row["down"]), bits(row["up"]), duration(row["age"]), _moved(row),
        )
        for row in values["flows"]
    ]  # fmt: skip
    shown = f"{len(rows)} of {values['active']} flows that carry something, {values['tracked']} in all"
    return f"{_paths(values['paths'])}\n\n{table(head, rows) if rows else 'no flows'}\n\n{shown}\n"


def explained(values: Values) -> str:
    """The whole of `roamctl explain`."""
    flow = values["flow"]
    lines = [
        f"{flow['protocol']} {flow['source']} > {flow['destination']}",
        f"path {values['path'] or 'none'}, because",
    ]
    lines += [f"  - {reason}" for reason in values["reasons"]]
    if values["alternatives"]:
        lines.append("and not")
        lines += [f"  - {other['path']}: {other['reason']}" for other in values["alternatives"]]
    for name, title in (("then", "when it began"), ("now", "now")):
        if values[name] is not None:
            lines += ["", f"The paths {title}", _paths(values[name]["paths"])]
    return "\n".join(lines) + "\n"


def policy_check(values: Values) -> str:
    """The whole of `roamctl policy check`."""
    head = ("POLICY", "ACTION", "UPLINKS THAT LIVE", "FLOWS")
    rows = [
        (row["name"], _action(row), " ".join(row["members"]) or "-", str(row["flows"]))
        for row in values["policies"]
    ]
    rows.append(("(the rest)", "by load", "-", str(values["rest"])))
    lines = [table(head, rows), ""]
    for move in values["moves"]:
        name = f"policy {move['policy']}" if move["policy"] else "no policy any more"
        lines.append(f"{move['flows']} flows go from {move['from']} to {move['to']} ({name})")
    lines += [f"{row['flows']} flows cannot be judged: {row['unseen']}" for row in values["unclear"]]
    lines.append(f"{values['stay']} of {values['flows']} flows stay where they are")
    return "\n".join(lines) + "\n"


def _paths(rows: list[Values]) -> str:
    if not rows:
        return "no path lives"
    head = (
        "PATH",
        "DOWN",
        "UP",
        "TRUST",
        "LOAD DOWN",
        "LOAD UP",
        "COMPETING",
        "ONE MORE GETS",
        "BUCKETS",
        "TAKES",
    )
    return table(
        head,
        (
            (
                row["path"], bits(row["down"]), bits(row["up"]), f"{100 * row['confidence']:.0f}%", bits(row["down_load"]),
                bits(row["up_load"]), str(row["active"]), bits(row["offer"]), str(row["buckets"]),
                "leaves" if row["drain"] else row["takes"],
            )
            for row in rows
        ),
    )  # fmt: skip


def _action(row: Values) -> str:
    return f"{row['action']} (not at this hour)" if row["asleep"] else str(row["action"])


def _moved(row: Values) -> str:
    if not row["moves"]:
        return "-"
    return f"{row['moves']}x, {duration(row['moved'])} ago"
