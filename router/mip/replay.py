"""Replay protection by time stamps (RFC 5944 section 5.7.1): which is later, and those a mobile node sends."""

from __future__ import annotations

import random

from router.mip.identification import LOW, from_wall, to_wall

__all__ = ["TimeStamps", "newer"]

_MASK = (1 << 64) - 1
_HALF = 1 << 63
_FINER = 10


def newer(identification: int, than: int) -> bool:
    """Whether one time stamp is later than another, also across the end of the NTP era in 2036."""
    return 0 < (identification - than) & _MASK < _HALF


class TimeStamps:
    """The mobile node's end: strictly increasing over all its requests, by the home agent's clock."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng
        self._offset = 0.0
        self._last: int | None = None

    @property
    def offset(self) -> float:
        """Seconds that the home agent's clock is ahead."""
        return self._offset

    def next(self, wall: float) -> int:
        # Bits finer than the clock are random: low halves, by which replies are matched, do not recur.
        stamp = from_wall(wall + self._offset) | self._random.getrandbits(_FINER)
        if self._last is not None and not newer(stamp, self._last):
            stamp = (self._last + 1) & _MASK
        self._last = stamp
        return stamp

    def adopt(self, identification: int, wall: float, tolerance: float) -> None:
        """Take over the clock in the high half of an authentic reply with code 133."""
        # Half a second up: its seconds come without their fraction.
        theirs = to_wall(identification & ~LOW) + 0.5
        self._offset = theirs - wall
        # Time stamps too far ahead were never accepted: they need not be exceeded.
        if self._last is not None and newer(self._last, from_wall(theirs + tolerance)):
            self._last = None
