"""What a path's monitor was told, as lines of JSON, and the same again.

A monitor judges by all that it has heard since it was made.  So a recording
tells of a path only from the line on that made its monitor: in a file that
went on where another ended there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from router.clock import Instant
from router.path.capacity import Capacity
from router.path.delivery import Counters
from router.path.monitor import PathMonitor, Probe
from router.path.quality import Quality
from router.path.stamp import Reflection

__all__ = ["Tape", "TapedMonitor", "Tapes"]

_APART = 1e-3

Tape = Callable[[int, str, Sequence[Any], Instant | None], None]
"""Takes a path, what happened to it, with what, and when."""


class TapedMonitor(PathMonitor):
    """A monitor that says what it is told."""

    def __init__(self, tape: Tape, bid: int, limit: int, prior: Capacity, *, damped: bool = True) -> None:
        super().__init__(bid, limit, prior, damped=damped)
        self._tape = tape
        self._care_ofs: dict[Hashable, int] = {}
        tape(bid, "made", (limit, *_of_capacity(prior), damped), None)

    def begin(self, overhead: int, care_of: Hashable, at: Instant) -> None:
        # Numbered, so that a recording does not say where it was.
        number = self._care_ofs.setdefault(care_of, len(self._care_ofs) + 1)
        self._tape(self.bid, "begin", (overhead, number), at)
        super().begin(overhead, care_of, at)

    def retunnelled(self, overhead: int) -> None:
        self._tape(self.bid, "retunnelled", (overhead,), None)
        super().retunnelled(overhead)

    def end(self, at: Instant) -> None:
        self._tape(self.bid, "end", (), at)
        super().end(at)

    def guess(self, prior: Capacity, at: Instant) -> None:
        self._tape(self.bid, "guess", _of_capacity(prior), at)
        super().guess(prior, at)

    def look(self, counters: Counters, at: Instant) -> None:
        self._tape(self.bid, "look", counters, at)
        super().look(counters, at)

    def answered(self, sequence: int, rtt: float, at: Instant) -> bool:
        self._tape(self.bid, "answered", (sequence, rtt), at)
        return super().answered(sequence, rtt, at)

    def reflected(self, answer: Reflection, arrived: float, at: Instant) -> bool:
        self._tape(self.bid, "reflected", (*answer, arrived), at)
        return super().reflected(answer, arrived, at)

    def configure(self, limit: int, *, damped: bool) -> None:
        self._tape(self.bid, "configured", (limit, damped), None)
        super().configure(limit, damped=damped)

    def refused(self, at: Instant) -> None:
        self._tape(self.bid, "refused", (), at)
        super().refused(at)

    def tick(self, at: Instant) -> list[Probe]:
        self._tape(self.bid, "tick", (), at)
        return super().tick(at)


class Tapes:
    """The monitors of a recording, told the same again."""

    def __init__(self) -> None:
        self._monitors: dict[int, PathMonitor] = {}
        self._bound: set[int] = set()
        self.untold = 0
        """What happened to paths whose beginning is not in the recording."""

    def hear(self, bid: int, call: str, args: Sequence[Any], at: Instant | None) -> None:
        """One line.  Raises ValueError for a call that there is not; what its values bring about for wrong ones."""
        if call == "made":
            limit, *prior, damped = args
            self._monitors[bid] = PathMonitor(bid, limit, Capacity(*prior), damped=damped)
            self._bound.discard(bid)
        elif bid not in self._monitors:
            self.untold += 1
        elif call == "retunnelled":
            self._monitors[bid].retunnelled(*args)
        elif call == "configured":
            limit, damped = args
            self._monitors[bid].configure(limit, damped=damped)
        elif at is None:
            raise ValueError(f"{call} without a time")
        else:
            self._tell(self._monitors[bid], call, args, at)

    def differences(self, known: Mapping[int, Quality], at: Instant) -> list[tuple[str, str, str]]:
        """Path, what was known of it, and what its monitor says now, where these are not the same."""
        result = []
        for bid in sorted(self._bound & known.keys()):
            now = self._monitors[bid].quality(at)
            if not _same(known[bid], now):
                result.append((f"path {bid}", str(known[bid]), str(now)))
        return result

    def _tell(self, monitor: PathMonitor, call: str, args: Sequence[Any], at: Instant) -> None:
        if call == "begin":
            overhead, care_of = args
            monitor.begin(overhead, care_of, at)
            self._bound.add(monitor.bid)
        elif call == "end":
            monitor.end(at)
            self._bound.discard(monitor.bid)
        elif call == "guess":
            monitor.guess(Capacity(*args), at)
        elif call == "look":
            monitor.look(Counters(*args), at)
        elif call == "answered":
            sequence, rtt = args
            monitor.answered(sequence, rtt, at)
        elif call == "reflected":
            sequence, sent, received, reflected, counters, arrived = args
            seen = tuple(counters) if counters is not None else None
            monitor.reflected(Reflection(sequence, sent, received, reflected, seen), arrived, at)
        elif call == "refused":
            monitor.refused(at)
        elif call == "tick":
            monitor.tick(at)
        else:
            raise ValueError(f"unknown call {call!r}")


def _of_capacity(prior: Capacity) -> tuple[int, int, str, float]:
    return (prior.down, prior.up, prior.source, prior.confidence)


def _same(one: Quality, other: Quality) -> bool:
    """What goes by with time was asked for a moment apart; who is suppressed depends on the other paths too."""
    pairs = ((one.down, other.down), (one.up, other.up), (one.confidence, other.confidence))
    return (
        one.liveness == other.liveness
        and one.rtt == other.rtt
        and all(abs(a - b) <= _APART * max(abs(a), abs(b)) for a, b in pairs)
    )
