"""What a foreign agent refuses, and with which code (RFC 5944 sections 3.7.2 and 3.7.3)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from router.config.model import ForeignAgent as Settings
from router.mip.wire.authentication import MN_AAA, Authentication
from router.mip.wire.challenge import Challenge
from router.mip.wire.delivery import EncapsulatingDelivery
from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.extension import Extension, Malformed
from router.mip.wire.nai import Nai
from router.mip.wire.numbers import ExtensionType, ReplyCode
from router.mip.wire.registration import RESERVED, M, RegistrationReply, RegistrationRequest
from router.mip.wire.revocation import RevocationSupport
from router.mip.wire.vendor import CriticalVendor

__all__ = [
    "ANY_HOME_AGENT",
    "NOBODY",
    "Denied",
    "authorising_end",
    "check_reply",
    "check_request",
    "why_silent",
]

NOBODY = IPv4Address("0.0.0.0")
ANY_HOME_AGENT = (NOBODY, IPv4Address("255.255.255.255"))
_TTL = 255
"""RFC 3024 section 4.2: with T, whoever arrives with less is not on this link."""
_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918."""
_FOR_US = ExtensionType.MOBILE_FOREIGN_AUTHENTICATION
_AUTHORISING = (ExtensionType.MOBILE_HOME_AUTHENTICATION, ExtensionType.GENERALIZED_AUTHENTICATION)


class Denied(Exception):
    """The request is refused with `code`; `lifetime` overrides what the reply says of it."""

    def __init__(self, code: ReplyCode, why: str, lifetime: int | None = None) -> None:
        self.code, self.why, self.lifetime = code, why, lifetime


def authorising_end(extensions: tuple[Extension, ...]) -> int | None:
    """Octets of the message up to the end of what the mobile node has authorised, or None when nothing is.

    This much is relayed untouched (RFC 5944 section 3.7.2.2).
    """
    ends = [item.end for item in extensions if isinstance(item, Authentication) and item.type in _AUTHORISING]
    return max(ends, default=None)


def why_silent(request: RegistrationRequest) -> str | None:
    """Why a request deserves no answer; the word names the counter.  None: it deserves one."""
    if authorising_end(request.extensions) is None:
        return "missing_authenticator"
    if not request.decapsulation and request.find(RevocationSupport) is not None:
        # RFC 3543 section 4.2.1: only who has its care-of address itself may offer this.
        return "revocation_support"
    if request.find(Challenge) is not None and not _covers_challenge(request.extensions):
        return "bare_challenge"
    return None


def _covers_challenge(extensions: tuple[Extension, ...]) -> bool:
    """RFC 4721 section 3.2: an authentication for us must follow the challenge."""
    seen = False
    for item in extensions:
        seen = seen or isinstance(item, Challenge)
        if seen and isinstance(item, Authentication) and (item.sub_type == MN_AAA or item.type == _FOR_US):
            return True
    return False


def check_request(request: RegistrationRequest, settings: Settings, ttl: int) -> None:
    """All that can be said of a request by itself.  Raises Denied."""
    _check_form(request, settings)
    for item in request.extensions:
        if isinstance(item, CriticalVendor):
            raise Denied(ReplyCode.FA_UNKNOWN_CVSE_FROM_MN, f"critical extension of vendor {item.vendor}")
    ours = request.care_of_address == settings.care_of_address
    if not request.decapsulation and request.lifetime and not ours:
        raise Denied(
            ReplyCode.FA_INVALID_CARE_OF_ADDRESS, f"care-of address {request.care_of_address} is not ours"
        )
    if request.decapsulation and request.lifetime and ours:
        raise Denied(ReplyCode.FA_INVALID_CARE_OF_ADDRESS, "our care-of address is not co-located")
    if request.lifetime > settings.max_lifetime:
        text = f"lifetime {request.lifetime}: {settings.max_lifetime} is the longest"
        raise Denied(ReplyCode.FA_LIFETIME_TOO_LONG, text, settings.max_lifetime)
    if request.flags & M and request.lifetime:
        raise Denied(ReplyCode.FA_ENCAPSULATION_UNAVAILABLE, "minimal encapsulation is not offered")
    if request.gre and request.lifetime and not request.decapsulation and not settings.gre:
        raise Denied(ReplyCode.FA_ENCAPSULATION_UNAVAILABLE, "GRE is not offered")
    _check_reverse_tunnel(request, settings, ttl)
    _check_who(request, settings)


