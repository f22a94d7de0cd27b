"""The way of a home agent's reply through the foreign agent (RFC 5944 section 3.7.3)."""

from __future__ import annotations

from router.clock import Instant
from router.config.model import ForeignAgent as Settings
from router.config.model import SecurityAssociation
from router.mip.auth import authentications, verify
from router.mip.counters import Counters
from router.mip.effect import Effect, Event
from router.mip.foreign.challenge import Challenges
from router.mip.foreign.checks import check_reply
from router.mip.foreign.datagram import Source
from router.mip.foreign.pending import Pending
from router.mip.foreign.relay import Relay
from router.mip.foreign.visitor import Visitor
from router.mip.foreign.visitors import Visitors
from router.mip.revocation import UnderWay
from router.mip.wire.numbers import ExtensionType, ReplyCode
from router.mip.wire.registration import RegistrationReply

__all__ = ["Replies"]

_FOREIGN_HOME = ExtensionType.FOREIGN_HOME_AUTHENTICATION


class Replies:
    """Passes them on, and keeps the visitor list by those it honours."""

    def __init__(
        self,
        settings: Settings,
        relay: Relay,
        challenges: Challenges,
        visitors: Visitors,
        revocations: UnderWay,
        counters: Counters,
    ) -> None:
        self._longest = settings.max_lifetime
        self._relay = relay
        self._challenges = challenges
        self._visitors = visitors
        self._revocations = revocations
        self._counters = counters

    def take(self, data: bytes, reply: RegistrationReply, source: Source, now: Instant) -> list[Effect]:
        """`reply`, decoded from `data`, came from a home agent, or from who wants to be taken for one."""
        detail = f"home address {reply.home_address}"
        asked = self._visitors.answered_by(reply, source[0])
        if asked is None:
            return self._counters.drop("unmatched_reply", detail, source)
        security = self._relay.with_agent(asked.home_agent)
        if security is None and authentications(reply.extensions, _FOREIGN_HOME):
            return self._counters.drop("unexpected_foreign_authenticator", detail, source)
        self._visitors.done(asked)
        status = _fault(data, reply, asked, security)
        effects: list[Effect] = []
        if status is None and reply.code <= ReplyCode.ACCEPTED_NO_SIMULTANEOUS:
            effects += self._settle(asked, reply, now)
            home_address = reply.home_address
            challenge = self._challenges.renew(home_address, asked.challenge)
        else:
            home_address, challenge = asked.home_address, self._challenges.offer(asked.who)
        if status is not None:
            effects.append(self._not_honoured(asked, status))
        self._counters.count("replies_relayed")
        octets = self._relay.reply(data, reply, home_address, challenge, status)
        return [*effects, asked.answer(octets)]

    def _settle(self, asked: Pending, reply: RegistrationReply, now: Instant) -> list[Effect]:
        """An acceptance, honoured."""
        if not asked.lifetime or not reply.lifetime:
            return self._visitors.deregistered(asked, reply.home_address)
        visitor = Visitor.of(asked, reply, self._longest, now.monotonic)
        self._revocations.registered(visitor.subject)
        return self._visitors.arrive(visitor)

    def _not_honoured(self, asked: Pending, status: ReplyCode) -> Event:
        self._counters.count(f"not_honoured_{int(status)}")
        text = f"visitor {asked.home_address}: reply of {asked.home_agent} not honoured, status {int(status)}"
        return Event("warning", "not_honoured", text)


def _fault(
    data: bytes, reply: RegistrationReply, asked: Pending, security: SecurityAssociation | None
) -> ReplyCode | None:
    """Why the reply is not honoured, or None; `security` is what we share with the home agent."""
    # RFC 5944 sections 3.5.4 and 3.7.1: de-registrations go without authentication, or with it.
    bare = not asked.lifetime and not reply.lifetime and not authentications(reply.extensions, _FOREIGN_HOME)
    if security is not None and not bare and not verify(data, reply.extensions, security, _FOREIGN_HOME):
        return ReplyCode.FA_HA_FAILED_AUTHENTICATION
    return check_reply(reply, nai=asked.nai, challenge=asked.challenge)
