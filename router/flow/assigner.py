"""One look after the other: which path each bucket has, and which heavy flows move.

What is decided here is values; who calls puts them into the kernel.  The
choice itself is `router.flow.place` and `router.flow.moves`, the same that the
simulator runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from router.config.model import Flow as Policy
from router.flow.buckets import SIZE
from router.flow.match import Traits, judge
from router.flow.moves import LIMIT, PERIOD, Carried, Move, choose_moves
from router.flow.place import Candidate, candidate, competing, place
from router.flow.policy import Choice, Way, choose, open_ways
from router.flow.track import Flow, Tracker
from router.path.quality import Quality

__all__ = ["Assigner", "Basis", "Decision", "Ruling"]


@dataclass(frozen=True)
class Decision:
    """What one look came to, and from what."""

    at: float = 0.0
    """Monotonic seconds."""
    ways: tuple[Way, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    choices: tuple[Choice, ...] = ()
    buckets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By policy that balances; "" are those of what no policy names."""
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True)
class Basis:
    """What the last look was made from, beside what its decision says: all that a replay needs."""

    before: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The buckets that were in force."""
    members: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Paths that each map of buckets may name."""
    expected: float = 0.0
    """New flows until the next look."""
    carried: tuple[Carried, ...] = ()
    """The flows of which some might have moved for a gain, and how many at most."""
    limit: int = 0


@dataclass(frozen=True)
class Ruling:
    """What the policies say to one connection."""

    choice: Choice | None
    """None: no policy names it."""
    certain: bool = True
    """Whether it is known that no policy before this one matches, and that this one does."""
    unseen: str = ""
    """What would have to be known."""


class Assigner:
    """`traits(key)` says what is known of a connection; None for one that no policy can match."""

    def __init__(self, policies: Iterable[Policy], traits: Callable[[Hashable], Traits | None]) -> None:
        self.policies = tuple(policies)
        self.agent_policies: tuple[Policy, ...] = ()
        """The home agent's, which come first: it sends as they say, whatever ours are."""
        self.decision = Decision()
        self.basis = Basis()
        self._traits = traits

    def look(
        self,
        at: float,
        moment: tuple[int, int],
        ways: Sequence[Way],
        qualities: Mapping[int, Quality],
        tracker: Tracker,
        arrivals: float,
    ) -> Decision:
        """Decide anew; `arrivals` is the number of flows expected until the next look."""
        before = {one.flow.name: one.path for one in self.decision.choices if one.path is not None}
        choices = choose((*self.agent_policies, *self.policies), ways, moment, before)
        candidates = self._candidates(at, ways, qualities, tracker)
        members = {"": tuple(way.bid for way in open_ways(ways))}
        for choice in choices:
            if choice.flow.action == "balance" and not choice.flow.drop:
                members[choice.flow.name] = choice.members
        buckets = {name: self._placed(name, found, candidates, arrivals) for name, found in members.items()}
        decision = Decision(at, tuple(ways), candidates, choices, buckets)
        self.basis = Basis(self.decision.buckets, members, arrivals)
        self.decision = replace(decision, moves=self._moves(decision, tracker))
        return self.decision

    def ruling(self, flow: Flow, choices: Sequence[Choice]) -> Ruling:
        """What begun by the other side came by a tunnel, and no policy was asked."""
        traits = None if flow.inbound else self._traits(flow.key)
        return Ruling(None) if traits is None else ruling(traits, choices, flow.path)

    def allowed(self, flow: Flow, decision: Decision) -> Collection[int]:
        """The paths that the flow may have; its own alone where it is not known what a policy says."""
        found = self.ruling(flow, decision.choices)
        if not found.certain:
            return (flow.path,)
        if found.choice is None:
            return [way.bid for way in open_ways(decision.ways)]
        return found.choice.members if found.choice.path is None else (found.choice.path,)

    def _placed(
        self, name: str, members: Collection[int], candidates: Iterable[Candidate], expected: float
    ) -> tuple[int, ...]:
        before = self.decision.buckets.get(name, ())
        return place([one for one in candidates if one.path in members], before, expected, SIZE)

    def _candidates(
        self, at: float, ways: Iterable[Way], qualities: Mapping[int, Quality], tracker: Tracker
    ) -> tuple[Candidate, ...]:
        by_path: dict[int, list[Flow]] = {}
        for flow in tracker.active.values():
            by_path.setdefault(flow.path, []).append(flow)
        loads, result = tracker.loads(), []
        for way in ways:
            quality = qualities.get(way.bid)
            if quality is None or not way.alive:
                continue
            load = loads.get(way.bid)
            down, up = (load.down, load.up) if load is not None else (0.0, 0.0)
            capacity = quality.down if down >= up else quality.up
            ages = [(at - flow.since, max(flow.down, flow.up)) for flow in by_path.get(way.bid, ())]
            found = candidate(quality, competing(ages, capacity), down, up)
            if found is not None:
                result.append(found)
        return tuple(self._metered_drained(ways, result))

    @staticmethod
    def _metered_drained(ways: Iterable[Way], found: Iterable[Candidate]) -> Iterable[Candidate]:
        """What is paid by the octet is emptied while something else lives."""
        every = tuple(ways)
        carrying = {way.bid for way in open_ways(every)}
        metered = {way.bid for way in every if way.metered}
        for one in found:
            yield replace(one, drain=True) if one.path in metered - carrying else one

    def _moves(self, decision: Decision, tracker: Tracker) -> tuple[Move, ...]:
        at, flows = decision.at, list(tracker.active.values())
        carried = [
            Carried(
                flow.key, flow.path, self.allowed(flow, decision), flow.down, flow.up, flow.since, flow.moved
            )
            for flow in flows
        ]
        recent = sum(1 for flow in flows if flow.moved is not None and at - flow.moved < PERIOD)
        astray = _astray(carried, decision.candidates)[: max(0, LIMIT - recent)]
        rest = [flow for flow in carried if flow.key not in {move.key for move in astray}]
        limit = LIMIT - len(astray)
        self.basis = replace(self.basis, carried=tuple(rest), limit=limit)
        return (*astray, *choose_moves(rest, decision.candidates, at, limit))


def ruling(traits: Traits, choices: Sequence[Choice], path: int | None = None) -> Ruling:
    """The first policy in force that matches, as the kernel goes through them.

    `path` is where the connection is: a policy that may match but names other
    paths did not.
    """
    unseen: list[str] = []
    for choice in choices:
        # A policy without a living path is passed over.
        if choice.asleep or not (choice.members or choice.flow.drop):
            continue
        found = judge(choice.flow, traits)
        if found.matches is None and (path is None or path in choice.members):
            unseen.append(f"{choice.flow.name}: {found.why}")
        elif found.matches:
            return Ruling(choice, not unseen, "; ".join(unseen))
    return Ruling(None, not unseen, "; ".join(unseen))


def _astray(flows: Iterable[Carried], candidates: Iterable[Candidate]) -> list[Move]:
    """Flows that a policy wants elsewhere: they began while that path was away, or the policy has changed its mind."""
    takes = {one.path for one in candidates if one.takes == "all"}
    result = []
    for flow in flows:
        if flow.allowed and flow.path not in flow.allowed:
            target = next((path for path in flow.allowed if path in takes), None)
            if target is not None:
                result.append(Move(flow.key, flow.path, target, 0.0))
    return result
