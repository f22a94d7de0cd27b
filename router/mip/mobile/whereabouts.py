"""At home, or away and through which agent (RFC 5944 sections 2.4 and 3.6.1)."""

from __future__ import annotations

from dataclasses import replace

from router.clock import Instant
from router.config.model import MobileNode as Settings
from router.mip.effect import Effect, GratuitousArp
from router.mip.mobile.attachment import Attachments, Heard
from router.mip.mobile.discovery import KnownAgent
from router.mip.mobile.farewell import Farewell
from router.mip.mobile.farewells import Farewells
from router.mip.mobile.registrar import Registrar
from router.mip.mobile.registration import Registration, State, event
from router.mip.mobile.sender import Sender
from router.mip.mobile.session import Session

__all__ = ["Whereabouts"]


class Whereabouts:
    """Follows the agents that are heard, and that fall silent."""

    def __init__(
        self,
        settings: Settings,
        session: Session,
        sender: Sender,
        attachments: Attachments,
        registrar: Registrar,
        farewells: Farewells,
    ) -> None:
        self._settings = settings
        self._session = session
        self._sender = sender
        self._attachments = attachments
        self._registrar = registrar
        self._farewells = farewells

    def begin(self, registration: Registration, now: Instant) -> list[Effect]:
        """An uplink is there, or not at home any more."""
        if self._registrar.at_home is not None:
            registration.rest("an uplink is on the home link", State.AT_HOME)
            return []
        if self._attachments.wants_agent(registration.bid, registration.care_of_address):
            return self._attach(registration, now)
        return self._registrar.ask(registration, now)

    def heard(self, registration: Registration, heard: Heard, now: Instant) -> list[Effect]:
        """An agent has advertised itself on this uplink."""
        if heard.agent.is_home(self._session.home_agent):
            return self._come_home(registration, now) if self._registrar.at_home is None else []
        current = registration.agent.address if registration.agent is not None else None
        return self._attach(registration, now, anew=heard.anew and heard.agent.address == current)

    def lost(self, bid: int, agent: KnownAgent, now: Instant) -> list[Effect]:
        """An agent has fallen silent on this uplink."""
        if self._registrar.at_home == bid and agent.is_home(self._session.home_agent):
            return self.leave_home("its home agent is silent", now)
        registration = self._registrar.registrations.get(bid)
        return self._attach(registration, now) if registration is not None else []

    def turned_away(self, registration: Registration, agent: KnownAgent, now: Instant) -> list[Effect]:
        """This agent will not have us: another, if there is one."""
        self._attachments.avoid(registration.bid, agent.address, now)
        return self._attach(registration, now)

    def leave_home(self, why: str, now: Instant) -> list[Effect]:
        self._registrar.at_home = None
        self._farewells.abandon_all()
        effects: list[Effect] = [event("info", f"not at home any more: {why}")]
        for item in self._registrar.registrations.values():
            effects += self.begin(item, now)
        return effects

    def _come_home(self, registration: Registration, now: Instant) -> list[Effect]:
        """RFC 5944 section 3.6.1.2: de-register everything, from the home link itself."""
        self._registrar.at_home = registration.bid
        text = f"uplink {registration.bid} is on the home link"
        effects: list[Effect] = [event("info", text)]
        if not self._session.is_homeless:
            # Before the request, as RFC 5944 section 4.6 orders it.
            effects.append(GratuitousArp(self._session.home_address, returned=True))
        self._farewells.abandon_all()
        leaving = replace(registration, pending={}, binding=None)
        for item in self._registrar.registrations.values():
            effects += self._registrar.unbind(item, "at home")
            item.rest(text, State.AT_HOME)
        deadline = now.monotonic + self._settings.lifetime
        at = max(now.monotonic, self._sender.earliest(leaving.bid))
        self._farewells.add(Farewell(leaving, deadline, leaving.bid, at, home=True))
        return effects + self._farewells.say(now)

    def _attach(self, registration: Registration, now: Instant, *, anew: bool = False) -> list[Effect]:
        """Choose the foreign agent again; register when it is another one, or has lost its memory."""
        before = registration.agent
        chosen = self._attachments.choose(registration)
        if chosen is None:
            return self._detach(registration, now)
        registration.agent = chosen
        registration.challenge = self._attachments.held(chosen)
        if registration.care_of_address is None or not registration.colocated:
            registration.care_of_address, registration.colocated = chosen.agent.care_of_addresses[0], False
        if before is not None and before.address == chosen.address and not anew:
            come = registration.wants_challenge and registration.challenge.value
            return self._registrar.request(registration, now) if come else []
        effects: list[Effect] = []
        if before is not None and not anew:
            effects += self._registrar.unbind(registration, "another foreign agent")
        return effects + self._registrar.ask(registration, now)

    def _detach(self, registration: Registration, now: Instant) -> list[Effect]:
        """No agent is to be had: go on with an address of our own, or look for one."""
        if registration.agent is None and registration.care_of_address is not None:
            return []
        effects: list[Effect] = []
        if registration.agent is not None:
            effects += self._registrar.unbind(registration, "no foreign agent")
        registration.agent = None
        if registration.colocated and registration.care_of_address is not None:
            return effects + self._registrar.ask(registration, now)
        registration.care_of_address = None
        registration.rest(self._attachments.why_none(registration.bid), State.DISCOVERING)
        return effects
