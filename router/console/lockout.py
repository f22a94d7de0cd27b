"""Wrong passwords cost time: three are free, then each doubles the wait."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Lockout"]

_FREE = 3
_FIRST, _LONGEST = 10.0, 900.0


class Lockout:
    """Of one port.  Times in seconds since the machine's start.

    `keep` is given a line to hold until the next one, which is handed in as `kept` when the console starts anew.
    """

    def __init__(self, kept: str = "", now: float = 0.0, keep: Callable[[str], None] | None = None) -> None:
        self.failures = 0
        """In a row."""
        self._until = 0.0
        self._keep = keep
        failures, _, until = kept.strip().partition(" ")
        # What is of an earlier start of the machine, or spoilt, locks nobody out for longer than ever.
        if failures.isdecimal() and until.isdecimal():
            self.failures = int(failures[:4])
            self._until = min(float(until[:12]), now + _LONGEST)

    def failed(self, now: float) -> None:
        self.failures += 1
        if self.failures >= _FREE:
            self._until = now + min(_FIRST * 2.0 ** min(self.failures - _FREE, 16), _LONGEST)
        self._remember()

    def succeeded(self) -> None:
        self.failures, self._until = 0, 0.0
        self._remember()

    def _remember(self) -> None:
        if self._keep is not None:
            self._keep(f"{self.failures} {self._until:.0f}\n")

    def remaining(self, now: float) -> float:
        """Seconds until the next try is allowed; 0: now."""
        return max(0.0, self._until - now)
