"""What a home agent refuses, with the code it says so by.  No check changes anything.

The order is that of RFC 5944 section 3.8.2; where it leaves one open, what
costs least comes first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from router.config.model import HomeAgent as Settings
from router.config.model import Mobile
from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.extension import Extension, Malformed
from router.mip.wire.gre_key import GreKey
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.numbers import Encapsulation, FlowAction, ReplyCode
from router.mip.wire.registration import RESERVED, M, RegistrationRequest
from router.mip.wire.udp_tunnel import UdpTunnelReply, UdpTunnelRequest
from router.mip.wire.vendor import CriticalVendor

__all__ = [
    "ANY_HOME_AGENT",
    "Asked",
    "Denied",
    "Tunnelling",
    "check_care_of",
    "check_flows",
    "check_form",
    "check_home_address",
    "tunnelling",
]

ANY_HOME_AGENT = (IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255"))
"""Home Agent fields by which a mobile node leaves the choice to the network (RFC 4433 section 3)."""

_DECLINED = 64

Source = tuple[IPv4Address, int]


class Denied(Exception):
    """The request is refused with `code`; `extensions` go into the reply."""

    def __init__(self, code: ReplyCode, why: str, extensions: tuple[Extension, ...] = ()) -> None:
        self.code, self.why, self.extensions = code, why, extensions


@dataclass(slots=True)
class Asked:
    """A request whose speakers are proven."""

    request: RegistrationRequest
    """With the extensions that the mobile node vouches for, and no others."""
    foreign: tuple[Extension, ...]
    """What a foreign agent vouches for."""
    received: tuple[Extension, ...]
    """All there were: good for what harms nobody, a challenge to echo or a GRE key to use."""
    multipath: Multipath | None
    source: Source
    broadcast: bool = False
    """Sent to a broadcast address: looking for a home agent."""
    relayed: bool = False
    """By a foreign agent that we know."""

    @property
    def gre_key(self) -> GreKey | None:
        """The key a foreign agent wants to see (RFC 6245)."""
        return next((item for item in self.received if isinstance(item, GreKey)), None)


@dataclass(slots=True)
class Tunnelling:
    """How packets will travel: the outcome of flags, NAT and RFC 3519's table."""

    encapsulation: Literal["ipip", "gre", "udp"]
    nat: bool = False
    half_bound: bool = False
    reply: UdpTunnelReply | None = None


def check_form(asked: Asked, settings: Settings, mobile: Mobile) -> None:
    """Everything that can be said without looking at bindings.  Raises Denied."""
    request = asked.request
    _check_home_agent(asked, settings)
    if settings.strict_reserved and request.flags & RESERVED:
        raise Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, "reserved flags are set")
    for item in request.extensions:
        if isinstance(item, Malformed):
            raise Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, item.why)
        if isinstance(item, CriticalVendor):
            raise Denied(ReplyCode.HA_UNKNOWN_CVSE_FROM_MN, _vendor(item))
    for item in asked.foreign:
        if isinstance(item, CriticalVendor):
            raise Denied(ReplyCode.HA_UNKNOWN_CVSE_FROM_FA, _vendor(item))
    if asked.multipath is not None:
        _check_multipath(asked, asked.multipath, mobile)


def _check_home_agent(asked: Asked, settings: Settings) -> None:
    unknown = ReplyCode.HA_UNKNOWN_HOME_AGENT
    named = asked.request.home_agent
    if asked.broadcast or (named != settings.address and named not in ANY_HOME_AGENT):
        raise Denied(unknown, f"home agent {named} is not me")
    wanted = asked.request.find(DynamicHomeAgent)
    if wanted is not None and not wanted.redirected and wanted.address != settings.address:
        raise Denied(unknown, f"requested home agent {wanted.address} is not me")
    if settings.redirect is not None:
        redirected = DynamicHomeAgent(settings.redirect, redirected=True)
        raise Denied(ReplyCode.HA_REDIRECT, f"sent on to {settings.redirect}", (redirected,))


def check_home_address(request: RegistrationRequest, own: IPv4Address) -> None:
    """Whether the home address is `own`, or one has yet to be assigned (RFC 5944 section 3.8.3.2).  Raises Denied."""
    asked = request.home_address
    if asked != own and not asked.is_unspecified and not own.is_unspecified:
        text = f"home address {asked} is not to be had"
        raise Denied(ReplyCode.HA_ADMINISTRATIVELY_PROHIBITED, text)


def _check_multipath(asked: Asked, multipath: Multipath, mobile: Mobile) -> None:
    if len(asked.request.all(Multipath)) > 1:
        raise Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, "more than one Multipath extension")
    if multipath.overwrite and asked.request.lifetime == 0:
        raise Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, "overwrite in a de-registration")
    if not mobile.multipath:
        raise Denied(ReplyCode.MULTIPATH_NOT_ALLOWED, "several care-of addresses are not allowed")


