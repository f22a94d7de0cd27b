"""What each reply code leads to (RFC 5944 section 3.6.2.3, and the RFCs that added codes).

A reaction changes what will be asked for; when it will be asked is said by `Next`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from router.mip.mobile.registration import GOOD, Registration
from router.mip.mobile.session import Session
from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement
from router.mip.wire.numbers import ReplyCode
from router.mip.wire.registration import RegistrationReply

__all__ = ["CHALLENGING", "Next", "meaning", "react"]

CHALLENGING = (
    ReplyCode.FA_UNKNOWN_CHALLENGE,
    ReplyCode.FA_MISSING_CHALLENGE,
    ReplyCode.FA_STALE_CHALLENGE,
)
"""Another challenge, answered, may help."""


class Next(Enum):
    RETRY = "retry"
    """As soon as the pace allows."""
    BACK_OFF = "back off"
    """Ever more rarely: nothing we could change would help."""
    RESYNCHRONISE = "resynchronise"
    """Take over the home agent's clock, then again."""
    SINGLE = "single"
    """One binding is all there is to have."""
    OTHER_AGENT = "other agent"
    """Not through this foreign agent."""


def react(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    """Take note of a denial."""
    reaction = _REACTIONS.get(reply.code)
    return Next.BACK_OFF if reaction is None else reaction(reply, session, registration)


def meaning(code: int) -> str:
    """A reply code of a denial, in words."""
    if code in GOOD:
        return "accepted, but for no time at all"
    try:
        name = ReplyCode(code).name
    except ValueError:
        return "unknown code"
    return name.removeprefix("HA_").replace("FA_", "foreign agent: ").replace("_", " ").lower()


def _lifetime_too_long(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    if not 0 < reply.lifetime < (registration.longest or session.lifetime):
        return Next.BACK_OFF
    registration.longest = reply.lifetime
    return Next.RETRY


def _sent_on(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    return Next.RETRY if session.sent_on_to(reply.home_agent) else Next.BACK_OFF


def _redirected(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    target = next((item for item in reply.all(DynamicHomeAgent) if item.redirected), None)
    if target is None or not session.sent_on_to(target.address):
        return Next.BACK_OFF
    session.requested = target.address
    return Next.RETRY


def _without_udp(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    if not session.udp:
        return Next.BACK_OFF
    session.udp = False
    return Next.RETRY


def _without_gre(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    if registration.encapsulation != "gre":
        return Next.BACK_OFF
    registration.encapsulation = "auto"
    return Next.RETRY


def _without_refused_networks(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    before = session.networks
    # The reply refuses every prefix in it, whatever the code beside each.
    for item in reply.all(MobileNetworkAcknowledgement):
        session.without_network(item.address, item.prefix_length)
    return Next.RETRY if session.networks != before else Next.BACK_OFF


def _without_networks(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    if not session.networks:
        return Next.BACK_OFF
    for item in session.networks:
        session.without_network(item.address, item.prefix_length)
    return Next.RETRY


def _single(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    return Next.SINGLE if session.support.refused() else Next.BACK_OFF


def _without_flows(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    if registration.without_flows:
        return Next.BACK_OFF
    registration.without_flows = True
    return Next.RETRY


def _new_challenge(reply: RegistrationReply, session: Session, registration: Registration) -> Next:
    return Next.RETRY if registration.challenge.can_be_had else Next.BACK_OFF


def _always(what: Next) -> Callable[[RegistrationReply, Session, Registration], Next]:
    return lambda reply, session, registration: what


_REACTIONS: dict[int, Callable[[RegistrationReply, Session, Registration], Next]] = {
    ReplyCode.FA_ADMINISTRATIVELY_PROHIBITED: _always(Next.OTHER_AGENT),
    ReplyCode.FA_INSUFFICIENT_RESOURCES: _always(Next.OTHER_AGENT),
    ReplyCode.FA_LIFETIME_TOO_LONG: _lifetime_too_long,
    ReplyCode.FA_INVALID_CARE_OF_ADDRESS: _always(Next.OTHER_AGENT),
    **dict.fromkeys(CHALLENGING, _new_challenge),
    ReplyCode.FA_ENCAPSULATION_UNAVAILABLE: _without_gre,
    ReplyCode.HA_ENCAPSULATION_UNAVAILABLE: _without_gre,
    ReplyCode.HA_FA_FAILED_AUTHENTICATION: _always(Next.OTHER_AGENT),
    ReplyCode.HA_IDENTIFICATION_MISMATCH: _always(Next.RESYNCHRONISE),
    ReplyCode.HA_UNKNOWN_HOME_AGENT: _sent_on,
    ReplyCode.HA_UDP_ENCAPSULATION_UNAVAILABLE: _without_udp,
    ReplyCode.HA_REDIRECT: _redirected,
    ReplyCode.HA_MOBNET_ERROR: _without_refused_networks,
    ReplyCode.HA_MOBNET_DISALLOWED: _without_networks,
    ReplyCode.MULTIPATH_NOT_ALLOWED: _single,
    ReplyCode.INVALID_FB_IDENTIFIER: _without_flows,
}
"""The codes not listed are tried again after a back-off."""
