"""Which replies a mobile node believes (RFC 5944 section 3.6.2.1)."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import takewhile

from router.config.model import MobileNode as Settings
from router.mip.auth import verify
from router.mip.mobile.discovery import KnownAgent
from router.mip.mobile.request import foreign_security
from router.mip.mobile.session import Session
from router.mip.wire.authentication import Authentication
from router.mip.wire.extension import Extension, Malformed
from router.mip.wire.numbers import ExtensionType, ReplyCode
from router.mip.wire.registration import RegistrationReply

__all__ = ["FOREIGN_CODES", "covered", "disbelief"]

FOREIGN_CODES = (*range(64, 128), ReplyCode.INVALID_HOME_AGENT_ADDRESS_IN_TEXT)
"""Those of a foreign agent; any other reply is the home agent's."""


def disbelief(
    data: bytes,
    reply: RegistrationReply,
    settings: Settings,
    session: Session,
    agent: KnownAgent | None,
    source: IPv4Address,
) -> str | None:
    """Why not to believe `reply`, decoded from `data`; the word names the counter.  None: it is believed.

    `agent` is the one the request went through, if any.  A foreign agent's
    denial carries no Mobile-Home authentication.  It counts only from the agent
    that was asked, and under the shared key if there is one.
    """
    if agent is not None:
        security = foreign_security(settings, agent.address)
        kind = ExtensionType.MOBILE_FOREIGN_AUTHENTICATION
        if security is not None and not verify(data, reply.extensions, security, kind):
            return "bad_foreign_authenticator"
    if reply.code in FOREIGN_CODES:
        return None if agent is not None and source == agent.address else "unasked_foreign_denial"
    if not verify(data, reply.extensions, settings.security):
        return "bad_authenticator"
    if any(isinstance(item, Malformed) for item in covered(reply)):
        return "malformed_reply"
    known = (session.home_address, settings.home_address)
    if not session.is_homeless and reply.home_address not in known:
        return "foreign_home_address"
    return None


def covered(reply: RegistrationReply) -> tuple[Extension, ...]:
    """What the home agent vouches for: the extensions before its authenticator."""
    return tuple(takewhile(lambda item: not isinstance(item, Authentication), reply.extensions))
