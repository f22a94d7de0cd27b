"""Why a connection has the path it has, and why no other: words and figures for people who ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from router.flow.assigner import Decision, Ruling
from router.flow.bucket_hash import bucket_of
from router.flow.match import Traits
from router.flow.place import Candidate, offers
from router.flow.policy import Choice, Way, open_ways
from router.plane.ruleset import HASH_SEED

__all__ = ["Alternative", "alternatives", "bucket", "class_of", "why"]

_WITH_PORTS = (6, 17, 33, 132, 136)


@dataclass(frozen=True)
class Alternative:
    """A path that it is not, and the reason."""

    path: int
    reason: str


def class_of(found: Ruling) -> str | None:
    """Whose buckets the connection falls into; None where a policy gives it one path, or drops it."""
    if found.choice is None:
        return ""
    flow = found.choice.flow
    return flow.name if flow.action == "balance" and not flow.drop else None


def bucket(traits: Traits, size: int) -> int | None:
    """None for what has no ports: its first packet would have to be known."""
    if traits.protocol not in _WITH_PORTS or not size:
        return None
    ends, ports = (traits.source, traits.destination), (traits.source_port, traits.destination_port)
    return bucket_of(HASH_SEED, size, traits.protocol, ends, ports)


def why(found: Ruling, place: int | None) -> str:
    """In a word or two, for a table."""
    mark = "" if found.certain else "?"
    if found.choice is not None and found.choice.flow.drop:
        return f"drop {found.choice.flow.name}{mark}"
    if found.choice is not None and found.choice.path is not None:
        return f"policy {found.choice.flow.name}{mark}"
    prefix = f"policy {found.choice.flow.name}{mark}, " if found.choice is not None else ""
    return f"{prefix}bucket {place}{mark}" if place is not None else f"{prefix}bucket by hash{mark}"


def alternatives(path: int, found: Ruling, decision: Decision, names: Mapping[int, str]) -> list[Alternative]:
    """Every other uplink, with what speaks against it."""
    candidates = {one.path: one for one in decision.candidates}
    offered = offers(decision.candidates)
    return [
        Alternative(way.bid, _against(way, path, found, decision, candidates, offered, names))
        for way in decision.ways
        if way.bid != path
    ]


def _against(
    way: Way,
    path: int,
    found: Ruling,
    decision: Decision,
    candidates: Mapping[int, Candidate],
    offered: Mapping[int, float],
    names: Mapping[int, str],
) -> str:
    one = candidates.get(way.bid)
    if not way.alive or one is None:
        return "carries nothing now"
    named = _by_policy(way, path, found.choice, decision.ways, names)
    if named is not None:
        return named
    if one.takes == "nothing":
        return "silent or flapping: takes no flows"
    if one.takes == "new":
        return "has just come back: takes new flows only"
    there, here = offered.get(way.bid, 0.0), offered.get(path, 0.0)
    figures = f"one more flow would get {_rate(there)} there ({one.active} compete for {_rate(one.down)})"
    if here >= there:
        return f"{figures}, {_rate(here)} here"
    return (
        f"{figures}, more than the {_rate(here)} here: not enough for a move, or new flows go there already"
    )


def _by_policy(
    way: Way, path: int, choice: Choice | None, ways: Iterable[Way], names: Mapping[int, str]
) -> str | None:
    if choice is None:
        open_now = {item.bid for item in open_ways(ways)}
        return "metered, and others live" if way.bid not in open_now else None
    flow = choice.flow
    if way.bid not in choice.members:
        return f"policy {flow.name} does not name it"
    if flow.action == "balance":
        return None
    chosen = names.get(choice.path or 0, "none")
    if flow.action == "lowest-latency":
        return f"policy {flow.name} takes the lowest latency: {_latency(ways, choice.path)} on {chosen}, {_latency(ways, way.bid)} there"
    if way.bid == choice.path:
        return f"policy {flow.name} wants it there: it began while that path was away, and moves when it carries something"
    return f"policy {flow.name} prefers {chosen}"


def _latency(ways: Iterable[Way], path: int | None) -> str:
    found = next((way.rtt for way in ways if way.bid == path), None)
    return "unknown" if found is None else f"{1000 * found:.0f} ms"


def _rate(kilobits: float) -> str:
    return f"{kilobits / 1000:.1f} Mbit/s" if kilobits >= 1000 else f"{kilobits:.0f} kbit/s"
