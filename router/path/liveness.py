"""Whether a path carries: passive signs first, then probes; fast down, slow up.

    up          carries, as far as anybody knows
    suspect     silent though something should have come: it is being asked
    down        unbound, or nobody answered
    probation   answers again, or has just come back: new flows try it first

Two signs in the tunnel's counters raise suspicion: something was sent and
nothing came back, or what came in steadily broke off (who waits for data sends
nothing).  A quiet path is asked now and then.  Only `ASKED` probes without an
answer, and nothing else out of the tunnel meanwhile, are proof; and only where
the peer is known to answer.  One-way traffic and transfers that end raise false
alarms: each makes the next one slower, up to a bound, for a while.
"""

from __future__ import annotations

import math

from router.path.budget import Purpose
from router.path.quality import Liveness as State

__all__ = ["ASKED", "GOOD", "PROBATION", "Liveness"]

ASKED = 3
"""Probes without an answer that prove a path down."""
GOOD = 4
"""Answers in a row that prove it up again."""
PROBATION = 10.0
"""Seconds."""

_UNANSWERED, _BROKEN = 0.2, 0.06
"""Seconds of silence after something was sent, and after steady traffic, that are odd."""
_EXPECTED = 20.0
"""Packets that should have come meanwhile."""
_FORGOTTEN = 5.0
"""After so much silence nothing is expected any more."""
_DOUBT_MOST, _DOUBT_HALF_LIFE = 4.0, 10.0
_LEAST_STEP, _LONGEST_STEP, _STEP_SHARE = 0.04, 0.5, 0.4
_RETURN_STEP, _PROBATION_STEP = 0.5, 2.0
_DOWN_LEAST, _DOWN_MOST, _DOWN_GROWTH = 1.0, 10.0, 1.5
_FIRST = 1.0
_MUTE_LEAST, _MUTE_MOST = 2.0, 600.0
_TRUST = 60.0
"""Seconds without suspicion when the budget is spent."""


