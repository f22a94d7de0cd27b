"""The configuration after checking: typed, frozen, complete.

Every value here has been validated by `router.config.schema`; nothing
downstream needs to check a range again.  Addresses are `ipaddress` objects,
times are seconds, rates are kbit/s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from router.scram import Verifier

__all__ = [
    "Config",
    "Console",
    "Flow",
    "ForeignAgent",
    "HomeAgent",
    "HomeNetwork",
    "Mobile",
    "MobileNode",
    "ModemSettings",
    "Peer",
    "PlaneSettings",
    "PortRange",
    "Range",
    "SecurityAssociation",
    "Uplink",
]

PortRange = tuple[int, int]
"""First and last port, inclusive."""
Range = tuple[int, int]
"""First and last value, inclusive."""


@dataclass(frozen=True, slots=True)
class SecurityAssociation:
    """A mobility security association (RFC 5944 section 1.6)."""

    spi: int
    key: bytes
    algorithm: str = "hmac-md5"
    """`hmac-md5` (RFC 5944 section 5.1 demands it), `hmac-sha1`, `hmac-sha256` or `keyed-md5`."""
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
    fou_port: int = 4434
    """UDP port of the kernel's listener for tunnels in UDP; nothing with this port leaves the machine."""


@dataclass(frozen=True)
class Peer:
    """An agent or mobile node with which there is a mobility security association of its own."""

    name: str
    address: IPv4Address
    security: SecurityAssociation


@dataclass(frozen=True)
class MobileNode:
    home_address: IPv4Address
    """0.0.0.0: the home agent assigns one, and `nai` says who we are."""
    home_agent: IPv4Address
    """0.0.0.0 or 255.255.255.255: whoever answers (RFC 4433)."""
    security: SecurityAssociation
    mobile_networks: tuple[IPv4Network, ...] = ()
    """Prefixes behind the router (RFC 5177).  Empty: LAN traffic is SNATed to the home address."""
    lan_devices: tuple[str, ...] = ()
    """Devices whose forwarded traffic roamd carries; empty means any device that is no uplink."""
    nai: str = ""
    """Network access identifier (RFC 2794); empty: not sent."""
    aaa: SecurityAssociation | None = None
    """With the AAA server, for requests that answer a foreign agent's challenge (RFC 4721)."""
    foreign_agents: tuple[Peer, ...] = ()
    """Foreign agents that share a key with us."""
    multipath: bool = True
    """Register every uplink (RFC 7629); otherwise one at a time."""
    overwrite: bool = False
    """Set O when a care-of address changed, as RFC 7629 section 5.1 words it; see router/mip/DECISIONS.md, D1."""
    refresh: str = "each"
    """`each` binding by itself, which proves its path, or all in `bulk` (B of RFC 7629 section 4.1)."""
    flow_bindings: bool = False
    """Tell the home agent our flow policies (RFC 7629 section 4.2)."""
    revocation: bool = True
    """Take revocations of our bindings (RFC 3543)."""
    delegated_length: int | None = None
    """Length of a prefix to ask the home agent for (RFC 6626), 0 for any; None: ask for none."""
    lifetime: int = 1800
    udp_tunnel: str = "auto"
    """`auto` (RFC 3519 request, used when NAT is seen), `force` or `off`."""
    keepalive: int = 110
    """Seconds between RFC 3519 keepalives when the home agent names none."""
    damping: bool = True
    """Leave a path that comes and goes alone for a while, if there is another."""
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
    simultaneous: bool = False
    """Keep several bindings for S (RFC 5944 section 3.8.2.2), each of which gets a copy of every packet."""
    reverse_tunnel: str = "optional"
    """`optional`, `required` (code 138 without T) or `off` (code 137 with T)."""
    gre: bool = False
    """Grant GRE when G asks for it; otherwise code 139."""
    strict_reserved: bool = False
    """Refuse requests with r or x set (RFC 5944 section 3.8.2.3) instead of ignoring the bits (3.3)."""
    strict_replay: bool = False
    """One time-stamp order over all bindings of a mobile node, as RFC 5944 section 5.7.1 words it."""
    revocation: bool = True
    """Offer registration revocation (RFC 3543)."""
    reflector: bool = True
    """Answer STAMP packets out of tunnels (RFC 8762)."""
    redirect: IPv4Address | None = None
    """Another home agent to send mobile nodes to (RFC 4433, code 143)."""
    device: str | None = None
    """Device of the home link: agent advertisements and proxy ARP; None: the home network is virtual."""
    advertise_interval: int = 10
    """Seconds between agent advertisements on `device`."""
    prefix_pool: tuple[IPv4Network, ...] = ()
    """Where mobile networks are delegated from (RFC 6626)."""
    prefix_length: int = 28
    """Length of a delegated prefix when the mobile node does not ask for a longer one."""
    peers: tuple[Peer, ...] = ()
    """Foreign agents that share a key with us (RFC 5944 section 3.5.4)."""
    plane: PlaneSettings = PlaneSettings()


