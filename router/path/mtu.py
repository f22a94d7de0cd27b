"""The largest packet that a path carries, found by probes of chosen sizes (RFC 8899 section 5).

No ICMP error is waited for, so that a path whose errors are filtered, a black
hole, is measured like any other.  A probe is an echo of a given size; what is
answered was carried both ways.  Sizes are octets of IP, header included.

The full size goes first: on an ordinary path one probe settles all.  Where it
is not answered, a size is too big only if it was lost `MAX_PROBES` times while
smaller probes sent beside it were answered.  A peer that answers none at all,
or small ones alone, therefore shrinks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from router.clock import Instant

__all__ = ["BASE", "LEAST", "MAX_PROBES", "RAISE_TIMER", "MtuSearch", "Phase", "Probe", "candidate"]

BASE, LEAST = 1200, 576
"""BASE_PLPMTU, and the smaller rung for paths that do not even carry that."""
MAX_PROBES = 3
RAISE_TIMER = 600.0
"""PMTU_RAISE_TIMER, s."""
_COMMON = (
    1500,
    1492,
    1480,
    1472,
    1460,
    1450,
    1440,
    1430,
    1420,
    1400,
    1380,
    1358,
    1340,
    1300,
    1280,
    BASE,
    LEAST,
)
"""What links and tunnels of this world leave over."""
_FINE = 64
"""A gap between two common sizes that is not worth another probe, octets."""
_PULSE = 64
"""Size of the probe that asks only whether anybody is there."""
_LEAST_TIMER, _LONGEST_TIMER = 1.0, 5.0
_SILENT, _LONGEST_SILENCE, _LONGEST_DEAFNESS = 30.0, 600.0, 21600.0
_REMEMBERED = 64


@dataclass(frozen=True)
class Probe:
    """An echo to send now: `size` octets with its IP header, DF set."""

    size: int
    sequence: int
    """0..65535."""


class Phase(Enum):
    """RFC 8899 section 5.2's states."""

    BASE = "base"
    """Nothing known yet."""
    SEARCHING = "searching"
    COMPLETE = "complete"
    ERROR = "no answers"


@dataclass
class _Trial:
    """One size on test."""

    size: int
    attempts: int = MAX_PROBES
    sent: int = 0
    confirming: bool = False
    """It is the size in use, under suspicion."""
    raising: bool = False
    """It may be lost without a conclusion."""
    beside: set[int] = field(default_factory=set)
    """Sizes smaller than it that were answered meanwhile."""


