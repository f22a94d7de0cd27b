"""Flow policies: which path or paths each of them names right now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from router.config.model import Flow, Uplink

__all__ = ["Choice", "Way", "by_name", "choose", "in_force", "open_ways"]

_DAY = 24 * 60
_BETTER, _BY = 0.8, 0.005
"""A path takes over as the fastest when its RTT is a fifth less, and 5 ms: both trembles and ties move nothing."""


@dataclass(frozen=True)
class Way:
    """An uplink as policies see it."""

    bid: int
    name: str
    label: int = 1
    alive: bool = True
    metered: bool = False
    rtt: float | None = None
    """Seconds; None where nobody knows."""


@dataclass(frozen=True)
class Choice:
    """A policy, and what it comes to now."""

    flow: Flow
    members: tuple[int, ...] = ()
    """Living paths that it names, most preferred first; empty: what it matches is spread like the rest."""
    path: int | None = None
    """The one that carries what it matches; None for a policy that balances, drops or has no living path."""
    asleep: bool = False
    """It is not its time."""


def choose(
    flows: Iterable[Flow],
    ways: Sequence[Way],
    moment: tuple[int, int] = (0, 0),
    before: Mapping[str, int] | None = None,
) -> tuple[Choice, ...]:
    """In policy order, at a moment (weekday with 0 for Monday, minute of the day).

    `before` is the path that each policy of lowest latency had, by the policy's name.
    """
    former = before or {}
    return tuple(_choice(flow, ways, moment, former.get(flow.name)) for flow in flows)


def open_ways(ways: Iterable[Way]) -> tuple[Way, ...]:
    """Living uplinks for what no policy names: metered ones only where no other lives."""
    living = [way for way in ways if way.alive]
    return tuple(way for way in living if not way.metered) or tuple(living)


def by_name(flows: Iterable[Flow], uplinks: Iterable[Uplink]) -> tuple[Flow, ...]:
    """The policies with the uplinks of their labels among those that they name."""
    every = tuple(uplinks)
    return tuple(
        replace(
            flow,
            uplinks=(
                *flow.uplinks,
                *(one.name for label in flow.labels for one in every if one.label == label),
            ),
        )
        for flow in flows
    )


def in_force(flow: Flow, moment: tuple[int, int]) -> bool:
    """Whether the policy's days and hours include the moment."""
    day, minute = moment
    for begin, end in flow.hours or ((0, _DAY),):
        if begin < end:
            inside, began = begin <= minute < end, day
        else:
            # Past midnight: what began yesterday counts by yesterday's name.
            inside, began = minute >= begin or minute < end, day if minute >= begin else (day - 1) % 7
        if inside and (not flow.days or began in flow.days):
            return True
    return False


def _choice(flow: Flow, ways: Sequence[Way], moment: tuple[int, int], before: int | None) -> Choice:
    if not in_force(flow, moment):
        return Choice(flow, asleep=True)
    if flow.drop:
        return Choice(flow)
    found = _named(flow, ways)
    members = tuple(way.bid for way in found)
    if flow.action == "balance" or not found:
        return Choice(flow, members)
    if flow.action == "lowest-latency":
        return Choice(flow, members, _fastest(found, before))
    return Choice(flow, members, members[0])


def _named(flow: Flow, ways: Sequence[Way]) -> list[Way]:
    """The living uplinks that a policy names, in its order; all that are open where it names none."""
    if not flow.uplinks and not flow.labels:
        return list(open_ways(ways))
    by_name = [way for name in flow.uplinks for way in ways if way.name == name]
    by_label = [way for label in flow.labels for way in ways if way.label == label]
    return [way for way in dict.fromkeys([*by_name, *by_label]) if way.alive]


def _fastest(ways: Sequence[Way], before: int | None) -> int:
    known = [(way.rtt, way.bid) for way in ways if way.rtt is not None]
    if not known:
        return before if any(way.bid == before for way in ways) and before is not None else ways[0].bid
    best, path = min(known)
    former = next((rtt for rtt, bid in known if bid == before), None)
    if former is not None and before is not None and not (best < _BETTER * former and best < former - _BY):
        return before
    return path
