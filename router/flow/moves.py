"""Which of the flows that carry much shall change their path.

A flow moves when it gains by it, and when all flows together do: what `n`
flows on a path of capacity S and `m` on one of capacity T lose and win by the
move of one is (2m + 1)/T against (2n - 1)/S, the growth of the potential delay
(see `router.flow.place`).  The second is also what keeps a move from
overshooting: the loads n/S and m/T lie nearer to each other after it exactly
if the first is less than the second.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass

from router.flow.place import Candidate, both_ways

__all__ = ["LIMIT", "PERIOD", "Carried", "Move", "choose_moves"]

PERIOD = 1.0
LIMIT = 4
"""Moves in a period of so many seconds, at most."""

_AGE = 0.5
"""Seconds: most flows end before they are worth the trouble."""
_REST = 3.0
"""Seconds between two moves of one flow: TCP has to find its new rate in between."""
_MARGIN, _DOUBTED_MARGIN = 0.25, 1.0
"""What a flow has to gain, as a part of its rate; and more by so much where nothing is known of a path."""
_PART = 0.25
"""Of its even part of the path; who takes less is held back by somebody else and gains nothing."""
_LEAST = 16.0
"""kbit/s: nobody would notice."""


@dataclass(frozen=True)
class Carried:
    """A connection under way; rates in kbit/s of inner packets, times in seconds of one clock."""

    key: Hashable
    path: int
    allowed: Collection[int]
    """Paths that its policy would let it take."""
    down: float
    up: float
    since: float
    """When it was first seen."""
    moved: float | None = None
    """When it was moved last."""

    @property
    def mostly_down(self) -> bool:
        return self.down >= self.up

    @property
    def rate(self) -> float:
        return max(self.down, self.up)


@dataclass(frozen=True)
class Move:
    """Let the connection go on by another path."""

    key: Hashable
    source: int
    target: int
    gain: float
    """What is expected for the flow, kbit/s; below 0 only when the source is being emptied."""


@dataclass
class _Path:
    """A candidate while moves are being chosen."""

    one: Candidate
    down: float
    up: float
    active: int

    def speed(self, flow: Carried) -> float:
        return self.down if flow.mostly_down else self.up


def choose_moves(
    flows: Iterable[Carried], candidates: Iterable[Candidate], now: float, limit: int = LIMIT
) -> tuple[Move, ...]:
    """At most `limit` moves in a `PERIOD`, the best first.

    A flow whose path is no candidate is left alone: its routes have moved
    already, and it goes home when its path returns.
    """
    known = list(flows)
    limit -= sum(1 for flow in known if flow.moved is not None and 0 <= now - flow.moved < PERIOD)
    if limit <= 0:
        return ()
    paths = {one.path: _Path(one, *both_ways(one), max(one.active, 0)) for one in candidates}
    groups = _groups(known, paths, now)
    result: list[Move] = []
    while len(result) < limit:
        found = [(best, group) for group in groups if group and (best := _best(group[-1], paths, now))]
        if not found:
            break
        (_, move), group = max(found, key=lambda one: one[0][0])
        group.pop()
        paths[move.source].active = max(0, paths[move.source].active - 1)
        paths[move.target].active += 1
        result.append(move)
    return tuple(result)


def _groups(flows: Iterable[Carried], paths: Mapping[int, _Path], now: float) -> list[list[Carried]]:
    """Those that may move, together if the same move is best for them; who carried most is last of his group."""
    groups: dict[tuple[int, bool, tuple[int, ...]], list[Carried]] = {}
    for flow in flows:
        path = paths.get(flow.path)
        if path is not None and _may_move(flow, path, now):
            groups.setdefault((flow.path, flow.mostly_down, tuple(flow.allowed)), []).append(flow)
    for group in groups.values():
        group.sort(key=lambda flow: _octets(flow, now))
    return list(groups.values())


def _octets(flow: Carried, now: float) -> float:
    """About what it has carried so far: who has carried much is likely to go on."""
    return flow.rate * (now - flow.since)


def _may_move(flow: Carried, path: _Path, now: float) -> bool:
    if flow.moved is not None and now - flow.moved < _REST:
        return False
    if path.one.drain:
        return True
    even = path.speed(flow) / max(1, path.active)
    return now - flow.since >= _AGE and flow.rate >= max(_LEAST, _PART * even)


_Found = tuple[tuple[bool, float, float], Move]


def _best(flow: Carried, paths: Mapping[int, _Path], now: float) -> _Found | None:
    """The flow's best move with its rank: from emptied paths first, then what all gain, then the octets so far."""
    source = paths[flow.path]
    n = max(1, source.active)
    rate, relief = source.speed(flow) / n, (2 * n - 1) / source.speed(flow)
    best: _Found | None = None
    for number, target in paths.items():
        if number == flow.path or number not in flow.allowed or target.one.takes != "all":
            continue
        burden = (2 * target.active + 1) / target.speed(flow)
        gain = target.speed(flow) / (target.active + 1) - rate
        if not source.one.drain and not (burden < relief and gain > _margin(source, target) * rate):
            continue
        # A path that is emptied gets rid of the flow wherever it hurts least.
        worth = -burden if source.one.drain else relief - burden
        rank = (source.one.drain, worth, _octets(flow, now))
        if best is None or rank > best[0]:
            best = rank, Move(flow.key, flow.path, number, gain)
    return best


def _margin(source: _Path, target: _Path) -> float:
    trust = min(source.one.confidence, target.one.confidence)
    return _MARGIN + _DOUBTED_MARGIN * (1 - min(1.0, max(0.0, trust)))
