"""The home agent's replies, octet by octet (RFC 5944 section 3.8.3)."""

from __future__ import annotations

from router.clock import Instant
from router.config.model import HomeAgent as Settings
from router.config.model import SecurityAssociation
from router.mip.auth import append, sign
from router.mip.home.binding import Binding
from router.mip.home.checks import Asked
from router.mip.home.ledger import NOBODY
from router.mip.home.node import Node
from router.mip.identification import from_wall, with_high_half
from router.mip.wire.challenge import Challenge
from router.mip.wire.extension import Extension
from router.mip.wire.gre_key import GreKey
from router.mip.wire.nai import Nai
from router.mip.wire.numbers import ExtensionType, ReplyCode
from router.mip.wire.registration import RegistrationReply
from router.mip.wire.revocation import RevocationSupport
from router.mip.wire.udp_tunnel import UdpTunnelReply

__all__ = ["build"]


def build(
    settings: Settings,
    node: Node,
    asked: Asked,
    code: ReplyCode,
    lifetime: int,
    extensions: tuple[Extension, ...],
    now: Instant,
    *,
    peer: SecurityAssociation | None = None,
    binding: Binding | None = None,
) -> bytes:
    """What is for the mobile node stands before its authenticator, what is for a foreign agent behind it.

    `binding` is the one just granted, `peer` the key shared with the foreign agent.
    """
    request = asked.request
    identification = request.identification
    if code is ReplyCode.HA_IDENTIFICATION_MISMATCH:
        identification = with_high_half(from_wall(now.wall), identification)
    home_address = request.home_address if request.home_address != NOBODY else node.home_address
    nai = request.find(Nai)
    own: list[Extension] = [nai] if nai is not None else []
    challenges = [item for item in asked.received if isinstance(item, Challenge)]
    foreign: list[Extension] = [*challenges[:1]]
    for item in extensions:
        # Without D the foreign agent asked for the UDP tunnel (RFC 3519 section 4.6.1).
        for_agent = isinstance(item, UdpTunnelReply) and not request.decapsulation
        (foreign if for_agent else own).append(item)
    if binding is not None and binding.gre_key is not None:
        # Keys are asymmetric (RFC 6245): ours is what packets to us shall carry, one for each binding.
        foreign.append(GreKey(gre_key(binding)))
    if binding is not None and binding.revocation is not None:
        support = RevocationSupport(binding.revocation.ours, binding.revocation.inform)
        (own if binding.colocated else foreign).append(support)
    message = RegistrationReply(code, lifetime, home_address, settings.address, identification, tuple(own))
    octets = sign(message.encode(), node.mobile.security)
    octets += b"".join(item.encode() for item in foreign)
    return octets if peer is None else append(octets, ExtensionType.FOREIGN_HOME_AUTHENTICATION, peer)


def gre_key(binding: Binding) -> int:
    """The key that packets from the care-of address to us carry: never 0, the same at every refresh."""
    return (int(binding.home_address) ^ binding.slot << 28) or 1
