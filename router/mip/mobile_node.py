"""The mobile node: one registration per uplink (RFC 5944 section 3.6, RFC 7629 section 5.1)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import takewhile

from router.clock import Instant
from router.config.model import MobileNode as Settings
from router.mip.auth import sign, verify
from router.mip.binding import MobileBinding
from router.mip.effect import Bound, Effect, Event, Send, Unbound
from router.mip.extension import Authentication
from router.mip.identification import LOW
from router.mip.keepalive import echo_request, reply_sequence
from router.mip.message import RegistrationReply, Reject, TunnelData, decode
from router.mip.numbers import ReplyCode
from router.mip.registration import (
    DENIED_MAX,
    GOOD,
    PACE,
    Asked,
    Farewell,
    Registration,
    RegistrationView,
    State,
    granted_binding,
    meaning,
    refused_networks,
    request_for,
)
from router.mip.replay import TimeStamps

__all__ = ["MobileBinding", "MobileNode"]

_UNANSWERED_LIMIT = 3
_KEEPALIVE_WAIT = 1.0
_KEEPALIVE_MISSES = 3
_STOP_PATIENCE = 2.0
_ONE_ALLOWED = "the home agent allows one binding"


class MobileNode:
    """Feed it uplinks, datagrams and time; perform the effects.  No input raises."""

    def __init__(self, settings: Settings, rng: random.Random) -> None:
        self.settings = settings
        self.counters: dict[str, int] = {}
        self._random = rng
        self._stamps = TimeStamps(rng)
        self._registrations: dict[int, Registration] = {}
        self._farewells: dict[int, Farewell] = {}
        self._sent_at: dict[int, float] = {}
        self._multipath = True
        self._udp = settings.udp_tunnel != "off"
        self._stopping = False

    @property
    def registrations(self) -> Mapping[int, RegistrationView]:
        """By BID: those of living uplinks, and de-registrations under way."""
        leaving = {bid: farewell.registration for bid, farewell in self._farewells.items()}
        return {bid: item.view() for bid, item in (leaving | self._registrations).items()}

    @property
    def stopped(self) -> bool:
        """True once `stop()` was called and every de-registration is answered or given up."""
        return self._stopping and not self._farewells

    def uplink_up(
        self, bid: int, care_of_address: IPv4Address, access_technology: int, label: int, now: Instant
    ) -> list[Effect]:
        """An uplink became usable, or has another address: register it.

        A de-registration of the same BID still under way is abandoned; the
        newer request supersedes it.
        """
        if self._stopping:
            return []
        self._farewells.pop(bid, None)
        effects: list[Effect] = []
        before = self._registrations.get(bid)
        if before is not None and before.care_of_address != care_of_address:
            effects += self._unbind(before, "care-of address changed")
        fresh = Registration(bid, care_of_address, access_technology, label)
        if before is not None and before.care_of_address == care_of_address:
            fresh = replace(before, access_technology=access_technology, label=label, attempts=0)
        self._registrations[bid] = fresh
        if not self._multipath and bid != self._the_one():
            return effects + self._let_rest(fresh)
        return effects + self._request(fresh, now)

    def uplink_down(self, bid: int, now: Instant) -> list[Effect]:
        """An uplink is gone: its binding is dead for us at once, and is de-registered through another."""
        gone = self._registrations.pop(bid, None)
        effects: list[Effect] = []
        for farewell in self._farewells.values():
            if farewell.carriers[-1:] == [bid]:
                farewell.hurry(now.monotonic)
        # Unanswered requests may have created a binding too.
        if gone is not None and (gone.binding is not None or gone.pending) and not self._stopping:
            deadline = self._sent_at[bid] + self.settings.lifetime
            self._farewells[bid] = Farewell(gone, deadline, next_at=now.monotonic)
        effects += self._say_farewells(now)
        if gone is not None:
            effects += self._unbind(gone, "uplink lost")
        return effects + self._wake_the_one(now)

    def receive(self, bid: int, data: bytes, now: Instant) -> list[Effect]:
        """A datagram from the home agent's port 434, come in through the uplink of `bid`."""
        message = decode(data)
        if isinstance(message, Reject):
            return self._drop(message.reason.value, message.detail)
        if isinstance(message, TunnelData):
            return self._keepalive_answered(bid, message, now)
        if not isinstance(message, RegistrationReply):
            return self._drop("unexpected_message", type(message).__name__)
        low = message.identification & LOW
        farewell = next((item for item in self._farewells.values() if low in item.pending), None)
        asking = (item for item in self._registrations.values() if item.is_answered_by(message))
        registration = next(asking, None)
        if farewell is None and registration is None:
            return self._drop("unmatched_reply", f"identification ..{low:08x}")
        if not verify(data, message, self.settings.security):
            return self._drop("bad_authenticator", f"reply with code {message.code}")
        if farewell is not None:
            return self._farewell_answered(farewell, message, now)
        assert registration is not None
        # What follows the authenticator is not the home agent's word.
        covered = takewhile(lambda item: not isinstance(item, Authentication), message.extensions)
        return self._answered(registration, replace(message, extensions=tuple(covered)), now)

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        effects = self._say_farewells(now)
        for registration in list(self._registrations.values()):
            effects += self._tick_one(registration, now)
        return effects

    def next_wake(self) -> float | None:
        """Monotonic time at which `tick` has something to do, or None."""
        moments = [farewell.wake() for farewell in self._farewells.values()]
        for registration in self._registrations.values():
            moments += registration.wakes()
        return min(moments, default=None)

    def stop(self, now: Instant) -> list[Effect]:
        """De-register every binding, each through its own uplink; those of lost uplinks through another."""
        self._stopping = True
        deadline = now.monotonic + _STOP_PATIENCE
        for farewell in self._farewells.values():
            farewell.via, farewell.deadline = self._carrier(farewell), deadline
            farewell.hurry(now.monotonic)
        for bid, registration in self._registrations.items():
            if registration.binding is not None or registration.pending:
                self._farewells[bid] = Farewell(registration, deadline, bid, now.monotonic)
        self._registrations.clear()
        return self._say_farewells(now)

    # The one binding of a home agent without multipath: the lowest BID that is answered.

    def _the_one(self) -> int | None:
        candidates = self._registrations.values()
        return min(((item.state is State.NO_REPLY, item.bid) for item in candidates), default=(0, None))[1]

    def _wake_the_one(self, now: Instant) -> list[Effect]:
        chosen = self._registrations.get(self._the_one() or 0)
        if self._multipath or chosen is None or chosen.state is not State.IDLE:
            return []
        return self._request(chosen, now)

    def _let_rest(self, registration: Registration) -> list[Effect]:
        effects = self._unbind(registration, _ONE_ALLOWED)
        registration.rest(_ONE_ALLOWED)
        return effects

    def _let_others_rest(self, registration: Registration, now: Instant) -> list[Effect]:
        if self._multipath:
            return []
        effects: list[Effect] = []
        for other in [item for item in self._registrations.values() if item is not registration]:
            if other.pending and registration.next_at is not None:
                # Its request may reach the home agent after ours, and replace us.
                registration.next_at = min(registration.next_at, now.monotonic + PACE)
            if other.state is not State.NO_REPLY:
                effects += self._let_rest(other)
        return effects

    # Requests

    def _tick_one(self, registration: Registration, now: Instant) -> list[Effect]:
        effects: list[Effect] = []
        binding = registration.binding
        if binding is not None and binding.expires <= now.monotonic:
            effects += self._unbind(registration, "lifetime expired")
        if registration.keepalive_at is not None and registration.keepalive_at <= now.monotonic:
            effects += self._keepalive(registration, now)
        if registration.next_at is not None and registration.next_at <= now.monotonic:
            effects += self._due(registration, now)
        return effects

    def _due(self, registration: Registration, now: Instant) -> list[Effect]:
        effects: list[Effect] = []
        if registration.attempts >= _UNANSWERED_LIMIT and registration.state is not State.NO_REPLY:
            registration.state = State.NO_REPLY
            registration.detail = f"home agent {self.settings.home_agent} does not answer"
            effects.append(self._event("warning", f"binding {registration.bid}: {registration.detail}"))
            effects += self._unbind(registration, "no reply")
            effects += self._wake_the_one(now)
        return effects + self._request(registration, now)

    def _request(self, registration: Registration, now: Instant) -> list[Effect]:
        """Send one request, or wait until the pace allows it."""
        earliest = self._sent_at.get(registration.bid, float("-inf")) + PACE
        if now.monotonic < earliest:
            registration.next_at = earliest
            return []
        lifetime = self.settings.lifetime
        identification = self._stamps.next(now.wall)
        registration.departs(identification, lifetime, now.monotonic, self._random.random())
        self._count("requests_sent")
        return self._send(registration, registration.bid, identification, lifetime, now)

    def _send(
        self, registration: Registration, via: int, identification: int, lifetime: int, now: Instant
    ) -> list[Effect]:
        self._sent_at[registration.bid] = now.monotonic
        request = request_for(
            self.settings, registration, identification, lifetime, multipath=self._multipath, udp=self._udp
        )
        return [Send(via, sign(request, self.settings.security))]

    # Replies

    def _answered(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        asked = registration.settle(reply, now.monotonic)
        if reply.code in GOOD and reply.lifetime > 0:
            return self._accepted(registration, reply, asked, now)
        return self._denied(registration, reply, now)

    def _accepted(
        self, registration: Registration, reply: RegistrationReply, asked: Asked, now: Instant
    ) -> list[Effect]:
        news = registration.binding is None
        binding = granted_binding(self.settings, registration, reply, asked, udp=self._udp)
        registration.bind(binding, now.monotonic, self._random.random())
        effects: list[Effect] = [Bound(binding)]
        for clause in refused_networks(reply):
            effects.append(self._event("warning", f"binding {binding.bid}: {clause}"))
        if news:
            effects.append(
                self._event("info", f"binding {binding.bid} ({binding.care_of_address}): {binding.terms}")
            )
            for farewell in self._farewells.values():
                if not farewell.carriers:
                    farewell.hurry(now.monotonic)
        return effects + self._let_others_rest(registration, now)

    def _denied(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        self._count(f"denied_{reply.code}")
        registration.state = State.DENIED
        registration.detail = meaning(reply.code)
        text = f"binding {registration.bid}: denied with code {reply.code}: {registration.detail}"
        react = _REACTIONS.get(reply.code, MobileNode._back_off)
        return [self._event("warning", text), *react(self, registration, reply, now)]

    def _back_off(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        registration.pending.clear()
        registration.back_off(now.monotonic, self._random.random())
        return []

    def _resynchronise(
        self, registration: Registration, reply: RegistrationReply, now: Instant
    ) -> list[Effect]:
        self._stamps.adopt(reply.identification, now.wall, self.settings.security.tolerance)
        # The first retry at once, as the pace allows; more mismatches are no matter of clocks alone.
        wait = registration.backoff
        registration.backoff = min(DENIED_MAX, max(PACE, 2 * wait))
        registration.next_at = max(now.monotonic + wait, self._sent_at[registration.bid] + PACE)
        return []

    def _without_udp(
        self, registration: Registration, reply: RegistrationReply, now: Instant
    ) -> list[Effect]:
        if not self._udp:
            return self._back_off(registration, reply, now)
        self._udp = False
        registration.pending.clear()
        return self._request(registration, now)

    def _single(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        if not self._multipath:
            return self._back_off(registration, reply, now)
        self._multipath = False
        effects: list[Effect] = []
        for item in self._registrations.values():
            effects += self._let_rest(item)
        return effects + self._wake_the_one(now)

    def _unbind(self, registration: Registration, reason: str) -> list[Effect]:
        if registration.binding is None:
            return []
        registration.unbind()
        text = f"binding {registration.bid} ({registration.care_of_address}): {reason}"
        return [Unbound(registration.bid, reason), self._event("warning", text)]

    # Keepalives (RFC 3519 sections 4.9 and 4.10)

    def _keepalive(self, registration: Registration, now: Instant) -> list[Effect]:
        if registration.keepalive_misses >= _KEEPALIVE_MISSES:
            # No answer means the mapping may be gone.
            registration.keepalive_at = None
            registration.attempts = 0
            text = f"binding {registration.bid}: {_KEEPALIVE_MISSES} keepalives unanswered, registering anew"
            return [self._event("warning", text), *self._request(registration, now)]
        registration.keepalive_misses += 1
        registration.keepalive_sequence += 1
        registration.keepalive_at = now.monotonic + _KEEPALIVE_WAIT
        self._count("keepalives_sent")
        echo = echo_request(
            self.settings.home_address, self.settings.home_agent, registration.keepalive_sequence
        )
        return [Send(registration.bid, echo)]

    def _keepalive_answered(self, bid: int, message: TunnelData, now: Instant) -> list[Effect]:
        registration = self._registrations.get(bid)
        sequence = reply_sequence(message, self.settings.home_address, self.settings.home_agent)
        if sequence is None or registration is None or registration.binding is None:
            return []
        if (registration.keepalive_sequence - sequence) & 0xFFFF < registration.keepalive_misses:
            registration.keepalive_misses = 0
            registration.keepalive_at = now.monotonic + registration.binding.keepalive
        return []

    # De-registrations

    def _say_farewells(self, now: Instant) -> list[Effect]:
        effects: list[Effect] = []
        for farewell in list(self._farewells.values()):
            if farewell.wake() <= now.monotonic:
                effects += self._say_farewell(farewell, now)
        return effects

    def _say_farewell(self, farewell: Farewell, now: Instant) -> list[Effect]:
        registration = farewell.registration
        if farewell.hopeless or farewell.deadline <= now.monotonic:
            del self._farewells[registration.bid]
            text = f"binding {registration.bid}: de-registration unanswered; the home agent lets it expire"
            return [self._event("warning", text)]
        via = farewell.via if farewell.via is not None else self._carrier(farewell)
        if via is None:
            farewell.wait_for_a_carrier()
            return []
        identification = self._stamps.next(now.wall)
        farewell.departs(identification & LOW, via, now.monotonic)
        self._count("deregistrations_sent")
        return self._send(registration, via, identification, 0, now)

    def _carrier(self, farewell: Farewell) -> int | None:
        """The registered uplink that was tried least, of these the one that answers fastest."""
        bound = [item for item in self._registrations.values() if item.binding is not None]
        bound.sort(key=lambda item: (farewell.carriers.count(item.bid), item.attempts, item.rtt, item.bid))
        return bound[0].bid if bound else None

    def _farewell_answered(self, farewell: Farewell, reply: RegistrationReply, now: Instant) -> list[Effect]:
        bid = farewell.registration.bid
        if reply.code == ReplyCode.HA_IDENTIFICATION_MISMATCH and not farewell.hopeless:
            self._stamps.adopt(reply.identification, now.wall, self.settings.security.tolerance)
            farewell.pending.clear()
            farewell.next_at = self._sent_at[bid] + PACE
            return []
        del self._farewells[bid]
        if reply.code in GOOD:
            return [self._event("info", f"binding {bid}: de-registered")]
        text = f"binding {bid}: de-registration denied with code {reply.code}: {meaning(reply.code)}"
        return [self._event("warning", text)]

    def _drop(self, reason: str, detail: str) -> list[Effect]:
        self._count(f"dropped_{reason}")
        text = f"dropped a message: {reason.replace('_', ' ')} ({detail})"
        return [Event("warning", f"dropped_{reason}", text)]

    def _event(self, level: str, text: str) -> Event:
        return Event(level, "registration", text)

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1


_REACTIONS: dict[int, Callable[[MobileNode, Registration, RegistrationReply, Instant], list[Effect]]] = {
    ReplyCode.HA_IDENTIFICATION_MISMATCH: MobileNode._resynchronise,
    ReplyCode.HA_UDP_ENCAPSULATION_UNAVAILABLE: MobileNode._without_udp,
    ReplyCode.MULTIPATH_NOT_ALLOWED: MobileNode._single,
}
"""What a denial leads to; the codes not listed are tried again after a back-off."""
