"""Several links and one policy: a run of the simulation.

Looks, placement and moves happen as in the daemon, with its own functions.  A
flow has at once its even part of the link, whatever its round trip.  A dead
link (rate 0) is found dead a while later; then its flows are carried by the
others, and go home when it is back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from router.flow.arrivals import Arrivals
from router.flow.buckets import assign
from router.flow.moves import Carried, Move, choose_moves
from router.flow.place import Candidate
from router.sim.estimates import Estimates
from router.sim.link import FluidFlow, FluidLink
from router.sim.policies import Look, Policy
from router.sim.trace import LinkTrace
from router.sim.watch import Watch
from router.sim.workload import Arrival

__all__ = ["LOOK", "Bond", "Outcome"]

LOOK = 0.1
"""Seconds between two looks at the loads, as the daemon's."""


@dataclass
class Outcome:
    """What came out of one run."""

    completion: dict[int, float] = field(default_factory=dict)
    """Seconds each flow took, by its number in the order of arrival; without those that never ended."""
    unfinished: int = 0
    delivered: dict[int, float] = field(default_factory=dict)
    """Octets by path, until the last arrival."""
    offered: dict[int, float] = field(default_factory=dict)
    """Octets that each path could have carried until then."""
    moves: int = 0
    unhelpful: int = 0
    """Moves after which the true loads of both paths differ more than before."""
    outage: float = 0.0
    """Seconds in which some flow got nothing at all."""


class Bond:
    """One run: `traces` by path number, in the order of preference; all else in seconds from 0."""

    def __init__(
        self,
        traces: Mapping[int, LinkTrace],
        policy: Policy,
        estimates: Estimates,
        means: Mapping[int, float],
    ) -> None:
        self._traces = traces
        self._policy = policy
        self._estimates = estimates
        self._means = means
        self._links = {path: FluidLink(trace.at(0.0).goodput) for path, trace in traces.items()}
        self._watch = Watch(traces)
        self._rate = Arrivals()
        self._buckets: tuple[int, ...] = ()
        self._spread: tuple[int, ...] = ()
        """Who carries the flows of dead paths, as weighted routes would do it."""
        self._came = 0
        self._carried = dict.fromkeys(traces, 0.0)
        self._now = 0.0
        self._outcome = Outcome()

    def run(self, arrivals: Sequence[Arrival], until: float) -> Outcome:
        """Until every flow has ended, or until that time."""
        changes = sorted({time for trace in self._traces.values() for time in trace.times if time > 0})
        changes.append(inf)
        change, look, number = 0, 0, 0
        while number < len(arrivals) or any(link.flows for link in self._links.values()):
            arrival = arrivals[number].time if number < len(arrivals) else inf
            end = min(link.next_end() for link in self._links.values())
            now = min(arrival, look * LOOK, changes[change], end)
            if now > until:
                break
            self._advance(now)
            self._end(now)
            if now >= changes[change]:
                change += 1
                self._set_rates(now)
            if now >= look * LOOK:
                look += 1
                self._look(now)
            if now >= arrival:
                self._arrive(number, arrivals[number])
                number += 1
                if number == len(arrivals):
                    self._account()
        self._outcome.unfinished = sum(len(link.flows) for link in self._links.values())
        return self._outcome

    def _advance(self, now: float) -> None:
        if any(link.flows and link.rate <= 0 for link in self._links.values()):
            self._outcome.outage += now - self._now
        self._now = now
        for link in self._links.values():
            link.advance(now)

    def _end(self, now: float) -> None:
        for path, link in self._links.items():
            for flow in link.ended():
                self._outcome.completion[flow.number] = now - flow.began + self._traces[path].at(now).delay

    def _set_rates(self, now: float) -> None:
        for path, link in self._links.items():
            link.rate = self._traces[path].at(now).goodput

    def _account(self) -> None:
        self._outcome.delivered = {path: link.delivered for path, link in self._links.items()}
        self._outcome.offered = {path: link.offered for path, link in self._links.items()}

    def _arrive(self, number: int, arrival: Arrival) -> None:
        path = self._buckets[arrival.hash % len(self._buckets)] if self._buckets else next(iter(self._links))
        flow = FluidFlow(number, arrival.time, arrival.size, arrival.hash, path, path)
        flow.carrier = self._carrier(flow)
        self._links[flow.carrier].add(flow, arrival.size)
        self._came += 1

    def _look(self, now: float) -> None:
        before = self._watch.dead
        for path, link in self._links.items():
            self._watch.look(path, link.rate > 0, now)
        self._rate.seen(self._came, now)
        self._came = 0
        candidates = self._candidates(now)
        if candidates:
            look = Look(candidates, self._buckets, self._rate.expected(LOOK), self._means)
            self._buckets = self._policy.buckets(look)
        if before != self._watch.dead:
            self._spread = assign({one.path: one.down for one in candidates})
            self._recarry()
        if self._policy.moves:
            for move in choose_moves(self._flows(candidates), candidates, now):
                self._move(move, now)

    def _candidates(self, now: float) -> list[Candidate]:
        result = []
        for path, link in self._links.items():
            load = (link.delivered - self._carried[path]) / 125 / LOOK
            self._carried[path] = link.delivered
            if path not in self._watch.dead:
                belief, takes = self._estimates.of(path, now), self._watch.takes(path, now)
                result.append(
                    Candidate(
                        path, belief.down, belief.up, belief.confidence, len(link.flows), load, 0.0, takes
                    )
                )
        return result

    def _flows(self, candidates: Sequence[Candidate]) -> list[Carried]:
        allowed = frozenset(self._links)
        result = []
        for one in candidates:
            flows = self._links[one.path].flows
            rate = self._links[one.path].rate / max(1, len(flows))
            result += [
                Carried(flow, flow.path, allowed, rate, 0.0, flow.began, flow.moved)
                for flow in sorted(flows, key=lambda flow: flow.number)
            ]
        return result

    def _move(self, move: Move, now: float) -> None:
        flow = move.key
        assert isinstance(flow, FluidFlow)
        source, target = self._links[move.source], self._links[move.target]
        before = self._difference(source, target)
        flow.path, flow.moved = move.target, now
        self._put(flow, self._carrier(flow))
        self._outcome.moves += 1
        self._outcome.unhelpful += self._difference(source, target) > before + 1e-12

    @staticmethod
    def _difference(one: FluidLink, other: FluidLink) -> float:
        return abs(len(one.flows) / max(1.0, one.rate) - len(other.flows) / max(1.0, other.rate))

    def _carrier(self, flow: FluidFlow) -> int:
        if flow.path not in self._watch.dead or not self._spread:
            return flow.path
        return self._spread[flow.hash % len(self._spread)]

    def _recarry(self) -> None:
        for link in self._links.values():
            for flow in sorted(link.flows, key=lambda flow: flow.number):
                self._put(flow, self._carrier(flow))

    def _put(self, flow: FluidFlow, carrier: int) -> None:
        if carrier != flow.carrier:
            left = self._links[flow.carrier].remove(flow)
            flow.carrier = carrier
            self._links[carrier].add(flow, left)
