"""The way of a request through the foreign agent: checked, then relayed or refused (RFC 5944 section 3.7.2)."""

from __future__ import annotations

from random import Random

from router.clock import Instant
from router.config.model import ForeignAgent as Settings
from router.mip.auth import verify
from router.mip.counters import Counters
from router.mip.effect import Effect, Reply
from router.mip.foreign.challenge import Challenges
from router.mip.foreign.checks import Denied, check_request, why_silent
from router.mip.foreign.datagram import Datagram
from router.mip.foreign.denial import Denials
from router.mip.foreign.pending import Pending
from router.mip.foreign.relay import Relay
from router.mip.foreign.visitors import Visitors
from router.mip.revocation import UnderWay, timestamp
from router.mip.wire.numbers import PORT, ExtensionType, ReplyCode
from router.mip.wire.registration import RegistrationRequest

__all__ = ["Intake"]


class Intake:
    """`revocations` are ours, under way: a binding that ends is not registered meanwhile."""

    def __init__(
        self,
        settings: Settings,
        rng: Random,
        relay: Relay,
        challenges: Challenges,
        visitors: Visitors,
        revocations: UnderWay,
        denials: Denials,
        counters: Counters,
    ) -> None:
        self._settings = settings
        self._random = rng
        self._relay = relay
        self._challenges = challenges
        self._visitors = visitors
        self._revocations = revocations
        self._denials = denials
        self._counters = counters

    def take(self, request: RegistrationRequest, datagram: Datagram, now: Instant) -> list[Effect]:
        """Relay the request in `datagram`, refuse it, or say nothing."""
        asked = Pending.of(request, datagram, now.monotonic)
        silence = why_silent(request)
        if silence is None and self._revocations.is_telling(asked.subject, now):
            silence = "revocation_under_way"
        if silence is not None:
            detail = f"home address {request.home_address}"
            return self._counters.drop(silence, detail, datagram.source)
        try:
            self._check(request, asked, datagram)
        except Denied as denied:
            return self._denials.deny(request, asked, denied)
        return self._relayed(request, asked, datagram.data, now)

    def _check(self, request: RegistrationRequest, asked: Pending, datagram: Datagram) -> None:
        """Raises Denied."""
        self._check_mobile(request, datagram.data)
        check_request(request, self._settings, datagram.ttl)
        self._check_challenge(asked)
        self._visitors.check(asked)

    def _check_mobile(self, request: RegistrationRequest, data: bytes) -> None:
        """RFC 5944 section 3.7.2.1: with a shared key exactly one valid Mobile-Foreign authentication."""
        security = self._relay.with_mobile(request.home_address)
        kind = ExtensionType.MOBILE_FOREIGN_AUTHENTICATION
        if security is not None and not verify(data, request.extensions, security, kind):
            raise Denied(ReplyCode.FA_MN_FAILED_AUTHENTICATION, "Mobile-Foreign authentication")

    def _check_challenge(self, asked: Pending) -> None:
        """RFC 4721 section 3.2: with a shared key none is needed, and the same request may come again."""
        former = self._visitors.former(asked)
        if asked.challenge:
            excused = former is not None and former.is_repeated_by(asked)
        else:
            excused = self._relay.with_mobile(asked.home_address) is not None
        code = None if excused else self._challenges.verdict(asked.who, asked.challenge)
        if code is not None:
            raise Denied(code, code.name.removeprefix("FA_").replace("_", " ").lower())

    def _relayed(
        self, request: RegistrationRequest, asked: Pending, data: bytes, now: Instant
    ) -> list[Effect]:
        asked.stamp = self._stamp(asked, now)
        if request.gre and not asked.colocated:
            asked.gre_key = self._visitors.gre_key(asked) or self._random.getrandbits(32) or 1
        self._visitors.wait_for(asked)
        self._revocations.hold(asked.subject, asked.ends)
        if asked.challenge:
            self._challenges.use(asked.who, asked.challenge)
        self._counters.count("relayed")
        octets = self._relay.request(data, request, asked)
        return [Reply(octets, asked.home_agent, PORT, source=self._settings.care_of_address)]

    def _stamp(self, asked: Pending, now: Instant) -> int | None:
        """What the home agent's revocations of this visit must exceed; None where it is offered none."""
        shared = self._relay.with_agent(asked.home_agent) is not None
        wanted = self._settings.revocation and shared and asked.lifetime and not asked.colocated
        return timestamp(now.wall) if wanted else None
