"""A registration is accepted: our binding, and what else changes with it (RFC 5944 section 3.6.2.2)."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from router.clock import Instant
from router.config.model import MobileNode as Settings
from router.mip.effect import Bound, Effect
from router.mip.mobile.farewells import Farewells
from router.mip.mobile.grant import binding_of, refused_networks, take_networks
from router.mip.mobile.registrar import Registrar
from router.mip.mobile.registration import Asked, Registration, State, event
from router.mip.mobile.sender import Sender
from router.mip.mobile.session import Session
from router.mip.wire.multipath import FlowBinding
from router.mip.wire.registration import RegistrationReply

__all__ = ["Acceptances"]


class Acceptances:
    """Addresses, mobile networks and what O and B bring about concern all uplinks, whichever was asked through."""

    def __init__(
        self,
        settings: Settings,
        session: Session,
        sender: Sender,
        registrar: Registrar,
        farewells: Farewells,
        rng: Random,
    ) -> None:
        self._settings = settings
        self._session = session
        self._sender = sender
        self._registrar = registrar
        self._farewells = farewells
        self._random = rng

    def take(
        self, registration: Registration, reply: RegistrationReply, asked: Asked, now: Instant
    ) -> list[Effect]:
        """`reply` accepts `asked`, a request of this registration."""
        news = registration.binding is None
        effects = self._settle_in(reply, now)
        binding = binding_of(self._settings, self._session, registration, reply, asked)
        registration.bind(binding, now.monotonic, self._random.random())
        effects.append(Bound(binding))
        if take_networks(self._session, reply):
            everyone = self._registrar.registrations.values()
            effects += [Bound(item.binding) for item in everyone if item.binding is not None]
        for clause in refused_networks(reply):
            effects.append(event("warning", f"binding {binding.bid}: {clause}", binding.bid))
        effects += self._take_flows(reply)
        if news:
            text = f"binding {binding.bid} ({binding.care_of_address}): {binding.terms}"
            effects.append(event("info", text, binding.bid))
            self._farewells.carrier_found(now.monotonic)
        registration.without_flows = False
        effects += self._for_others(registration, reply, asked, now)
        return effects + self._registrar.let_others_rest(registration, now)

    def _take_flows(self, reply: RegistrationReply) -> list[Effect]:
        """The home agent's policies, the whole of them each time; one without multipath has no say in this."""
        said = tuple(reply.all(FlowBinding)) if self._session.support.several else ()
        if said == self._session.agent_flows:
            return []
        self._session.agent_flows = said
        return [event("info", f"the home agent has {len(said)} flow bindings of its own")]

    def _settle_in(self, reply: RegistrationReply, now: Instant) -> list[Effect]:
        """The first acceptance may bring our home address, and the home agent's."""
        session = self._session
        if not session.knows_home_agent:
            session.home_agent = reply.home_agent
        if not session.is_homeless:
            return []
        session.home_address = reply.home_address
        for other in self._registrar.registrations.values():
            if other.state is State.IDLE:
                other.next_at = now.monotonic
        return [event("info", f"home address {reply.home_address} from {reply.home_agent}")]

    def _for_others(
        self, registration: Registration, reply: RegistrationReply, asked: Asked, now: Instant
    ) -> list[Effect]:
        """O has ended all other bindings; B has given them the lifetime of this one."""
        effects: list[Effect] = []
        others = [item for item in self._registrar.registrations.values() if item is not registration]
        for other in others:
            binding = other.binding
            if binding is None:
                continue
            if registration.overwrite:
                effects += self._registrar.unbind(other, "overwritten")
                other.next_at = max(now.monotonic, self._sender.earliest(other.bid))
            elif asked.bulk:
                lifetime = min(reply.lifetime, binding.lifetime)
                binding = replace(binding, lifetime=lifetime, expires=asked.sent + lifetime)
                other.bind(binding, now.monotonic, self._random.random())
                effects.append(Bound(binding))
        registration.overwrite = False
        return effects
