"""The foreign agent: relays registrations both ways and knows who visits (RFC 5944 section 3.7)."""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random

from router.clock import Instant
from router.config.model import ForeignAgent as Settings
from router.mip.auth import append
from router.mip.counters import Counters
from router.mip.effect import Effect, Reply
from router.mip.foreign.advertiser import Advertiser
from router.mip.foreign.challenge import Challenges
from router.mip.foreign.datagram import Datagram, Source
from router.mip.foreign.denial import Denials
from router.mip.foreign.intake import Intake
from router.mip.foreign.relay import Relay
from router.mip.foreign.replies import Replies
from router.mip.foreign.revocation import Revocations
from router.mip.foreign.visitor import Visitor
from router.mip.foreign.visitors import Visitors
from router.mip.wire.advertisement import MobilityAgent
from router.mip.wire.message import Reject, decode
from router.mip.wire.numbers import ExtensionType, ReplyCode
from router.mip.wire.registration import RegistrationReply, RegistrationRequest
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment

__all__ = ["ForeignAgent"]

_UNREACHABLE = {
    0: ReplyCode.FA_HOME_NETWORK_UNREACHABLE,
    1: ReplyCode.FA_HOME_AGENT_HOST_UNREACHABLE,
    3: ReplyCode.FA_HOME_AGENT_PORT_UNREACHABLE,
}
"""By the code of ICMP Destination Unreachable; any other is 88."""


