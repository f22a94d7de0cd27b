"""The mobile node: one registration per uplink (RFC 5944 section 3.6, RFC 7629 section 5.1)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import MobileNode as Settings
from router.mip.auth import sign, verify
from router.mip.binding import MobileBinding
from router.mip.effect import Bound, Effect, Event, Send, Unbound
from router.mip.extension import (
    Extension,
    MobileNetworkAcknowledgement,
    MobileNetworkRequest,
    Multipath,
    UdpTunnelReply,
    UdpTunnelRequest,
)
from router.mip.identification import LOW, from_wall, to_wall
from router.mip.keepalive import echo_request, reply_sequence
from router.mip.message import RegistrationReply, RegistrationRequest, Reject, TunnelData, decode
from router.mip.numbers import ReplyCode
from router.mip.registration import (
    REFRESH_AT,
    Farewell,
    Registration,
    RegistrationView,
    State,
    first_timeout,
    next_timeout,
)

__all__ = ["MobileBinding", "MobileNode"]

_UNANSWERED_LIMIT = 3
_FAREWELL_TRIES = 4
_PACE = 1.0
"""RFC 5944 section 3.6.3: a second at least between two requests of one binding."""
_DENIED_BACKOFF, _DENIED_MAX = 5.0, 60.0
_HALF_DONE = 30.0
"""Seconds to care about a request whose answer an uplink took with it."""
_KEEPALIVE_WAIT = 1.0
_KEEPALIVE_MISSES = 3
_GOOD = (ReplyCode.ACCEPTED, ReplyCode.ACCEPTED_NO_SIMULTANEOUS)


class MobileNode:
    """Feed it uplinks, datagrams and time; perform the effects.  No input raises."""

    def __init__(self, settings: Settings, rng: random.Random) -> None:
        self.settings = settings
        self.counters: dict[str, int] = {}
        self._random = rng
        self._registrations: dict[int, Registration] = {}
        self._farewells: dict[int, Farewell] = {}
        self._offset = 0.0
        self._last_identification = 0
        self._multipath = True
        self._udp = settings.udp_tunnel != "off"
        self._stopping = False

    @property
    def registrations(self) -> Mapping[int, RegistrationView]:
        return {bid: registration.view() for bid, registration in self._registrations.items()}

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
        fresh = Registration(bid, care_of_address, access_technology, label)
        self._registrations[bid] = fresh
        if not self._may_register(bid):
            fresh.detail = "the home agent allows one binding"
            return []
        return self._request(fresh, now)

    def uplink_down(self, bid: int, now: Instant) -> list[Effect]:
        """An uplink is gone: its binding is dead for us at once, and is de-registered through another."""
        gone = self._registrations.pop(bid, None)
        if gone is None:
            return []
        effects: list[Effect] = []
        # Unanswered requests may have created a binding too.
        if (gone.binding is not None or gone.pending) and not self._stopping:
            deadline = gone.binding.expires if gone.binding is not None else now.monotonic + _HALF_DONE
            self._farewells[bid] = Farewell(gone, via=None, deadline=deadline, next_at=now.monotonic)
            effects += self._say_farewell(self._farewells[bid], now)
        if gone.binding is not None:
            effects.append(Unbound(bid, "uplink lost"))
            effects.append(self._event("warning", f"binding {bid} ({gone.care_of_address}): uplink lost"))
        if not self._multipath:
            effects += self._register_the_first(now)
        return effects

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
        registration = next((item for item in self._registrations.values() if low in item.pending), None)
        if farewell is None and registration is None:
            return self._drop("unmatched_reply", f"identification ..{low:08x}")
        if not verify(data, message, self.settings.security):
            return self._drop("bad_authenticator", f"reply with code {message.code}")
        if farewell is not None:
            return self._farewell_answered(farewell, message, now)
        assert registration is not None
        return self._answered(registration, message, low, now)

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        effects: list[Effect] = []
        for farewell in list(self._farewells.values()):
            if farewell.next_at <= now.monotonic:
                effects += self._say_farewell(farewell, now)
        for registration in list(self._registrations.values()):
            effects += self._tick_one(registration, now)
        return effects

    def next_wake(self) -> float | None:
        """Monotonic time at which `tick` has something to do, or None."""
        moments = [farewell.next_at for farewell in self._farewells.values()]
        for registration in self._registrations.values():
            moments += registration.wakes()
        return min(moments, default=None)

    def stop(self, now: Instant) -> list[Effect]:
        """De-register every binding, each through its own uplink."""
        self._stopping = True
        effects: list[Effect] = []
        self._farewells.clear()
        for bid, registration in list(self._registrations.items()):
            if registration.binding is not None or registration.pending:
                self._farewells[bid] = Farewell(registration, via=bid, next_at=now.monotonic)
                effects += self._say_farewell(self._farewells[bid], now)
        self._registrations.clear()
        return effects

    def _may_register(self, bid: int) -> bool:
        return self._multipath or bid == min(self._registrations, default=bid)

    def _register_the_first(self, now: Instant) -> list[Effect]:
        first = min(self._registrations, default=None)
        if first is None or self._registrations[first].state is not State.IDLE:
            return []
        return self._request(self._registrations[first], now)

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
        return effects + self._request(registration, now)

    def _unbind(self, registration: Registration, reason: str) -> list[Effect]:
        if registration.binding is None:
            return []
        registration.binding = None
        registration.keepalive_at = None
        text = f"binding {registration.bid} ({registration.care_of_address}): {reason}"
        return [Unbound(registration.bid, reason), self._event("warning", text)]

    def _request(self, registration: Registration, now: Instant) -> list[Effect]:
        """Send one request, or wait until the pace allows it."""
        earliest = registration.sent_at + _PACE
        if now.monotonic < earliest:
            registration.next_at = earliest
            return []
        if registration.attempts == 0:
            registration.timeout = first_timeout(self._random.random())
            registration.pending.clear()
        else:
            registration.timeout = next_timeout(
                registration.timeout, self.settings.lifetime, self._random.random()
            )
        if registration.state in (State.IDLE, State.DENIED):
            registration.state = State.REGISTERING
        identification = self._identify(now)
        registration.attempts += 1
        registration.sent_at = now.monotonic
        registration.next_at = now.monotonic + registration.timeout
        registration.pending[identification & LOW] = (now.monotonic, self.settings.lifetime)
        self._count("requests_sent")
        extensions = self._extensions(registration)
        request = self._message(registration, identification, self.settings.lifetime, extensions)
        return [Send(registration.bid, sign(request, self.settings.security))]

    def _extensions(self, registration: Registration) -> list[Extension]:
        extensions: list[Extension] = []
        if self._udp:
            extensions.append(UdpTunnelRequest(force=self.settings.udp_tunnel == "force"))
        # RFC 5177 section 6.1: a prefix missing from a request is removed, so each repeats them all.
        extensions += [MobileNetworkRequest(prefix) for prefix in self.settings.mobile_networks]
        return extensions

    def _message(
        self, registration: Registration, identification: int, lifetime: int, extensions: list[Extension]
    ) -> RegistrationRequest:
        if self._multipath:
            path = Multipath(registration.access_technology, registration.label, registration.bid)
            extensions = [*extensions, path]
        return RegistrationRequest(
            lifetime=lifetime,
            home_address=self.settings.home_address,
            home_agent=self.settings.home_agent,
            care_of_address=registration.care_of_address,
            identification=identification,
            extensions=tuple(extensions),
        )

    def _identify(self, now: Instant) -> int:
        stamp = from_wall(now.wall + self._offset)
        self._last_identification = max(stamp, self._last_identification + 1)
        return self._last_identification

    def _answered(
        self, registration: Registration, reply: RegistrationReply, low: int, now: Instant
    ) -> list[Effect]:
        sent, asked = registration.pending[low]
        registration.pending.clear()
        registration.attempts = 0
        registration.code = reply.code
        if reply.code in _GOOD and reply.lifetime > 0:
            return self._accepted(registration, reply, sent, asked, now)
        return self._denied(registration, reply, now)

    def _accepted(
        self, registration: Registration, reply: RegistrationReply, sent: float, asked: int, now: Instant
    ) -> list[Effect]:
        # The lifetime runs from the request's departure (RFC 5944 section 3.6.2.2).
        lifetime = min(asked, reply.lifetime)
        udp = reply.find(UdpTunnelReply)
        granted_udp = udp is not None and udp.granted and self._udp
        binding = MobileBinding(
            bid=registration.bid,
            care_of_address=registration.care_of_address,
            home_agent=self.settings.home_agent,
            encapsulation="udp" if granted_udp else "ipip",
            nat=granted_udp and udp is not None and not udp.forced,
            lifetime=lifetime,
            expires=sent + lifetime,
            keepalive=max(10, (udp.keepalive if udp is not None else 0) or self.settings.keepalive),
        )
        news = registration.binding is None
        registration.binding = binding
        registration.state = State.REGISTERED
        registration.detail = ""
        registration.backoff = 0.0
        early = 1 - 0.05 * self._random.random()
        registration.next_at = max(now.monotonic + _PACE, sent + REFRESH_AT * early * lifetime)
        registration.keepalive_misses = 0
        registration.keepalive_at = sent + binding.keepalive if granted_udp else None
        effects: list[Effect] = [Bound(binding), *self._network_warnings(registration, reply)]
        if news:
            nat = ", NAT found" if binding.nat else ""
            text = (
                f"binding {binding.bid} ({binding.care_of_address}): registered for {lifetime} s, "
                f"{binding.encapsulation}{nat}"
            )
            effects.append(self._event("info", text))
        return effects

    def _network_warnings(self, registration: Registration, reply: RegistrationReply) -> list[Effect]:
        refused = [item for item in reply.all(MobileNetworkAcknowledgement) if item.code]
        return [
            self._event(
                "warning",
                f"binding {registration.bid}: home agent refused mobile network "
                f"{item.address}/{item.prefix_length} with code {item.code}",
            )
            for item in refused
        ]

    def _denied(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        self._count(f"denied_{reply.code}")
        registration.detail = _meaning(reply.code)
        registration.state = State.DENIED
        effects: list[Effect] = [
            self._event(
                "warning",
                f"binding {registration.bid}: denied with code {reply.code}: {_meaning(reply.code)}",
            )
        ]
        if reply.code == ReplyCode.HA_IDENTIFICATION_MISMATCH and registration.backoff < _DENIED_MAX:
            self._set_clock(reply, now)
            registration.backoff = max(_PACE, registration.backoff * 2)
            return effects + self._retry(registration, registration.backoff - _PACE, now)
        if reply.code == ReplyCode.HA_UDP_ENCAPSULATION_UNAVAILABLE and self._udp:
            self._udp = False
            return effects + self._retry(registration, 0.0, now)
        if reply.code == ReplyCode.MULTIPATH_NOT_ALLOWED and self._multipath:
            return effects + self._single(now)
        registration.backoff = min(_DENIED_MAX, max(_DENIED_BACKOFF, registration.backoff * 2))
        wait = registration.backoff * (1 + 0.1 * self._random.random())
        return effects + self._retry(registration, wait, now)

    def _set_clock(self, reply: RegistrationReply, now: Instant) -> None:
        """Take over the home agent's clock from a reply with code 133 (RFC 5944 section 5.7.1)."""
        # Half a second up: its seconds come without their fraction.
        theirs = to_wall(reply.identification & ~LOW) + 0.5
        self._offset = theirs - now.wall
        # Time stamps that were too far ahead were never accepted: they need not be exceeded.
        if self._last_identification > from_wall(theirs + self.settings.security.tolerance):
            self._last_identification = 0

    def _retry(self, registration: Registration, wait: float, now: Instant) -> list[Effect]:
        registration.next_at = max(now.monotonic + wait, registration.sent_at + _PACE)
        return []

    def _single(self, now: Instant) -> list[Effect]:
        """The home agent allows one care-of address: keep the lowest BID, without the extension."""
        self._multipath = False
        effects: list[Effect] = []
        for registration in self._registrations.values():
            effects += self._unbind(registration, "the home agent allows one binding")
            registration.state = State.IDLE
            registration.next_at = None
            registration.pending.clear()
            registration.detail = "the home agent allows one binding"
        return effects + self._register_the_first(now)

    def _keepalive(self, registration: Registration, now: Instant) -> list[Effect]:
        if registration.keepalive_misses >= _KEEPALIVE_MISSES:
            # RFC 3519 section 4.10: no answer means the mapping may be gone; register anew.
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
        registration.keepalive_misses = 0
        registration.keepalive_at = now.monotonic + registration.binding.keepalive
        return []

    def _say_farewell(self, farewell: Farewell, now: Instant) -> list[Effect]:
        registration = farewell.registration
        via = farewell.via if farewell.via is not None else self._living()
        if farewell.attempts >= _FAREWELL_TRIES or farewell.deadline <= now.monotonic:
            del self._farewells[registration.bid]
            text = f"binding {registration.bid}: de-registration unanswered; the home agent lets it expire"
            return [self._event("warning", text)]
        farewell.next_at = now.monotonic + farewell.timeout
        if via is None:
            # Nobody to carry it yet: look again soon, a try is not spent.
            farewell.next_at = now.monotonic + _PACE
            return []
        farewell.attempts += 1
        farewell.timeout *= 2
        identification = self._identify(now)
        farewell.pending.add(identification & LOW)
        self._count("deregistrations_sent")
        request = self._message(registration, identification, 0, [])
        return [Send(via, sign(request, self.settings.security))]

    def _living(self) -> int | None:
        bound = (bid for bid, item in sorted(self._registrations.items()) if item.state is State.REGISTERED)
        return next(bound, None)

    def _farewell_answered(self, farewell: Farewell, reply: RegistrationReply, now: Instant) -> list[Effect]:
        bid = farewell.registration.bid
        if reply.code == ReplyCode.HA_IDENTIFICATION_MISMATCH and farewell.attempts < _FAREWELL_TRIES:
            self._set_clock(reply, now)
            farewell.next_at = now.monotonic + _PACE
            return []
        del self._farewells[bid]
        return [self._event("info", f"binding {bid}: de-registered (code {reply.code})")]

    def _drop(self, reason: str, detail: str) -> list[Effect]:
        self._count(f"dropped_{reason}")
        text = f"dropped a message: {reason.replace('_', ' ')} ({detail})"
        return [Event("warning", f"dropped_{reason}", text)]

    def _event(self, level: str, text: str) -> Event:
        return Event(level, "registration", text)

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1


def _meaning(code: int) -> str:
    try:
        return ReplyCode(code).name.replace("HA_", "").replace("_", " ").lower()
    except ValueError:
        return "unknown code"
