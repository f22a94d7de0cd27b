"""Who visits: registrations in force, and requests that wait for their answer (RFC 5944 section 3.7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import NamedTuple

__all__ = ["Pending", "RevocationTerms", "Visitor"]

Source = tuple[IPv4Address, int]


class RevocationTerms(NamedTuple):
    """Both sides offered revocation for this visit (RFC 3543 section 4.2.1)."""

    ours: int
    theirs: int
    """Time stamp of the home agent at this registration."""
    inform: bool
    """I: the home agent decides whether the mobile node hears of a revocation."""


@dataclass(slots=True)
class Pending:
    """A request relayed and unanswered.  Times are monotonic seconds."""

    home_address: IPv4Address
    nai: bytes
    home_agent: IPv4Address
    care_of_address: IPv4Address
    source: Source
    """Address and UDP port of the mobile node."""
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
    gre_key: int | None
    challenge: bytes
    stamp: int | None
    """Time stamp of the Revocation Support extension we added."""


@dataclass(slots=True)
class Visitor:
    """A registration in force.  `expires` is in monotonic seconds."""

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
