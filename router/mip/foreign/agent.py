"""The foreign agent: relays registrations both ways and knows who visits (RFC 5944 section 3.7)."""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random
from typing import TypeVar

from router.clock import Instant
from router.config.model import ForeignAgent as Settings
from router.mip.auth import append, authentications, verify
from router.mip.effect import Effect, Event, Reply, Visiting, VisitorLeft
from router.mip.foreign.advertiser import Advertiser
from router.mip.foreign.challenge import Challenges
from router.mip.foreign.checks import (
    ANY_HOME_AGENT,
    NOBODY,
    Denied,
    authorising_end,
    check_reply,
    check_request,
)
from router.mip.foreign.relay import Relay
from router.mip.foreign.revocation import Revocations
from router.mip.foreign.visitor import Pending, RevocationTerms, Visitor, name_of
from router.mip.identification import LOW
from router.mip.revocation import timestamp
from router.mip.wire.advertisement import MobilityAgent
from router.mip.wire.authentication import MN_AAA, Authentication
from router.mip.wire.challenge import Challenge
from router.mip.wire.delivery import EncapsulatingDelivery
from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.gre_key import GreKey
from router.mip.wire.message import Reject, decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.numbers import INFINITE_LIFETIME, PORT, ExtensionType, ReplyCode
from router.mip.wire.registration import RegistrationReply, RegistrationRequest
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment, RevocationSupport

__all__ = ["ForeignAgent"]

_EVERYBODY = IPv4Address("255.255.255.255")
_FOREVER = 10 * 365 * 86400.0
_DENIAL_PACE = 1.0
_MOST_DENIED = 1024
_FOREIGN_HOME = ExtensionType.FOREIGN_HOME_AUTHENTICATION
_UNREACHABLE = {
    0: ReplyCode.FA_HOME_NETWORK_UNREACHABLE,
    1: ReplyCode.FA_HOME_AGENT_HOST_UNREACHABLE,
    3: ReplyCode.FA_HOME_AGENT_PORT_UNREACHABLE,
}
"""By the code of ICMP Destination Unreachable; any other is 88."""

E = TypeVar("E")
Source = tuple[IPv4Address, int]
Key = tuple[IPv4Address, IPv4Address, int]


