"""Which path new flows take: what a greedy choice under load comes to, as a bucket map.

The choice itself is the kernel's, by a hash: no packet waits for us.  So the
map is made for the flows that are expected until the next look.  `n` flows
share a path of capacity C evenly, and the sum of 1/rate over all of them is
n * n / C: the *potential delay* (Massoulie and Roberts, "Bandwidth sharing:
objectives and algorithms").  The map is the one that lets it grow least.  A
hash makes of an expected number k of flows a random one, so it is

    E[(n + K)^2] - n^2  =  k * (2n + 1 + k)

that counts.  With k near 0 all goes to the best path; with many flows on the
way they spread over all paths that help.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from router.flow.buckets import SIZE, assign
from router.path.quality import Quality

__all__ = [
    "Candidate",
    "Takes",
    "believed",
    "both_ways",
    "candidate",
    "competing",
    "downward",
    "offers",
    "place",
    "shares",
]

Takes = Literal["all", "new", "nothing"]
"""`all`: new flows and moved ones; `new`: new flows only (it is just back); `nothing`: neither."""

_DEADBAND = 0.03
"""A new map has to promise 3 % less of added delay than the one in force."""
_LEAST_RATE, _GREATEST_RATE = 1.0, 1e9
_FLOOR = 0.25
"""No sample of the load makes less than this of an estimate: a bad one starves nobody."""
_GREATEST_RAISE = 2.0
_DOUBT = 0.5
"""Below this confidence an idle path keeps a bucket, so that something is learnt of it."""
_DOWNWARD, _PRIOR_LOAD = 0.9, 100.0
"""Of the octets of most traffic so much comes down; and what this belief weighs, kbit/s."""
_YOUNG = 1.0
_PART = 0.25


@dataclass(frozen=True)
class Candidate:
    """A path that may carry flows, at one moment; rates in kbit/s of inner packets."""

    path: int
    down: float
    """Estimated capacity towards us, all of it, not what is left."""
    up: float
    confidence: float = 1.0
    """0..1, of the estimates."""
    active: int = 0
    """Flows that compete for the path now, see `competing`."""
    down_load: float = 0.0
    """What it carries now."""
    up_load: float = 0.0
    takes: Takes = "all"
    drain: bool = False
    """Its flows shall leave, at the pace of moves, also where that gains them nothing."""


def candidate(quality: Quality, active: int, down_load: float, up_load: float) -> Candidate | None:
    """The path as a candidate; None while it is down.

    A path that is being asked for a sign of life takes nothing and keeps what
    it has; one that is suppressed for its flapping is emptied.
    """
    if quality.liveness == "down":
        return None
    takes: Takes = "new" if quality.liveness == "probation" else "all"
    if quality.liveness == "suspect" or quality.suppressed:
        takes = "nothing"
    return Candidate(
        quality.bid,
        quality.down,
        quality.up,
        quality.confidence,
        active,
        down_load,
        up_load,
        takes,
        drain=quality.suppressed,
    )


def competing(flows: Sequence[tuple[float, float]], capacity: float) -> int:
    """How many of a path's flows, as (age in seconds, kbit/s), want more than they get.

    One that takes less than a quarter of an even part is held back by somebody
    else, and a young one is still growing.
    """
    least = _PART * _sane(capacity) / max(1, len(flows))
    return sum(1 for age, rate in flows if age < _YOUNG or rate >= least)


def place(
    candidates: Iterable[Candidate], buckets: Sequence[int] = (), arrivals: float = 1.0, size: int = SIZE
) -> tuple[int, ...]:
    """Path of each bucket; empty without a candidate.

    `buckets` is the map in force, `arrivals` the number of new flows expected
    until the next look.  Only buckets that must change do, and none for a
    small gain.
    """
    open_paths = _open(candidates)
    if not open_paths:
        return ()
    wanted = shares(open_paths, arrivals)
    # A bucket is too much for a path that shall get less than half of one.
    wanted = {path: share for path, share in wanted.items() if share >= 0.5 / size}
    if len(buckets) == size and _good_enough(open_paths, buckets, wanted, arrivals):
        return tuple(buckets)
    return assign(wanted, buckets, size)


def shares(candidates: Iterable[Candidate], arrivals: float) -> dict[int, float]:
    """Part of the new flows that each path shall get; together 1, or nothing without a candidate."""
    open_paths = _open(candidates)
    if not open_paths:
        return {}
    speeds, expected = _speeds(open_paths), _expected(arrivals)
    starts = {one.path: 2 * one.active + 1 for one in open_paths}
    level, used = 0.0, 0
    rising = sorted(starts, key=lambda path: (starts[path] / speeds[path], path))
    # Water into vessels whose bottoms lie at (2n + 1)/C: the level if the first `used` hold all.
    for used in range(1, len(rising) + 1):
        wet = rising[:used]
        level = (2 * expected + sum(starts[path] for path in wet)) / sum(speeds[path] for path in wet)
        if used == len(rising) or level <= starts[rising[used]] / speeds[rising[used]]:
            break
    result = {path: (level * speeds[path] - starts[path]) / (2 * expected) for path in rising[:used]}
    for path in _doubted(open_paths):
        result[path] = max(result.get(path, 0.0), 1 / SIZE)
    total = sum(result.values())
    return {path: share / total for path, share in result.items() if share > 0}


def offers(candidates: Iterable[Candidate]) -> dict[int, float]:
    """What one more flow would get on each path that takes new ones, kbit/s."""
    open_paths = _open(candidates)
    speeds = _speeds(open_paths)
    return {one.path: speeds[one.path] / (one.active + 1) for one in open_paths}


def believed(estimate: float, load: float, active: int, confidence: float) -> float:
    """The capacity to count with, kbit/s.

    What it carries, it can carry, unless it is so much that the counter must
    be wrong.  What it does not carry although flows compete for it is doubted,
    the more so the less the estimate is trusted and the more flows there are.
    """
    estimate = _sane(estimate)
    load = min(_sane(load), _GREATEST_RAISE * estimate)
    if load >= estimate or active <= 0:
        return max(estimate, load)
    doubt = (1 - min(1.0, max(0.0, confidence))) * active / (active + 1)
    return float(estimate * max(_FLOOR, (load / estimate) ** doubt))


def both_ways(one: Candidate) -> tuple[float, float]:
    """The capacities to count with, down and up; only the direction that its flows fill can be doubted."""
    fills_down = one.down_load >= one.up_load
    return (
        believed(one.down, one.down_load, one.active if fills_down else 0, one.confidence),
        believed(one.up, one.up_load, 0 if fills_down else one.active, one.confidence),
    )


def downward(candidates: Iterable[Candidate]) -> float:
    """Part of all octets that comes down, 0..1."""
    down, up = _DOWNWARD * _PRIOR_LOAD, (1 - _DOWNWARD) * _PRIOR_LOAD
    for one in candidates:
        down += _sane(one.down_load)
        up += _sane(one.up_load)
    return down / (down + up)


def _open(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that take new flows; where none does, all: a bad path is better than none."""
    found = list(candidates)
    return [one for one in found if one.takes != "nothing"] or found


