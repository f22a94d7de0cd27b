"""A registration is denied: what is tried next, and when (RFC 5944 section 3.6.2.3)."""

from __future__ import annotations

from random import Random

from router.clock import Instant
from router.mip.counters import Counters
from router.mip.effect import Effect
from router.mip.mobile.grant import refused_networks
from router.mip.mobile.reaction import Next, meaning, react
from router.mip.mobile.registrar import Registrar
from router.mip.mobile.registration import DENIED_MAX, PACE, Registration, State, event
from router.mip.mobile.sender import Sender
from router.mip.mobile.session import Session
from router.mip.mobile.whereabouts import Whereabouts
from router.mip.wire.registration import RegistrationReply

__all__ = ["Denials"]

_RETRIES = 4
"""Times in a row that a denial is followed by a changed request at once: there are that many things to change."""


class Denials:
    """Carries out what `react` says."""

    def __init__(
        self,
        session: Session,
        sender: Sender,
        registrar: Registrar,
        whereabouts: Whereabouts,
        rng: Random,
        counters: Counters,
    ) -> None:
        self._session = session
        self._sender = sender
        self._registrar = registrar
        self._whereabouts = whereabouts
        self._random = rng
        self._counters = counters

    def take(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        """`reply` denies a request of this registration."""
        self._counters.count(f"denied_{reply.code}")
        registration.state, registration.detail = State.DENIED, meaning(reply.code)
        said = [f"denied with code {reply.code}: {registration.detail}", *refused_networks(reply)]
        bid = registration.bid
        effects: list[Effect] = [event("warning", f"binding {bid}: {clause}", bid) for clause in said]
        what = react(reply, self._session, registration)
        if what is Next.RETRY and registration.retries < _RETRIES:
            registration.retries += 1
            registration.pending.clear()
            return effects + self._registrar.request(registration, now)
        if what is Next.RESYNCHRONISE:
            self._resynchronise(registration, reply, now)
            return effects
        if what is Next.SINGLE:
            return effects + self._keep_one(now)
        registration.pending.clear()
        if what is Next.OTHER_AGENT and registration.agent is not None:
            refusing = registration.agent
            effects += self._whereabouts.turned_away(registration, refusing, now)
            if registration.agent is None or registration.agent.address != refusing.address:
                return effects
        registration.back_off(now.monotonic, self._random.random())
        return effects

    def _resynchronise(self, registration: Registration, reply: RegistrationReply, now: Instant) -> None:
        self._sender.resynchronise(reply, now)
        # The first retry at once, as the pace allows; more mismatches are no matter of clocks alone.
        wait = registration.backoff
        registration.backoff = min(DENIED_MAX, max(PACE, 2 * wait))
        registration.next_at = max(now.monotonic + wait, self._sender.earliest(registration.bid))

    def _keep_one(self, now: Instant) -> list[Effect]:
        """The home agent allows one binding: all rest, then one begins again."""
        effects: list[Effect] = []
        for item in self._registrar.registrations.values():
            effects += self._registrar.let_rest(item)
        return effects + self._registrar.wake_the_one(now)
