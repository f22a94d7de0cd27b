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
from router.mip.effect import Bound, Effect, Event, GratuitousArp, Send
from router.mip.identification import LOW
from router.mip.keepalive import reply_sequence
from router.mip.mobile.attachment import Attachments
from router.mip.mobile.belief import FOREIGN_CODES, covered, disbelief
from router.mip.mobile.binding import MobileBinding
from router.mip.mobile.farewell import Farewell
from router.mip.mobile.farewells import Farewells
from router.mip.mobile.grant import binding_of, not_honoured, refused_networks, take_networks
from router.mip.mobile.reaction import Next, meaning, react
from router.mip.mobile.registrar import Registrar, event
from router.mip.mobile.registration import (
    DENIED_MAX,
    GOOD,
    PACE,
    Asked,
    Registration,
    RegistrationView,
    State,
)
from router.mip.mobile.request import can_answer
from router.mip.mobile.revoked import Revoked
from router.mip.mobile.sender import Sender
from router.mip.mobile.session import Session
from router.mip.wire.challenge import Challenge
from router.mip.wire.message import Reject, decode
from router.mip.wire.numbers import PORT, ReplyCode
from router.mip.wire.registration import RegistrationReply
from router.mip.wire.revocation import Revocation
from router.mip.wire.udp_tunnel import TunnelData

__all__ = ["MobileBinding", "MobileNode"]

