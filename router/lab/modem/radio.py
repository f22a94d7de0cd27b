"""Signal over time, from a CSV or a built-in drift, and its indices (3GPP TS 27.007 sections 8.5 and 8.69)."""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping

__all__ = ["Samples", "Signal", "drift", "indices", "read"]

SMOOTH = ("rssi", "rsrp", "rsrq", "sinr")
"""Columns between whose samples a straight line is drawn (dBm, dBm, dB, dB); all others jump."""

Signal = dict[str, "float | int | str"]


class Samples:
    """Rows by time in seconds since power-on; the first and the last row are held.  `loop` starts again at the end."""

    def __init__(
        self, rows: Iterable[tuple[float, Mapping[str, float | int | str]]], loop: bool = False
    ) -> None:
        self._rows = sorted(rows, key=lambda row: row[0])
        self._times = [time for time, _ in self._rows]
        self._loop = loop

    def at(self, seconds: float) -> Signal:
        """What the columns say at a time; a value that is not known then is missing."""
        if not self._rows:
            return {}
        seconds, at = self._place(seconds)
        time, row = self._rows[at]
        found = dict(row)
        if at + 1 == len(self._rows) or seconds < time:
            return found
        later, following = self._rows[at + 1]
        for name in SMOOTH:
            here, there = row.get(name), following.get(name)
            if isinstance(here, float) and isinstance(there, float):
                found[name] = here + (there - here) * (seconds - time) / (later - time)
        return found

    def row(self, seconds: float) -> Mapping[str, float | int | str]:
        """The columns that change in steps at a time; SMOOTH ones as they were when the row began."""
        return self._rows[self._place(seconds)[1]][1] if self._rows else {}

    def _place(self, seconds: float) -> tuple[float, int]:
        """The time within a loop, and the number of the row that holds then."""
        span = self._times[-1]
        if self._loop and span > 0:
            seconds %= span
        return seconds, max(0, bisect_right(self._times, seconds) - 1)

    def next_row(self, seconds: float) -> float | None:
        """When the row after `seconds` begins; None when there is none, or it all goes round."""
        at = bisect_right(self._times, seconds)
        return self._times[at] if at < len(self._times) and not self._loop else None


def read(text: str) -> Samples:
    """A CSV with a header: `time` and any of the view's names.  An empty cell is unknown.  Raises ValueError, naming the line."""
    reader = csv.DictReader(line for line in text.splitlines() if line.strip() and line[0] != "#")
    if "time" not in (reader.fieldnames or ()):
        raise ValueError("the header names no column `time`")
    rows = []
    for number, row in enumerate(reader, 2):
        try:
            time = float(row.pop("time"))
        except (TypeError, ValueError):
            raise ValueError(f"row {number}: the time is no number") from None
        try:
            rows.append((time, {name: _value(name, cell) for name, cell in row.items() if name and cell}))
        except ValueError:
            raise ValueError(f"row {number}: {', '.join(SMOOTH)} are numbers") from None
    return Samples(rows)


def drift() -> Samples:
    """A good LTE cell whose signal wanders within half a minute."""
    low = {"rssi": -77.0, "rsrp": -105.0, "rsrq": -12.0, "sinr": 6.0}
    high = {"rssi": -65.0, "rsrp": -93.0, "rsrq": -8.0, "sinr": 18.0}
    return Samples([(0.0, low), (18.0, high), (36.0, low)], loop=True)


def indices(signal: Mapping[str, float | int | str]) -> dict[str, int]:
    """csq, cesq_rsrp, cesq_rsrq, ss_rsrp, ss_rsrq, ss_sinr and the hcsq_ ones; 99 or 255 where not known."""
    rssi, rsrp, rsrq, sinr = (_number(signal.get(name)) for name in SMOOTH)
    return {
        "csq": _index(rssi, 113, 2, 31, 99),
        "cesq_rsrp": _index(rsrp, 141, 1, 97, 255),
        "cesq_rsrq": _index(rsrq, 20, 0.5, 34, 255),
        "ss_rsrp": _index(rsrp, 157, 1, 126, 255),
        "ss_rsrq": _index(rsrq, 43.5, 0.5, 126, 255),
        "ss_sinr": _index(sinr, 23.5, 0.5, 127, 255),
        "hcsq_rssi": _index(rssi, 121, 1, 96, 255),
        "hcsq_sinr": _index(sinr, 20.2, 0.2, 251, 255),
    }


def _index(value: float | None, floor: float, step: float, most: int, unknown: int) -> int:
    return unknown if value is None else max(0, min(most, math.floor(round((value + floor) / step, 6))))


def _number(value: float | int | str | None) -> float | None:
    return value if isinstance(value, float) else None


def _value(name: str, text: str) -> float | int | str:
    if name in SMOOTH:
        return float(text)
    text = text.strip()
    # `001` is a code, not a number.
    number = text.lstrip("-").isdecimal() and (text == "0" or text.lstrip("-")[0] != "0")
    return int(text) if number else text