class ForeignAgent:
    """Feed it datagrams, solicitations and time; perform the effects.  No input raises."""

    def __init__(self, settings: Settings, started: Instant, rng: Random) -> None:
        self.settings = settings
        self.counters = Counters()
        self._visitors = Visitors(settings)
        self._relay = Relay(settings)
        self._revocations = Revocations(self._relay)
        challenges = Challenges(rng, settings.challenge_window, wanted=settings.challenge)
        self._denials = Denials(self._relay, challenges, self.counters)
        self._intake = Intake(
            settings, rng, self._relay, challenges, self._visitors, self._revocations.under_way, self._denials,
            self.counters,
        )  # fmt: skip
        self._replies = Replies(
            settings, self._relay, challenges, self._visitors, self._revocations.under_way, self.counters
        )
        self._advertiser = Advertiser(
            settings.care_of_address, settings.advertise_interval, self._describe, rng, started, challenges.advertise
        )  # fmt: skip

    @property
    def visitors(self) -> list[Visitor]:
        """Registrations in force."""
        return self._visitors.in_force

    @property
    def pending(self) -> int:
        """Requests that wait for their answer."""
        return self._visitors.pending

    def receive(
        self,
        data: bytes,
        source: Source,
        now: Instant,
        *,
        ttl: int = 255,
        link: bytes | None = None,
        to: IPv4Address | None = None,
    ) -> list[Effect]:
        """One datagram that came to port 434.

        `link` is the link-layer address it came from, `to` the IP address it was sent to.
        """
        message = decode(data)
        if isinstance(message, RegistrationRequest):
            return self._intake.take(message, Datagram(data, source, ttl, link, to), now)
        if isinstance(message, RegistrationReply):
            return self._replies.take(data, message, source, now)
        if isinstance(message, Revocation):
            return self._revoked(data, message, source, now)
        if isinstance(message, RevocationAcknowledgment):
            return self._acknowledged(data, message, source)
        if isinstance(message, Reject):
            return self.counters.drop(message.reason.value, message.detail, source)
        return self.counters.drop("unexpected_message", type(message).__name__, source)

    def solicited(self, source: IPv4Address, now: Instant) -> list[Effect]:
        """An agent solicitation was heard."""
        return [*self._advertiser.solicited(source, now)]

    def unreachable(self, home_agent: IPv4Address, icmp_code: int, now: Instant) -> list[Effect]:
        """ICMP Destination Unreachable came for what was relayed to a home agent (RFC 5944 section 3.7.2.2)."""
        code = _UNREACHABLE.get(icmp_code, ReplyCode.FA_HOME_AGENT_UNREACHABLE)
        effects: list[Effect] = []
        for item in self._visitors.asked_of(home_agent):
            effects += self._denials.give_up(item, code, f"home agent {home_agent} cannot be reached")
        return effects

    def tick(self, now: Instant) -> list[Effect]:
        """What is due: advertisements, requests to give up, visits that end, revocations to repeat."""
        effects: list[Effect] = [*self._advertiser.tick(now)]
        for item in self._visitors.overdue(now.monotonic):
            why = "the home agent does not answer"
            effects += self._denials.give_up(item, ReplyCode.FA_REGISTRATION_TIMEOUT, why)
        effects += self._visitors.expire(now.monotonic)
        for data, address, port in self._revocations.under_way.due(now):
            self.counters.count("revocations_sent")
            effects.append(Reply(data, address, port))
        return effects

    def next_wake(self) -> float:
        """Monotonic time at which `tick` has something to do."""
        moments = self._visitors.wakes() + self._revocations.under_way.wakes()
        return min([self._advertiser.next_wake(), *moments])

    def revoke(self, home_address: IPv4Address | None, now: Instant) -> list[Effect]:
        """End the visits of one mobile node, or all (None): tell the home agent, and the mobile node."""
        ended = [visitor for visitor in self.visitors if home_address in (None, visitor.home_address)]
        effects: list[Effect] = []
        last = {visitor.home_address: visitor.asked.since for visitor in ended}
        # Answers still to come shall not begin the visits anew.
        for item in self._visitors.asked_by(last):
            last[item.home_address] = max(last[item.home_address], item.since)
        for visitor in ended:
            self._revocations.add(visitor, max(last[visitor.home_address], visitor.asked.since), now)
            effects += self._visitors.leave(visitor, "revoked")
            effects += self._advertiser.start_anew(visitor.home_address, busy=True)
        return effects + self.tick(now)

    def _describe(self, sequence: int) -> MobilityAgent:
        settings = self.settings
        return MobilityAgent(
            sequence,
            settings.max_lifetime,
            (settings.care_of_address,),
            registration_required=settings.registration_required,
            busy=self._visitors.is_full,
            foreign_agent=True,
            gre=settings.gre,
            reverse_tunnel=settings.reverse_tunnel != "off",
            revocation=settings.revocation,
        )

    # Revocation (RFC 3543)

    def _revoked(self, data: bytes, message: Revocation, source: Source, now: Instant) -> list[Effect]:
        """A home agent ends a binding of a visitor (section 4.2.2.2)."""
        security = self._relay.with_agent(message.home_domain_address)
        if security is None or not self._revocations.is_authentic(data, message, security):
            return self.counters.drop("revocation", f"for {message.home_address}", source)
        effects: list[Effect] = []
        found = self._revocations.meant_by(message, self.visitors)
        for visitor in found:
            self._revocations.note(visitor, now)
            effects += self._visitors.leave(visitor, "revoked")
        inform = self._revocations.answer(message, now)
        if inform is None:
            return self.counters.drop("revocation", f"for {message.home_address}", source)
        self.counters.count("revocations_received")
        octets = RevocationAcknowledgment(message.home_address, message.identifier, inform).encode()
        octets = append(octets, ExtensionType.FOREIGN_HOME_AUTHENTICATION, security)
        effects.append(Reply(octets, *source))
        if found:
            # I was not negotiated: our policy is to tell the mobile node.
            effects += self._advertiser.start_anew(message.home_address, busy=True)
        return effects

    def _acknowledged(self, data: bytes, message: RevocationAcknowledgment, source: Source) -> list[Effect]:
        """I does not matter in the answer to a revocation without it (section 3.4)."""
        if self._revocations.under_way.acknowledged(data, message, source) is None:
            return self.counters.drop("revocation_acknowledgment", f"for {message.home_address}", source)
        self.counters.count("revocations_acknowledged")
        return []
