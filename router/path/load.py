"""When the load on a path is worth a measurement: a probe a little more than twice a second, and only then.

Liveness needs no probe while traffic proves the path; but what a queue does to
the round trip nobody sees without one.  A path is measured while it carries a
good part of what it is believed to carry, for a while after that has broken
down, and where next to nothing is known of it.
"""

from __future__ import annotations

from router.path.estimate import Standing

__all__ = ["LoadWatch"]

_WORTH, _WORTH_UNKNOWN = 0.25, 0.05
"""Share of the estimate from which on a path is measured; where the estimate is a mere guess."""
_GUESS = 0.3
_LASTING = 3.0
_STEP = 0.4
_LEAST = 200.0
"""kbit/s below which nothing is measured."""


class LoadWatch:
    """Of one path.  Times are monotonic seconds."""

    def __init__(self) -> None:
        self._until = 0.0
        self._next = 0.0

    def saw(self, rate: float, believed: Standing, now: float) -> None:
        """One direction carried `rate` kbit/s."""
        worth = _WORTH_UNKNOWN if believed.confidence < _GUESS else _WORTH
        if rate >= max(_LEAST, worth * believed.rate):
            self._until = now + _LASTING

    def is_due(self, now: float) -> bool:
        return self._next <= now < self._until

    def measured(self, now: float) -> None:
        """A probe has left (or may not)."""
        self._next = now + _STEP

    def next_wake(self, now: float) -> float | None:
        return self._next if max(now, self._next) < self._until else None
