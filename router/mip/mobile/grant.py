"""What an accepting reply means."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from router.config.model import MobileNode as Settings
from router.mip.mobile.binding import MobileBinding
from router.mip.mobile.registration import Asked, Registration
from router.mip.mobile.session import NOBODY, Session
from router.mip.wire.fa_error import FaError
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement
from router.mip.wire.registration import RegistrationReply
from router.mip.wire.revocation import RevocationSupport
from router.mip.wire.udp_tunnel import UdpTunnelReply

__all__ = ["binding_of", "not_honoured", "refused_networks", "take_networks"]

_KEEPALIVE_LEAST = 10
"""RFC 3519 section 4.10."""


def binding_of(
    settings: Settings, session: Session, registration: Registration, reply: RegistrationReply, asked: Asked
) -> MobileBinding:
    """The binding in force from now on; its lifetime counts from the request's departure."""
    tunnel = reply.find(UdpTunnelReply) if asked.udp else None
    in_udp = tunnel is not None and tunnel.granted
    keepalive = (tunnel.keepalive if tunnel is not None else 0) or settings.keepalive
    lifetime = min(asked.lifetime, reply.lifetime)
    support = reply.find(RevocationSupport)
    agent = registration.agent.address if registration.agent is not None else None
    return MobileBinding(
        bid=registration.bid,
        care_of_address=registration.care_of_address or NOBODY,
        home_agent=session.home_agent,
        home_address=session.home_address,
        encapsulation="udp" if in_udp else "gre" if asked.gre else "ipip",
        nat=in_udp and tunnel is not None and not tunnel.forced,
        lifetime=lifetime,
        # RFC 5944 section 3.6.2.2.
        expires=asked.sent + lifetime,
        keepalive=max(_KEEPALIVE_LEAST, keepalive),
        foreign_agent=None if registration.colocated else agent,
        revocation_stamp=support.timestamp if support is not None else None,
    )


def take_networks(session: Session, reply: RegistrationReply) -> bool:
    """Note the mobile networks granted.  True when they changed."""
    said = reply.all(MobileNetworkAcknowledgement)
    if not said:
        return False
    granted: list[IPv4Network] = [item.prefix for item in said if not item.code and item.prefix is not None]
    changed = tuple(granted) != session.granted_networks
    session.granted_networks = tuple(granted)
    return changed


def refused_networks(reply: RegistrationReply) -> Iterator[str]:
    """A clause for each mobile network the home agent refused (RFC 5177 section 5.1)."""
    for item in reply.all(MobileNetworkAcknowledgement):
        if item.code:
            where = f"{item.address}/{item.prefix_length}"
            yield f"home agent refused mobile network {where} with code {item.code}"


def not_honoured(reply: RegistrationReply, registration: Registration) -> int | None:
    """The foreign agent's status when it does not go along with an acceptance (RFC 4636), else None."""
    error = reply.find(FaError) if registration.agent is not None else None
    return error.status if error is not None else None
