"""How many octets probes may cost on one path: a metered link bills them like any others."""

from __future__ import annotations

from typing import Literal

__all__ = ["DEFAULT", "METERED", "ProbeBudget", "Purpose"]

DEFAULT, METERED = 10_000_000, 1_000_000
"""Octets a day, outer headers and answers included."""
Purpose = Literal["proof", "idle", "load"]
"""`proof`: whether a path that fell silent, or returns, carries; `idle`: a look at a quiet one; `load`: what load does to it."""

_DAY = 86_400.0
_IDLE_SHARE, _IDLE_MOST = 0.25, 1_000_000
_LOAD_SHARE, _LOAD_DEPTH = 0.5, 1 / 16
"""Of a day's octets: what load may be measured with, and how much of it in one go."""
_LEAST_INTERVAL = 5.0


class ProbeBudget:
    """Octets of one path, `limit` a day at most.  Times are monotonic seconds."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.refused = 0
        """Probes that were not sent for want of octets."""
        self._day: float | None = None
        self._spent = 0
        self._tokens = limit * _LOAD_DEPTH
        self._filled: float | None = None

    def spent(self, now: float) -> int:
        """Octets of today; a day begins with the first question."""
        if self._day is None or now - self._day >= _DAY:
            self._day, self._spent = now, 0
        return self._spent

    def idle_interval(self, cost: int) -> float:
        """Seconds between two looks at a quiet path, each of `cost` octets: 12 octets a second, less where it is metered."""
        daily = min(_IDLE_MOST, self.limit * _IDLE_SHARE)
        return max(_LEAST_INTERVAL, cost * _DAY / daily) if daily else _DAY

    def take(self, cost: int, purpose: Purpose, now: float) -> bool:
        """Whether `cost` octets may be sent and received now; they count as spent then."""
        self._fill(now)
        allowed = self.spent(now) + cost <= self.limit and (purpose != "load" or self._tokens >= cost)
        if not allowed:
            self.refused += 1
            return False
        self._spent += cost
        if purpose == "load":
            self._tokens -= cost
        return True

    def _fill(self, now: float) -> None:
        before = self._filled if self._filled is not None else now
        gained = self.limit * _LOAD_SHARE * (now - before) / _DAY
        self._tokens = min(self.limit * _LOAD_DEPTH, self._tokens + gained)
        self._filled = now