def _check_form(request: RegistrationRequest, settings: Settings) -> None:
    if settings.strict_reserved and request.flags & RESERVED:
        raise Denied(ReplyCode.FA_POORLY_FORMED_REQUEST, "reserved flags are set")
    for item in request.extensions:
        if isinstance(item, Malformed):
            raise Denied(ReplyCode.FA_POORLY_FORMED_REQUEST, item.why)


def _check_reverse_tunnel(request: RegistrationRequest, settings: Settings, ttl: int) -> None:
    """RFC 3024 section 4.2."""
    encapsulating = request.find(EncapsulatingDelivery) is not None
    if encapsulating and not request.reverse_tunnel:
        raise Denied(ReplyCode.FA_POORLY_FORMED_REQUEST, "Encapsulating Delivery Style without T")
    if request.reverse_tunnel:
        # Who de-registers wants no tunnel any more, and is let through (RFC 5944 section 3.7).
        if settings.reverse_tunnel == "off" and request.lifetime:
            raise Denied(ReplyCode.FA_REVERSE_TUNNEL_UNAVAILABLE, "reverse tunnels are off")
        if ttl != _TTL:
            raise Denied(ReplyCode.FA_MN_TOO_DISTANT, f"TTL {ttl}: must be {_TTL} with T")
    elif request.lifetime and settings.reverse_tunnel != "off":
        if settings.reverse_tunnel == "required":
            raise Denied(ReplyCode.FA_REVERSE_TUNNEL_MANDATORY, "T must be set")
        if any(request.home_address in network for network in _PRIVATE):
            # RFC 3024 appendix A.4: bare, nobody could answer it.
            raise Denied(ReplyCode.FA_REVERSE_TUNNEL_MANDATORY, "T must be set for a private home address")
    if encapsulating and not settings.encapsulating_delivery:
        raise Denied(ReplyCode.FA_DELIVERY_STYLE_UNSUPPORTED, "only direct delivery is offered")


def _check_who(request: RegistrationRequest, settings: Settings) -> None:
    if request.home_address == NOBODY and request.find(Nai) is None:
        raise Denied(ReplyCode.FA_NONZERO_HOME_ADDRESS_REQUIRED, "neither home address nor NAI")
    if request.home_agent == settings.care_of_address:
        raise Denied(ReplyCode.FA_INVALID_HOME_AGENT_ADDRESS, "we are no home agent")
    wanted = request.find(DynamicHomeAgent)
    if request.home_agent in ANY_HOME_AGENT and (wanted is None or wanted.redirected):
        # RFC 4433 section 5.2: we know of no home agent to choose.
        raise Denied(ReplyCode.FA_NONZERO_HOME_AGENT_REQUIRED, "no home agent is named")


def check_reply(reply: RegistrationReply, *, nai: bytes, challenge: bytes) -> ReplyCode | None:
    """Why a home agent's reply is not honoured, as status of an FA Error extension, or None.

    `nai` and `challenge` are the request's, empty for none.
    """
    if any(isinstance(item, Malformed) for item in reply.extensions):
        return ReplyCode.FA_POORLY_FORMED_REPLY
    if any(isinstance(item, CriticalVendor) for item in reply.extensions):
        return ReplyCode.FA_UNKNOWN_CVSE_FROM_HA
    if nai and reply.code <= ReplyCode.ACCEPTED_NO_SIMULTANEOUS:
        # RFC 2794 section 3.
        if reply.find(Nai) is None:
            return ReplyCode.FA_MISSING_NAI
        if reply.home_address == NOBODY:
            return ReplyCode.FA_MISSING_HOME_ADDRESS
        if reply.home_agent == NOBODY:
            return ReplyCode.FA_MISSING_HOME_AGENT
    echoed = reply.find(Challenge)
    if echoed is not None and challenge and echoed.value != challenge:
        # RFC 4721 section 3.3.
        return ReplyCode.FA_HA_WRONG_CHALLENGE
    return None