@dataclass(frozen=True)
class ForeignAgent:
    device: str
    """Where mobile nodes visit."""
    care_of_address: IPv4Address
    max_lifetime: int = 1800
    advertise_interval: int = 10
    """Seconds between agent advertisements."""
    registration_required: bool = False
    """R: also mobile nodes with a co-located care-of address shall register here."""
    reverse_tunnel: str = "optional"
    """`optional`, `required` (code 75 without T) or `off` (code 74 with T)."""
    encapsulating_delivery: bool = True
    """Support the encapsulating delivery style (RFC 3024); otherwise code 79."""
    gre: bool = False
    """Relay requests with G for our care-of address; otherwise code 72."""
    challenge: bool = False
    """Advertise challenges and demand their answers (RFC 4721)."""
    challenge_window: int = 2
    """How many of those advertised last are taken."""
    revocation: bool = True
    """Offer registration revocation (RFC 3543) where a key is shared with the home agent."""
    strict_reserved: bool = False
    """Refuse requests with r or x set (RFC 5944 section 3.7.2.1) instead of ignoring the bits (3.3)."""
    max_pending: int = 64
    """Requests relayed and unanswered, at most; code 66 beyond."""
    max_visitors: int = 1024
    """Bindings of mobile nodes visiting, at most; code 66 beyond, and B in advertisements."""
    peers: tuple[Peer, ...] = ()
    """Home agents that share a key with us."""
    visitors: tuple[Peer, ...] = ()
    """Mobile nodes that share a key with us, by home address."""
    plane: PlaneSettings = PlaneSettings()


