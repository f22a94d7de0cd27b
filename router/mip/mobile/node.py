"""The mobile node: one registration per uplink (RFC 5944 section 3.6, RFC 7629 section 5.1)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, IPv4Network

from router.clock import Instant
from router.config.model import Flow
from router.config.model import MobileNode as Settings
from router.mip.counters import Counters
from router.mip.effect import Effect, Send
from router.mip.keepalive import reply_sequence
from router.mip.mobile.acceptance import Acceptances
from router.mip.mobile.attachment import Attachments
from router.mip.mobile.binding import MobileBinding
from router.mip.mobile.denial import Denials
from router.mip.mobile.farewell import Farewell
from router.mip.mobile.farewells import Farewells
from router.mip.mobile.registrar import Registrar
from router.mip.mobile.registration import Registration, RegistrationView
from router.mip.mobile.replies import Replies
from router.mip.mobile.request import can_answer
from router.mip.mobile.revoked import Revoked
from router.mip.mobile.sender import Sender
from router.mip.mobile.session import Session
from router.mip.mobile.whereabouts import Whereabouts
from router.mip.wire.message import Reject, decode
from router.mip.wire.multipath import FlowBinding
from router.mip.wire.numbers import PORT
from router.mip.wire.registration import RegistrationReply
from router.mip.wire.revocation import Revocation
from router.mip.wire.udp_tunnel import TunnelData

__all__ = ["MobileBinding", "MobileNode"]

_STOP_PATIENCE = 2.0
Source = tuple[IPv4Address, int]


class MobileNode:
    """Feed it uplinks, datagrams, advertisements and time; perform the effects.  No input raises."""

    def __init__(
        self,
        settings: Settings,
        rng: random.Random,
        flows: Iterable[Flow] = (),
        bids: Mapping[str, int] | None = None,
    ) -> None:
        self.settings = settings
        self.counters = Counters()
        self.session = Session.begin(settings)
        self._revoked = Revoked(settings.security)
        self._stopping = False
        self._sender = Sender(settings, self.session, rng, self.counters)
        self._attachments = Attachments(rng, partial(can_answer, settings))
        self._registrar = Registrar(
            settings, self.session, self._sender, flows, bids or {}, self._attachments.solicit
        )
        self._registrations = self._registrar.registrations
        self._farewells = Farewells(self.session, self._sender, self._registrations)
        self._whereabouts = Whereabouts(
            settings, self.session, self._sender, self._attachments, self._registrar, self._farewells
        )
        self._replies = self._make_replies(rng)

    def _make_replies(self, rng: random.Random) -> Replies:
        settings, session, sender, registrar = self.settings, self.session, self._sender, self._registrar
        acceptances = Acceptances(settings, session, sender, registrar, self._farewells, rng)
        denials = Denials(session, sender, registrar, self._whereabouts, rng, self.counters)
        return Replies(
            settings, session, sender, registrar, self._farewells, acceptances, denials, self.counters
        )

    @property
    def doubted(self) -> list[int]:
        """BIDs of living uplinks over which something had to be sent again."""
        return [bid for bid, registration in self._registrations.items() if registration.in_doubt]

    @property
    def registrations(self) -> Mapping[int, RegistrationView]:
        """By BID: those of living uplinks, and de-registrations under way."""
        return {bid: item.view() for bid, item in (self._farewells.leaving | self._registrations).items()}

    @property
    def home_address(self) -> IPv4Address:
        """0.0.0.0 while the home agent has not assigned one."""
        return self.session.home_address

    @property
    def mobile_networks(self) -> tuple[IPv4Network, ...]:
        """What the home agent granted; before its first word, what is configured."""
        session = self.session
        hoped = tuple(item for item in self.settings.mobile_networks if item not in session.refused_networks)
        return session.granted_networks or hoped

    @property
    def agent_flows(self) -> tuple[FlowBinding, ...]:
        """The home agent's own policies: they come before ours, since it keeps to them."""
        return self.session.agent_flows

    @property
    def at_home(self) -> int | None:
        """BID of the uplink that is on the home link, or None."""
        return self._registrar.at_home

    @property
    def clock_offset(self) -> float:
        """Seconds that the home agent's clock is ahead of ours, as far as it has said so; 0 within its tolerance."""
        return self._sender.clock_offset

    @property
    def disbelieved(self) -> Mapping[int, str]:
        """By BID: why the last answer was not believed, until one is."""
        return self._replies.disbelieved

    @property
    def stopped(self) -> bool:
        """True once `stop()` was called and every de-registration is answered or given up."""
        return self._stopping and not self._farewells

    # Uplinks

    def uplink_up(
        self,
        bid: int,
        care_of_address: IPv4Address | None,
        access_technology: int,
        label: int,
        now: Instant,
        mode: str = "colocated",
        encapsulation: str = "auto",
        path_mtu: int | None = None,
    ) -> list[Effect]:
        """An uplink became usable, or has another address: register it.

        `mode` is where its care-of address comes from: `colocated` (its own
        address), `foreign` (a foreign agent's), or `auto` (its own, unless it
        has none or an agent insists); `encapsulation` is the uplink's option,
        `path_mtu` what its path is known to carry, if less than its link.
        A de-registration of the same BID still under way is abandoned; the
        newer request supersedes it.
        """
        if self._stopping:
            return []
        self._farewells.abandon(bid)
        own = None if mode == "foreign" else care_of_address
        effects = self._attachments.uplink_up(bid, mode, now, own=own is not None)
        before = self._registrations.get(bid)
        fresh = Registration(bid, own, access_technology, label, encapsulation, path_mtu)
        if before is not None and (before.care_of_address == own or before.agent is not None):
            fresh = replace(
                before,
                access_technology=access_technology,
                label=label,
                encapsulation=encapsulation,
                attempts=0,
            )
        elif before is not None:
            fresh.overwrite = self.settings.overwrite and before.binding is not None
            effects += self._registrar.unbind(before, "care-of address changed")
        self._registrations[bid] = fresh
        return effects + self._whereabouts.begin(fresh, now)

    def uplink_down(self, bid: int, now: Instant) -> list[Effect]:
        """An uplink is gone: its binding is dead for us at once, and is de-registered through another."""
        gone = self._registrations.pop(bid, None)
        self._attachments.uplink_down(bid)
        self._farewells.carrier_lost(bid, now.monotonic)
        effects: list[Effect] = []
        if gone is not None and gone.may_be_bound and not self._stopping:
            deadline = self._sender.last(bid) + self.settings.lifetime
            self._farewells.add(Farewell(gone, deadline, next_at=now.monotonic))
        effects += self._farewells.say(now)
        if gone is not None:
            effects += self._registrar.unbind(gone, "uplink lost")
        if self._registrar.at_home == bid:
            effects += self._whereabouts.leave_home("uplink lost", now)
        return effects + self._registrar.wake_the_one(now)

    def path_mtu(self, bid: int, mtu: int | None, now: Instant) -> list[Effect]:
        """What the uplink's path carries, None where it is as much as its link: news go to the home agent at once."""
        registration = self._registrations.get(bid)
        if registration is None or registration.path_mtu == mtu:
            return []
        registration.path_mtu = mtu
        bound = registration.binding is not None and self.at_home is None
        return self._registrar.request(registration, now) if bound else []

    def silent_paths(self, bids: frozenset[int], now: Instant) -> list[Effect]:
        """Paths that carry nothing although their uplinks are there: the home agent hears of it by one that lives."""
        if bids == self.session.silent:
            return []
        self.session.silent = bids
        return self._registrar.tell(bids, now)

    def flows(self, flows: Iterable[Flow], now: Instant) -> list[Effect]:
        """Other flow policies."""
        return self._registrar.configure(flows, now)

    def renew(self, bid: int, now: Instant) -> list[Effect]:
        """Somebody wants this uplink registered anew, now."""
        registration = self._registrations.get(bid)
        if registration is None or self._stopping or self.at_home is not None:
            return []
        registration.attempts = 0
        return self._registrar.ask(registration, now)

    def stop(self, now: Instant) -> list[Effect]:
        """De-register: all bindings in one request where the home agent takes that, else each by itself."""
        self._stopping = True
        deadline = now.monotonic + _STOP_PATIENCE
        self._farewells.last_words(deadline, now.monotonic)
        for registration in self._registrations.values():
            if registration.may_be_bound:
                self._farewells.add(Farewell(registration, deadline, registration.bid, now.monotonic))
        self._registrations.clear()
        return self._farewells.say(now)

    def leave(self, now: Instant) -> list[Effect]:
        """De-register all bindings with one request (B, RFC 7629 section 5.1), and register none."""
        self._stopping = True
        bound = sorted(self._registrar.bound, key=lambda item: (item.rtt or 0.0, item.bid))
        if not self.session.support.several or not bound:
            return self.stop(now)
        self._farewells.abandon_all()
        deadline = now.monotonic + _STOP_PATIENCE
        self._farewells.add(Farewell(bound[0], deadline, bound[0].bid, now.monotonic, bulk=True))
        effects = self._farewells.say(now)
        for registration in bound:
            effects += self._registrar.unbind(registration, "leaving")
        self._registrations.clear()
        return effects

    # What arrives

    def receive(self, bid: int, data: bytes, now: Instant, source: Source | None = None) -> list[Effect]:
        """A datagram that came in through the uplink of `bid`, by default from the home agent's port 434."""
        message = decode(data)
        source = source or (self.session.home_agent, PORT)
        if isinstance(message, RegistrationReply):
            return self._replies.take(bid, data, message, source[0], now)
        if isinstance(message, Revocation):
            return self._revocation(bid, data, message, source, now)
        if isinstance(message, TunnelData):
            self._keepalive(bid, message, now)
            return []
        if isinstance(message, Reject):
            return self.counters.drop(message.reason.value, message.detail)
        return self.counters.drop("unexpected_message", type(message).__name__)

    def advertised(self, bid: int, data: bytes, source: IPv4Address, now: Instant) -> list[Effect]:
        """An ICMP message of router discovery heard on the uplink of `bid`."""
        registration = self._registrations.get(bid)
        heard = self._attachments.heard(bid, data, source, now)
        if heard is None or registration is None or self._stopping:
            return []
        return self._whereabouts.heard(registration, heard, now)

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        effects = self._farewells.say(now)
        for bid, lost in self._attachments.tick(now, effects):
            effects += self._whereabouts.lost(bid, lost, now)
        trial = self.session.support.trial_at
        if trial is not None and trial <= now.monotonic:
            self.session.support.start_trial()
            effects += self._registrar.wake_the_one(now, anyhow=True)
        for registration in list(self._registrations.values()):
            effects += self._registrar.tick(registration, now)
        return effects

    def next_wake(self) -> float | None:
        """Monotonic time at which `tick` has something to do, or None."""
        moments = self._farewells.wakes() + self._attachments.wakes()
        for registration in self._registrations.values():
            moments += registration.wakes()
        if self.session.support.trial_at is not None and self._registrations:
            moments.append(self.session.support.trial_at)
        return min(moments, default=None)

    def _keepalive(self, bid: int, message: TunnelData, now: Instant) -> None:
        registration = self._registrations.get(bid)
        sequence = reply_sequence(message, self.session.home_address, self.session.home_agent)
        if registration is not None and sequence is not None:
            registration.keepalive_answered(sequence, now.monotonic)

    def _revocation(
        self, bid: int, data: bytes, message: Revocation, source: Source, now: Instant
    ) -> list[Effect]:
        """The home agent ends a binding (RFC 3543 section 4.2.2.3)."""
        registration = self._revoked.meant_by(data, message, self.session, self._registrations.values())
        if registration is None:
            return self.counters.drop("revocation", f"from {source[0]}")
        self.counters.count("revocations_received")
        effects: list[Effect] = [Send(bid, self._revoked.acknowledgment(message), *source)]
        if registration.binding is not None:
            effects += self._registrar.unbind(registration, "revoked by the home agent")
            registration.pause("revoked", now.monotonic)
        return effects
