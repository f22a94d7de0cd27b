"""What the kernel should look like: the desired state handed to a plane.

A daemon computes one `PlaneState` after every change and the plane makes the
kernel equal to it.  States are plain values: comparable, printable, testable.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

__all__ = [
    "NO_PART", "Chain", "Element", "Encapsulation", "Nexthop", "Part", "PlaneState", "Route", "Rule", "Tunnel",
]  # fmt: skip

Encapsulation = Literal["ipip", "gre", "udp"]


@dataclass(frozen=True)
class Tunnel:
    """One tunnel of one binding.

    `ipip` is RFC 2003 between `local` and `remote`; `gre` is RFC 2784; `udp` is
    RFC 3519 between `local:local_port` and `remote:remote_port`, on the
    registration's ports.
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
    group: int = 0
    """Group of the device (IFLA_GROUP): what a ruleset knows it by without its name."""
    key_in: int | None = None
    """`gre`: the key that packets to us carry (RFC 2890); None: no key field."""
    key_out: int | None = None
    """`gre`: the key that packets from us carry, as the other end has it."""
    hidden: bool = False
    """`udp`: the far end may be behind NAT, and others behind the same address: ports tell them apart."""


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
    """A policy rule; `iif`, `oif` and `suppress_prefixlength` as in `ip rule`, None for none."""

    priority: int
    table: int
    source: IPv4Network | None = None
    mark: int | None = None
    mask: int | None = None
    suppress_prefixlength: int | None = None
    oif: str | None = None
    iif: str | None = None
    """`lo`: what this machine sends itself."""


@dataclass(frozen=True)
class Element:
    """An element of a named set or map of the ruleset, in nft's words; `data` is a map's value."""

    set: str
    key: str
    data: str = ""


@dataclass(frozen=True)
class Chain:
    """A chain of the ruleset that comes and goes with its part."""

    name: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """What is wanted for one mobile node: changed, made and removed without a look at the others.

    A tunnel may stand in several parts; every route, chain and element in one.
    """

    tunnels: tuple[Tunnel, ...] = ()
    routes: tuple[Route, ...] = ()
    chains: tuple[Chain, ...] = ()
    elements: tuple[Element, ...] = ()


NO_PART = Part()


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
    parts: Mapping[Hashable, Part] = field(default_factory=dict)
    """What belongs to one mobile node each; looked at where a key is said to have changed."""
    accounting: bool = False
    """Octets of connections are counted."""
