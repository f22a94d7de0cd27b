"""A registration the home agent accepted, as the mobile node sees it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

__all__ = ["MobileBinding"]


@dataclass(frozen=True)
class MobileBinding:
    """Times are monotonic seconds."""

    bid: int
    care_of_address: IPv4Address
    home_agent: IPv4Address
    home_address: IPv4Address
    encapsulation: Literal["ipip", "gre", "udp"]
    """`ipip` (RFC 2003), `gre` (RFC 2784) or `udp` (RFC 3519)."""
    nat: bool
    lifetime: int
    """Seconds granted."""
    expires: float
    keepalive: int
    """Seconds between RFC 3519 keepalives; meaningful with `udp`."""
    foreign_agent: IPv4Address | None = None
    """The agent whose care-of address this is, and who decapsulates; None when it is co-located."""

    revocation_stamp: int | None = None
    """The home agent's time stamp at this registration, when it may revoke it (RFC 3543)."""

    @property
    def terms(self) -> str:
        """What was agreed, in words."""
        nat = ", NAT found" if self.nat else ""
        via = f", through foreign agent {self.foreign_agent}" if self.foreign_agent is not None else ""
        return f"registered for {self.lifetime} s, {self.encapsulation}{nat}{via}"
