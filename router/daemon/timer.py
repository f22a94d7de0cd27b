"""One alarm that is moved about: the next moment a state machine wants to wake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.clock import Instant
from router.daemon.now import now

__all__ = ["Timer"]


class Timer:
    """Calls `ring(instant)` at the time last given to `at()`."""

    def __init__(self, ring: Callable[[Instant], None]) -> None:
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._when: float | None = None

    def at(self, when: float | None) -> None:
        """Set the alarm to `when` (monotonic seconds), or clear it with None."""
        if when == self._when:
            return
        self.cancel()
        if when is not None:
            delay = max(0.0, when - now().monotonic)
            self._when = when
            self._handle = asyncio.get_running_loop().call_later(delay, self._fire)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._when = None

    def _fire(self) -> None:
        self._handle = self._when = None
        self._ring(now())
