"""When the table of connections is worth a look: the kernel goes through all of it, whatever is in there."""

from __future__ import annotations

__all__ = ["Pace"]

_MANY = 20
"""Packets through tunnels since the last look after which something goes on."""
_SHARE = 0.003
"""The part of a processor that looks may take while less does."""
_SELDOM = 30.0
"""Seconds after which there is a look anyhow: connections end in silence, too."""


class Pace:
    """Of one mobile node, while no connection is active."""

    def __init__(self) -> None:
        self._looked: float | None = None
        self._carried: int | None = None
        self._cost = 0.0

    def due(self, at: float, carried: int | None) -> bool:
        """Whether to look at `at` (monotonic seconds); `carried` counts packets of all tunnels, None: nobody knows."""
        if self._looked is None or self._carried is None or carried is None or carried < self._carried:
            return True
        new, passed = carried - self._carried, at - self._looked
        if new == 0:
            return passed >= _SELDOM
        return new >= _MANY or passed >= min(_SELDOM, self._cost / _SHARE)

    def looked(self, at: float, carried: int | None, cost: float) -> None:
        """A whole look began at `at`, when tunnels had carried so much, and took `cost` seconds of the processor."""
        self._looked, self._carried, self._cost = at, carried, cost
