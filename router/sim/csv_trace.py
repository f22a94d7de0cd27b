"""Link traces from CSV: a row for what one link could do from a moment on.

    time,link,down,up,delay,loss,technology,sinr
    0.0,lte,12000,4000,45,0.001,E-UTRAN,11
    0.0,wifi,30000,30000,8,0,,
    1.0,lte,,,,,,9

`time` in seconds, of any beginning; `down` and `up` in kbit/s; `delay` one way
in ms; `loss` 0..1.  Radio values are named as `router.path.radio.estimate`
names them.  What is missing goes on as it was before.  Lines that begin with #
are comments.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from router.sim.trace import LinkState, LinkTrace

__all__ = ["COLUMNS", "TraceError", "read_traces"]

_NEEDED = ("time", "link", "down")
_NUMBERS: Mapping[str, tuple[float, float, str]] = {
    "time": (-1e12, 1e12, "seconds"),
    "down": (0, 1e8, "kbit/s, 0..100000000"),
    "up": (0, 1e8, "kbit/s, 0..100000000"),
    "delay": (0, 60_000, "milliseconds, 0..60000"),
    "loss": (0, 1, "a part of the packets, 0..1"),
    "bandwidth_down": (0, 1e6, "kHz, 0..1000000"),
    "bandwidth_up": (0, 1e6, "kHz, 0..1000000"),
    "rsrp": (-200, 0, "dBm, -200..0"),
    "rsrq": (-60, 40, "dB, -60..40"),
    "sinr": (-60, 60, "dB, -60..60"),
    "cqi": (0, 15, "0..15"),
    "layers": (0, 16, "0..16"),
}
_WORDS = ("technology", "band", "duplex")
_STATE = ("down", "up", "delay", "loss")
COLUMNS = (*_NUMBERS, "link", *_WORDS)

_UP = 0.5
"""Where a trace does not tell the rate up it is supposed to be half of the rate down."""


class TraceError(Exception):
    """What is wrong in a trace, with its place and with what is allowed there."""


@dataclass
class _Link:
    times: list[float]
    states: list[LinkState]
    holes: int = 0


def read_traces(lines: Iterable[str], name: str = "trace") -> list[LinkTrace]:
    """The links of one file, in the order of their first rows; the earliest row is at 0 s.  Raises TraceError."""
    links: dict[str, _Link] = {}
    for number, row in _rows(lines, name):
        place = f"{name}, line {number}"
        link_name = (row.get("link") or "").strip()
        if not link_name:
            raise TraceError(f"{place}, column link: empty; expected a name")
        time = _number(row, "time", place)
        if time is None:
            raise TraceError(f"{place}, column time: empty; expected seconds")
        link = links.setdefault(link_name, _Link([], []))
        if link.times and time < link.times[-1]:
            raise TraceError(
                f"{place}, column time: {time:g} lies before {link.times[-1]:g},"
                f" the row before of link {link_name}; expected times that do not go back"
            )
        _add(link, time, row, place)
    if not links:
        raise TraceError(f"{name}: no rows; expected a header line and one row at least")
    first = min(link.times[0] for link in links.values())
    return [
        LinkTrace(key, tuple(time - first for time in link.times), tuple(link.states), link.holes)
        for key, link in links.items()
    ]


def _rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their line numbers; the header is checked."""
    head: list[str] | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        if head is None:
            head = [cell.lower() for cell in cells]
            _check_head(head, f"{name}, line {number}")
        elif len(cells) > len(head):
            raise TraceError(f"{name}, line {number}: {len(cells)} values; expected {len(head)} at most")
        else:
            yield number, dict(zip(head, cells, strict=False))


def _check_head(head: list[str], place: str) -> None:
    for column in head:
        if column not in COLUMNS:
            raise TraceError(f"{place}: column {column!r} is unknown; expected some of {', '.join(COLUMNS)}")
        if head.count(column) > 1:
            raise TraceError(f"{place}: column {column!r} is there twice; expected each once")
    missing = [column for column in _NEEDED if column not in head]
    if missing:
        raise TraceError(
            f"{place}: no column {', '.join(missing)}; expected {', '.join(_NEEDED)} in the first line"
        )


def _add(link: _Link, time: float, row: Mapping[str, str], place: str) -> None:
    values = {column: _number(row, column, place) for column in _STATE}
    if values["delay"] is not None:
        values["delay"] /= 1000
    told = {column: value for column, value in values.items() if value is not None}
    before = link.states[-1] if link.states else None
    if before is None:
        down = told.get("down", 0.0)
        before = LinkState(down, told.get("up", _UP * down))
    elif "down" in told and "up" not in row:
        told["up"] = _UP * told["down"]
    state = replace(before, **told, radio={**before.radio, **_radio(row, place)})
    link.holes += sum(1 for column in _STATE if column in row and values[column] is None)
    if link.times and link.times[-1] == time:
        link.states[-1] = state
        return
    link.times.append(time)
    link.states.append(state)


def _radio(row: Mapping[str, str], place: str) -> dict[str, str | float]:
    result: dict[str, str | float] = {column: row[column] for column in _WORDS if row.get(column)}
    for column in _NUMBERS:
        if column != "time" and column not in _STATE:
            value = _number(row, column, place)
            if value is not None:
                result[column] = value
    return result


def _number(row: Mapping[str, str], column: str, place: str) -> float | None:
    text = row.get(column) or ""
    if not text:
        return None
    least, most, allowed = _NUMBERS[column]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise TraceError(f"{place}, column {column}: {text!r}; expected {allowed}")
    return value
