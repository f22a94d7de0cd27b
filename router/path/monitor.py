"""One path: counters, answers and time in; probes and its quality out.

No input is believed alone.  What cannot be (counters that run backwards,
round trips of negative length) is left out and counted.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal, NamedTuple

from router.clock import Instant
from router.path.budget import ProbeBudget, Purpose
from router.path.capacity import Capacity
from router.path.damping import Damping
from router.path.delivery import Counters, Rates, TunnelCounters
from router.path.estimate import RateEstimate, Standing
from router.path.liveness import Liveness
from router.path.load import LoadWatch
from router.path.one_way import OneWay, Seen
from router.path.quality import Quality
from router.path.rtt import RoundTrips
from router.path.stamp import SIZE as STAMP_SIZE
from router.path.stamp import Reflection

__all__ = ["PathMonitor", "Probe"]

_IP_AND_ICMP, _IP_AND_UDP = 28, 28
_PATIENCE_LEAST, _PATIENCE_MOST = 0.1, 2.0
_BUSY, _ACTIVE, _IDLE = 0.03, 0.1, 0.5
"""Seconds between two looks at the counters."""
_RECENT = 1.5
_FRESH = 0.25
"""A measurement so much older than a window still belongs to it, s."""
_DEAF, _AGAIN = 3, 600.0
"""Packets that no reflector answered, and seconds until it is asked again."""
_STAMP_EVERY = 3
_REMEMBERED = 64
_LOST = 1.0
_LITTLE = 0.1
"""Loss of probes beside which what is sent arrives."""

Kind = Literal["echo", "stamp"]


class Probe(NamedTuple):
    """A probe to send through the tunnel now."""

    kind: Kind
    """`echo`: ICMP; `stamp`: RFC 8762."""
    sequence: int
    """0..65535."""


class _Sent(NamedTuple):
    at: float
    kind: Kind
    octets: int
    """What the tunnel had taken."""


class PathMonitor:
    """One uplink's path to the home agent, from start to stop of the daemon; bindings come and go."""

    def __init__(self, bid: int, limit: int, prior: Capacity, *, damped: bool = True) -> None:
        self.bid = bid
        self._damped = damped
        self._care_of: Hashable = None
        self.live = Liveness()
        self.damping = Damping()
        self.budget = ProbeBudget(limit)
        self.rtt = RoundTrips()
        self.tunnel = TunnelCounters()
        self.down = RateEstimate(_guess(prior, "down"))
        self.up = RateEstimate(_guess(prior, "up"))
        self.probes = 0
        """Sent so far."""
        self._load = LoadWatch()
        self._one_way = OneWay()
        self._seen: tuple[float, Seen] | None = None
        self._overhead = 0
        self._sequence = 0
        self._sent: dict[int, _Sent] = {}
        self._quiet_looks = 0
        self._deaf = 0
        self._reflector_from = 0.0
        self._losses = 0
        self._active_at = self._looked = 0.0
        self._busy = False

    # What happens

    def begin(self, overhead: int, care_of: Hashable, at: Instant) -> None:
        """Bound; each packet in the tunnel has `overhead` octets of headers outside.

        With another care-of address than before, what was measured was another path.
        """
        if care_of != self._care_of:
            self._care_of, self.rtt = care_of, RoundTrips()
            for estimate in (self.down, self.up):
                estimate.forget()
        self._looked = at.monotonic
        self.retunnelled(overhead)
        self.live.begin(at.monotonic)

    def retunnelled(self, overhead: int) -> None:
        """Another tunnel on the same path."""
        self._overhead = overhead
        self._fresh_tunnel()

    def end(self, at: Instant) -> None:
        """Its carrier, address or binding is gone."""
        self.live.end(at.monotonic)
        self._flapped(at.monotonic)
        self._fresh_tunnel()

    def guess(self, prior: Capacity, at: Instant) -> None:
        """What configuration or radio say of it now."""
        self.down.guess(_guess(prior, "down"), at.monotonic)
        self.up.guess(_guess(prior, "up"), at.monotonic)

    def configure(self, limit: int, *, damped: bool) -> None:
        """Another probe budget, octets a day; whether it is left alone when it comes and goes."""
        self.budget.limit, self._damped = limit, damped

    def look(self, counters: Counters, at: Instant) -> None:
        """The counters of its tunnel."""
        now = self._looked = at.monotonic
        passed, rates = self.tunnel.look(counters, now)
        if passed.sent or passed.received:
            self._active_at = now
            self._busy = passed.received >= 3
        self.live.carried(passed.sent, passed.received, now, self.patience)
        if rates is not None:
            self._judge(rates, now)

    def answered(self, sequence: int, rtt: float, at: Instant) -> bool:
        """An echo came back; False when nobody had asked."""
        sent = self._sent.pop(sequence, None)
        if sent is None:
            return False
        self.tunnel.answer_received()
        # A clock that was stepped in between tells less than the other one.
        if rtt > at.monotonic - sent.at + _FRESH:
            rtt = -1.0
        self.rtt.answered(rtt, at.monotonic)
        self.live.answered(at.monotonic)
        return True

    def reflected(self, answer: Reflection, arrived: float, at: Instant) -> bool:
        """A STAMP packet came back, at `arrived` of the time of day; False when nobody had asked."""
        sent = self._sent.get(answer.sequence)
        held = answer.reflected - answer.received
        if sent is None or not self.answered(answer.sequence, arrived - answer.sent - held, at):
            return False
        self._deaf = 0
        seen = self._one_way.reflected(answer, arrived, sent.octets, at.monotonic)
        if seen is not None:
            self._seen = (at.monotonic, seen)
        return True

    def refused(self, at: Instant) -> None:
        """The home agent said that it has no reflector."""
        self._reflector_from = at.monotonic + _AGAIN

    def tick(self, at: Instant) -> list[Probe]:
        """Do what is due, right after a look; the probes to send now."""
        now = at.monotonic
        self._give_up(now)
        purpose = self.live.tick(now, self.patience, self._idle_interval)
        self._flapped(now)
        if purpose is not None:
            probe = self._ask("echo", purpose, now)
            if probe is None:
                self.live.denied(now)
                return []
            self.live.probed(now)
            return [probe, *self._beside(purpose, now)]
        if self._is_measurable and self._load.is_due(now):
            self._load.measured(now)
            probe = self._ask("stamp" if now >= self._reflector_from else "echo", "load", now)
            return [probe] if probe is not None else []
        return []

    def next_wake(self, now: float) -> float:
        """When the next look or tick is due, monotonic seconds; infinite while it is not bound."""
        wake = self.live.next_wake(self.patience, self._idle_interval)
        if not self.live.bound:
            return wake
        load = self._load.next_wake(now) if self._is_measurable else None
        return min(wake, self._looked + self._pace(now), load if load is not None else wake)

    # What is known

    @property
    def patience(self) -> float:
        """How long an answer may take, s."""
        return self.rtt.patience(_PATIENCE_LEAST, _PATIENCE_MOST)

    def quality(self, at: Instant) -> Quality:
        """As seen by itself: whether it is suppressed depends on the others too (`router.path.choice`)."""
        now = at.monotonic
        down, up = self.down.standing(now), self.up.standing(now)
        return Quality(
            bid=self.bid,
            liveness=self.live.state,
            down=down.rate,
            up=up.rate,
            confidence=min(down.confidence, up.confidence),
            source=down.source if down.source == up.source else f"{down.source}, {up.source}",
            rtt=self.rtt.smoothed,
            rtt_min=self.rtt.least,
            rtt_var=self.rtt.variation,
            loss=self.rtt.loss,
            penalty=self.damping.penalty(now),
            suppressed=self.damping.suppressed(now),
        )

    @property
    def oddities(self) -> int:
        """Inputs that could not be, so far."""
        return self.tunnel.resets + self.tunnel.refused + self.rtt.refused

    # In between

    @property
    def _is_measurable(self) -> bool:
        return self.live.answers and self.live.state in ("up", "probation")

    @property
    def _idle_interval(self) -> float:
        return self.budget.idle_interval(self._cost("echo") + self._cost("stamp") // _STAMP_EVERY)

    def _cost(self, kind: Kind) -> int:
        """Octets of a probe and its answer."""
        inner = _IP_AND_ICMP if kind == "echo" else _IP_AND_UDP + STAMP_SIZE
        return 2 * (inner + self._overhead)

    def _ask(self, kind: Kind, purpose: Purpose, now: float) -> Probe | None:
        if not self.budget.take(self._cost(kind), purpose, now):
            return None
        self._sequence = self._sequence % 0xFFFF + 1
        octets = self.tunnel.latest.tx_octets if self.tunnel.latest is not None else 0
        self._sent[self._sequence] = _Sent(now, kind, octets)
        while len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
        self.tunnel.probe_sent()
        self.probes += 1
        return Probe(kind, self._sequence)

    def _beside(self, purpose: Purpose, now: float) -> list[Probe]:
        """With every third look at a quiet path goes a STAMP packet: what a queue is later measured against."""
        if purpose != "idle" or now < self._reflector_from:
            return []
        self._quiet_looks += 1
        if self._quiet_looks % _STAMP_EVERY != 1:
            return []
        probe = self._ask("stamp", "load", now)
        return [probe] if probe is not None else []

    def _give_up(self, now: float) -> None:
        """Probes whose answers will not come any more."""
        patience = max(_LOST, 2 * self.patience)
        for sequence in [key for key, sent in self._sent.items() if now - sent.at > patience]:
            kind = self._sent.pop(sequence).kind
            if self.live.answers:
                self.rtt.lost()
            if kind == "stamp":
                self._deaf += 1
                if self._deaf >= _DEAF:
                    self._deaf, self._reflector_from = 0, now + _AGAIN

    def _judge(self, rates: Rates, now: float) -> None:
        down, up = self.down.standing(now), self.up.standing(now)
        self._load.saw(rates.down, down, now)
        self._load.saw(rates.up, up, now)
        queue_down, queue_up = self._queues(rates, rates.down / down.rate, rates.up / up.rate)
        self.down.sample(rates.down, queue_down, now)
        seen = self._reflected_since(rates.since)
        if seen is not None and seen.up is not None:
            self.up.sample(seen.up, queue_up, now)
        else:
            # What was sent need not have arrived: it counts as carried where probes were, and came through.
            arrives = queue_up is not None and self.rtt.loss < _LITTLE
            self.up.sample(rates.up, queue_up, now, may_raise=arrives)

    def _queues(self, rates: Rates, down: float, up: float) -> tuple[bool | None, bool | None]:
        """Whether a queue stands, by direction; `down` and `up` are the loads as shares of what is believed."""
        seen = self._reflected_since(rates.since)
        if seen is not None and any(seen.standing):
            return seen.standing
        inflated = self.rtt.inflated(rates.since - _FRESH)
        if not inflated:
            return inflated, inflated
        # An echo does not say where it waited, nor does a STAMP packet whose like has never met an empty path:
        # it was where the load is.
        return (True if down >= up / 2 else None), (True if up >= down / 2 else None)

    def _reflected_since(self, since: float) -> Seen | None:
        return self._seen[1] if self._seen is not None and self._seen[0] >= since - _FRESH else None

    def _pace(self, now: float) -> float:
        if self.live.state == "suspect":
            return _BUSY
        if now - self._active_at > _RECENT:
            return _IDLE
        return _BUSY if self._busy else _ACTIVE

    def _flapped(self, now: float) -> None:
        if self.live.losses > self._losses:
            self._losses = self.live.losses
            if self._damped:
                self.damping.flap(now)

    def _fresh_tunnel(self) -> None:
        self.tunnel.forget()
        self._one_way.forget()
        self._sent.clear()


def _guess(prior: Capacity, direction: Literal["down", "up"]) -> Standing:
    rate = prior.down if direction == "down" else prior.up
    return Standing(float(rate), prior.confidence, prior.source)
