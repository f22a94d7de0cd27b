"""What the kernel should look like: the desired state handed to a plane.

A daemon computes one `PlaneState` after every change and the plane makes the
kernel equal to it.  States are plain values: comparable, printable, testable.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

__all__ = ["Encapsulation", "Nexthop", "PlaneState", "Route", "Rule", "Tunnel"]

Encapsulation = Literal["ipip", "udp"]


@dataclass(frozen=True)
class Tunnel:
    """One tunnel of one binding.

    `ipip` is RFC 2003 between `local` and `remote`; `udp` is RFC 3519 between
    `local:local_port` and `remote:remote_port`, on the registration's ports.
    """

    device: str
    """Interface name, at most 15 characters, unique on this machine."""
    local: IPv4Address
    remote: IPv4Address
    encapsulation: Encapsulation
    local_port: int = 0
    remote_port: int = 0
    mtu: int = 1480
    link: str = ""
    """Device that the outer packets leave by; empty: as routed.  Tells apart tunnels between the same ends."""


@dataclass(frozen=True)
class Nexthop:
    """One way out: a device, a gateway or both; weight as in `ip route`, 1..256."""

    device: str
    gateway: IPv4Address | None = None
    weight: int = 1


@dataclass(frozen=True)
class Route:
    """A unicast route; `nexthops` empty means `unreachable`."""

    table: int
    prefix: IPv4Network
    nexthops: tuple[Nexthop, ...] = ()
    source: IPv4Address | None = None
    """Preferred source address."""


@dataclass(frozen=True)
class Rule:
    """A policy rule; `oif` and `suppress_prefixlength` as in `ip rule`, None for none."""

    priority: int
    table: int
    source: IPv4Network | None = None
    mark: int | None = None
    mask: int | None = None
    suppress_prefixlength: int | None = None
    oif: str | None = None


@dataclass(frozen=True)
class PlaneState:
    """Everything roamd owns in the kernel."""

    tunnels: tuple[Tunnel, ...] = ()
    addresses: tuple[tuple[str, IPv4Address], ...] = ()
    """(device, address) pairs, each a /32: the home address."""
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    ruleset: str = ""
    """The body of `table ip roamd` in nft's language; empty: no table."""
    foreign_links: tuple[str, ...] = ()
    """Devices that answer ARP for their own addresses alone and follow no redirects (RFC 5944 section 4.6)."""
