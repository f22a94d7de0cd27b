"""When bindings end: a heap with one entry a binding, moved on only when its turn comes.

A refresh moves `Binding.expires` and nothing here; an entry whose binding has
been refreshed since goes back in, later.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from router.mip.home.binding import Binding

__all__ = ["Expiries"]


class Expiries:
    """Times are monotonic seconds; bindings are named by home address (a number) and key."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int]] = []

    def plan(self, home: int, binding: Binding, before: Binding | None) -> None:
        """The binding is new, or has new terms and takes the place of `before`."""
        if before is not None and before.planned <= binding.expires:
            binding.planned = before.planned
        else:
            self._enter(home, binding)

    def due(self, now: float, find: Callable[[int, int], Binding | None]) -> list[tuple[int, int]]:
        """The bindings whose lifetime is over."""
        over = []
        while self._heap and self._heap[0][0] <= now:
            at, home, key = heapq.heappop(self._heap)
            binding = find(home, key)
            if binding is None or binding.planned != at:
                continue
            if binding.expires > now:
                self._enter(home, binding)
            else:
                over.append((home, key))
        return over

    def next(self) -> float | None:
        """When to look again; nothing may be due then."""
        return self._heap[0][0] if self._heap else None

    def _enter(self, home: int, binding: Binding) -> None:
        binding.planned = binding.expires
        heapq.heappush(self._heap, (binding.planned, home, binding.key))
