"""The way out of a mobile node: every request gets its identification, its pace and its path here."""

from __future__ import annotations

from random import Random

from router.clock import Instant
from router.config.model import MobileNode as Settings
from router.mip.counters import Counters
from router.mip.effect import Effect, Send
from router.mip.keepalive import echo_request
from router.mip.mobile.registration import PACE, Asked, Registration
from router.mip.mobile.request import (
    asks_for_gre,
    asks_for_udp,
    deregistration,
    home_coming,
    registration_request,
)
from router.mip.mobile.session import Session
from router.mip.replay import TimeStamps
from router.mip.wire.multipath import FlowBinding
from router.mip.wire.registration import RegistrationReply

__all__ = ["Sender"]

_TTL = 255
"""RFC 3024 section 3.2: where a foreign agent is asked, one that arrives with less has been forwarded."""


class Sender:
    """Times are monotonic seconds."""

    def __init__(self, settings: Settings, session: Session, rng: Random, counters: Counters) -> None:
        self._stamps = TimeStamps(rng)
        self._settings = settings
        self._session = session
        self._random = rng
        self._counters = counters
        self._sent_at: dict[int, float] = {}

    @property
    def clock_offset(self) -> float:
        """Seconds that the home agent's clock is ahead of ours, as far as it has said so."""
        return self._stamps.offset

    def earliest(self, bid: int) -> float:
        """When the pace allows the next request of this BID, whatever became of the uplink since."""
        return self._sent_at.get(bid, float("-inf")) + PACE

    def last(self, bid: int) -> float:
        return self._sent_at.get(bid, float("-inf"))

    def resynchronise(self, reply: RegistrationReply, now: Instant) -> None:
        """Go by the home agent's clock from now on (RFC 5944 section 5.7.1)."""
        self._stamps.adopt(reply.identification, now.wall, self._settings.security.tolerance)

    def request(
        self,
        registration: Registration,
        now: Instant,
        *,
        multipath: bool,
        bulk: bool = False,
        flows: tuple[FlowBinding, ...] = (),
    ) -> list[Effect]:
        """Send a registration now; who calls minds the pace."""
        lifetime = min(self._session.lifetime, registration.longest or self._session.lifetime)
        if registration.agent is not None:
            lifetime = min(lifetime, registration.agent.agent.lifetime)
        identification = self._stamps.next(now.wall)
        challenge = registration.challenge.take(again=registration.attempts > 0)
        udp, gre = asks_for_udp(self._session, registration), asks_for_gre(registration)
        asked = Asked(now.monotonic, lifetime, identification, multipath, bulk, udp, gre)
        registration.departs(asked, self._random.random())
        self._counters.count("requests_sent")
        data = registration_request(
            self._settings, self._session, registration, identification, lifetime, now.wall,
            multipath=multipath, bulk=bulk, flows=flows, challenge=challenge,
        )  # fmt: skip
        self._sent_at[registration.bid] = now.monotonic
        return [self._send(registration, data)]

    def deregister(
        self, registration: Registration, carrier: Registration, now: Instant, *, multipath: bool, bulk: bool
    ) -> tuple[list[Effect], int]:
        """Send a de-registration through the uplink of `carrier`; its identification comes back too."""
        identification = self._stamps.next(now.wall)
        self._counters.count("deregistrations_sent")
        data = deregistration(
            self._settings,
            self._session,
            registration,
            carrier,
            identification,
            multipath=multipath,
            bulk=bulk,
            challenge=carrier.challenge.take(again=True),
        )
        self._sent_at[registration.bid] = now.monotonic
        return [self._send(carrier, data)], identification

    def home_coming(self, bid: int, now: Instant) -> tuple[list[Effect], int]:
        """Send the request of one who is back on the home link."""
        identification = self._stamps.next(now.wall)
        self._counters.count("deregistrations_sent")
        data = home_coming(self._settings, self._session, identification)
        self._sent_at[bid] = now.monotonic
        return [Send(bid, data, self._session.home_agent, ttl=_TTL, as_home_address=True)], identification

    def echo(self, registration: Registration) -> list[Effect]:
        """Send a keepalive through the tunnel."""
        self._counters.count("keepalives_sent")
        session = self._session
        data = echo_request(session.home_address, session.home_agent, registration.keepalive_sequence)
        return [Send(registration.bid, data, session.home_agent)]

    def _send(self, registration: Registration, data: bytes) -> Send:
        if registration.agent is None:
            return Send(registration.bid, data, self._session.home_agent, ttl=_TTL)
        own = registration.colocated
        address = registration.agent.address
        return Send(registration.bid, data, address, ttl=_TTL, as_home_address=not own)