def _speeds(candidates: Sequence[Candidate]) -> dict[int, float]:
    """One capacity for both directions, kbit/s: the mean time of an octet counts."""
    part = downward(candidates)
    result: dict[int, float] = {}
    for one in candidates:
        down, up = both_ways(one)
        result[one.path] = 1 / (part / down + (1 - part) / up)
    return result


def _good_enough(
    candidates: Sequence[Candidate], buckets: Sequence[int], wanted: Mapping[int, float], arrivals: float
) -> bool:
    known = {one.path for one in candidates}
    if not known.issuperset(buckets):
        return False
    if any(path not in buckets for path in _doubted(candidates)):
        return False
    speeds, expected = _speeds(candidates), _expected(arrivals)
    present = {path: buckets.count(path) / len(buckets) for path in set(buckets)}

    def added(parts: Mapping[int, float]) -> float:
        result = 0.0
        for one in candidates:
            k = expected * parts.get(one.path, 0.0)
            result += k * (2 * one.active + 1 + k) / speeds[one.path]
        return result

    return added(present) <= (1 + _DEADBAND) * added(wanted)


def _doubted(candidates: Iterable[Candidate]) -> list[int]:
    return [one.path for one in candidates if one.confidence < _DOUBT and not one.active]


def _expected(arrivals: float) -> float:
    return min(1e4, max(1e-3, arrivals)) if arrivals > 0 else 1e-3


def _sane(rate: float) -> float:
    """A rate to count with: positive, finite; NaN is the least."""
    return min(_GREATEST_RATE, max(_LEAST_RATE, rate)) if rate > 0 else _LEAST_RATE