class Liveness:
    """Of one path.  Times are monotonic seconds; `patience` is how long an answer may take."""

    def __init__(self) -> None:
        self.state: State = "down"
        self.since = 0.0
        self.bound = False
        self.answers = False
        """The peer has answered a probe: only then silence is proof."""
        self.losses = 0
        """How often it went down, or was lost, after it had carried."""
        self._calm: State = "up"
        """What it is when the suspicion proves false."""
        self._heard = 0.0
        self._looked = 0.0
        self._rate = 0.0
        """Packets a second that came in, lately."""
        self._sent_at: float | None = None
        """The first packet that waits for an answer."""
        self._doubt = 1.0
        self._doubted = 0.0
        self._alarmed = False
        """Suspicion by a sign in the traffic, which may be false."""
        self._asked = 0
        self._first_asked = 0.0
        self._next: float | None = None
        self._good = 0
        self._step = _DOWN_LEAST
        self._trusted_until = 0.0

    # What happens

    def begin(self, now: float) -> None:
        """The path is bound: registered by a message and its answer."""
        self.bound = True
        self._heard = self._looked = now
        self._rate, self._sent_at, self._asked, self._good = 0.0, None, 0, 0
        self._become("probation" if self.losses else "up", now)
        self._next = now + _FIRST

    def end(self, now: float) -> None:
        """Hard evidence: its carrier, address or binding is gone."""
        self.bound = False
        self._lose(now)
        self._next = None

    def carried(self, sent: int, received: int, now: float, patience: float) -> None:
        """What passed through the tunnel since the last look, our own probes left out."""
        elapsed, self._looked = max(1e-3, now - self._looked), now
        if received:
            # What came in sets the rate; what did not is judged below by the rate of before.
            self._rate += (received / elapsed - self._rate) * (1 - math.exp(-elapsed))
            self._hear(now)
            return
        if sent and self._sent_at is None:
            self._sent_at = now
        if now - self._heard > _FORGOTTEN:
            self._rate = 0.0
        if self._may_suspect(now) and self._is_odd(now, patience):
            self._alarmed = True
            self._suspect(now)

    def answered(self, now: float) -> None:
        """A probe's answer came out of the tunnel."""
        self.answers = True
        if self.state == "suspect" and self._alarmed:
            self._doubt, self._doubted = min(_DOUBT_MOST, 2 * self._doubts(now)), now
            self._rate = 0.0
        self._sent_at = None
        if self.state == "down" and self.bound:
            self._good += 1
            self._asked = 0
            self._next = now + _RETURN_STEP
            if self._good >= GOOD:
                self._become("probation", now)
                self._next = now + _PROBATION_STEP
            return
        self._hear(now)

    def probed(self, now: float) -> None:
        """A probe left (or was lost on the spot)."""
        if not self._asked:
            self._first_asked = now
        self._asked += 1

    def denied(self, now: float) -> None:
        """There are no octets left for the probe that was due: without proof nobody is suspected."""
        self._trusted_until = now + _TRUST
        if self.state == "suspect":
            self._become(self._calm, now)
        self._asked, self._next = 0, now + _TRUST

    def tick(self, now: float, patience: float, idle_interval: float) -> Purpose | None:
        """Do what is due; the purpose of a probe to send now, None for none."""
        if not self.bound:
            return None
        if self.state == "suspect" and self._is_proven(now, patience):
            self._lose(now)
            self._step, self._asked, self._next = _DOWN_LEAST, 0, now + _DOWN_LEAST
        if self.state == "probation" and now - self.since >= PROBATION:
            self._become("up", now)
        if self._may_suspect(now) and self._is_overdue(now, patience):
            self._alarmed = False
            self._suspect(now)
        if now < self.next_wake(patience, idle_interval):
            return None
        return self._due(now, patience)

    def next_wake(self, patience: float, idle_interval: float) -> float:
        """When the next probe, or verdict, is due."""
        if not self.bound:
            return math.inf
        if self._next is not None:
            return self._next
        if self._asked:
            # What was asked of a quiet path is waited for.
            return self._first_asked + 2 * patience
        step = _PROBATION_STEP if self.state == "probation" else idle_interval
        return self._heard + step

    # What follows

    def _due(self, now: float, patience: float) -> Purpose:
        if self.state == "suspect":
            self._next = now + self._pace(patience)
            return "proof"
        if self.state == "down":
            # The one before was not answered.
            if self._asked and self._good:
                self._good, self._step = 0, _DOWN_LEAST
            self._next = now + (_RETURN_STEP if self._good else self._step)
            self._step = min(_DOWN_MOST, self._step * _DOWN_GROWTH)
            return "proof"
        if not self.answers:
            self._step = min(_MUTE_MOST, max(_MUTE_LEAST, 2 * self._step))
            self._next = now + self._step
            return "idle"
        self._next = None
        return "idle"

    def _may_suspect(self, now: float) -> bool:
        answers = self.bound and self.answers and now >= self._trusted_until
        return answers and self.state in ("up", "probation")

    def _is_odd(self, now: float, patience: float) -> bool:
        silence, doubt = now - self._heard, self._doubts(now)
        waited = now - self._sent_at if self._sent_at is not None else 0.0
        if waited >= doubt * max(_UNANSWERED, patience):
            return True
        return self._rate * silence >= _EXPECTED and silence >= doubt * max(_BROKEN, patience / 2)

    def _is_overdue(self, now: float, patience: float) -> bool:
        return self._asked > 0 and now - self._first_asked >= 2 * patience

    def _is_proven(self, now: float, patience: float) -> bool:
        waited = now - self._first_asked
        return self._asked >= ASKED and waited >= max(patience, ASKED * self._pace(patience))

    @staticmethod
    def _pace(patience: float) -> float:
        return max(_LEAST_STEP, min(_LONGEST_STEP, _STEP_SHARE * patience))

    def _doubts(self, now: float) -> float:
        """How much slower than by nature suspicion is, 1..4."""
        return max(1.0, self._doubt * math.exp2((self._doubted - now) / _DOUBT_HALF_LIFE))

    def _suspect(self, now: float) -> None:
        if self._alarmed:
            self._asked = 0
        self._calm = self.state
        since = self.since
        self._become("suspect", now)
        # A suspicion that proves false does not begin a probation anew.
        self.since = since if self._calm == "probation" else now
        self._next = now

    def _hear(self, now: float) -> None:
        self._heard, self._sent_at, self._asked = now, None, 0
        if self.state == "suspect":
            since = self.since
            self._become(self._calm, now)
            if self._calm == "probation":
                self.since = since
            self._next = None
        elif self.state == "down" and self.bound:
            # It proves one direction: the probes' turn.
            self._next = min(self._next or now, now + _RETURN_STEP)
        elif self._next is not None and self.answers:
            self._next = None

    def _lose(self, now: float) -> None:
        self.losses += self.state != "down"
        self._good = 0
        self._become("down", now)

    def _become(self, state: State, now: float) -> None:
        if state != self.state:
            self.state, self.since = state, now