def candidate(floor: int, bound: int) -> int | None:
    """The next size to try when `floor` is carried and `bound` is not; None when it is not worth it.

    A size that is carried costs one probe and a round trip, one that is not
    three probes and seconds: so it is a third of the way up, not the middle.
    """
    common = sorted(size for size in _COMMON if floor < size < bound)
    if common:
        return common[len(common) // 3]
    return (floor + bound) // 8 * 4 if bound - floor > _FINE else None


class MtuSearch:
    """One path, whose link takes packets of `link_mtu` octets.  Events return the probes to send now."""

    def __init__(self, link_mtu: int) -> None:
        self.link_mtu = link_mtu
        self.phase = Phase.BASE
        self.mtu: int | None = None
        """What the path carries as far as is known; None: unknown, the link's is as good as any."""
        self.black_holes = 0
        """How often the size in use stopped being carried."""
        self._floor = 0
        """Largest size answered; 0: none yet."""
        self._failed: set[int] = set()
        self._trial: _Trial | None = None
        self._pulses = 0
        """Sent into silence, of this round."""
        self._silence = _SILENT
        self._timer = _LEAST_TIMER
        self._wake: float | None = None
        self._raise_at = 0.0
        self._sequence = 0
        self._sent: dict[int, tuple[int, float]] = {}
        """Size and time by sequence number, the latest ones."""
        self._hint = 0

    def begin(self, at: Instant) -> list[Probe]:
        """Start, or start anew on a path of which nothing is known any more."""
        self._silence = _SILENT
        return self._begin(at)

    def _begin(self, at: Instant) -> list[Probe]:
        self.phase, self._floor, self._hint = Phase.BASE, 0, 0
        self._failed.clear()
        self._sent.clear()
        return self._try(_Trial(self.link_mtu), at) if self.link_mtu > LEAST else []

    def answered(self, sequence: int, at: Instant) -> list[Probe]:
        """An echo came back in full size.  Late ones count."""
        size, sent = self._sent.pop(sequence, (0, 0.0))
        if not size:
            return []
        self._timer = min(_LONGEST_TIMER, max(_LEAST_TIMER, 2 * (at.monotonic - sent)))
        if size >= LEAST and size > self._floor:
            self._floor = size
            self._failed = {failed for failed in self._failed if failed > size}
        trial = self._trial
        if trial is None:
            # Out of silence all begins anew, with the delays learnt.
            return self._begin(at) if self.phase is Phase.ERROR else self._settle(at)
        if size < trial.size:
            trial.beside.add(size)
            return []
        return self._settle(at)

    def too_big(self, sequence: int, at: Instant, hint: int = 0) -> list[Probe]:
        """The kernel, or a router on the way, said that it does not fit; `hint` octets would (0: not said)."""
        size, _ = self._sent.pop(sequence, (0, 0.0))
        if not size:
            return []
        self._hint = hint if LEAST <= hint < size else 0
        return self._lost(size, at)

    def suspect(self, at: Instant, hint: int = 0) -> list[Probe]:
        """The size in use may have stopped being carried: try it again (RFC 8899 section 4.3)."""
        if self._trial is not None or self.phase is not Phase.COMPLETE or not self._floor:
            return []
        self._hint = hint if LEAST <= hint < self._floor else 0
        self._sent.clear()
        return self._try(_Trial(self._floor, confirming=True), at)

    def tick(self, at: Instant) -> list[Probe]:
        if self._wake is None or at.monotonic < self._wake:
            return []
        if self._trial is not None:
            return self._attempt(at) if self._trial.sent < self._trial.attempts else self._judge(at)
        return self._pulse(at) if self.phase is Phase.ERROR else self._raise(at)

    def next_wake(self) -> float | None:
        """Monotonic seconds of the next `tick`."""
        return self._wake

    @property
    def _bound(self) -> int:
        return min(self._failed, default=self.link_mtu + 1)

    def _try(self, trial: _Trial, at: Instant) -> list[Probe]:
        self._trial = trial
        return self._attempt(at)

    def _attempt(self, at: Instant) -> list[Probe]:
        trial = self._trial
        assert trial is not None
        sizes = [trial.size]
        if trial.sent and not trial.raising:
            sizes += self._companions(trial)
        trial.sent += 1
        self._wake = at.monotonic + self._timer
        return [self._probe(size, at) for size in sizes]

    def _companions(self, trial: _Trial) -> list[int]:
        """Smaller probes that tell a size that is too big from a path that is down."""
        rung = next((size for size in (BASE, LEAST) if size < trial.size), 0)
        wanted = rung and rung not in trial.beside and (trial.confirming or not self._floor)
        return [rung, _PULSE] if wanted else [_PULSE]

    def _probe(self, size: int, at: Instant) -> Probe:
        self._sequence = self._sequence % 0xFFFF + 1
        self._sent[self._sequence] = (size, at.monotonic)
        while len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return Probe(size, self._sequence)

    def _judge(self, at: Instant) -> list[Probe]:
        """All attempts of the trial are lost."""
        trial = self._trial
        assert trial is not None
        if trial.raising:
            return self._raised_not(trial, at)
        if not trial.beside:
            return self._fall_silent(at)
        return self._lost(trial.size, at)

    def _lost(self, size: int, at: Instant) -> list[Probe]:
        """This size is too big."""
        trial = self._trial
        if trial is not None and trial.raising and size == trial.size:
            return self._raised_not(trial, at)
        if trial is None and (self.phase is not Phase.COMPLETE or size > self._floor):
            return []
        self._failed.add(size)
        if size <= self._floor:
            # What was carried is carried no more: only what was answered meanwhile counts.
            self.black_holes += self.phase is Phase.COMPLETE
            beside = trial.beside if trial is not None else set()
            self._floor = max((rung for rung in beside if LEAST <= rung < size), default=0)
        if trial is not None and size > trial.size:
            return []
        if not self._floor and size <= LEAST:
            return self._fall_silent(at, _LONGEST_DEAFNESS)
        return self._settle(at)

    def _settle(self, at: Instant) -> list[Probe]:
        """Something was learnt: go on from there."""
        trial, self._trial = self._trial, None
        hint, self._hint = self._hint, 0
        if trial is not None and trial.confirming and self._floor >= trial.size:
            return self._complete(at)
        if trial is not None and trial.raising:
            # It has grown: what was too big need not be any more, but for what has just been lost.
            self._failed = {self.link_mtu} if self._floor < self.link_mtu else set()
        if not self._failed and self._floor < self.link_mtu:
            return self._search(self.link_mtu, at)
        bound = self._bound
        if self._floor:
            self.mtu = self._floor
        if self._floor < hint < bound:
            return self._search(hint, at)
        if self._floor:
            return self._search(candidate(self._floor, bound), at)
        return self._search(BASE if bound > BASE else LEAST, at)

    def _search(self, size: int | None, at: Instant) -> list[Probe]:
        if size is None or self._floor >= self.link_mtu:
            self._raise_at = at.monotonic + RAISE_TIMER
            return self._complete(at)
        self.phase = Phase.SEARCHING
        return self._try(_Trial(size), at)

    def _complete(self, at: Instant) -> list[Probe]:
        self._trial, self.phase, self._silence = None, Phase.COMPLETE, _SILENT
        below = self._floor < self.link_mtu
        self._wake = max(self._raise_at, at.monotonic) if below else None
        return []

    def _raise(self, at: Instant) -> list[Probe]:
        """Perhaps the path has grown: a probe of the full size, then one of the next size up."""
        self._raise_at = at.monotonic + RAISE_TIMER
        return self._try(_Trial(self.link_mtu, 1, raising=True), at)

    def _raised_not(self, trial: _Trial, at: Instant) -> list[Probe]:
        up = min((*(size for size in _COMMON if size > self._floor), self._floor + _FINE))
        if self._floor < up < trial.size == self.link_mtu:
            return self._try(_Trial(up, 1, raising=True), at)
        return self._complete(at)

    def _fall_silent(self, at: Instant, longest: float = _LONGEST_SILENCE) -> list[Probe]:
        """Nobody answers, or small probes alone are: what was known stays in force."""
        self._trial, self.phase, self._pulses = None, Phase.ERROR, 0
        self._wake = at.monotonic + self._silence
        self._silence = min(longest, 2 * self._silence)
        return []

    def _pulse(self, at: Instant) -> list[Probe]:
        if self._pulses == MAX_PROBES:
            return self._fall_silent(at)
        self._pulses += 1
        self._wake = at.monotonic + self._timer
        return [self._probe(_PULSE, at)]
