"""What an uplink has carried in its period, against the cap it has.

A period begins on one day of each month, by local date.  Counters are the
device's: they start anew with it, and go on where roamd starts anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Date", "Usage", "period"]

Date = tuple[int, int, int]
"""Year, month, day."""

_MEGABYTE = 1_000_000
_FIRST_YEAR = 2025
"""A clock before that has not been set yet, and says nothing of periods."""
_MOST = 1 << 40
"""Octets in one step; beyond it a counter is wrong."""


def period(date: Date, cap_day: int) -> Date:
    """The day on which the period began that `date` lies in."""
    year, month, day = date
    if day >= cap_day:
        return year, month, cap_day
    return (year, month - 1, cap_day) if month > 1 else (year - 1, 12, cap_day)


class Usage:
    """One uplink's; `saved` is what `state` said before a restart, believed as far as it makes sense."""

    def __init__(self, cap: int, cap_day: int, saved: Mapping[str, Any] | None = None) -> None:
        self._cap, self._cap_day = cap * _MEGABYTE, cap_day
        found = saved or {}
        self.octets = _whole(found.get("octets")) or 0
        self._counter = _whole(found.get("counter"))
        self._period = _date(found.get("period"))
        self.odd = 0
        """Steps that nobody believes."""

    @property
    def exceeded(self) -> bool:
        return self.octets >= self._cap

    def count(self, counter: int | None, date: Date) -> None:
        """The device has carried so many octets, both directions; None: there is no device."""
        self._turn(date)
        if counter is None:
            return
        before, self._counter = self._counter, counter
        if before is None:
            # Of what it carried before the very first look nobody knows when.
            return
        # A device that was made anew counts from 0.
        more = counter if counter < before else counter - before
        if more > _MOST:
            self.odd += 1
            return
        self.octets += more

    def state(self) -> dict[str, Any]:
        """For a file."""
        return {"octets": self.octets, "counter": self._counter, "period": self._period}

    def _turn(self, date: Date) -> None:
        now = period(date, self._cap_day)
        if now == self._period or date[0] < _FIRST_YEAR:
            return
        # A clock that went back begins no new period, but later ones count from there.
        if self._period is not None and now > self._period:
            self.octets = 0
        self._period = now


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _date(value: object) -> Date | None:
    if isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(item, int) for item in value):
        return value[0], value[1], value[2]
    return None
