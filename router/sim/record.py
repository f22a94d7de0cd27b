"""What the daemon heard of its paths and decided of flows, and from what, as lines of JSON.

The first line of a file says what it is; every other one is a look at the
flows, or something that a path's monitor was told.  Keys of connections are
replaced by numbers, which are the same as long as a connection is seen: a
recording says nothing of who spoke with whom.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

from router.clock import Instant
from router.flow.assigner import Basis, Decision
from router.flow.moves import Carried, Move
from router.flow.place import Candidate
from router.path.quality import Quality

__all__ = ["FORMAT", "MISSHAPEN", "Encoder", "Heard", "RecordError", "Recorded", "decode", "header", "heard"]

FORMAT = 1
MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What values of the wrong kind bring about."""


class RecordError(ValueError):
    """A line that is no look, and why."""


@dataclass(frozen=True)
class Recorded:
    """A look, as it was; its decision without what policies said."""

    decision: Decision
    basis: Basis
    qualities: Mapping[int, Quality]
    wall: float
    """Seconds since 1970 UTC."""


class Heard(NamedTuple):
    """Something that happened to a path, as `router.sim.path_tape` names it."""

    path: int
    call: str
    args: Sequence[Any]
    at: Instant | None


def heard(path: int, call: str, args: Sequence[Any], at: Instant | None) -> str:
    """The line."""
    return _line({"path": path, "call": call, "args": list(args), "at": at})


def header(version: str, wall: float) -> str:
    """The first line of a file."""
    return _line({"roamd": version, "record": FORMAT, "wall": round(wall, 3)})


class Encoder:
    """Gives connections their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._next = 1

    def look(self, decision: Decision, basis: Basis, qualities: Mapping[int, Quality], wall: float) -> str:
        """The line; floats as they are, so that a replay has the same ones."""
        self._number([flow.key for flow in basis.carried] + [move.key for move in decision.moves])
        maps = {
            name: [list(basis.members[name]), _runs(basis.before.get(name, ())), _runs(buckets)]
            for name, buckets in decision.buckets.items()
        }
        return _line({
            "at": decision.at,
            "wall": round(wall, 3),
            "expected": basis.expected,
            "qualities": [astuple(quality) for quality in qualities.values()],
            "candidates": [astuple(one) for one in decision.candidates],
            "buckets": maps,
            "flows": [self._flow(flow) for flow in basis.carried],
            "limit": basis.limit,
            "moves": [[self._numbers[move.key], *astuple(move)[1:]] for move in decision.moves],
        })  # fmt: skip

    def _number(self, keys: Iterable[Hashable]) -> None:
        """Numbers for these; those of all others are forgotten."""
        numbers: dict[Hashable, int] = {}
        for key in keys:
            number = self._numbers.get(key) or numbers.get(key)
            if number is None:
                number, self._next = self._next, self._next + 1
            numbers[key] = number
        self._numbers = numbers

    def _flow(self, flow: Carried) -> list[Any]:
        return [
            self._numbers[flow.key], flow.path, sorted(flow.allowed), flow.down, flow.up, flow.since, flow.moved,
        ]  # fmt: skip


def decode(line: str) -> Recorded | Heard | None:
    """A look, or what a path's monitor was told; None for a header.  Raises RecordError."""
    try:
        values = json.loads(line)
    except ValueError as error:
        raise RecordError(f"no JSON: {error}") from None
    if not isinstance(values, dict):
        raise RecordError("expected an object")
    if "record" in values:
        if values["record"] != FORMAT:
            raise RecordError(f"format {values['record']!r}; expected {FORMAT}")
        return None
    try:
        if "call" in values:
            at = values["at"]
            return Heard(values["path"], values["call"], values["args"], Instant(*at) if at else None)
        return _decoded(values)
    except MISSHAPEN as error:
        raise RecordError(f"not a look: {type(error).__name__} {error}") from None


def _decoded(values: Mapping[str, Any]) -> Recorded:
    maps = values["buckets"]
    decision = Decision(
        at=float(values["at"]),
        candidates=tuple(Candidate(*one) for one in values["candidates"]),
        buckets={name: _unrolled(after) for name, (_, _, after) in maps.items()},
        moves=tuple(Move(*move) for move in values["moves"]),
    )
    basis = Basis(
        before={name: _unrolled(before) for name, (_, before, _) in maps.items()},
        members={name: tuple(members) for name, (members, _, _) in maps.items()},
        expected=float(values["expected"]),
        carried=tuple(Carried(*flow) for flow in values["flows"]),
        limit=int(values["limit"]),
    )
    qualities = {quality[0]: Quality(*quality) for quality in values["qualities"]}
    return Recorded(decision, basis, qualities, float(values["wall"]))


def _runs(buckets: Iterable[int]) -> list[list[int]]:
    """Each path with how many buckets in a row it has."""
    result: list[list[int]] = []
    for path in buckets:
        if result and result[-1][0] == path:
            result[-1][1] += 1
        else:
            result.append([path, 1])
    return result


def _unrolled(runs: Iterable[Iterable[int]]) -> tuple[int, ...]:
    result: list[int] = []
    for path, count in runs:
        if not 0 < count <= 4096:
            raise ValueError(f"{count} buckets in a row; expected 1..4096")
        result += [path] * count
    return tuple(result)


def _line(values: Mapping[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":")) + "\n"