def check_care_of(asked: Asked, settings: Settings, home_address: IPv4Address) -> None:
    """Whether packets can be sent to the care-of address, and reverse tunnels are as wanted.  Raises Denied."""
    care_of = asked.request.care_of_address
    if care_of in (home_address, settings.address) or care_of.is_unspecified or care_of.is_multicast:
        raise Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, f"care-of address {care_of} leads nowhere")
    if care_of in ANY_HOME_AGENT:
        raise Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, f"care-of address {care_of} is a broadcast address")
    if asked.request.reverse_tunnel and settings.reverse_tunnel == "off":
        raise Denied(ReplyCode.HA_REVERSE_TUNNEL_UNAVAILABLE, "reverse tunnels are off")
    if not asked.request.reverse_tunnel and settings.reverse_tunnel == "required":
        raise Denied(ReplyCode.HA_REVERSE_TUNNEL_MANDATORY, "T must be set")


def check_flows(asked: Asked, mobile: Mobile, keys: Collection[int]) -> tuple[FlowBinding, ...]:
    """The request's flow policies, each of whose BIDs is among `keys`.  Raises Denied.

    One unknown BID refuses them all: RFC 7629 section 5.2 has one code for the
    whole request, and a policy applied by half is worse than none.
    """
    flows = tuple(asked.request.all(FlowBinding))
    if len(flows) > mobile.max_flow_bindings:
        raise Denied(
            ReplyCode.HA_INSUFFICIENT_RESOURCES,
            f"{len(flows)} flow bindings: {mobile.max_flow_bindings} are the most allowed",
        )
    for flow in flows:
        unknown = set(flow.bids) - set(keys) if flow.action == FlowAction.FORWARD else set()
        if unknown:
            raise Denied(
                ReplyCode.INVALID_FB_IDENTIFIER, f"flow binding for unknown bindings {sorted(unknown)}"
            )
    return flows


def tunnelling(asked: Asked, settings: Settings) -> Tunnelling:
    """Encapsulation and NAT: the table of RFC 3519 section 4.6.  Raises Denied."""
    request = asked.request
    nat = asked.source[0] != request.care_of_address
    own = request.find(UdpTunnelRequest)
    wanted = own or next((item for item in asked.foreign if isinstance(item, UdpTunnelRequest)), None)
    if wanted is None or wanted.reserved:
        # RFC 3519 section 3.1.3 passes it over; the code of 4.6.1 is for where nothing is left to grant.
        if nat and wanted is not None:
            raise Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, "UDP Tunnel Request: reserved bits are set")
        if nat and not (asked.relayed and request.decapsulation):
            raise Denied(
                ReplyCode.HA_ADMINISTRATIVELY_PROHIBITED,
                f"source {asked.source[0]} is not care-of address {request.care_of_address}: "
                "NAT, but no UDP tunnel asked for",
            )
        return Tunnelling(_by_flags(asked, settings))
    _check_sender(request, from_mobile=own is not None)
    prohibited = ReplyCode.HA_ADMINISTRATIVELY_PROHIBITED
    if (nat or wanted.via_foreign_agent) and settings.udp_tunnel == "off":
        raise Denied(prohibited, "NAT seen, UDP tunnels are off")
    if wanted.via_foreign_agent:
        _check_udp(wanted, asked)
        reply = UdpTunnelReply(0, keepalive=settings.keepalive)
        return Tunnelling("udp", nat=True, half_bound=True, reply=reply)
    if not nat and not wanted.force:
        return Tunnelling(_by_flags(asked, settings), reply=UdpTunnelReply(_DECLINED))
    if not nat and settings.udp_tunnel != "force":
        raise Denied(prohibited, "forced UDP tunnels are not allowed")
    _check_udp(wanted, asked)
    return Tunnelling("udp", nat, reply=UdpTunnelReply(0, forced=not nat, keepalive=settings.keepalive))


def _by_flags(asked: Asked, settings: Settings) -> Literal["ipip", "gre"]:
    """The encapsulation without UDP: M and G decide."""
    if asked.request.flags & M:
        raise Denied(ReplyCode.HA_ENCAPSULATION_UNAVAILABLE, "minimal encapsulation is not offered")
    if not asked.request.gre and asked.gre_key is None:
        return "ipip"
    if not settings.gre:
        raise Denied(ReplyCode.HA_ENCAPSULATION_UNAVAILABLE, "GRE is not offered")
    return "gre"


def _check_sender(request: RegistrationRequest, *, from_mobile: bool) -> None:
    if from_mobile is not request.decapsulation:
        who = "the mobile node without D" if from_mobile else "a foreign agent with D"
        raise Denied(ReplyCode.HA_POORLY_FORMED_REQUEST, f"UDP Tunnel Request: from {who}")


def _check_udp(wanted: UdpTunnelRequest, asked: Asked) -> None:
    """The encapsulation inside UDP: the field decides, and where it is 0 the flags (RFC 3519 section 3.1.4)."""
    encapsulation = wanted.encapsulation
    if encapsulation == Encapsulation.BY_FLAGS and asked.request.flags & M:
        encapsulation = Encapsulation.MINIMAL
    elif encapsulation == Encapsulation.BY_FLAGS and (asked.request.gre or asked.gre_key is not None):
        encapsulation = Encapsulation.GRE
    if encapsulation not in (Encapsulation.BY_FLAGS, Encapsulation.IP_IN_IP):
        raise Denied(ReplyCode.HA_UDP_ENCAPSULATION_UNAVAILABLE, f"encapsulation {encapsulation} in UDP")


def _vendor(item: CriticalVendor) -> str:
    return f"critical extension of vendor {item.vendor}, type {item.vendor_type}, is not known"