class ForeignAgent:
    """Feed it datagrams, solicitations and time; perform the effects.  No input raises."""

    def __init__(self, settings: Settings, started: Instant, rng: Random) -> None:
        self.settings = settings
        self.counters: dict[str, int] = {}
        self._random = rng
        self._relay = Relay(settings)
        self._challenges = Challenges(rng, settings.challenge_window)
        self._pending: list[Pending] = []
        self._visitors: dict[Key, Visitor] = {}
        self._revocations = Revocations(self._relay)
        self._denied_at: dict[tuple[IPv4Address, object], float] = {}
        self._too_distant_at = float("-inf")
        self._advertiser = Advertiser(
            settings.care_of_address, settings.advertise_interval, self._describe, rng, started,
            self._challenge_for if settings.challenge else None,
        )  # fmt: skip

    @property
    def visitors(self) -> list[Visitor]:
        """Registrations in force."""
        return list(self._visitors.values())

    @property
    def pending(self) -> int:
        """Requests that wait for their answer."""
        return len(self._pending)

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
            return self._request(data, message, source, now, ttl, link, to)
        if isinstance(message, RegistrationReply):
            return self._replied(data, message, source, now)
        if isinstance(message, Revocation):
            return self._revoked(data, message, source, now)
        if isinstance(message, RevocationAcknowledgment):
            return self._acknowledged(data, message, source)
        if isinstance(message, Reject):
            return self._dropped(message.reason.value, source, message.detail)
        return self._dropped("unexpected_message", source, type(message).__name__)

    def solicited(self, source: IPv4Address, now: Instant) -> list[Effect]:
        """An agent solicitation was heard."""
        return [*self._advertiser.solicited(source, now)]

    def unreachable(self, home_agent: IPv4Address, icmp_code: int, now: Instant) -> list[Effect]:
        """ICMP Destination Unreachable came for what was relayed to a home agent (RFC 5944 section 3.7.2.2)."""
        code = _UNREACHABLE.get(icmp_code, ReplyCode.FA_HOME_AGENT_UNREACHABLE)
        effects: list[Effect] = []
        for item in [item for item in self._pending if item.home_agent == home_agent]:
            self._pending.remove(item)
            effects += self._give_up(item, code, f"home agent {home_agent} cannot be reached")
        return effects

    def tick(self, now: Instant) -> list[Effect]:
        """What is due: advertisements, requests to give up, visits that end, revocations to repeat."""
        effects: list[Effect] = [*self._advertiser.tick(now)]
        for item in [item for item in self._pending if item.ends <= now.monotonic]:
            self._pending.remove(item)
            effects += self._give_up(
                item, ReplyCode.FA_REGISTRATION_TIMEOUT, "the home agent does not answer"
            )
        for visitor in [visitor for visitor in self._visitors.values() if visitor.expires <= now.monotonic]:
            effects += self._leave(visitor, "lifetime expired")
        for data, address, port in self._revocations.under_way.due(now):
            self._count("revocations_sent")
            effects.append(Reply(data, address, port))
        return effects

    def next_wake(self) -> float:
        """Monotonic time at which `tick` has something to do."""
        moments = [self._advertiser.next_wake()]
        moments += [item.ends for item in self._pending]
        moments += [visitor.expires for visitor in self._visitors.values()]
        moments += self._revocations.under_way.wakes()
        return min(moments)

    def revoke(self, home_address: IPv4Address | None, now: Instant) -> list[Effect]:
        """End the visits of one mobile node, or all (None): tell the home agent, and the mobile node."""
        ended = [item for item in self._visitors.values() if home_address in (None, item.home_address)]
        effects: list[Effect] = []
        last = {visitor.home_address: visitor.asked.since for visitor in ended}
        for item in [item for item in self._pending if item.home_address in last]:
            # Its answer, still to come, shall not begin the visit anew.
            self._pending.remove(item)
            last[item.home_address] = max(last[item.home_address], item.since)
        for visitor in ended:
            self._revocations.add(visitor, max(last[visitor.home_address], visitor.asked.since), now)
            terms = visitor.revocation
            effects += self._leave(visitor, "revoked")
            if terms is None or not terms.inform:
                effects += self._advertiser.start_anew(visitor.home_address, busy=True)
        return effects + self.tick(now)

    def _describe(self, sequence: int) -> MobilityAgent:
        settings = self.settings
        return MobilityAgent(
            sequence,
            settings.max_lifetime,
            (settings.care_of_address,),
            registration_required=settings.registration_required,
            busy=len(self._visitors) >= settings.max_visitors,
            foreign_agent=True,
            gre=settings.gre,
            reverse_tunnel=settings.reverse_tunnel != "off",
            revocation=settings.revocation,
        )

    # Requests

    def _request(
        self,
        data: bytes,
        request: RegistrationRequest,
        source: Source,
        now: Instant,
        ttl: int,
        link: bytes | None,
        to: IPv4Address | None,
    ) -> list[Effect]:
        if authorising_end(request.extensions) is None:
            return self._dropped("missing_authenticator", source, f"home address {request.home_address}")
        if not request.decapsulation and request.find(RevocationSupport) is not None:
            # RFC 3543 section 4.2.1: only who has its care-of address itself may offer this.
            return self._dropped("revocation_support", source, f"home address {request.home_address}")
        challenge = request.find(Challenge)
        if challenge is not None and not self._challenge_is_covered(request):
            return self._dropped("bare_challenge", source, f"home address {request.home_address}")
        home_agent = self._home_agent_of(request)
        entry = self._entry(request, home_agent, source, now, link, challenge, to)
        pending = self._pending_of(request, home_agent)
        subject = (request.home_address, home_agent, request.care_of_address)
        if self._revocations.under_way.is_telling(subject, now):
            return self._dropped("revocation_under_way", source, f"home address {request.home_address}")
        try:
            self._check_mobile(data, request)
            check_request(request, self.settings, ttl)
            self._check_challenge(request, challenge, pending is not None and pending.is_repeated_by(entry))
            self._check_address(entry)
            self._check_room(request, pending)
        except Denied as denied:
            return self._deny(request, source, denied, now, to)
        entry.stamp = stamp = self._stamp(request, home_agent, now)
        gre_key = self._random.getrandbits(32) or 1 if request.gre and not request.decapsulation else None
        entry.gre_key = gre_key
        if pending is not None:
            self._pending.remove(pending)
        self._pending.append(entry)
        self._revocations.under_way.hold(subject, entry.ends)
        if challenge is not None and self.settings.challenge:
            self._challenges.use(entry.who, challenge.value)
        self._count("relayed")
        octets = self._relay.request(data, request, home_agent, stamp, gre_key)
        return [Reply(octets, home_agent, PORT, source=self.settings.care_of_address)]

    def _entry(
        self,
        request: RegistrationRequest,
        home_agent: IPv4Address,
        source: Source,
        now: Instant,
        link: bytes | None,
        challenge: Challenge | None,
        to: IPv4Address | None,
    ) -> Pending:
        multipath, nai = request.find(Multipath), request.find(Nai)
        all_of_them = request.care_of_address == request.home_address or (
            multipath is not None and multipath.bulk
        )
        encapsulating = request.find(EncapsulatingDelivery) is not None
        return Pending(
            home_address=request.home_address,
            nai=nai.nai if nai is not None else b"",
            home_agent=home_agent,
            care_of_address=request.care_of_address,
            source=source,
            destination=to,
            link=link,
            bid=multipath.bid if multipath is not None else 0,
            everything=all_of_them and not request.lifetime,
            identification=request.identification,
            lifetime=request.lifetime,
            since=now.monotonic,
            colocated=request.decapsulation,
            reverse_tunnel=request.reverse_tunnel,
            delivery="encapsulating" if encapsulating else "direct",
            challenge=challenge.value if challenge is not None else b"",
        )

    def _check_mobile(self, data: bytes, request: RegistrationRequest) -> None:
        """RFC 5944 section 3.7.2.1: with a shared key exactly one valid Mobile-Foreign authentication."""
        security = self._relay.with_mobile(request.home_address)
        kind = ExtensionType.MOBILE_FOREIGN_AUTHENTICATION
        if security is not None and not verify(data, request.extensions, security, kind):
            raise Denied(ReplyCode.FA_MN_FAILED_AUTHENTICATION, "Mobile-Foreign authentication")

    def _check_challenge(
        self, request: RegistrationRequest, challenge: Challenge | None, repeated: bool
    ) -> None:
        if not self.settings.challenge:
            return
        if challenge is None and self._relay.with_mobile(request.home_address) is not None:
            return
        if challenge is not None and repeated:
            return
        value = challenge.value if challenge is not None else None
        code = self._challenges.verdict(self._who(request), value)
        if code is not None:
            raise Denied(code, code.name.removeprefix("FA_").replace("_", " ").lower())

    @staticmethod
    def _challenge_is_covered(request: RegistrationRequest) -> bool:
        """RFC 4721 section 3.2: an authentication for us must follow the challenge."""
        seen = False
        for item in request.extensions:
            seen = seen or isinstance(item, Challenge)
            ours = isinstance(item, Authentication) and (item.sub_type == MN_AAA or item.type == 33)
            if seen and ours:
                return True
        return False

    def _check_address(self, entry: Pending) -> None:
        """Two with one private address cannot be told apart on the link: the second is sent away (RFC 3024 A.4)."""
        others: list[Visitor | Pending] = [*self._visitors.values(), *self._pending]
        for other in others if entry.home_address != NOBODY and entry.lifetime else ():
            same = other.home_address == entry.home_address and other.home_agent != entry.home_agent
            if same and other.link != entry.link:
                raise Denied(
                    ReplyCode.FA_ADMINISTRATIVELY_PROHIBITED,
                    "a visitor of another home agent has this address",
                )

    def _check_room(self, request: RegistrationRequest, pending: Pending | None) -> None:
        if pending is None and len(self._pending) >= self.settings.max_pending:
            raise Denied(ReplyCode.FA_INSUFFICIENT_RESOURCES, "too many requests wait for their answers")
        known = any(visitor.home_address == request.home_address for visitor in self._visitors.values())
        if request.lifetime and not known and len(self._visitors) >= self.settings.max_visitors:
            raise Denied(ReplyCode.FA_INSUFFICIENT_RESOURCES, "too many visitors")

    def _stamp(self, request: RegistrationRequest, home_agent: IPv4Address, now: Instant) -> int | None:
        shared = self._relay.with_agent(home_agent) is not None
        wanted = self.settings.revocation and shared and request.lifetime and not request.decapsulation
        return timestamp(now.wall) if wanted else None

    @staticmethod
    def _home_agent_of(request: RegistrationRequest) -> IPv4Address:
        wanted = request.find(DynamicHomeAgent)
        if request.home_agent not in ANY_HOME_AGENT or wanted is None:
            return request.home_agent
        return wanted.address

    @staticmethod
    def _who(request: RegistrationRequest) -> object:
        nai = request.find(Nai)
        return name_of(request.home_address, nai.nai if nai is not None else b"")

    def _pending_of(self, request: RegistrationRequest, home_agent: IPv4Address) -> Pending | None:
        """The request this one repeats: same mobile node, same binding."""
        multipath, nai = request.find(Multipath), request.find(Nai)
        bid, name = multipath.bid if multipath is not None else 0, nai.nai if nai is not None else b""
        who = (request.home_address, home_agent, name, bid)
        for item in self._pending:
            if (item.home_address, item.home_agent, item.nai, item.bid) == who:
                return item
        return None

    def _deny(
        self,
        request: RegistrationRequest,
        source: Source,
        denied: Denied,
        now: Instant,
        to: IPv4Address | None,
    ) -> list[Effect]:
        """At most once a second for each mobile node (RFC 5944 section 3.7.2)."""
        self._count(f"denied_{int(denied.code)}")
        # Those without an address share one source.
        who = (source[0], self._who(request))
        if now.monotonic - self._denied_at.get(who, float("-inf")) < _DENIAL_PACE:
            return []
        if denied.code is ReplyCode.FA_MN_TOO_DISTANT:
            # RFC 3024 section 4.2.1: whoever is too distant, for strangers can invent home addresses.
            if now.monotonic - self._too_distant_at < _DENIAL_PACE:
                return []
            self._too_distant_at = now.monotonic
        if len(self._denied_at) >= _MOST_DENIED:
            self._denied_at.clear()
        self._denied_at[who] = now.monotonic
        lifetime = request.lifetime if denied.lifetime is None else denied.lifetime
        challenge = self._offer(self._who(request))
        octets = self._relay.denial(request, denied.code, denied.why, lifetime, challenge)
        text = f"visitor {request.home_address}: denied with code {int(denied.code)}: {denied.why}"
        return [
            Reply(octets, *_back(request.home_address, source), on_link=True, source=_address_of(to)),
            Event("warning", f"denied_{int(denied.code)}", text),
        ]

    def _give_up(self, item: Pending, code: ReplyCode, why: str) -> list[Effect]:
        self._count(f"denied_{int(code)}")
        request = RegistrationRequest(
            item.lifetime, item.home_address, item.home_agent, item.care_of_address, item.identification
        )
        octets = self._relay.denial(request, code, why, item.lifetime, self._offer(item.who))
        text = f"visitor {item.home_address}: denied with code {int(code)}: {why}"
        return [
            _to_mobile(octets, item),
            Event("warning", f"denied_{int(code)}", text),
        ]

    def _offer(self, who: object) -> bytes:
        """The challenge of a denial."""
        return self._challenges.offer(who) if self.settings.challenge else b""

    def _renewed(self, item: Pending, home_address: IPv4Address) -> bytes:
        """The challenge for one who is accepted, and goes by this home address from now on."""
        if not self.settings.challenge:
            return b""
        if item.challenge:
            self._challenges.use(home_address, item.challenge)
        return self._challenges.issue(home_address)

    def _challenge_for(self, to: IPv4Address | None, fresh: bool) -> bytes:
        """The challenge of an advertisement (RFC 4721 section 2.1)."""
        if to is None:
            return self._challenges.advertise() if fresh else self._challenges.latest()
        return self._challenges.offer(to)

    # Replies

    def _replied(self, data: bytes, reply: RegistrationReply, source: Source, now: Instant) -> list[Effect]:
        item = self._answered_by(reply, source)
        if item is None:
            return self._dropped("unmatched_reply", source, f"home address {reply.home_address}")
        security = self._relay.with_agent(item.home_agent)
        status = check_reply(reply, nai=item.nai)
        found = authentications(reply.extensions, _FOREIGN_HOME)
        # RFC 5944 sections 3.5.4 and 3.7.1: de-registrations go without it, or with it.
        bare = not item.lifetime and not reply.lifetime and not found
        if security is not None and not bare and not verify(data, reply.extensions, security, _FOREIGN_HOME):
            status = ReplyCode.FA_HA_FAILED_AUTHENTICATION
        elif security is None and found:
            return self._dropped(
                "unexpected_foreign_authenticator", source, f"home address {reply.home_address}"
            )
        status = status or self._wrong_challenge(item, reply)
        self._pending.remove(item)
        accepted = status is None and reply.code <= ReplyCode.ACCEPTED_NO_SIMULTANEOUS
        effects = self._settle(item, reply, now) if accepted else []
        if status is not None:
            self._count(f"not_honoured_{int(status)}")
            text = (
                f"visitor {item.home_address}: reply of {item.home_agent} not honoured, status {int(status)}"
            )
            effects.append(Event("warning", "not_honoured", text))
        home_address = reply.home_address if accepted else item.home_address
        challenge = self._renewed(item, home_address) if accepted else self._offer(item.who)
        octets = self._relay.reply(data, reply, home_address, challenge, status)
        self._count("replies_relayed")
        return [*effects, _to_mobile(octets, item)]

    def _answered_by(self, reply: RegistrationReply, source: Source) -> Pending | None:
        nai = reply.find(Nai)
        for item in self._pending:
            same = item.identification & LOW == reply.identification & LOW
            who = reply.home_address == item.home_address or item.home_address == NOBODY
            named = nai is None or not item.nai or nai.nai == item.nai
            if same and who and named and source[0] == item.home_agent:
                return item
        return None

    @staticmethod
    def _wrong_challenge(item: Pending, reply: RegistrationReply) -> ReplyCode | None:
        echoed = reply.find(Challenge)
        wrong = echoed is not None and item.challenge and echoed.value != item.challenge
        return ReplyCode.FA_HA_WRONG_CHALLENGE if wrong else None

    def _settle(self, item: Pending, reply: RegistrationReply, now: Instant) -> list[Effect]:
        """The visitor list after an acceptance (RFC 5944 section 3.7.3.2).

        Of another home agent, the same (private) home address is another mobile node's.
        """
        home_address = reply.home_address
        same = [
            visitor for visitor in self._visitors.values()
            if (visitor.home_address, visitor.home_agent) == (home_address, item.home_agent)
        ]  # fmt: skip
        if not item.lifetime or not reply.lifetime:
            gone = same if item.everything else [visitor for visitor in same if visitor.bid == item.bid]
            return [effect for visitor in gone for effect in self._leave(visitor, "de-registered")]
        effects: list[Effect] = []
        if item.bid == 0:
            effects = [
                effect for visitor in same if visitor.bid for effect in self._leave(visitor, "replaced")
            ]
        lifetime = min(item.lifetime, reply.lifetime, self.settings.max_lifetime)
        offered, key = _vouched(reply, RevocationSupport), reply.find(GreKey)
        terms = None
        if item.stamp is not None and offered is not None:
            terms = RevocationTerms(item.stamp, offered.timestamp, False)
        visitor = Visitor(
            item, home_address, item.nai, item.home_agent, item.care_of_address, item.source, item.link, item.bid, lifetime,
            now.monotonic + (_FOREVER if lifetime == INFINITE_LIFETIME else lifetime), item.colocated, item.reverse_tunnel, item.delivery,
            "gre" if key is not None else "ipip", key.key if key is not None else None, terms,
        )  # fmt: skip
        if visitor.key not in self._visitors:
            text = f"visitor {home_address} of {item.home_agent}, binding {item.bid}, {lifetime} s"
            effects.append(Event("info", "visitor", text))
        self._visitors[visitor.key] = visitor
        self._revocations.under_way.registered((home_address, item.home_agent, item.care_of_address))
        return [*effects, Visiting(visitor)]

    def _leave(self, visitor: Visitor, reason: str) -> list[Effect]:
        del self._visitors[visitor.key]
        text = f"visitor {visitor.home_address}, binding {visitor.bid}, gone: {reason}"
        return [VisitorLeft(visitor, reason), Event("info", "visitor", text)]

    # Revocation (RFC 3543)

    def _revoked(self, data: bytes, message: Revocation, source: Source, now: Instant) -> list[Effect]:
        """A home agent ends a binding of a visitor (section 4.2.2.2)."""
        security = self._relay.with_agent(message.home_domain_address)
        if security is None or not self._revocations.is_authentic(data, message, security):
            return self._dropped("revocation", source, f"for {message.home_address}")
        effects: list[Effect] = []
        found = self._revocations.meant_by(message, self._visitors.values())
        for visitor in found:
            self._revocations.note(visitor, now)
            effects += self._leave(visitor, "revoked")
        inform = self._revocations.answer(message, now)
        if inform is None:
            return self._dropped("revocation", source, f"for {message.home_address}")
        self._count("revocations_received")
        # I was not negotiated by us: our policy is to tell the mobile node.
        octets = RevocationAcknowledgment(message.home_address, message.identifier, inform).encode()
        effects.append(Reply(append(octets, _FOREIGN_HOME, security), *source))
        if found:
            effects += self._advertiser.start_anew(message.home_address, busy=True)
        return effects

    def _acknowledged(self, data: bytes, message: RevocationAcknowledgment, source: Source) -> list[Effect]:
        done = self._revocations.under_way.acknowledged(data, message, source)
        if done is None:
            return self._dropped("revocation_acknowledgment", source, f"for {message.home_address}")
        self._count("revocations_acknowledged")
        inform = message.inform and done.message.inform
        return [*self._advertiser.start_anew(message.home_address, busy=True)] if inform else []

    def _dropped(self, reason: str, source: Source, detail: str) -> list[Effect]:
        self._count(f"dropped_{reason}")
        text = f"dropped a message from {source[0]}:{source[1]}: {reason.replace('_', ' ')} ({detail})"
        return [Event("warning", f"dropped_{reason}", text)]

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1


def _vouched(reply: RegistrationReply, kind: type[E]) -> E | None:
    """The first extension of class `kind` that the home agent's authenticator for us covers."""
    for item in reply.extensions:
        if isinstance(item, Authentication) and item.type == _FOREIGN_HOME:
            return None
        if isinstance(item, kind):
            return item
    return None


def _to_mobile(octets: bytes, item: Pending) -> Reply:
    source = _address_of(item.destination)
    return Reply(octets, *_back(item.home_address, item.source), on_link=True, source=source)


def _address_of(to: IPv4Address | None) -> IPv4Address | None:
    """What a reply comes from: where the request went to, unless that was everybody (RFC 5944 section 3.7.2.3)."""
    return None if to is None or to.is_multicast or to == _EVERYBODY else to


def _back(home_address: IPv4Address, source: Source) -> Source:
    """To where the request came from; from nowhere, to the home address it named, or to everybody on the link.

    An assigned home address is not yet the mobile node's when its reply comes:
    no host takes a packet to an address it does not have.
    """
    if source[0] != NOBODY:
        return source
    return (_EVERYBODY if home_address == NOBODY else home_address, source[1])
