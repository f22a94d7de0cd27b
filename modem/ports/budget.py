"""How much may be read from one port in a while, so that a flood costs the others nothing.  Pure."""

from __future__ import annotations

__all__ = ["Budget"]

RATE = 65536.0
BURST = 65536.0


class Budget:
    """A bucket of `burst` octets that fills at `rate` octets a second."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._last: float | None = None

    def spend(self, octets: int, now: float) -> float:
        """Take note of `octets` read at `now` (seconds); how long to pause before reading on, mostly 0."""
        if self._last is not None:
            self._left = min(self._burst, self._left + (now - self._last) * self._rate)
        self._last = now
        self._left -= octets
        # Half the bucket at once: a port that floods wakes us seldom instead of for each octet allowed.
        return (self._burst / 2 - self._left) / self._rate if self._left < 0 else 0.0