@dataclass(frozen=True)
class ModemSettings:
    """What a cellular uplink's modem is given, and who brings its data session up."""

    session: str = "netifd"
    """Whose the data session is: `netifd` (roamd watches), `at` (roamd's, by AT commands) or `ppp` (roamd's, by pppd)."""
    cid: int = 1
    """Number of the PDP context (TS 27.007 10.1.1)."""
    apn: str | None = None
    """None: the one that the modem or the network has."""
    auth: str = "none"
    """`none`, `pap` or `chap`."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    addressing: str = "auto"
    """How the network device of session `at` comes to its address: `static` (the PDP context's), `dhcp` (the modem serves
    it) or `auto` (what the modem's kind does)."""
    pin: str | None = field(default=None, repr=False)
    """Of the SIM, tried once."""


@dataclass(frozen=True)
class Uplink:
    name: str
    bid: int
    """Binding ID, 1..15 (RFC 7629 section 4.1 allows 1..254; ours double as path marks)."""
    kind: str
    """`ethernet`, `wifi` or `cellular`."""
    device: str | None = None
    """Network device; a cellular uplink may leave it to be matched by its modem."""
    network: str | None = None
    """Instead of `device`: the interface of netifd that has it."""
    tty: str | None = None
    """AT port of a cellular modem."""
    usb: str | None = None
    """Where the modem is: bus and ports, `1-1.2`, as in /sys/bus/usb/devices."""
    imei: str | None = None
    """Of the modem, 15 digits.  Without tty, usb and imei it is the one that no other uplink has."""
    label: int = 1
    """If-Label 1..255 (RFC 7629 section 4.1)."""
    bandwidth_down: int | None = None
    bandwidth_up: int | None = None
    gateway: IPv4Address | None = None
    """Overrides the gateway found in the routing table."""
    care_of: str = "colocated"
    """`colocated` (the device's own address), `foreign` (a foreign agent's) or `auto`."""
    encapsulation: str = "auto"
    """`auto` (in UDP where NAT is seen, else IP in IP), `ipip`, `gre` (in UDP where NAT is seen) or `udp`."""
    modem: ModemSettings = ModemSettings()
    mtu: int | None = None
    """Of the path to the home agent, octets; None: it is found out."""
    metered: bool = False
    """Its octets cost: it carries flows only while nothing else lives, but for policies that name it, and is probed sparingly."""
    roaming: bool = True
    """Used while the modem is in a foreign network too."""
    cap: int | None = None
    """Megabytes (10^6 octets, both directions) in a period; beyond it is not used till the next one.  None: no cap."""
    cap_day: int = 1
    """Day of the month, 1..28, on which a period begins."""
    probe_budget: int | None = None
    """Octets a day that probes of its liveness and load may cost, both ways; None: 10 MB, metered 1 MB."""


@dataclass(frozen=True)
class Flow:
    """A static flow policy: all given matches must hold; an empty match is 'any'."""

    name: str
    uplinks: tuple[str, ...]
    """Uplink names, most preferred first; if none lives, the flow is spread like any other."""
    action: str = "prefer"
    """`prefer` (the first uplink that lives), `balance` (over all that live) or `lowest-latency` (of those that live)."""
    proto: str | None = None
    """`tcp`, `udp`, `icmp`, another protocol's number, or None for any."""
    src_prefixes: tuple[IPv4Network, ...] = ()
    dest_prefixes: tuple[IPv4Network, ...] = ()
    src_ports: tuple[PortRange, ...] = ()
    dest_ports: tuple[PortRange, ...] = ()
    dscp: tuple[int, ...] = ()
    in_devices: tuple[str, ...] = ()
    spis: tuple[Range, ...] = ()
    """IPsec security parameter indexes of ESP."""
    labels: tuple[int, ...] = ()
    """If-Labels (RFC 7629 section 4.1) behind the uplink names or instead of them, most preferred first."""
    mobiles: tuple[str, ...] = ()
    """Home agent: names of the mobile nodes meant; empty means all."""
    drop: bool = False
    """Drop what matches instead of carrying it."""
    dest_set: str | None = None
    """Destinations that others put into the set `set_` and this name of the table `ip roamd`."""
    macs: tuple[str, ...] = ()
    """Link addresses of hosts behind the router."""
    days: tuple[int, ...] = ()
    """0 (Monday) .. 6; without any, every day."""
    hours: tuple[Range, ...] = ()
    """First minute of the day and the one behind the last, local time; an end before the start lies in the next day."""


@dataclass(frozen=True, slots=True)
class Mobile:
    """What a home agent knows of one mobile node."""

    name: str
    home_address: IPv4Address
    """0.0.0.0: one is assigned from a home network's pool; `nai` then says who it is."""
    security: SecurityAssociation
    mobile_networks: tuple[IPv4Network, ...] = ()
    nai: str = ""
    aaa: SecurityAssociation | None = None
    """Key of its Mobile-AAA authentication (RFC 4721), which we check in the AAA server's place."""
    delegation: bool = False
    """It may have a mobile network from the pool (RFC 6626)."""
    multipath: bool = True
    max_bindings: int = 8
    flow_bindings: bool = True
    """Its flow policies are followed, where ours say nothing (RFC 7629 section 4.2)."""
    max_flow_bindings: int = 32


@dataclass(frozen=True)
class HomeNetwork:
    name: str
    prefix: IPv4Network
    pool: tuple[IPv4Address, IPv4Address] | None = None
    """First and last address to assign to mobile nodes that have none."""


@dataclass(frozen=True)
class Console:
    """The commands of roamctl on a serial line, 8N1."""

    tty: str
    speed: int = 115200
    """Bit/s."""
    flow: str = "none"
    """Flow control: `none`, `xonxoff` or `rtscts`."""
    login: bool = True
    """Ask for the password."""
    password: Verifier | None = None
    timeout: int = 600
    """Seconds without a key after which who has logged in is logged out."""
    terminal: str = "auto"
    """`vt100`, `dumb`, or `auto`: it is asked."""
    shell: bool = False
    """The command `shell` starts one."""


@dataclass(frozen=True)
class Config:
    mobile_node: MobileNode | None = None
    home_agent: HomeAgent | None = None
    foreign_agent: ForeignAgent | None = None
    uplinks: tuple[Uplink, ...] = ()
    flows: tuple[Flow, ...] = ()
    mobiles: tuple[Mobile, ...] = ()
    home_networks: tuple[HomeNetwork, ...] = ()
    consoles: tuple[Console, ...] = ()
    control: str = "/var/run/roamd.sock"
    ubus: str = "/var/run/ubus/ubus.sock"
    """OpenWrt's bus; where nothing is there roamd does without."""
    state: str = "/etc/roamd"
    """Folder for what must outlive a reboot: PINs that were wrong, modems that were reset."""
    log_level: str = "info"
    events: str = ""
    """File for what has happened, so that it outlives a restart; empty: memory alone has it."""
    record: str = ""
    """File for what is decided of flows; empty: nothing is recorded."""
    record_size: int = 8
    """MB at most, twice: of this file, and of the one before it."""
