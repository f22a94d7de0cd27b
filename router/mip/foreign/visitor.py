"""Who visits: a registration in force (RFC 5944 section 3.7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import NamedTuple

from router.mip.foreign.datagram import Source
from router.mip.foreign.pending import Pending
from router.mip.lifetime import end_of
from router.mip.revocation import Subject
from router.mip.wire.authentication import Authentication
from router.mip.wire.gre_key import GreKey
from router.mip.wire.numbers import ExtensionType
from router.mip.wire.registration import RegistrationReply
from router.mip.wire.revocation import RevocationSupport

__all__ = ["RevocationTerms", "Visitor"]


class RevocationTerms(NamedTuple):
    """Both sides offered revocation for this visit (RFC 3543 section 4.2.1)."""

    ours: int
    theirs: int
    """Time stamp of the home agent at this registration."""


@dataclass(slots=True)
class Visitor:
    """`expires` is in monotonic seconds."""

    asked: Pending
    """The request that made it."""
    home_address: IPv4Address
    nai: bytes
    home_agent: IPv4Address
    care_of_address: IPv4Address
    source: Source
    link: bytes | None
    bid: int
    lifetime: int
    expires: float
    colocated: bool
    reverse_tunnel: bool
    delivery: str
    encapsulation: str = "ipip"
    gre_key: int | None = None
    """What packets to the home agent carry (RFC 6245)."""
    revocation: RevocationTerms | None = None

    @classmethod
    def of(cls, asked: Pending, reply: RegistrationReply, longest: int, at: float) -> Visitor:
        """Whom `reply` accepts, for `longest` seconds at most (RFC 5944 section 3.7.3.2)."""
        lifetime = min(asked.lifetime, reply.lifetime, longest)
        key, offer, terms = reply.find(GreKey), _revocation_offer(reply), None
        if asked.stamp is not None and offer is not None:
            terms = RevocationTerms(asked.stamp, offer.timestamp)
        return cls(
            asked=asked,
            home_address=reply.home_address,
            nai=asked.nai,
            home_agent=asked.home_agent,
            care_of_address=asked.care_of_address,
            source=asked.source,
            link=asked.link,
            bid=asked.bid,
            lifetime=lifetime,
            expires=end_of(lifetime, at),
            colocated=asked.colocated,
            reverse_tunnel=asked.reverse_tunnel,
            delivery=asked.delivery,
            encapsulation="gre" if key is not None else "ipip",
            gre_key=key.key if key is not None else None,
            revocation=terms,
        )

    @property
    def key(self) -> tuple[IPv4Address, IPv4Address, int]:
        return (self.home_address, self.home_agent, self.bid)

    @property
    def subject(self) -> Subject:
        """The visit, in the terms of a revocation."""
        return (self.home_address, self.home_agent, self.care_of_address)


def _revocation_offer(reply: RegistrationReply) -> RevocationSupport | None:
    """The home agent's, where its authenticator for us covers it."""
    for item in reply.extensions:
        if isinstance(item, Authentication) and item.type == ExtensionType.FOREIGN_HOME_AUTHENTICATION:
            return None
        if isinstance(item, RevocationSupport):
            return item
    return None
