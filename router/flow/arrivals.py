"""How many new flows to expect until the next look."""

from __future__ import annotations

from math import exp

__all__ = ["Arrivals"]

_MEMORY = 5.0
"""Seconds after which an arrival counts for a third: a page is forgotten before the next one is opened."""


class Arrivals:
    """A smoothed rate of new flows.  Times are seconds of one clock that does not step."""

    def __init__(self) -> None:
        self._weight = 0.0
        self._span = 0.0
        self._at: float | None = None

    def seen(self, count: int, now: float) -> None:
        """`count` flows have come since the last call."""
        elapsed = max(0.0, now - self._at) if self._at is not None else 0.0
        kept = exp(-elapsed / _MEMORY)
        self._span = self._span * kept + _MEMORY * (1 - kept)
        self._weight = self._weight * kept + max(0, count) * (self._at is not None)
        self._at = now

    def expected(self, seconds: float) -> float:
        """New flows in the next `seconds`; 1 before anything was learnt."""
        if self._span <= 0:
            return 1.0
        return max(0.0, seconds) * self._weight / self._span
