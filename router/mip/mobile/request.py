"""The mobile node's requests, octet by octet (RFC 5944 sections 3.6.1 and 3.3)."""

from __future__ import annotations

from ipaddress import IPv4Address

from router.config.model import MobileNode as Settings
from router.config.model import SecurityAssociation
from router.mip.auth import append, sign
from router.mip.mobile.registration import Registration
from router.mip.mobile.session import NOBODY, Session
from router.mip.path_mtu import path_mtu_extension
from router.mip.revocation import timestamp
from router.mip.silent_path import silent_paths_extension
from router.mip.wire.authentication import MN_AAA
from router.mip.wire.challenge import Challenge
from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.extension import Extension
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.numbers import Encapsulation, ExtensionType
from router.mip.wire.registration import D, G, RegistrationRequest, T
from router.mip.wire.revocation import RevocationSupport
from router.mip.wire.udp_tunnel import UdpTunnelRequest

__all__ = [
    "asks_for_gre",
    "asks_for_udp",
    "can_answer",
    "deregistration",
    "foreign_security",
    "home_coming",
    "registration_request",
]


def registration_request(
    settings: Settings,
    session: Session,
    registration: Registration,
    identification: int,
    lifetime: int,
    wall: float,
    *,
    multipath: bool,
    bulk: bool = False,
    flows: tuple[FlowBinding, ...] = (),
    challenge: bytes = b"",
) -> bytes:
    """A signed request for `lifetime` seconds; `multipath` tells whether it carries that extension."""
    extensions: list[Extension] = [Nai(settings.nai.encode())] if settings.nai else []
    if asks_for_udp(session, registration):
        via = registration.agent is not None
        force = settings.udp_tunnel == "force" or registration.encapsulation == "udp"
        # G would mean GRE inside UDP too, unless the extension says otherwise (RFC 3519 section 3.1.4).
        inside = Encapsulation.IP_IN_IP if asks_for_gre(registration) else Encapsulation.BY_FLAGS
        extensions.append(UdpTunnelRequest(force, via_foreign_agent=via, encapsulation=inside))
    extensions += session.networks
    if session.requested is not None:
        extensions.append(DynamicHomeAgent(session.requested))
    if multipath:
        overwrite = registration.overwrite and not bulk
        extensions.append(_multipath(registration, bulk=bulk, overwrite=overwrite))
        extensions += flows
    if settings.revocation and registration.colocated and registration.agent is None:
        # RFC 3543 section 3.2: only who has its care-of address itself may offer this.
        extensions.append(RevocationSupport(timestamp(wall)))
    if registration.path_mtu is not None and registration.agent is None:
        extensions.append(path_mtu_extension(registration.path_mtu))
    if session.silent and multipath:
        extensions.append(silent_paths_extension(session.silent))
    request = _request(session, registration, identification, lifetime, tuple(extensions))
    return _through_agent(sign(request.encode(), settings.security), settings, registration, challenge)


def deregistration(
    settings: Settings,
    session: Session,
    registration: Registration,
    carrier: Registration,
    identification: int,
    *,
    multipath: bool,
    bulk: bool = False,
    challenge: bytes = b"",
) -> bytes:
    """A signed request that ends one binding, or all of them with `bulk`, for the uplink of `carrier`.

    No mobile networks: RFC 5177 section 5 has none in a de-registration.
    """
    extensions: list[Extension] = [Nai(settings.nai.encode())] if settings.nai else []
    if multipath:
        extensions.append(_multipath(registration, bulk=bulk, overwrite=False))
    request = _request(session, registration, identification, 0, tuple(extensions))
    return _through_agent(sign(request.encode(), settings.security), settings, carrier, challenge)


def home_coming(settings: Settings, session: Session, identification: int) -> bytes:
    """The signed request that ends all bindings from the home link: care-of address and home address are one."""
    extensions: tuple[Extension, ...] = (Nai(settings.nai.encode()),) if settings.nai else ()
    home = session.home_address
    request = RegistrationRequest(0, home, session.home_agent, home, identification, 0, extensions)
    return sign(request.encode(), settings.security)


def _request(
    session: Session,
    registration: Registration,
    identification: int,
    lifetime: int,
    extensions: tuple[Extension, ...],
) -> RegistrationRequest:
    return RegistrationRequest(
        lifetime=lifetime,
        home_address=session.home_address,
        home_agent=session.home_agent,
        care_of_address=registration.care_of_address or NOBODY,
        identification=identification,
        # T always: the packets of our networks would not pass an uplink's ingress filters bare.
        flags=(D if registration.colocated else 0) | (G if asks_for_gre(registration) else 0) | T,
        extensions=extensions,
    )


def _multipath(registration: Registration, *, bulk: bool, overwrite: bool) -> Multipath:
    return Multipath(
        registration.access_technology, registration.label, registration.bid, bulk=bulk, overwrite=overwrite
    )


def asks_for_udp(session: Session, registration: Registration) -> bool:
    """RFC 3519 section 4.4: never with an agent's care-of address, nor through one that does not advertise U."""
    through_deaf = registration.agent is not None and not registration.agent.agent.udp_tunnel
    wanted = session.udp and registration.encapsulation != "ipip"
    return wanted and registration.colocated and not through_deaf


def asks_for_gre(registration: Registration) -> bool:
    """RFC 5944 section 3.6.1.1: not with the care-of address of an agent that does not advertise G."""
    agent = registration.agent if not registration.colocated else None
    return registration.encapsulation == "gre" and (agent is None or agent.agent.gre)


def _through_agent(octets: bytes, settings: Settings, registration: Registration, challenge: bytes) -> bytes:
    """What is for the foreign agent stands behind the mobile node's authenticator, its own one last."""
    if registration.agent is None:
        return octets
    security = foreign_security(settings, registration.agent.address)
    if challenge and can_answer(settings, registration.agent.address):
        octets += Challenge(challenge).encode()
        if settings.aaa is not None:
            octets = append(octets, ExtensionType.GENERALIZED_AUTHENTICATION, settings.aaa, MN_AAA)
    if security is not None:
        octets = append(octets, ExtensionType.MOBILE_FOREIGN_AUTHENTICATION, security)
    return octets


def can_answer(settings: Settings, agent: IPv4Address) -> bool:
    """Whether we have a key for the authenticator that must follow a challenge (RFC 4721 section 3.1)."""
    return settings.aaa is not None or foreign_security(settings, agent) is not None


def foreign_security(settings: Settings, agent: IPv4Address) -> SecurityAssociation | None:
    """The key shared with a foreign agent, or None."""
    return next((peer.security for peer in settings.foreign_agents if peer.address == agent), None)
