"""The home agent: messages in, bindings and replies out (RFC 5944 section 3.8, RFC 7629 section 5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import Flow, HomeNetwork, Mobile, SecurityAssociation
from router.config.model import HomeAgent as Settings
from router.mip.auth import append
from router.mip.counters import Counters
from router.mip.effect import Effect, Granted, Reply
from router.mip.home import reply
from router.mip.home.authentication import Failure, Proof, prove
from router.mip.home.binding import Binding
from router.mip.home.checks import (
    Asked,
    Denied,
    Tunnelling,
    check_care_of,
    check_flows,
    check_form,
    check_home_address,
    tunnelling,
)
from router.mip.home.ledger import Ledger
from router.mip.home.node import Node, plain_key
from router.mip.home.prefixes import answer
from router.mip.home.revocation import Revocations, agreed
from router.mip.keepalive import echo_source
from router.mip.lifetime import end_of
from router.mip.path_mtu import path_mtu_in
from router.mip.policy import agent_bindings
from router.mip.silent_path import silent_paths_in
from router.mip.wire.extension import Extension
from router.mip.wire.message import Reject, decode
from router.mip.wire.mobile_network import MobileNetworkRequest
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.numbers import INFINITE_LIFETIME, ExtensionType, ReplyCode
from router.mip.wire.registration import RegistrationRequest
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment
from router.mip.wire.udp_tunnel import TunnelData

__all__ = ["HomeAgent"]

Source = tuple[IPv4Address, int]
_TELL_EVERY = 2.0
"""Seconds between two answers to requests of one mobile node with a wrong key."""


class HomeAgent:
    """Feed it datagrams and time; perform the effects.  No input raises."""

    def __init__(
        self,
        settings: Settings,
        mobiles: Iterable[Mobile],
        homes: Iterable[HomeNetwork],
        started: Instant,
        flows: Iterable[Flow] = (),
    ) -> None:
        self.settings = settings
        self._flows = tuple(flows)
        self.counters = Counters(accepted=0)
        self._ledger = Ledger(settings, mobiles, homes, started)
        self._refreshes = self._ledger.refreshes
        self._peers = {peer.address: peer.security for peer in settings.peers}
        self._revocations = Revocations(settings.address)

    @property
    def bindings(self) -> dict[tuple[IPv4Address, int], Binding]:
        """Every binding by home address and key (the BID; see `Binding.key`)."""
        return {
            (node.home_address, key): binding
            for node in self._ledger.nodes.values()
            for key, binding in node.bindings.items()
        }

    def node(self, home_address: IPv4Address) -> Node | None:
        """What is known of the mobile node at `home_address`; None before its first registration."""
        return self._ledger.nodes.get(int(home_address))

    def receive(self, data: bytes, source: Source, now: Instant, *, broadcast: bool = False) -> list[Effect]:
        """One datagram that came to port 434; `broadcast` tells that it was not sent to our own address."""
        remembered = self._refreshes.answer(data, source, now.wall, now.monotonic)
        if remembered is not None:
            self.counters["accepted"] += 1
            return [Reply(remembered, *source)]
        message = decode(data)
        if isinstance(message, RegistrationRequest):
            return self._request(data, message, source, now, broadcast)
        if isinstance(message, Revocation):
            return self._revoked(data, message, source, now)
        if isinstance(message, RevocationAcknowledgment):
            return self._acknowledged(data, message, source)
        if isinstance(message, TunnelData):
            return self._keepalive(message, source)
        if isinstance(message, Reject):
            return self.counters.drop(message.reason.value, message.detail, source)
        return self.counters.drop("unexpected_message", type(message).__name__, source)

    def tick(self, now: Instant) -> list[Effect]:
        """What is due: bindings to end, revocations to repeat."""
        effects = self._ledger.expire(now.monotonic)
        if effects:
            self.counters.count("expired")
        for data, address, port in self._revocations.under_way.due(now):
            self.counters.count("revocations_sent")
            effects.append(Reply(data, address, port))
        return effects

    def next_wake(self) -> float | None:
        """Monotonic time at which something may be due, or None."""
        moments = self._revocations.under_way.wakes()
        expiry = self._ledger.next_expiry()
        return min(moments if expiry is None else [*moments, expiry], default=None)

    def revoke(self, home_address: IPv4Address, bid: int | None, now: Instant) -> list[Effect]:
        """End one binding, or all of a mobile node (`bid` None), and tell the other side if it listens."""
        node = self.node(home_address)
        if node is None:
            return []
        keys = [key for key, binding in node.bindings.items() if bid is None or binding.bid == bid]
        for key in keys:
            binding = node.bindings[key]
            self._revocations.add(binding, self._peers.get(binding.care_of_address), now)
        return self._ledger.remove(node, keys, "revoked") + self.tick(now)

    def configure(self, mobiles: Iterable[Mobile], flows: Iterable[Flow], now: Instant) -> list[Effect]:
        """Serve these mobile nodes, all with home addresses of their own, by these policies.

        The bindings of those that are gone or changed are revoked; nobody else's are touched.
        Of other policies a mobile node hears with its next reply.
        """
        wanted, self._flows = tuple(mobiles), tuple(flows)
        strangers = [node.home_address for node in self._ledger.strangers(wanted)]
        effects = [effect for home in strangers for effect in self.revoke(home, None, now)]
        self._ledger.configure(wanted, now)
        return effects

    # Requests

    def _request(
        self, data: bytes, request: RegistrationRequest, source: Source, now: Instant, broadcast: bool
    ) -> list[Effect]:
        node = self._ledger.node_of(request)
        if node is None:
            return self.counters.drop("unknown_mobile", f"home address {request.home_address}", source)
        proof = prove(data, request, node.mobile, self._peer(request, source))
        received = request.extensions
        if proof.failure is None:
            request = request._replace(extensions=proof.mobile)
        asked = Asked(
            request,
            proof.foreign,
            received,
            request.find(Multipath),
            source,
            broadcast,
            source[0] in self._peers,
        )
        if proof.failure is not None:
            return self._unproven(node, asked, proof, now)
        scope = self._scope(asked)
        if node.guard.is_duplicate(request.identification, scope):
            self.counters.count("replays")
            return self.counters.drop("duplicate", f"mobile node {node.mobile.name}", source)
        subject = (node.home_address, self.settings.address, request.care_of_address)
        if self._revocations.under_way.is_telling(subject, now):
            return self.counters.drop("revocation_under_way", f"mobile node {node.mobile.name}", source)
        try:
            self._check_identification(node, request.identification, scope, now)
            check_form(asked, self.settings, node.mobile)
            check_home_address(request, node.home_address)
            if request.lifetime == 0:
                return self._deregister(node, asked, now)
            return self._register(data, node, asked, scope, now)
        except Denied as denied:
            return self._deny(node, asked, denied, now)

    def _scope(self, asked: Asked) -> int | None:
        """The one BID a request is about, or None when it touches several bindings."""
        multipath, request = asked.multipath, asked.request
        if multipath is None or multipath.bulk or multipath.overwrite or self.settings.strict_replay:
            return None
        if request.lifetime == 0 and request.care_of_address == request.home_address:
            return None
        return multipath.bid

    def _check_identification(self, node: Node, identification: int, scope: int | None, now: Instant) -> None:
        mismatch = ReplyCode.HA_IDENTIFICATION_MISMATCH
        if node.guard.heed_clock(now.wall, now.monotonic):
            self.counters.count("clock_put_back")
        if not node.guard.in_tolerance(identification, now.wall):
            raise Denied(mismatch, "time stamp out of tolerance")
        if not node.guard.is_fresh(identification, scope):
            self.counters.count("replays")
            raise Denied(mismatch, "time stamp not newer than one accepted before")
        # Also a request that is denied below shall not be heard twice.
        node.guard.accept(identification, scope)

    def _unproven(self, node: Node, asked: Asked, proof: Proof, now: Instant) -> list[Effect]:
        """Silence (RFC 5944 section 3.8.2.1), unless a foreign agent we trust wants to know, or the mobile node itself."""
        failure = proof.failure or Failure.MISSING
        why = failure.value.replace("_", " ")
        text = f"{node.mobile.name}: request from {asked.source[0]} not believed: {why}"
        event = self.counters.warn(f"dropped_{failure.value}", text)
        wrong_key = ReplyCode.HA_MN_FAILED_AUTHENTICATION
        code = {
            Failure.BAD: wrong_key if proof.foreign_valid or self._may_tell(node, asked, now) else None,
            Failure.BAD_AAA: ReplyCode.HA_BAD_AAA_AUTHENTICATION,
            Failure.FOREIGN: ReplyCode.HA_FA_FAILED_AUTHENTICATION,
        }.get(failure)
        if code is None:
            return [event]
        return [event, self._reply(node, asked, code, asked.request.lifetime, (), now)]

    def _may_tell(self, node: Node, asked: Asked, now: Instant) -> bool:
        """Who set a wrong key finds out by the answer, though he cannot verify it; few enough to be no flood."""
        known = asked.request.decapsulation and asked.request.home_address == node.mobile.home_address
        if (
            not known
            or asked.request.home_address.is_unspecified
            or now.monotonic - node.refused_at < _TELL_EVERY
        ):
            return False
        node.refused_at = now.monotonic
        return True

    def _deregister(self, node: Node, asked: Asked, now: Instant) -> list[Effect]:
        home_address = node.home_address
        effects: list[Effect] = []
        if asked.source[0] == home_address:
            # It is back on the home link: whoever learnt our link address there shall learn its own.
            effects += self._ledger.home_link(node, returned=True)
        answer_first = self._reply(node, asked, self._success(asked), 0, (), now)
        effects += self._ledger.remove(node, node.removed_by(asked.request, asked.multipath), "de-registered")
        self.counters.count("accepted")
        return [*effects, answer_first]

    def _register(
        self, data: bytes, node: Node, asked: Asked, scope: int | None, now: Instant
    ) -> list[Effect]:
        # Every check comes before the first change: a refused request changes nothing.
        ledger, request, multipath = self._ledger, asked.request, asked.multipath
        check_care_of(asked, self.settings, node.home_address)
        terms = tunnelling(asked, self.settings)
        key = multipath.bid if multipath is not None else plain_key(request.care_of_address)
        keep = node.kept_by(request, multipath, simultaneous=self.settings.simultaneous) - {key}
        if len(keep) >= node.mobile.max_bindings:
            most = node.mobile.max_bindings
            raise Denied(ReplyCode.HA_TOO_MANY_BINDINGS, f"{most} bindings are the most allowed")
        flows = check_flows(asked, node.mobile, keep | {key})
        home_address = ledger.home_address(node, request)
        binding = self._binding(node, home_address, key, keep, asked, terms, now)
        ends = [binding.end, *(node.bindings[kept].end for kept in keep)]
        networks, said = answer(
            request.all(MobileNetworkRequest), node.mobile, node.networks, ledger.prefixes, ends
        )
        ledger.refreshes.forget(node, key)
        effects = ledger.adopt(node, home_address)
        effects += ledger.replace(node, sorted(set(node.bindings) - keep - {key}))
        effects += ledger.set_networks(node, networks)
        effects += ledger.set_flow_bindings(node, flows)
        effects += ledger.grant(node, binding)
        if multipath is not None:
            effects += ledger.set_silent(node, silent_paths_in(request.extensions))
        self._revocations.under_way.registered((home_address, self.settings.address, request.care_of_address))
        if multipath is not None and multipath.bulk:
            effects += ledger.refresh_others(node, key, request.lifetime, now)
        self.counters.count("accepted")
        policies = self._policies(node) if multipath is not None else ()
        extensions: tuple[Extension, ...] = (
            *((terms.reply,) if terms.reply is not None else ()),
            *said,
            *policies,
        )
        answered = self._reply(node, asked, self._success(asked), binding.granted, extensions, now, binding)
        if (
            scope is not None
            and binding.colocated
            and not binding.half_bound
            # What we say of flows depends on the other bindings.
            and not policies
            and binding.granted != INFINITE_LIFETIME
        ):
            ledger.refreshes.remember(data, answered.data, node, binding, scope, asked.source)
        return [*effects, answered]

    def _policies(self, node: Node) -> tuple[FlowBinding, ...]:
        """Ours, which win over the mobile node's: it shall send the same way (RFC 7629 section 4.2)."""
        labels = {key: binding.label for key, binding in node.bindings.items() if key < 256}
        return agent_bindings(self._flows, node.mobile.name, labels) if node.mobile.flow_bindings else ()

    def _binding(
        self,
        node: Node,
        home_address: IPv4Address,
        key: int,
        keep: set[int],
        asked: Asked,
        terms: Tunnelling,
        now: Instant,
    ) -> Binding:
        request, multipath, before = asked.request, asked.multipath, node.bindings.get(key)
        granted = self._ledger.lifetime(request.lifetime, terms.nat)
        binding = Binding(
            mobile=node.mobile,
            home_address=home_address,
            key=key,
            slot=node.slot_for(key, keep),
            label=multipath.label if multipath is not None else 0,
            access_technology=multipath.access_technology if multipath is not None else 0,
            care_of_address=request.care_of_address,
            source=asked.source[0],
            source_port=asked.source[1],
            encapsulation=terms.encapsulation,
            nat=terms.nat,
            colocated=request.decapsulation,
            reverse_tunnel=request.reverse_tunnel,
            granted=granted,
            expires=end_of(granted, now.monotonic),
            half_bound=terms.half_bound,
            port_known=not terms.half_bound,
            gre_key=asked.gre_key.key if asked.gre_key is not None else None,
            revocation=agreed(asked, self.settings, now),
            path_mtu=path_mtu_in(request.extensions),
        )
        if (
            terms.half_bound
            and before is not None
            and before.port_known
            and _leads_to(before, binding.source)
        ):
            # The tunnel goes on at the port known so far, until a keepalive tells another.
            binding.source_port, binding.port_known = before.source_port, True
        return binding

    def _success(self, asked: Asked) -> ReplyCode:
        wanted = asked.request.simultaneous and asked.multipath is None
        if wanted and not self.settings.simultaneous:
            return ReplyCode.ACCEPTED_NO_SIMULTANEOUS
        return ReplyCode.ACCEPTED

    def _deny(self, node: Node, asked: Asked, denied: Denied, now: Instant) -> list[Effect]:
        answered = self._reply(node, asked, denied.code, asked.request.lifetime, denied.extensions, now)
        text = f"{node.mobile.name}: denied with code {int(denied.code)}: {denied.why}"
        return [answered, self.counters.warn(f"denied_{int(denied.code)}", text)]

    def _reply(
        self,
        node: Node,
        asked: Asked,
        code: ReplyCode,
        lifetime: int,
        extensions: tuple[Extension, ...],
        now: Instant,
        binding: Binding | None = None,
    ) -> Reply:
        peer = self._peer(asked.request, asked.source)
        octets = reply.build(
            self.settings, node, asked, code, lifetime, extensions, now, peer=peer, binding=binding
        )
        # RFC 5944 section 3.8.3.1: to a mobile node at home directly, past its own bindings.
        on_link = asked.source[0] == node.home_address
        return Reply(
            octets, *asked.source, on_link, source=self.settings.address if asked.broadcast else None
        )

    def _peer(self, request: RegistrationRequest, source: Source) -> SecurityAssociation | None:
        """The key shared with the foreign agent that relays.

        It is known by where it sends from (RFC 5944 section 3.5.4): a de-registration may
        name another's care-of address.  Behind NAT only its care-of address tells who it is.
        """
        return self._peers.get(source[0]) or self._peers.get(request.care_of_address)

    # Other messages

    def _revoked(self, data: bytes, message: Revocation, source: Source, now: Instant) -> list[Effect]:
        """A foreign agent ends a binding (RFC 3543 section 4.2.3.2)."""
        security = self._peers.get(message.foreign_domain_address)
        if security is None or not self._revocations.is_authentic(data, message, security):
            return self.counters.drop("revocation", f"for {message.home_address}", source)
        effects: list[Effect] = []
        node = self.node(message.home_address)
        found = self._revocations.meant_by(message, node) if node is not None else None
        if node is not None and found is not None:
            self._revocations.note(found, now)
            effects += self._ledger.remove(node, [found.key], "revoked by the foreign agent")
        inform = self._revocations.answer(message, now)
        if inform is None:
            return self.counters.drop("revocation", f"for {message.home_address}", source)
        self.counters.count("revocations_received")
        octets = RevocationAcknowledgment(message.home_address, message.identifier, inform).encode()
        octets = append(octets, ExtensionType.FOREIGN_HOME_AUTHENTICATION, security)
        return [*effects, Reply(octets, *source)]

    def _acknowledged(self, data: bytes, message: RevocationAcknowledgment, source: Source) -> list[Effect]:
        if self._revocations.under_way.acknowledged(data, message, source) is None:
            return self.counters.drop("revocation_acknowledgment", f"for {message.home_address}", source)
        self.counters.count("revocations_acknowledged")
        return []

    def _keepalive(self, message: TunnelData, source: Source) -> list[Effect]:
        """The first packet of a half-bound tunnel tells its port (RFC 3519 section 4.6)."""
        home_address = echo_source(message, self.settings.address)
        node = self.node(home_address) if home_address is not None else None
        bindings = node.bindings.values() if node is not None else ()
        there = [binding for binding in bindings if _leads_to(binding, source[0])]
        for binding in there:
            if binding.port_known and binding.source_port == source[1]:
                binding.half_bound = False
                return []
        # It does not say which binding it means: one that waits for its first comes before one that has a port.
        waiting = [binding for binding in there if binding.half_bound]
        meant = min(waiting, key=lambda item: item.port_known, default=None)
        if meant is None:
            return []
        meant.half_bound, meant.port_known, meant.source_port = False, True, source[1]
        return [Granted(meant)]


def _leads_to(binding: Binding, address: IPv4Address) -> bool:
    """Whether it is a UDP tunnel to this address, whatever the port."""
    return binding.encapsulation == "udp" and binding.source == address
