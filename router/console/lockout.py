"""Wrong passwords cost time: three are free, then each doubles the wait."""

from __future__ import annotations

__all__ = ["Lockout"]

_FREE = 3
_FIRST, _LONGEST = 10.0, 900.0


class Lockout:
    """Of one port.  Times in seconds of a clock that does not jump."""

    def __init__(self) -> None:
        self.failures = 0
        """In a row."""
        self._until = 0.0

    def failed(self, now: float) -> None:
        self.failures += 1
        if self.failures >= _FREE:
            self._until = now + min(_FIRST * 2.0 ** min(self.failures - _FREE, 16), _LONGEST)

    def succeeded(self) -> None:
        self.failures, self._until = 0, 0.0

    def remaining(self, now: float) -> float:
        """Seconds until the next try is allowed; 0: now."""
        return max(0.0, self._until - now)
