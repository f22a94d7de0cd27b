"""The home agent: requests in, bindings and replies out (RFC 5944 section 3.8, RFC 7629 section 5.2)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import takewhile

from router.clock import Instant
from router.config.model import HomeAgent as Settings
from router.config.model import Mobile
from router.mip.auth import sign, verify
from router.mip.binding import Binding, Bindings
from router.mip.effect import Effect, Event, Granted, Removed, Reply
from router.mip.extension import (
    Authentication,
    Extension,
    FlowBinding,
    Malformed,
    MobileNetworkAcknowledgement,
    MobileNetworkRequest,
    Multipath,
    UdpTunnelReply,
    UdpTunnelRequest,
)
from router.mip.identification import from_wall, with_high_half
from router.mip.message import RegistrationReply, RegistrationRequest, Reject, decode
from router.mip.numbers import Encapsulation, FlowAction, MobileNetworkCode, ReplyCode

__all__ = ["HomeAgent"]

_ANY_HOME_AGENT = (IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255"))
_UDP_DECLINED = 64

Source = tuple[IPv4Address, int]


class _Denied(Exception):
    def __init__(self, code: ReplyCode, why: str, extensions: tuple[Extension, ...] = ()) -> None:
        self.code, self.why, self.extensions = code, why, extensions


class HomeAgent:
    """Feed it datagrams and time; perform the effects.  No input raises."""

    def __init__(
        self,
        settings: Settings,
        mobiles: tuple[Mobile, ...],
        networks: tuple[IPv4Network, ...],
        started: Instant,
    ) -> None:
        floor = from_wall(started.wall)
        self.settings = settings
        self.networks = networks
        self.counters: dict[str, int] = {}
        self._nodes = {mobile.home_address: Bindings(mobile, floor) for mobile in mobiles}
        self._expiries: list[tuple[float, int, int]] = []

    @property
    def bindings(self) -> dict[tuple[IPv4Address, int], Binding]:
        """Every binding by home address and BID (0: registered without a Multipath extension)."""
        return {
            (home, bid): binding for home, node in self._nodes.items() for bid, binding in node.by_bid.items()
        }

    def receive(self, data: bytes, source: Source, now: Instant) -> list[Effect]:
        """One datagram from port 434."""
        message = decode(data)
        if isinstance(message, Reject):
            return self._dropped(message.reason.value, source, message.detail)
        if not isinstance(message, RegistrationRequest):
            return self._dropped("unexpected_message", source, type(message).__name__)
        node = self._nodes.get(message.home_address)
        if node is None:
            return self._dropped("unknown_mobile", source, f"home address {message.home_address}")
        if not verify(data, message, node.mobile.security):
            return self._dropped("bad_authenticator", source, f"mobile node {node.mobile.name}")
        # What follows the authenticator is not the mobile node's word, and no foreign agent is trusted.
        covered = takewhile(lambda item: not isinstance(item, Authentication), message.extensions)
        return self._decide(node, replace(message, extensions=tuple(covered)), source, now)

    def tick(self, now: Instant) -> list[Effect]:
        """Remove the bindings whose lifetime is over (RFC 5944 section 4.2.3: without any message)."""
        effects: list[Effect] = []
        while self._expiries and self._expiries[0][0] <= now.monotonic:
            expires, home, bid = heapq.heappop(self._expiries)
            node = self._nodes[IPv4Address(home)]
            binding = node.by_bid.get(bid)
            if binding is not None and binding.expires <= expires:
                self._count("expired")
                effects += self._remove(node, [bid], "lifetime expired")
        return effects

    def next_wake(self) -> float | None:
        """Monotonic time of the next expiry, or None."""
        return self._expiries[0][0] if self._expiries else None

    def _decide(
        self, node: Bindings, request: RegistrationRequest, source: Source, now: Instant
    ) -> list[Effect]:
        multipath = request.find(Multipath)
        scope = _scope(request, multipath)
        if node.guard.is_duplicate(request.identification, scope):
            self._count("replays")
            return self._dropped("duplicate", source, f"mobile node {node.mobile.name}")
        try:
            effects, extensions, lifetime = self._process(node, request, multipath, scope, source, now)
        except _Denied as denied:
            return self._deny(node, request, denied, source, now)
        self._count("accepted")
        code = ReplyCode.ACCEPTED
        if request.simultaneous and multipath is None:
            code = ReplyCode.ACCEPTED_NO_SIMULTANEOUS
        return [*effects, self._reply(node, request, source, code, lifetime, extensions)]

    def _process(
        self,
        node: Bindings,
        request: RegistrationRequest,
        multipath: Multipath | None,
        scope: int | None,
        source: Source,
        now: Instant,
    ) -> tuple[list[Effect], tuple[Extension, ...], int]:
        # Every check comes before the first change: a refused request changes nothing.
        self._check_identification(node, request, scope, now)
        self._check_form(request)
        if multipath is not None and not node.mobile.multipath:
            raise _Denied(ReplyCode.MULTIPATH_NOT_ALLOWED, "several care-of addresses are not allowed")
        if request.lifetime == 0:
            return self._remove(node, node.removed_by(request, multipath), "de-registered"), (), 0
        self._check_care_of_address(request)
        nat, udp = self._udp(request, source)
        bid = multipath.bid if multipath is not None else 0
        keep = node.kept_by(multipath)
        self._check_room(node, bid, keep)
        flows = _check_flows(request, keep | {bid})
        networks, acknowledgements = self._networks(node.mobile, request)
        granted = self._granted(request.lifetime, nat)
        binding = Binding(
            mobile=node.mobile,
            bid=bid,
            slot=node.slot_for(bid, keep),
            label=multipath.label if multipath is not None else 0,
            access_technology=multipath.access_technology if multipath is not None else 0,
            care_of_address=request.care_of_address,
            source=source[0],
            source_port=source[1],
            encapsulation="udp" if udp is not None and udp.granted else "ipip",
            nat=nat,
            granted=granted,
            expires=now.monotonic + granted,
            mobile_networks=networks,
        )
        effects = self._remove(node, sorted(set(node.by_bid) - keep - {bid}), "replaced")
        effects += self._grant(node, binding)
        if multipath is not None and multipath.bulk:
            effects += self._refresh_others(node, bid, request.lifetime, now)
        if flows:
            text = f"{node.mobile.name}: its {flows} flow policies are not followed, ours are"
            effects.append(Event("warning", "flow_policy", text))
        return effects, (*((udp,) if udp is not None else ()), *acknowledgements), granted

    def _granted(self, asked: int, nat: bool) -> int:
        granted = min(asked, self.settings.max_lifetime)
        return min(granted, self.settings.nat_lifetime) if nat else granted

    @staticmethod
    def _check_room(node: Bindings, bid: int, keep: set[int]) -> None:
        most = node.mobile.max_bindings
        if bid not in node.by_bid and len(keep) >= most:
            raise _Denied(ReplyCode.HA_TOO_MANY_BINDINGS, f"{most} bindings are the most allowed")

    def _check_care_of_address(self, request: RegistrationRequest) -> None:
        care_of = request.care_of_address
        own = care_of in (request.home_address, self.settings.address)
        if own or care_of.is_unspecified or care_of.is_multicast:
            raise _Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, f"care-of address {care_of} leads nowhere")

    def _check_identification(
        self, node: Bindings, request: RegistrationRequest, scope: int | None, now: Instant
    ) -> None:
        mismatch = ReplyCode.HA_IDENTIFICATION_MISMATCH
        if not node.guard.in_tolerance(request.identification, now.wall):
            raise _Denied(mismatch, "time stamp out of tolerance")
        if not node.guard.is_fresh(request.identification, scope):
            self._count("replays")
            raise _Denied(mismatch, "time stamp not newer than one accepted before")
        # Also a request that is denied below shall not be heard twice.
        node.guard.accept(request.identification, scope)

    def _check_form(self, request: RegistrationRequest) -> None:
        if request.home_agent not in (self.settings.address, *_ANY_HOME_AGENT):
            raise _Denied(ReplyCode.HA_UNKNOWN_HOME_AGENT, f"home agent {request.home_agent} is not me")
        malformed = request.find(Malformed)
        if malformed is not None:
            raise _Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, malformed.why)
        paths = request.all(Multipath)
        if len(paths) > 1:
            raise _Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, "more than one Multipath extension")
        if paths and paths[0].overwrite and request.lifetime == 0:
            raise _Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, "overwrite in a de-registration")
        if request.minimal or request.gre:
            raise _Denied(ReplyCode.HA_ENCAPSULATION_UNAVAILABLE, "only IP-in-IP encapsulation is offered")

    def _udp(self, request: RegistrationRequest, source: Source) -> tuple[bool, UdpTunnelReply | None]:
        """NAT or not, and the UDP Tunnel Reply: the table of RFC 3519 section 4.6."""
        asked = request.find(UdpTunnelRequest)
        nat = source[0] != request.care_of_address
        if asked is None:
            if nat:
                raise _Denied(
                    ReplyCode.HA_ADMINISTRATIVELY_PROHIBITED,
                    f"source {source[0]} is not care-of address {request.care_of_address}: NAT, no UDP asked for",
                )
            return False, None
        if asked.reserved or not request.decapsulation:
            raise _Denied(
                ReplyCode.HA_POORLY_FORMED_REQUEST, "UDP Tunnel Request: reserved bits, or D not set"
            )
        if asked.encapsulation not in (Encapsulation.BY_FLAGS, Encapsulation.IP_IN_IP):
            raise _Denied(
                ReplyCode.HA_UDP_ENCAPSULATION_UNAVAILABLE, f"encapsulation {asked.encapsulation} in UDP"
            )
        prohibited = ReplyCode.HA_ADMINISTRATIVELY_PROHIBITED
        if nat and self.settings.udp_tunnel == "off":
            raise _Denied(prohibited, "NAT seen, UDP tunnels are off")
        if not nat and not asked.force:
            return False, UdpTunnelReply(_UDP_DECLINED)
        if not nat and self.settings.udp_tunnel != "force":
            raise _Denied(prohibited, "forced UDP tunnels are not allowed")
        return nat, UdpTunnelReply(0, forced=not nat, keepalive=self.settings.keepalive)

    def _networks(
        self, mobile: Mobile, request: RegistrationRequest
    ) -> tuple[tuple[IPv4Network, ...], tuple[Extension, ...]]:
        """Mobile networks of this registration and their acknowledgements (RFC 5177 section 6)."""
        asked = request.all(MobileNetworkRequest)
        if not asked:
            implicit = [
                _acknowledge(prefix, MobileNetworkCode.SUCCESS, True) for prefix in mobile.mobile_networks
            ]
            return mobile.mobile_networks, tuple(implicit)
        if not mobile.mobile_networks:
            raise _Denied(ReplyCode.HA_MOBNET_DISALLOWED, "this mobile node has no mobile network")
        answers = [(item.prefix, _network_code(mobile, item.prefix)) for item in asked]
        acknowledgements = tuple(_acknowledge(prefix, code, False) for prefix, code in answers)
        good = tuple(prefix for prefix, code in answers if code is MobileNetworkCode.SUCCESS)
        if not good:
            raise _Denied(
                ReplyCode.HA_MOBNET_ERROR, "none of the mobile networks is allowed", acknowledgements
            )
        return good, acknowledgements

    def _grant(self, node: Bindings, binding: Binding) -> list[Effect]:
        old = node.by_bid.get(binding.bid)
        node.by_bid[binding.bid] = binding
        heapq.heappush(self._expiries, (binding.expires, int(node.mobile.home_address), binding.bid))
        effects: list[Effect] = [Granted(binding)]
        if old is None or (old.source, old.source_port) != (binding.source, binding.source_port):
            effects.append(Event("info", "binding", f"{node.mobile.name}: {binding.terms}"))
        return effects

    def _refresh_others(self, node: Bindings, bid: int, lifetime: int, now: Instant) -> list[Effect]:
        effects: list[Effect] = []
        for other in [binding for key, binding in node.by_bid.items() if key != bid]:
            granted = self._granted(lifetime, other.nat)
            effects += self._grant(node, replace(other, granted=granted, expires=now.monotonic + granted))
        return effects

    def _remove(self, node: Bindings, bids: Iterable[int], reason: str) -> list[Effect]:
        effects: list[Effect] = []
        for bid in bids:
            binding = node.by_bid.pop(bid)
            text = f"{node.mobile.name}: binding {bid} ({binding.care_of_address}) gone: {reason}"
            effects += [Removed(binding, reason), Event("info", "binding", text)]
        return effects

    def _deny(
        self, node: Bindings, request: RegistrationRequest, denied: _Denied, source: Source, now: Instant
    ) -> list[Effect]:
        self._count(f"denied_{int(denied.code)}")
        identification = request.identification
        if denied.code is ReplyCode.HA_IDENTIFICATION_MISMATCH:
            identification = with_high_half(from_wall(now.wall), identification)
        reply = self._reply(
            node, request, source, denied.code, request.lifetime, denied.extensions, identification
        )
        text = f"{node.mobile.name}: denied with code {int(denied.code)}: {denied.why}"
        return [reply, Event("warning", f"denied_{int(denied.code)}", text)]

    def _reply(
        self,
        node: Bindings,
        request: RegistrationRequest,
        source: Source,
        code: ReplyCode,
        lifetime: int,
        extensions: tuple[Extension, ...],
        identification: int | None = None,
    ) -> Reply:
        answer = RegistrationReply(
            code,
            lifetime,
            request.home_address,
            self.settings.address,
            request.identification if identification is None else identification,
            extensions,
        )
        return Reply(sign(answer, node.mobile.security), *source)

    def _dropped(self, reason: str, source: Source, detail: str) -> list[Effect]:
        self._count(f"dropped_{reason}")
        text = f"dropped a message from {source[0]}:{source[1]}: {reason.replace('_', ' ')} ({detail})"
        return [Event("warning", f"dropped_{reason}", text)]

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1


def _scope(request: RegistrationRequest, multipath: Multipath | None) -> int | None:
    """The one BID a request is about, or None when it touches several bindings."""
    if multipath is None or multipath.bulk or multipath.overwrite:
        return None
    if request.lifetime == 0 and request.care_of_address == request.home_address:
        return None
    return multipath.bid


def _check_flows(request: RegistrationRequest, bids: set[int]) -> int:
    """How many flow policies the request has (RFC 7629 section 4.2); each must name bindings that exist."""
    flows = request.all(FlowBinding)
    for flow in flows:
        unknown = set(flow.bids) - bids
        if flow.action != FlowAction.DROP and unknown:
            raise _Denied(
                ReplyCode.INVALID_FB_IDENTIFIER, f"flow policy for unknown bindings {sorted(unknown)}"
            )
    return len(flows)


def _network_code(mobile: Mobile, prefix: IPv4Network) -> MobileNetworkCode:
    if prefix.prefixlen == 0:
        return MobileNetworkCode.INVALID_PREFIX_LENGTH
    return MobileNetworkCode.SUCCESS if prefix in mobile.mobile_networks else MobileNetworkCode.UNAUTHORIZED


def _acknowledge(
    prefix: IPv4Network, code: MobileNetworkCode, implicit: bool
) -> MobileNetworkAcknowledgement:
    return MobileNetworkAcknowledgement(code, prefix.prefixlen, prefix.network_address, implicit)
