"""Flap dampening: a path that comes and goes is left alone for a while (after RFC 2439 section 4.2).

Each loss adds a penalty, which halves with time.  Above one limit the path is
suppressed, below another it may be used again; the figures are a vehicle's,
where minutes are long, not those of a backbone.
"""

from __future__ import annotations

__all__ = ["HALF_LIFE", "PENALTY", "REUSE", "SUPPRESS", "Damping"]

PENALTY = 1000.0
"""For one loss."""
SUPPRESS, REUSE = 3500.0, 1500.0
"""The fourth loss within a half-life suppresses; a minute and a half later that is over."""
HALF_LIFE = 60.0
_MOST = 8000.0
"""Bounds a suppression to two and a half minutes from the last loss."""


class Damping:
    """The penalty of one path.  Times are monotonic seconds."""

    def __init__(self) -> None:
        self._penalty = 0.0
        self._at = 0.0
        self._suppressed = False

    def flap(self, now: float) -> None:
        """The path was lost."""
        self._penalty, self._at = min(_MOST, self.penalty(now) + PENALTY), now

    def penalty(self, now: float) -> float:
        return float(self._penalty * 0.5 ** (max(0.0, now - self._at) / HALF_LIFE))

    def suppressed(self, now: float) -> bool:
        """Whether it had better not be used while another path lives."""
        penalty = self.penalty(now)
        self._suppressed = penalty >= (REUSE if self._suppressed else SUPPRESS)
        return self._suppressed
