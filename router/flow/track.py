"""The connections under way, from counters that are read now and then.

The whole table is looked at in *sweeps*, each in as many pieces as it takes.
Most connections of a table are idle, so one whose counters stand still costs
no more than the comparison.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Flow", "Load", "Sighting", "Tracker"]

Sighting = tuple[Hashable, int, int, int, bool]
"""A connection, its path, the octets so far in the direction of its first packet and in the other, and whether it has
been closed: then it carries no more, though the kernel remembers it for a while."""

_MEMORY = 1.0
"""Seconds in which a rate forgets what it was."""
_QUIET, _SWEEPS = 0.5, 1.5
"""Seconds, and sweeps at least, without an octet after which a connection is idle."""
_FEW = 1500
"""Octets, one packet's: less since the last sweep (a question and its answer, a keepalive) is no load."""
_MOST_OCTETS = 1 << 40
"""In one step: beyond that a counter is wrong."""


@dataclass(slots=True)
class Flow:
    """One connection; rates in kbit/s, times in monotonic seconds."""

    key: Hashable
    path: int
    inbound: bool
    """Begun by the other side: its first packet came down."""
    original: int
    """Octets in the direction of the first packet."""
    reply: int
    since: float
    """When it was first seen."""
    at: float
    """When its counters were read last."""
    active_at: float
    """When they had last changed by more than a trifle."""
    down: float = 0.0
    up: float = 0.0
    moved: float | None = None
    """When it was moved last."""
    moves: int = 0
    sweep: int = 0


@dataclass(frozen=True)
class Load:
    """What the connections of one path carry; kbit/s."""

    flows: int = 0
    down: float = 0.0
    up: float = 0.0


class Tracker:
    """Fed with sightings; `inbound(key)` says of a new connection who began it."""

    def __init__(self, inbound: Callable[[Hashable], bool]) -> None:
        self._inbound = inbound
        self.flows: dict[Hashable, Flow] = {}
        self.active: dict[Hashable, Flow] = {}
        """Those that carried something lately."""
        self._sweep = 1
        self._began = self._before = -math.inf
        self._fresh = 0
        self.counters = {"flows_seen": 0, "flows_reset": 0, "flows_odd": 0}

    def begin(self, at: float) -> None:
        """A sweep begins."""
        self._before, self._began = self._began, at
        self._sweep += 1
        self._fresh = 0

    def see(self, sightings: Iterable[Sighting], at: float) -> None:
        """A piece of the table, as it was at `at`."""
        flows, sweep = self.flows, self._sweep
        for key, path, original, reply, closed in sightings:
            flow = flows.get(key)
            if flow is None:
                self._new(key, path, original, reply, at)
            else:
                flow.sweep = sweep
                flow.path = path
                if flow.original != original or flow.reply != reply:
                    self._changed(flow, original, reply, at)
            if closed and key in self.active:
                self._idle(key)

    def end(self, at: float) -> None:
        """The sweep is through: what it has not seen is over."""
        sweep = self._sweep
        for key in [key for key, flow in self.flows.items() if flow.sweep != sweep]:
            del self.flows[key]
            self.active.pop(key, None)
        quiet = max(_QUIET, _SWEEPS * (at - self._before) if math.isfinite(self._before) else 0.0)
        for key in [key for key, flow in self.active.items() if at - flow.active_at > quiet]:
            self._idle(key)
        for flow in self.active.values():
            if flow.at < self._began:
                self._rate(flow, 0, 0, at)

    def _idle(self, key: Hashable) -> None:
        idle = self.active.pop(key)
        idle.down = idle.up = 0.0

    @property
    def fresh(self) -> int:
        """New connections that the sweep has found; none in the very first."""
        return self._fresh

    def loads(self) -> Mapping[int, Load]:
        """By path."""
        sums: dict[int, tuple[int, float, float]] = {}
        for flow in self.active.values():
            count, down, up = sums.get(flow.path, (0, 0.0, 0.0))
            sums[flow.path] = count + 1, down + flow.down, up + flow.up
        return {path: Load(*found) for path, found in sums.items()}

    def moved(self, key: Hashable, path: int, at: float) -> None:
        """The connection goes on by another path."""
        flow = self.flows.get(key)
        if flow is not None:
            flow.path, flow.moved, flow.moves = path, at, flow.moves + 1

    def _new(self, key: Hashable, path: int, original: int, reply: int, at: float) -> None:
        # Of what is there at the very first sweep nobody knows how old it is.
        known_since = self._before if math.isfinite(self._before) else None
        flow = Flow(key, path, self._inbound(key), original, reply, at, at, at, sweep=self._sweep)
        self.flows[key] = flow
        self.counters["flows_seen"] += 1
        if known_since is None:
            return
        self._fresh += 1
        flow.at = known_since
        if original + reply >= _FEW:
            self._rate(flow, original, reply, at)
            self.active[key] = flow

    def _changed(self, flow: Flow, original: int, reply: int, at: float) -> None:
        more, back = original - flow.original, reply - flow.reply
        if more < 0 or back < 0:
            # Another connection between the same ends, or counters set to 0.
            self.counters["flows_reset"] += 1
            flow.original = flow.reply = 0
            more, back = original, reply
        idle = flow.key not in self.active
        if idle and more + back < _FEW and at - flow.active_at < _MEMORY:
            # Not yet: it may be the beginning of more, and is counted with that.
            return
        flow.original, flow.reply = original, reply
        if more > _MOST_OCTETS or back > _MOST_OCTETS:
            self.counters["flows_odd"] += 1
            flow.at = at
            return
        flow.active_at = at
        if idle and more + back < _FEW:
            return
        if idle:
            # Before this it carried nothing, who knows how long.
            flow.at = max(flow.at, self._before)
        self._rate(flow, more, back, at)
        self.active[flow.key] = flow

    def _rate(self, flow: Flow, original: int, reply: int, at: float) -> None:
        took = at - flow.at
        if took <= 0:
            return
        flow.at = at
        down, up = (original, reply) if flow.inbound else (reply, original)
        # No longer memory than the connection is old: its first rate is a rate already.
        keep = math.exp(-took / max(1e-3, min(_MEMORY, at - flow.since)))
        flow.down = keep * flow.down + (1 - keep) * 8e-3 * down / took
        flow.up = keep * flow.up + (1 - keep) * 8e-3 * up / took
