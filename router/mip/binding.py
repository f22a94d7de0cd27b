"""Bindings as each end keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router.config.model import Mobile

__all__ = ["Binding", "MobileBinding"]


@dataclass(frozen=True)
class MobileBinding:
    """A registration the home agent accepted, as the mobile node sees it.  Times are monotonic seconds."""

    bid: int
    care_of_address: IPv4Address
    home_agent: IPv4Address
    encapsulation: str
    """`ipip` (RFC 2003) or `udp` (RFC 3519)."""
    nat: bool
    lifetime: int
    """Seconds granted."""
    expires: float
    keepalive: int
    """Seconds between RFC 3519 keepalives; meaningful with `udp`."""


@dataclass(frozen=True)
class Binding:
    """One care-of address of one mobile node at the home agent.  Times are monotonic seconds."""

    mobile: Mobile
    bid: int
    """0 for a registration without a Multipath extension."""
    slot: int
    """Lowest free number of this mobile node, 1..15: what packet marks carry in place of the BID."""
    label: int
    access_technology: int
    care_of_address: IPv4Address
    source: IPv4Address
    source_port: int
    """Where the request came from; behind NAT this, not the care-of address, is where tunnels go."""
    encapsulation: str
    nat: bool
    granted: int
    expires: float
    mobile_networks: tuple[IPv4Network, ...] = ()