_STOP_PATIENCE = 2.0
_RETRIES = 4
"""Times in a row that a denial is followed by a changed request at once: there are that many things to change."""
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
        self.counters: dict[str, int] = {}
        self.session = Session.begin(settings)
        self._random = rng
        self._sender = Sender(settings, self.session, rng, self.counters)
        self._attachments = Attachments(rng, partial(can_answer, settings))
        self._registrar = Registrar(
            settings, self.session, self._sender, flows, bids or {}, self._attachments.solicit
        )
        self._registrations = self._registrar.registrations
        self._farewells = Farewells(settings, self.session, self._sender, self._registrations)
        self._revoked = Revoked(settings.security)
        self._stopping = False

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
    def at_home(self) -> int | None:
        """BID of the uplink that is on the home link, or None."""
        return self._registrar.at_home

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
    ) -> list[Effect]:
        """An uplink became usable, or has another address: register it.

        `mode` is where its care-of address comes from: `colocated` (its own
        address), `foreign` (a foreign agent's), or `auto` (its own, unless it
        has none or an agent insists).  A de-registration of the same BID still
        under way is abandoned; the newer request supersedes it.
        """
        if self._stopping:
            return []
        self._farewells.abandon(bid)
        own = None if mode == "foreign" else care_of_address
        effects = self._attachments.uplink_up(bid, mode, now, own=own is not None)
        before = self._registrations.get(bid)
        fresh = Registration(bid, own, access_technology, label)
        if before is not None and (before.care_of_address == own or before.agent is not None):
            fresh = replace(before, access_technology=access_technology, label=label, attempts=0)
        elif before is not None:
            fresh.overwrite = self.settings.overwrite and before.binding is not None
            effects += self._registrar.unbind(before, "care-of address changed")
        self._registrations[bid] = fresh
        return effects + self._begin(fresh, now)

    def uplink_down(self, bid: int, now: Instant) -> list[Effect]:
        """An uplink is gone: its binding is dead for us at once, and is de-registered through another."""
        gone = self._registrations.pop(bid, None)
        self._attachments.uplink_down(bid)
        self._farewells.carrier_lost(bid, now.monotonic)
        effects: list[Effect] = []
        # Unanswered requests may have created a binding too.
        if gone is not None and (gone.binding is not None or gone.pending) and not self._stopping:
            deadline = self._sender.last(bid) + self.settings.lifetime
            self._farewells.add(Farewell(gone, deadline, next_at=now.monotonic))
        effects += self._farewells.say(now)
        if gone is not None:
            effects += self._registrar.unbind(gone, "uplink lost")
        if self._registrar.at_home == bid:
            effects += self._left_home("uplink lost", now)
        return effects + self._registrar.wake_the_one(now)

    def stop(self, now: Instant) -> list[Effect]:
        """De-register: all bindings in one request where the home agent takes that, else each by itself."""
        self._stopping = True
        deadline = now.monotonic + _STOP_PATIENCE
        self._farewells.last_words(deadline, now.monotonic)
        told = [item for item in self._registrations.values() if item.binding is not None or item.pending]
        for registration in told:
            self._farewells.add(Farewell(registration, deadline, registration.bid, now.monotonic))
        self._registrations.clear()
        return self._farewells.say(now)

    def leave(self, now: Instant) -> list[Effect]:
        """De-register all bindings with one request (B, RFC 7629 section 5.1), and register none."""
        self._stopping = True
        bound = [item for item in self._registrations.values() if item.binding is not None]
        bound.sort(key=lambda item: (item.rtt or 0.0, item.bid))
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
        if isinstance(message, Reject):
            return self._drop(message.reason.value, message.detail)
        if isinstance(message, TunnelData):
            registration = self._registrations.get(bid)
            sequence = reply_sequence(message, self.session.home_address, self.session.home_agent)
            if registration is not None and sequence is not None:
                registration.keepalive_answered(sequence, now.monotonic)
            return []
        if isinstance(message, Revocation):
            return self._revocation(bid, data, message, source, now)
        if not isinstance(message, RegistrationReply):
            return self._drop("unexpected_message", type(message).__name__)
        farewell = self._farewells.answered_by(message)
        asking = (item for item in self._registrations.values() if item.is_answered_by(message))
        registration = farewell.registration if farewell is not None else next(asking, None)
        if registration is None:
            return self._drop("unmatched_reply", f"identification ..{message.identification & LOW:08x}")
        through = farewell.agent if farewell is not None else registration.agent
        why = disbelief(data, message, self.settings, self.session, through, source[0])
        if why is not None:
            return self._drop(why, f"reply with code {message.code}")
        offered, carrier = message.find(Challenge), self._registrations.get(bid, registration)
        if carrier.agent is not None and offered is not None:
            carrier.challenge.offered(offered.value)
        if farewell is not None:
            return self._farewells.settle(farewell, message, now)
        return self._answered(registration, message, now)

    def advertised(self, bid: int, data: bytes, source: IPv4Address, now: Instant) -> list[Effect]:
        """An ICMP message of router discovery heard on the uplink of `bid`."""
        registration = self._registrations.get(bid)
        heard = self._attachments.heard(bid, data, source, now)
        if heard is None or registration is None or self._stopping:
            return []
        if heard.agent.is_home(self.session.home_agent):
            return self._came_home(registration, now) if self._registrar.at_home is None else []
        current = registration.agent.address if registration.agent is not None else None
        return self._attach(registration, now, anew=heard.anew and source == current)

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        effects = self._farewells.say(now)
        for bid, lost in self._attachments.tick(now, effects):
            if self._registrar.at_home == bid and lost.is_home(self.session.home_agent):
                effects += self._left_home("its home agent is silent", now)
            elif bid in self._registrations:
                effects += self._attach(self._registrations[bid], now)
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

    # Foreign agents and the home link

    def _begin(self, registration: Registration, now: Instant) -> list[Effect]:
        if self._registrar.at_home is not None:
            registration.rest("an uplink is on the home link", State.AT_HOME)
            return []
        if self._attachments.wants_agent(registration.bid, registration.care_of_address):
            return self._attach(registration, now)
        return self._registrar.ask(registration, now)

    def _attach(self, registration: Registration, now: Instant, *, anew: bool = False) -> list[Effect]:
        """Choose the foreign agent again; register when it is another one, or has lost its memory."""
        before = registration.agent
        chosen = self._attachments.choose(registration)
        if chosen is None:
            if before is None and registration.care_of_address is not None:
                return []
            effects = self._registrar.unbind(registration, "no foreign agent") if before is not None else []
            registration.agent = None
            if registration.colocated and registration.care_of_address is not None:
                return effects + self._registrar.ask(registration, now)
            registration.care_of_address = None
            registration.rest(self._attachments.why_none(registration.bid), State.DISCOVERING)
            return effects
        registration.agent = chosen
        registration.challenge = self._attachments.held(chosen)
        if registration.care_of_address is None or not registration.colocated:
            registration.care_of_address, registration.colocated = chosen.agent.care_of_addresses[0], False
        if before is not None and before.address == chosen.address and not anew:
            come = registration.wants_challenge and registration.challenge.value
            return self._registrar.request(registration, now) if come else []
        effects = (
            self._registrar.unbind(registration, "another foreign agent")
            if before is not None and not anew
            else []
        )
        return effects + self._registrar.ask(registration, now)

    def _came_home(self, registration: Registration, now: Instant) -> list[Effect]:
        """RFC 5944 section 3.6.1.2: de-register everything, from the home link itself."""
        self._registrar.at_home = registration.bid
        text = f"uplink {registration.bid} is on the home link"
        effects: list[Effect] = [Event("info", "registration", text)]
        if not self.session.is_homeless:
            # Before the request, as RFC 5944 section 4.6 orders it.
            effects.append(GratuitousArp(self.session.home_address, returned=True))
        self._farewells.abandon_all()
        leaving = replace(registration, pending={}, binding=None)
        for item in self._registrations.values():
            effects += self._registrar.unbind(item, "at home")
            item.rest(text, State.AT_HOME)
        deadline = now.monotonic + self.settings.lifetime
        at = max(now.monotonic, self._sender.earliest(leaving.bid))
        self._farewells.add(Farewell(leaving, deadline, leaving.bid, at, home=True))
        return effects + self._farewells.say(now)

    def _left_home(self, why: str, now: Instant) -> list[Effect]:
        self._registrar.at_home = None
        self._farewells.abandon_all()
        effects: list[Effect] = [Event("info", "registration", f"not at home any more: {why}")]
        for item in self._registrations.values():
            effects += self._begin(item, now)
        return effects

    # Replies

    def _answered(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        asked = registration.settle(reply, now.monotonic)
        effects: list[Effect] = []
        from_home_agent = reply.code not in FOREIGN_CODES
        if from_home_agent and self.session.support.answered(
            with_extension=asked.multipath, at=now.monotonic
        ):
            effects.append(event("info", "the home agent understands RFC 7629: registering every uplink"))
            for other in self._registrations.values():
                if other is not registration and other.state is State.IDLE:
                    other.next_at = now.monotonic
        status = not_honoured(reply, registration)
        if from_home_agent:
            reply = reply._replace(extensions=covered(reply))
        if reply.code in GOOD and reply.lifetime > 0 and status is None:
            return effects + self._accepted(registration, reply, asked, now)
        if reply.code == ReplyCode.HA_UNKNOWN_HOME_AGENT and reply.identification != asked.identification:
            # RFC 5944 section 3.6.2.3: the home agent that was found goes by its own clock.
            self._sender.stamps.adopt(reply.identification, now.wall, self.settings.security.tolerance)
        if status is not None:
            reply = reply._replace(code=status)
        return effects + self._denied(registration, reply, now)

    def _accepted(
        self, registration: Registration, reply: RegistrationReply, asked: Asked, now: Instant
    ) -> list[Effect]:
        news = registration.binding is None
        effects = self._settle_in(reply, now)
        binding = binding_of(self.settings, self.session, registration, reply, asked)
        registration.bind(binding, now.monotonic, self._random.random())
        effects.append(Bound(binding))
        if take_networks(self.session, reply):
            effects += [
                Bound(item.binding) for item in self._registrations.values() if item.binding is not None
            ]
        for clause in refused_networks(reply):
            effects.append(event("warning", f"binding {binding.bid}: {clause}"))
        if news:
            text = f"binding {binding.bid} ({binding.care_of_address}): {binding.terms}"
            effects.append(event("info", text))
            self._farewells.carrier_found(now.monotonic)
        registration.without_flows = False
        effects += self._accepted_for_others(registration, reply, asked, now)
        return effects + self._registrar.let_others_rest(registration, now)

    def _settle_in(self, reply: RegistrationReply, now: Instant) -> list[Effect]:
        """The first acceptance may bring our home address, and the home agent's."""
        session = self.session
        if not session.knows_home_agent:
            session.home_agent = reply.home_agent
        if not session.is_homeless:
            return []
        session.home_address = reply.home_address
        for other in self._registrations.values():
            if other.state is State.IDLE:
                other.next_at = now.monotonic
        return [event("info", f"home address {reply.home_address} from {reply.home_agent}")]

    def _accepted_for_others(
        self, registration: Registration, reply: RegistrationReply, asked: Asked, now: Instant
    ) -> list[Effect]:
        """O has ended all other bindings; B has given them the lifetime of this one."""
        effects: list[Effect] = []
        others = [item for item in self._registrations.values() if item is not registration]
        for other in others:
            binding = other.binding
            if binding is None:
                continue
            if registration.overwrite:
                effects += self._registrar.unbind(other, "overwritten")
                other.next_at = max(now.monotonic, self._sender.earliest(other.bid))
            elif asked.bulk:
                lifetime = min(reply.lifetime, binding.lifetime)
                binding = replace(binding, lifetime=lifetime, expires=asked.sent + lifetime)
                other.bind(binding, now.monotonic, self._random.random())
                effects.append(Bound(binding))
        registration.overwrite = False
        return effects

    def _denied(self, registration: Registration, reply: RegistrationReply, now: Instant) -> list[Effect]:
        self._count(f"denied_{reply.code}")
        registration.state = State.DENIED
        registration.detail = meaning(reply.code)
        text = f"binding {registration.bid}: denied with code {reply.code}: {registration.detail}"
        effects: list[Effect] = [event("warning", text)]
        for clause in refused_networks(reply):
            effects.append(event("warning", f"binding {registration.bid}: {clause}"))
        what = react(reply, self.session, registration)
        if what is Next.RETRY and registration.retries < _RETRIES:
            registration.retries += 1
            registration.pending.clear()
            return effects + self._registrar.request(registration, now)
        if what is Next.RESYNCHRONISE:
            self._resynchronise(registration, reply, now)
            return effects
        if what is Next.SINGLE:
            for item in self._registrations.values():
                effects += self._registrar.let_rest(item)
            return effects + self._registrar.wake_the_one(now)
        registration.pending.clear()
        if what is Next.OTHER_AGENT and registration.agent is not None:
            refusing = registration.agent
            self._attachments.avoid(registration.bid, refusing.address, now)
            effects += self._attach(registration, now)
            if registration.agent is None or registration.agent.address != refusing.address:
                return effects
        registration.back_off(now.monotonic, self._random.random())
        return effects

    def _resynchronise(self, registration: Registration, reply: RegistrationReply, now: Instant) -> None:
        self._sender.stamps.adopt(reply.identification, now.wall, self.settings.security.tolerance)
        # The first retry at once, as the pace allows; more mismatches are no matter of clocks alone.
        wait = registration.backoff
        registration.backoff = min(DENIED_MAX, max(PACE, 2 * wait))
        registration.next_at = max(now.monotonic + wait, self._sender.earliest(registration.bid))

    def _revocation(
        self, bid: int, data: bytes, message: Revocation, source: Source, now: Instant
    ) -> list[Effect]:
        registration = self._revoked.meant_by(data, message, self.session, self._registrations.values())
        if registration is None:
            return self._drop("revocation", f"from {source[0]}")
        self._count("revocations_received")
        effects: list[Effect] = [Send(bid, self._revoked.acknowledgment(message), *source)]
        if registration.binding is not None:
            effects += self._registrar.unbind(registration, "revoked by the home agent")
            registration.pause("revoked", now.monotonic)
        return effects

    def _drop(self, reason: str, detail: str) -> list[Effect]:
        self._count(f"dropped_{reason}")
        text = f"dropped a message: {reason.replace('_', ' ')} ({detail})"
        return [Event("warning", f"dropped_{reason}", text)]

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1
