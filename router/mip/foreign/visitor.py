"""Who visits: registrations in force, and requests that wait for their answer (RFC 5944 section 3.7.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import NamedTuple

__all__ = ["Pending", "RevocationTerms", "Visitor", "name_of"]

Source = tuple[IPv4Address, int]

_PENDING_AGE = 7.0
"""Seconds until an unanswered request is given up with code 78 (RFC 5944 section 3.7.1)."""


class RevocationTerms(NamedTuple):
    """Both sides offered revocation for this visit (RFC 3543 section 4.2.1)."""

    ours: int
    theirs: int
    """Time stamp of the home agent at this registration."""
    inform: bool
    """I: the home agent decides whether the mobile node hears of a revocation."""


def name_of(home_address: IPv4Address, nai: bytes) -> object:
    """One mobile node's own: the home address stands where nobody else can put another NAI behind."""
    return nai if home_address.is_unspecified else home_address


@dataclass(slots=True)
class Pending:
    """A request relayed and unanswered.  Times are monotonic seconds."""

    home_address: IPv4Address
    nai: bytes
    home_agent: IPv4Address
    care_of_address: IPv4Address
    source: Source
    """Address and UDP port of the mobile node."""
    destination: IPv4Address | None
    """Address of ours, or of all agents, that it was sent to."""
    link: bytes | None
    """Its link-layer address."""
    bid: int
    everything: bool
    """A de-registration of all its bindings."""
    identification: int
    lifetime: int
    since: float
    colocated: bool
    reverse_tunnel: bool
    delivery: str
    """`direct` or `encapsulating` (RFC 3024 section 5)."""
    challenge: bytes
    gre_key: int | None = None
    """The key we asked for (RFC 6245)."""
    stamp: int | None = None
    """Time stamp of the Revocation Support extension we added."""

    @property
    def who(self) -> object:
        """The mobile node, by the name that its challenges are kept under."""
        return name_of(self.home_address, self.nai)

    def is_repeated_by(self, other: Pending) -> bool:
        """Whether `other` is this request sent again: its identification and age are no part of it
        (RFC 4721 section 3.2), nor is what we add to it."""
        link = self.link if None in (self.link, other.link) else other.link
        return self == replace(
            other, identification=self.identification, since=self.since, link=link, gre_key=self.gre_key, stamp=self.stamp
        )  # fmt: skip

    @property
    def ends(self) -> float:
        """When it is given up: no answer can outlive the lifetime asked for (RFC 5944 section 3.7.2.2)."""
        return self.since + min(_PENDING_AGE, self.lifetime or _PENDING_AGE)


@dataclass(slots=True)
class Visitor:
    """A registration in force.  `expires` is in monotonic seconds."""

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

    @property
    def key(self) -> tuple[IPv4Address, IPv4Address, int]:
        return (self.home_address, self.home_agent, self.bid)
