"""A recording, decided anew: whether the same comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from router.clock import Instant
from router.flow.moves import choose_moves
from router.flow.place import candidate, place
from router.sim.path_tape import Tapes
from router.sim.record import MISSHAPEN, Heard, Recorded, RecordError, decode

__all__ = ["Difference", "Replay", "replay"]


@dataclass(frozen=True)
class Difference:
    """What came out otherwise, at which line and moment (monotonic seconds of the recording)."""

    line: int
    at: float
    what: str
    """`path 1`, `candidate 2`, `buckets`, `buckets of NAME`, `moves`."""
    recorded: str
    replayed: str


@dataclass
class Replay:
    looks: int = 0
    seconds: float = 0.0
    """From the first look to the last, by the wall clock."""
    heard: int = 0
    """What monitors of paths were told; and of that, what was for paths whose beginning is not in the recording."""
    untold: int = 0
    decisions: int = 0
    """Maps of buckets and sets of moves that were decided anew."""
    moves: int = 0
    differences: list[Difference] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    """Lines that could not be read, with the reason."""


def replay(lines: Iterable[str]) -> Replay:
    """Put what was recorded through the same functions as in the daemon."""
    result, tapes = Replay(), Tapes()
    first: float | None = None
    for number, line in enumerate(lines, 1):
        try:
            found = decode(line)
            if isinstance(found, Heard):
                tapes.hear(*found)
                result.heard += 1
            elif found is not None:
                at = Instant(found.decision.at, found.wall)
                differences = [*tapes.differences(found.qualities, at), *_differences(found)]
                first = found.wall if first is None else first
                result.seconds = found.wall - first
                _count(result, found, number, differences)
        except RecordError as error:
            result.damaged.append(f"line {number}: {error}")
        except MISSHAPEN as error:
            result.damaged.append(f"line {number}: values of a wrong kind: {type(error).__name__} {error}")
    result.untold = tapes.untold
    return result


def _count(result: Replay, look: Recorded, number: int, differences: Iterable[tuple[str, str, str]]) -> None:
    result.looks += 1
    result.decisions += len(look.decision.buckets) + 1
    result.moves += len(look.decision.moves)
    result.differences += [Difference(number, look.decision.at, *each) for each in differences]


def _differences(look: Recorded) -> Iterator[tuple[str, str, str]]:
    decision, basis = look.decision, look.basis
    for one in decision.candidates:
        quality = look.qualities.get(one.path)
        if quality is None:
            continue
        again = candidate(quality, one.active, one.down_load, one.up_load)
        # What is paid by the octet is emptied by policy, whatever its quality.
        if again is None or replace(again, drain=one.drain) != one:
            yield f"candidate {one.path}", str(one), str(again)
    for name, buckets in decision.buckets.items():
        members = basis.members[name]
        candidates = [one for one in decision.candidates if one.path in members]
        found = place(candidates, basis.before[name], basis.expected, len(buckets) or 1)
        if found != buckets:
            yield f"buckets of {name}" if name else "buckets", _counts(buckets), _counts(found)
    keys = {flow.key for flow in basis.carried}
    recorded = tuple(move for move in decision.moves if move.key in keys)
    moves = choose_moves(basis.carried, decision.candidates, decision.at, basis.limit)
    if moves != recorded:
        yield "moves", str(recorded), str(moves)


def _counts(buckets: tuple[int, ...]) -> str:
    return ", ".join(f"path {path}: {buckets.count(path)}" for path in sorted(set(buckets))) or "none"
