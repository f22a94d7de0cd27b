"""The configuration after checking: typed, frozen, complete.

Every value here has been validated by `router.config.schema`; nothing
downstream needs to check a range again.  Addresses are `ipaddress` objects,
times are seconds, rates are kbit/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

__all__ = [
    "Config",
    "Flow",
    "ForeignAgent",
    "HomeAgent",
    "HomeNetwork",
    "Mobile",
    "MobileNode",
    "PlaneSettings",
    "PortRange",
    "SecurityAssociation",
    "Uplink",
]

PortRange = tuple[int, int]
"""First and last port, inclusive."""


@dataclass(frozen=True)
class SecurityAssociation:
    """A mobility security association (RFC 5944 section 1.6)."""

    spi: int
    key: bytes
    algorithm: str = "hmac-md5"
    """`hmac-md5` (RFC 5944 section 5.1 demands it) or `hmac-sha256`."""
    tolerance: float = 7.0
    """Seconds a time stamp may differ from our clock (RFC 5944 section 5.7.1)."""

    def __repr__(self) -> str:
        return f"SecurityAssociation(spi={self.spi}, algorithm={self.algorithm!r}, key=<hidden>)"


@dataclass(frozen=True)
class PlaneSettings:
    """What roamd may claim of the kernel's shared name spaces."""

    kind: str = "auto"
    """`auto` (kernel tunnels where the modules exist), `kernel` or `userspace`."""
    mark_mask: int = 0x0F000000
    table_base: int = 7400
    """Routing tables `table_base .. table_base + 31` are roamd's."""
    rule_priority: int = 7400
    """Rule priorities `rule_priority .. rule_priority + 63` are roamd's."""


@dataclass(frozen=True)
class MobileNode:
    home_address: IPv4Address
    home_agent: IPv4Address
    security: SecurityAssociation
    mobile_networks: tuple[IPv4Network, ...] = ()
    """Prefixes behind the router (RFC 5177).  Empty: LAN traffic is SNATed to the home address."""
    lan_devices: tuple[str, ...] = ()
    """Devices whose forwarded traffic roamd carries; empty means any device that is no uplink."""
    lifetime: int = 1800
    udp_tunnel: str = "auto"
    """`auto` (RFC 3519 request, used when NAT is seen), `force` or `off`."""
    keepalive: int = 110
    """Seconds between RFC 3519 keepalives when the home agent names none."""
    plane: PlaneSettings = PlaneSettings()


@dataclass(frozen=True)
class HomeAgent:
    address: IPv4Address
    max_lifetime: int = 3600
    nat_lifetime: int = 60
    """Upper bound of the lifetime granted behind NAT (RFC 3519 section 5.2)."""
    keepalive: int = 0
    """Keepalive interval to impose, seconds; 0 lets the mobile node choose."""
    udp_tunnel: str = "auto"
    """`auto` (when NAT is seen), `force` (also allow F without NAT) or `off`."""
    plane: PlaneSettings = PlaneSettings()


@dataclass(frozen=True)
class ForeignAgent:
    """Parsed and checked; no role is started for it yet."""

    device: str
    care_of_address: IPv4Address
    max_lifetime: int = 1800


@dataclass(frozen=True)
class Uplink:
    name: str
    bid: int
    """Binding ID, 1..15 (RFC 7629 section 4.1 allows 1..254; ours double as path marks)."""
    kind: str
    """`ethernet`, `wifi` or `cellular`."""
    device: str | None = None
    """Network device; a cellular uplink may leave it to be matched by its modem."""
    tty: str | None = None
    """AT port of a cellular modem."""
    label: int = 1
    """If-Label 1..255 (RFC 7629 section 4.1)."""
    bandwidth_down: int | None = None
    bandwidth_up: int | None = None
    gateway: IPv4Address | None = None
    """Overrides the gateway found in the routing table."""


@dataclass(frozen=True)
class Flow:
    """A static flow policy: all given matches must hold; an empty match is 'any'."""

    name: str
    uplinks: tuple[str, ...]
    """Uplink names, most preferred first; if none lives, the flow is spread like any other."""
    proto: str | None = None
    """`tcp`, `udp`, `icmp` or None for any."""
    src_prefixes: tuple[IPv4Network, ...] = ()
    dest_prefixes: tuple[IPv4Network, ...] = ()
    src_ports: tuple[PortRange, ...] = ()
    dest_ports: tuple[PortRange, ...] = ()
    dscp: tuple[int, ...] = ()
    in_devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mobile:
    """What a home agent knows of one mobile node."""

    name: str
    home_address: IPv4Address
    security: SecurityAssociation
    mobile_networks: tuple[IPv4Network, ...] = ()
    multipath: bool = True
    max_bindings: int = 8


@dataclass(frozen=True)
class HomeNetwork:
    name: str
    prefix: IPv4Network


@dataclass(frozen=True)
class Config:
    mobile_node: MobileNode | None = None
    home_agent: HomeAgent | None = None
    foreign_agent: ForeignAgent | None = None
    uplinks: tuple[Uplink, ...] = ()
    flows: tuple[Flow, ...] = ()
    mobiles: tuple[Mobile, ...] = ()
    home_networks: tuple[HomeNetwork, ...] = ()
    control: str = "/var/run/roamd.sock"
    log_level: str = "info"
