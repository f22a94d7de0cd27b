"""What a technician asks for, as text for 80 columns."""

from __future__ import annotations

import time
from typing import Any

from router.control.render import table

__all__ = ["echoes", "events", "home_agent", "hops", "uplinks", "values"]

Values = dict[str, Any]


def uplinks(rows: list[Values]) -> str:
    """`roamctl show uplinks`."""
    head = ("NAME", "DEVICE", "LINK", "ADDRESS", "REGISTRATION", "RTT ms", "Mbit/s", "MTU")
    return table(head, (_uplink(row) for row in rows)) + "\n"


def _uplink(row: Values) -> tuple[str, ...]:
    path = row.get("path") or {}
    rtt = path.get("rtt")
    return (
        row["name"], row["device"] or "-", row["state"], row["address"] or "-", row["registration"],
        "-" if rtt is None else f"{rtt:.0f}", f"{_rate(path.get('down'))}/{_rate(path.get('up'))}" if path else "-",
        str(row.get("path_mtu") or row.get("mtu") or "-"),
    )  # fmt: skip


def _rate(kilobits: float | None) -> str:
    return "?" if kilobits is None else f"{kilobits / 1000:.3g}"


def values(rows: Values) -> str:
    """Names and values, those that are known."""
    known = [
        (name.replace("_", " "), str(value)) for name, value in rows.items() if value not in (None, "", [])
    ]
    return table(("WHAT", "VALUE"), known) + "\n"


def home_agent(status: Values) -> str:
    """`roamctl show home-agent`."""
    lines = [f"home agent {status.get('home_agent')}, home address {status.get('home_address')}"]
    offset = status.get("clock_offset")
    if offset:
        lines.append(f"its clock is {offset:+.0f} s from ours")
    head = ("UPLINK", "STATE", "ANSWERED IN", "LAST CODE", "ECHO", "UDP 434")
    rows, reasons = [], []
    for row in status.get("uplinks", []):
        reach = row.get("reach") or {}
        answered, echo, code = row.get("answered"), reach.get("home_agent"), row.get("code")
        rows.append(
            (
                row["name"], row["registration"], "-" if answered is None else f"{answered:.0f} ms",
                "-" if code is None else str(code), "-" if echo is None else f"{echo:.0f} ms",
                "refused" if reach.get("refused") else "-",
            )
        )  # fmt: skip
        why = row.get("disbelieved") or row.get("detail")
        reasons += [f"{row['name']}: {why}"] if why else []
    return "\n".join([*lines, table(head, rows), *reasons]) + "\n"


def events(rows: list[Values]) -> str:
    """A line for each, oldest first, in local time."""
    if not rows:
        return "no events\n"
    return "".join(
        f"{time.strftime('%m-%d %H:%M:%S', time.localtime(row['wall']))}"
        f" {'!' if row['level'] in ('warning', 'error', 'critical') else ' '} {row['text']}\n"
        for row in rows
    )


def echoes(found: Values) -> str:
    """`roamctl ping`."""
    lines = [f"{found['to']} through {found['device']}"]
    lines += [f"{number}  {_answer(row)}" for number, row in enumerate(found["echoes"], 1)]
    trips = [row["ms"] for row in found["echoes"] if row["what"] == "reply"]
    lost = 100 - 100 * len(trips) // len(found["echoes"])
    times = f", {min(trips):g} to {max(trips):g} ms" if trips else ""
    return "\n".join([*lines, f"{lost}% lost{times}"]) + "\n"


def hops(found: Values) -> str:
    """`roamctl trace`."""
    lines = [f"{found['to']} through {found['device']}"]
    lines += [f"{number:2}  {_answer(row)}" for number, row in enumerate(found["hops"], 1)]
    return "\n".join(lines) + "\n"


def _answer(row: Values) -> str:
    if row["what"] is None:
        return "no answer"
    word = "" if row["what"] != "unreachable" else ", unreachable"
    return f"{row['from']}  {row['ms']:g} ms{word}"
