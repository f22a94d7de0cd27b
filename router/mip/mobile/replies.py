"""The way of a reply through the mobile node: matched, believed, then acted upon (RFC 5944 section 3.6.2)."""

from __future__ import annotations

from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import MobileNode as Settings
from router.mip.counters import Counters
from router.mip.effect import Effect
from router.mip.identification import LOW
from router.mip.mobile.acceptance import Acceptances
from router.mip.mobile.belief import FOREIGN_CODES, covered, disbelief
from router.mip.mobile.denial import Denials
from router.mip.mobile.farewells import Farewells
from router.mip.mobile.grant import not_honoured
from router.mip.mobile.registrar import Registrar
from router.mip.mobile.registration import GOOD, Asked, Registration, State, event
from router.mip.mobile.sender import Sender
from router.mip.mobile.session import Session
from router.mip.wire.challenge import Challenge
from router.mip.wire.numbers import ReplyCode
from router.mip.wire.registration import RegistrationReply

__all__ = ["Replies"]


class Replies:
    """A reply settles a request of a registration, or a farewell."""

    def __init__(
        self,
        settings: Settings,
        session: Session,
        sender: Sender,
        registrar: Registrar,
        farewells: Farewells,
        acceptances: Acceptances,
        denials: Denials,
        counters: Counters,
    ) -> None:
        self.disbelieved: dict[int, str] = {}
        """By BID: why the last answer to a request was not believed.  It changes nothing, and is for people."""
        self._settings = settings
        self._session = session
        self._sender = sender
        self._registrar = registrar
        self._farewells = farewells
        self._acceptances = acceptances
        self._denials = denials
        self._counters = counters

    def take(
        self, bid: int, data: bytes, reply: RegistrationReply, source: IPv4Address, now: Instant
    ) -> list[Effect]:
        """`reply`, decoded from `data`, came in through the uplink of `bid`."""
        registrations = self._registrar.registrations
        farewell = self._farewells.answered_by(reply)
        asking = (item for item in registrations.values() if item.is_answered_by(reply))
        registration = farewell.registration if farewell is not None else next(asking, None)
        if registration is None:
            return self._counters.drop(
                "unmatched_reply", f"identification ..{reply.identification & LOW:08x}"
            )
        through = farewell.agent if farewell is not None else registration.agent
        why = disbelief(data, reply, self._settings, self._session, through, source)
        if why is not None:
            self.disbelieved[registration.bid] = f"{why.replace('_', ' ')} in a reply with code {reply.code}"
            return self._counters.drop(why, f"reply with code {reply.code}")
        offered, carrier = reply.find(Challenge), registrations.get(bid, registration)
        if carrier.agent is not None and offered is not None:
            carrier.challenge.offered(offered.value)
        if farewell is not None:
            return self._farewells.settle(farewell, reply, now)
        return self._believed(registration, reply, now)

    def _believed(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        self.disbelieved.pop(registration.bid, None)
        asked = registration.settle(reply, now.monotonic)
        effects: list[Effect] = []
        status = not_honoured(reply, registration)
        if reply.code not in FOREIGN_CODES:
            effects += self._home_agent_speaks(registration, asked, now)
            reply = reply._replace(extensions=covered(reply))
        if reply.code in GOOD and reply.lifetime > 0 and status is None:
            return effects + self._acceptances.take(registration, reply, asked, now)
        if reply.code == ReplyCode.HA_UNKNOWN_HOME_AGENT and reply.identification != asked.identification:
            # RFC 5944 section 3.6.2.3: the home agent that was found goes by its own clock.
            self._sender.resynchronise(reply, now)
        if status is not None:
            reply = reply._replace(code=status)
        return effects + self._denials.take(registration, reply, now)

    def _home_agent_speaks(self, registration: Registration, asked: Asked, now: Instant) -> list[Effect]:
        """Its answer tells whether it knows RFC 7629."""
        if not self._session.support.answered(with_extension=asked.multipath, at=now.monotonic):
            return []
        for other in self._registrar.registrations.values():
            if other is not registration and other.state is State.IDLE:
                other.next_at = now.monotonic
        return [event("info", "the home agent understands RFC 7629: registering every uplink")]
