"""When and how each uplink registers: every request of a mobile node begins here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from router.clock import Instant
from router.config.model import Flow
from router.config.model import MobileNode as Settings
from router.mip.effect import Effect, Unbound
from router.mip.mobile.registration import KEEPALIVE_MISSES, PACE, Registration, State, event
from router.mip.mobile.sender import Sender
from router.mip.mobile.session import Session
from router.mip.policy import flow_bindings
from router.mip.wire.multipath import FlowBinding

__all__ = ["Registrar"]

_UNANSWERED_LIMIT = 3
_BULK_PATIENCE = 3.0


class Registrar:
    """Registrations by BID, in `registrations`.  Times are monotonic seconds."""

    def __init__(
        self,
        settings: Settings,
        session: Session,
        sender: Sender,
        flows: Iterable[Flow],
        bids: Mapping[str, int],
        solicit: Callable[[int, Instant], list[Effect]],
    ) -> None:
        self.registrations: dict[int, Registration] = {}
        self.at_home: int | None = None
        """BID of the uplink on the home link: nothing is registered then."""
        self._settings = settings
        self._session = session
        self._sender = sender
        self._flows = tuple(flows) if settings.flow_bindings else ()
        self._bids = bids
        self._solicit = solicit

    @property
    def bound(self) -> list[Registration]:
        return [item for item in self.registrations.values() if item.binding is not None]

    def configure(self, flows: Iterable[Flow], now: Instant) -> list[Effect]:
        """Other flow policies: the home agent hears of them, if it has been told of any."""
        wanted = tuple(flows) if self._settings.flow_bindings else ()
        before, self._flows = self._flows, wanted
        return self.tell(frozenset(), now) if wanted != before else []

    # The one binding of a home agent without multipath: the lowest BID that is answered.

    def the_one(self) -> int | None:
        candidates = [item for item in self.registrations.values() if item.care_of_address is not None]
        return min(((item.state is State.NO_REPLY, item.bid) for item in candidates), default=(0, None))[1]

    def wake_the_one(self, now: Instant, *, anyhow: bool = False) -> list[Effect]:
        chosen = self.registrations.get(self.the_one() or 0)
        if self._session.support.several or chosen is None or self.at_home is not None:
            return []
        return self.request(chosen, now) if anyhow or chosen.state is State.IDLE else []

    def let_rest(self, registration: Registration) -> list[Effect]:
        why = self._session.support.why_single
        effects = self.unbind(registration, why)
        registration.rest(why)
        return effects

    def let_others_rest(self, registration: Registration, now: Instant) -> list[Effect]:
        if self._session.support.several:
            return []
        effects: list[Effect] = []
        for other in [item for item in self.registrations.values() if item is not registration]:
            if other.pending and registration.next_at is not None:
                # Its request may reach the home agent after ours, and replace us.
                registration.next_at = min(registration.next_at, now.monotonic + PACE)
            if other.state is not State.NO_REPLY:
                effects += self.let_rest(other)
        return effects

    # Requests

    def ask(self, registration: Registration, now: Instant) -> list[Effect]:
        """Register, unless another uplink has to go first."""
        if not self._session.support.several and registration.bid != self.the_one():
            return self.let_rest(registration)
        waiting = (item for item in self.registrations.values() if item.pending and item is not registration)
        if self._session.is_homeless and any(waiting):
            registration.rest("waiting for a home address")
            return []
        return self.request(registration, now)

    def tick(self, registration: Registration, now: Instant) -> list[Effect]:
        effects: list[Effect] = []
        binding = registration.binding
        if binding is not None and binding.expires <= now.monotonic:
            effects += self.unbind(registration, "lifetime expired")
        if registration.keepalive_at is not None and registration.keepalive_at <= now.monotonic:
            effects += self._keepalive(registration, now)
        if registration.next_at is not None and registration.next_at <= now.monotonic:
            effects += self._due(registration, now)
        return effects

    def _keepalive(self, registration: Registration, now: Instant) -> list[Effect]:
        if registration.keepalive_due(now.monotonic):
            return self._sender.echo(registration)
        text = f"binding {registration.bid}: {KEEPALIVE_MISSES} keepalives unanswered, registering anew"
        return [event("warning", text, registration.bid), *self.request(registration, now)]

    def _due(self, registration: Registration, now: Instant) -> list[Effect]:
        effects: list[Effect] = []
        if self._session.support.trial_failed(registration.attempts, now.monotonic):
            registration.attempts = 0
        if registration.attempts >= _UNANSWERED_LIMIT and registration.state is not State.NO_REPLY:
            registration.state = State.NO_REPLY
            registration.detail = f"home agent {self._session.home_agent} does not answer"
            text = f"binding {registration.bid}: {registration.detail}"
            effects.append(event("warning", text, registration.bid))
            effects += self.unbind(registration, "no reply")
            effects += self.wake_the_one(now)
        return effects + self._refresh(registration, now)

    def _refresh(self, registration: Registration, now: Instant) -> list[Effect]:
        """One request for all bindings where that is wanted, for this one otherwise."""
        bound = self.bound
        together = self._settings.refresh == "bulk" and self._session.support.several
        if not together or registration.binding is None or registration.attempts or len(bound) < 2:
            return self.request(registration, now)
        carrier = min(bound, key=lambda item: (item.attempts, item.rtt or 0.0, item.bid))
        for item in bound:
            # Whoever hears nothing of the one request asks for itself.
            item.next_at = now.monotonic + _BULK_PATIENCE
        return self.request(carrier, now, bulk=True)

    def request(self, registration: Registration, now: Instant, *, bulk: bool = False) -> list[Effect]:
        """Send one request, or wait until the pace allows it."""
        earliest = self._sender.earliest(registration.bid)
        if now.monotonic < earliest:
            registration.next_at = earliest
            return []
        again = registration.attempts > 0
        registration.wants_challenge = registration.agent is not None and registration.challenge.is_lacking(
            again=again
        )
        if registration.wants_challenge:
            registration.back_off(now.monotonic, 0.0)
            return self._solicit(registration.bid, now)
        multipath = self._session.support.extension_in(registration.attempts)
        flows = self._flow_bindings(registration) if multipath and not bulk else ()
        return self._sender.request(registration, now, multipath=multipath, bulk=bulk, flows=flows)

    def tell(self, silent: frozenset[int], now: Instant) -> list[Effect]:
        """Refresh one binding with what there is to say, by the path that may send first and is fastest."""
        able = [item for item in self.bound if item.bid not in silent]
        if not self._session.support.several or not able or self.at_home is not None:
            return []
        first = min(
            able,
            key=lambda item: (max(now.monotonic, self._sender.earliest(item.bid)), item.rtt or 0.0, item.bid),
        )
        return self.request(first, now)

    def _flow_bindings(self, registration: Registration) -> tuple[FlowBinding, ...]:
        """The whole policy, in terms of the bindings there are and the one that is about to be."""
        if registration.without_flows or not self._flows:
            return ()
        bound = {item.bid for item in self.bound}
        return flow_bindings(
            self._flows, self._bids, {} if registration.overwrite else bound, registration.bid
        )

    def unbind(self, registration: Registration, reason: str) -> list[Effect]:
        if registration.binding is None:
            return []
        registration.unbind()
        text = f"binding {registration.bid} ({registration.care_of_address}): {reason}"
        return [Unbound(registration.bid, reason), event("warning", text, registration.bid)]
