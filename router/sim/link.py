"""A link as a fluid: whoever is on it has an even part of its capacity."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

__all__ = ["FluidFlow", "FluidLink"]

_SOON = 1e-9
"""Seconds: the time to an end is rounded."""


@dataclass(eq=False, slots=True)
class FluidFlow:
    """A flow under way."""

    number: int
    began: float
    size: float
    """Octets in all."""
    hash: int
    path: int
    """As its mark says; while that path is dead another one carries it."""
    carrier: int
    moved: float | None = None
    target: float = 0.0
    """What each flow of the carrier will have got, in octets since the beginning, when this one is through."""


class FluidLink:
    """One link; times in seconds, rates in kbit/s, amounts in octets."""

    def __init__(self, rate: float, time: float = 0.0) -> None:
        self.rate = rate
        self.flows: set[FluidFlow] = set()
        self.delivered = 0.0
        self.offered = 0.0
        """What it could have carried so far."""
        self._each = 0.0
        """What each flow got that has been here from the beginning."""
        self._time = time
        self._queue: list[tuple[float, int, FluidFlow]] = []
        self._entries = 0

    def advance(self, time: float) -> None:
        octets = self.rate * 125 * (time - self._time)
        self._time = time
        self.offered += octets
        if self.flows:
            self.delivered += octets
            self._each += octets / len(self.flows)

    def add(self, flow: FluidFlow, left: float) -> None:
        """`left` octets are to be carried; the link stands at the present moment."""
        flow.target = self._each + left
        self.flows.add(flow)
        self._entries += 1
        heappush(self._queue, (flow.target, self._entries, flow))

    def remove(self, flow: FluidFlow) -> float:
        """The octets that are left of it."""
        self.flows.remove(flow)
        return max(0.0, flow.target - self._each)

    def next_end(self) -> float:
        """When the next flow is through, if nothing changes."""
        queue = self._queue
        # What went elsewhere is still in the queue.
        while queue and (queue[0][2] not in self.flows or queue[0][2].target != queue[0][0]):
            heappop(queue)
        if not queue or self.rate <= 0:
            return inf
        left = max(0.0, queue[0][0] - self._each)
        return self._time + left * len(self.flows) / (self.rate * 125)

    def ended(self) -> list[FluidFlow]:
        """Takes out the flows that are through by now."""
        result: list[FluidFlow] = []
        while self.flows and self.next_end() <= self._time + _SOON:
            flow = heappop(self._queue)[2]
            self.flows.remove(flow)
            result.append(flow)
        return result
