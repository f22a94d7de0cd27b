"""One care-of address of one mobile node, as the home agent keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Literal, NamedTuple

from router.config.model import Mobile

__all__ = ["Binding", "RevocationTerms"]


class RevocationTerms(NamedTuple):
    """Both sides offered revocation for a binding (RFC 3543 section 4.2.1)."""

    theirs: int
    """Time stamp of the foreign agent or mobile node at this registration."""
    ours: int
    inform: bool
    """I: we decide whether the mobile node hears of a revocation."""


@dataclass(slots=True)
class Binding:
    """Times are monotonic seconds.  A refresh that changes no terms moves `expires` and nothing else."""

    mobile: Mobile
    home_address: IPv4Address
    key: int
    """The Binding ID, or, registered without one, a number made of the care-of address (above 255)."""
    slot: int
    """Lowest free number of this mobile node, 1..15: what packet marks carry in place of the BID."""
    label: int
    access_technology: int
    care_of_address: IPv4Address
    source: IPv4Address
    source_port: int
    """Where the request came from; behind NAT this, not the care-of address, is where tunnels go."""
    encapsulation: Literal["ipip", "gre", "udp"]
    """`ipip` (RFC 2003), `gre` (RFC 2784) or `udp` (RFC 3519)."""
    nat: bool
    colocated: bool
    """The mobile node decapsulates itself (D); otherwise a foreign agent does."""
    reverse_tunnel: bool
    granted: int
    expires: float
    half_bound: bool = False
    """The next keepalive tells the UDP port of the tunnel (RFC 3519 section 4.6)."""
    port_known: bool = True
    """False: half bound for the first time, and nothing may be sent there yet."""
    gre_key: int | None = None
    """The key packets to the care-of address carry (RFC 6245)."""
    revocation: RevocationTerms | None = None
    path_mtu: int | None = None
    """What the path to it carries, as the mobile node found out; None: it has not said."""
    planned: float = field(default=0.0, compare=False, repr=False)
    """When the expiry is looked at next; a refresh leaves it."""

    @property
    def bid(self) -> int:
        """Binding ID; 0 for a registration without a Multipath extension."""
        return self.key if self.key < 256 else 0

    @property
    def end(self) -> IPv4Address:
        """Where its tunnel ends."""
        return self.source if self.encapsulation == "udp" else self.care_of_address

    @property
    def terms(self) -> str:
        """Where it leads and how, in words."""
        where = f"{self.care_of_address}"
        if self.nat:
            where += f" behind NAT at {self.source}:{self.source_port}"
        if not self.colocated:
            where += " (foreign agent)"
        return f"binding {self.bid} at {where}, {self.granted} s, {self.encapsulation}"
