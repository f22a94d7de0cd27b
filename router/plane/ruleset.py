"""The text of `table ip roamd`, for the mobile node and for the home agent.

Marks: a path's number sits in the bits of `mask`, in the packet's mark (which
`ip rule` reads) and in the connection's mark (which pins the flow).  Other
programs' bits are left as they are; since nft before 1.1.1 cannot merge two
marks in one expression, every path has a small chain of its own that writes
its constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router.config.model import Flow, PortRange
from router.mip.wire.selector import TrafficSelector

__all__ = [
    "HASH_SEED",
    "AnchoredMobile",
    "ForeignDoor",
    "TunnelPath",
    "foreign_agent_ruleset",
    "home_agent_ruleset",
    "mark_of",
    "mobile_ruleset",
]

HASH_SEED = 0x7629
"""Fixed, so that a restart finds an unpinned flow the same bucket again."""

_MANGLE = "priority mangle; policy accept;"


@dataclass(frozen=True)
class TunnelPath:
    """A path number (1..15) and the tunnel device that carries it."""

    number: int
    device: str


@dataclass(frozen=True)
class AnchoredMobile:
    """What the home agent's ruleset needs of one mobile node."""

    name: str
    prefixes: tuple[IPv4Network, ...]
    """Home address (/32) and mobile networks: the only sources its tunnels may carry."""
    paths: tuple[TunnelPath, ...]
    buckets: tuple[int, ...]
    policies: tuple[tuple[TrafficSelector, int | None], ...] = ()
    """Flow bindings in their order, each with the path it names now; None drops."""
    ends: tuple[IPv4Address, ...] = ()
    """Where its tunnels end."""


@dataclass(frozen=True)
class ForeignDoor:
    """A foreign agent's tunnel to one home agent, and who of its visitors is behind it."""

    number: int
    device: str
    visitors: tuple[IPv4Address, ...]
    reverse: tuple[IPv4Address, ...]
    """Those whose packets go back through it as they come (T, RFC 3024 section 5.1)."""
    wrapped: tuple[tuple[str, IPv4Address], ...] = ()
    """Those who encapsulate to us what goes back through it (section 5.2), each with the tunnel that unwraps it."""


def mark_of(number: int, mask: int) -> int:
    """`number` shifted to the place of `mask`."""
    return number << ((mask & -mask).bit_length() - 1)


def mobile_ruleset(
    *,
    mask: int,
    home_address: IPv4Address,
    mobile_networks: Sequence[IPv4Network],
    lan_devices: Sequence[str],
    uplink_devices: Sequence[str],
    paths: Sequence[TunnelPath],
    policies: Sequence[tuple[Flow, int | None]],
    buckets: Sequence[int],
    mss: int,
) -> str:
    """The mobile node's table: pin, classify, spread; SNAT to the home address; MSS clamp."""
    if not paths:
        return ""
    numbers = [path.number for path in paths]
    tunnels = _set(_quoted(path.device for path in paths))
    own = _set([str(home_address), *map(str, mobile_networks)])
    scope = f"iifname != {_set(_quoted(lan_devices))} return" if lan_devices else ""
    if not lan_devices and uplink_devices:
        scope = f"iifname {_set(_quoted(uplink_devices))} return"
    pin = _vmap((f'"{path.device}"', f"goto pin_{path.number}") for path in paths)
    chains = [*_path_chains(numbers, mask)]
    chains.append(_chain("spread", _spread(buckets)))
    chains.append(_chain("assign", [
        f"ct mark & {mask:#x} {_vmap(_pinned(numbers, mask))}",
        *(rule for flow, number in policies for rule in _policy(flow, number)),
        "goto spread",
    ]))  # fmt: skip
    # A flow begun by the other side is pinned to the tunnel it came through;
    # one that has its path already keeps it, also while another carries it.
    chains.append(_chain("from_tunnel", [f"ct mark & {mask:#x} == 0 iifname {pin}"]))
    chains.append(_chain("prerouting", [
        f"type filter hook prerouting {_MANGLE}",
        f"iifname {tunnels} goto from_tunnel",
        scope,
        "fib daddr type != unicast return",
        # RFC 5177 section 10: nobody but us speaks with an address of ours.
        "fib saddr type local counter drop",
        "goto assign",
    ]))  # fmt: skip
    chains.append(_chain("output", [
        f"type route hook output {_MANGLE}",
        f"ip saddr != {home_address} return",
        # Signalling goes its own way (RFC 6089 section 4.3 has this rule, RFC 7629 means it).
        "udp dport 434 return",
        # The outside of a tunnel that begins at the home address.
        "ip protocol 4 return",
        "fib daddr type != unicast return",
        "goto assign",
    ]))  # fmt: skip
    # `snat to`, never `masquerade`: masquerade forgets its connections when a
    # device goes down, and surviving exactly that is the point.
    chains.append(_chain("postrouting", [
        "type nat hook postrouting priority srcnat; policy accept;",
        f"oifname {tunnels} ip saddr != {own} snat to {home_address}",
    ]))  # fmt: skip
    if mobile_networks:
        # RFC 5177 section 10; with no network of our own the SNAT makes every source ours.
        chains.append(_chain("ingress", [
            f"type filter hook forward {_MANGLE}",
            f"oifname {tunnels} ip saddr != {own} counter drop",
        ]))  # fmt: skip
    # RFC 5944 section 4.4: bare it would need a care-of address as its source, tunnelled the home address outside too.
    chains.append(_chain("multicast", [
        "type filter hook postrouting priority mangle; policy accept;",
        f"oifname {tunnels} ip saddr {own} ip daddr 224.0.1.0-239.255.255.255 counter drop",
    ]))  # fmt: skip
    chains.append(_clamp(tunnels, mss))
    return "\n".join(chains) + "\n"


def home_agent_ruleset(*, mask: int, mobiles: Sequence[AnchoredMobile], mss: int) -> str:
    """The home agent's table: check inner sources, mirror the mobile's choice, spread the rest."""
    paths = [path for mobile in mobiles for path in mobile.paths]
    if not paths:
        return _silence() + "\n"
    numbers = sorted({path.number for path in paths})
    tunnels = _set(_quoted(path.device for path in paths))
    chains = [_silence(), *_path_chains(numbers, mask)]
    chains += _entrances(mobiles)
    for mobile in mobiles:
        policies = [rule for selector, number in mobile.policies for rule in _selected(selector, number)]
        chains.append(_chain(f"policy_{mobile.name}", [*_loop(mobile), *policies]))
        chains.append(_chain(f"to_{mobile.name}", _spread(mobile.buckets)))
    chains.append(_chain("assign", [
        # What was agreed explicitly wins over the way a flow came.
        f"ip daddr {_by_destination(mobiles, 'jump policy_')}",
        f"ct mark & {mask:#x} {_vmap(_pinned(numbers, mask))}",
        f"ip daddr {_by_destination(mobiles, 'goto to_')}",
    ]))  # fmt: skip
    everyone = _set(str(prefix) for mobile in mobiles for prefix in mobile.prefixes)
    chains.append(_chain("prerouting", [
        f"type filter hook prerouting {_MANGLE}",
        f"iifname {tunnels} goto from_tunnel",
        f"ip daddr {everyone} goto assign",
    ]))  # fmt: skip
    chains.append(_chain("output", [
        f"type route hook output {_MANGLE}",
        # The outside of a tunnel that ends at a home address: its device is its way.
        "ip protocol 4 return",
        f"ip daddr {everyone} goto assign",
    ]))  # fmt: skip
    chains.append(_clamp(tunnels, mss))
    return "\n".join(chains) + "\n"


def foreign_agent_ruleset(*, mask: int, device: str, doors: Sequence[ForeignDoor], mss: int) -> str:
    """The foreign agent's table: out of tunnels to visitors only, from visitors into their tunnel.

    RFC 5944 section 4.2.2: what is for nobody on the visitor list is dropped in silence.
    """
    if not doors:
        return _silence() + "\n"
    chains = [_silence(), *_path_chains([door.number for door in doors], mask)]
    sources = {str(home): f"goto use_{door.number}" for door in doors for home in door.reverse}
    wrapped = {inner: (home, door.number) for door in doors for inner, home in door.wrapped}
    for door in doors:
        visitors = _set(map(str, door.visitors))
        chains.append(_chain(f"in_{door.number}", [f"ip daddr != {visitors} counter drop"]))
    tunnels = _vmap((f'"{door.device}"', f"goto in_{door.number}") for door in doors)
    chains.append(_chain("forward", [
        "type filter hook forward priority filter; policy accept;",
        # A visitor's route goes with its link: what came for it must not take another.
        f'iifname {_set(_quoted(door.device for door in doors))} oifname != "{device}" counter drop',
    ]))  # fmt: skip
    chains.append(_chain("prerouting", [
        f"type filter hook prerouting {_MANGLE}",
        f"iifname {tunnels}",
        f'iifname "{device}" fib daddr type unicast ip saddr {_vmap(sources.items())}' if sources else "",
        *(_unwrapped(device, wrapped) if wrapped else ()),
    ]))  # fmt: skip
    chains.append(_clamp(_set([f'"{device}"', *_quoted(door.device for door in doors)]), mss))
    return "\n".join(chains) + "\n"


def _silence() -> str:
    """Not even the kernel says that a packet (protocol 4) came for a tunnel there is not."""
    return _chain("silence", [
        "type filter hook output priority filter; policy accept;",
        "icmp type destination-unreachable @th,136,8 4 counter drop",
    ])  # fmt: skip


def _unwrapped(device: str, wrapped: Mapping[str, tuple[IPv4Address, int]]) -> Iterable[str]:
    """Home address and door by the device that unwraps: a visitor's own packets, come by the visited link."""
    homes = _set(dict.fromkeys(str(home) for home, _ in wrapped.values()))
    yield f'iifname != "{device}" ip protocol 4 ip saddr {homes} counter drop'
    verdicts = ((f'"{inner}" . {home}', f"goto use_{number}") for inner, (home, number) in wrapped.items())
    yield f"iifname . ip saddr {_vmap(verdicts)}"
    yield f"iifname {_set(_quoted(wrapped))} counter drop"


def _entrances(mobiles: Sequence[AnchoredMobile]) -> Iterable[str]:
    """RFC 3024 section 4.3.2: a tunnel carries its mobile nodes' sources only."""
    by_device: dict[str, list[tuple[AnchoredMobile, int]]] = {}
    for mobile in mobiles:
        for path in mobile.paths:
            by_device.setdefault(path.device, []).append((mobile, path.number))
    doors = []
    for index, (device, inmates) in enumerate(sorted(by_device.items())):
        # Several mobile nodes visit one foreign agent: they share its tunnel.
        pins = {str(prefix): number for mobile, number in inmates for prefix in mobile.prefixes}
        verdicts = _vmap((prefix, f"goto pin_{number}") for prefix, number in pins.items())
        yield _chain(f"in_{index}", [f"ip saddr {verdicts}", "counter drop"])
        doors.append((f'"{device}"', f"goto in_{index}"))
    yield _chain("from_tunnel", [f"iifname {_vmap(doors)}"])


def _loop(mobile: AnchoredMobile) -> Iterable[str]:
    """RFC 5944 section 4.2.3: a packet that comes back in a tunnel from where we sent it would go round for ever."""
    if mobile.ends:
        home, ends = mobile.prefixes[0].network_address, _set(map(str, mobile.ends))
        yield f"ip protocol 4 ip saddr {ends} ip daddr {home} @th,128,32 {int(home):#x} counter drop"


def _by_destination(mobiles: Sequence[AnchoredMobile], verdict: str) -> str:
    return _vmap((str(prefix), f"{verdict}{mobile.name}") for mobile in mobiles for prefix in mobile.prefixes)


def _selected(selector: TrafficSelector, number: int | None) -> Iterable[str]:
    """A flow binding as a rule for packets towards the mobile node."""
    match = []
    if selector.protocol is None and (selector.source_port or selector.destination_port):
        match.append("meta l4proto { tcp, udp, udplite, dccp, sctp }")
    for words, found in (
        ("meta l4proto", selector.protocol),
        ("th sport", selector.source_port),
        ("th dport", selector.destination_port),
        ("ip dscp", selector.dscp),
        ("esp spi", selector.spi),
    ):
        if found is not None:
            match.append(f"{words} {_interval(*found)}")
    for words, found in (("ip saddr", selector.source), ("ip daddr", selector.destination)):
        if found is not None:
            match.append(f"{words} {_interval(*map(IPv4Address, found))}")
    yield " ".join([*match, "counter drop" if number is None else f"goto flow_{number}"])


def _path_chains(numbers: Iterable[int], mask: int) -> Iterable[str]:
    rest = 0xFFFFFFFF & ~mask
    for number in numbers:
        mark = mark_of(number, mask)
        connection = f"ct mark set ct mark & {rest:#x} | {mark:#x}"
        packet = f"meta mark set meta mark & {rest:#x} | {mark:#x}"
        yield _chain(f"pin_{number}", [connection])
        yield _chain(f"use_{number}", [packet])
        yield _chain(f"path_{number}", [packet, connection])
        # Says the last word, and leaves the connection's own pin alone.
        yield _chain(f"flow_{number}", [packet, "accept"])


def _pinned(numbers: Iterable[int], mask: int) -> Iterable[tuple[str, str]]:
    return ((f"{mark_of(number, mask):#x}", f"goto use_{number}") for number in numbers)


def _spread(buckets: Sequence[int]) -> list[str]:
    if not buckets:
        return []
    if len(set(buckets)) == 1:
        return [f"goto path_{buckets[0]}"]
    vmap = _vmap((_interval(first, last), f"goto path_{path}") for first, last, path in _runs(buckets))
    hashed = f"mod {len(buckets)} seed {HASH_SEED:#x} {vmap}"
    # The first four octets behind the IP header are both ports of TCP and UDP,
    # and type, code and checksum of ICMP; a packet too short for them falls
    # through to the second rule.
    return [
        f"jhash ip saddr . ip daddr . ip protocol . @th,0,16 . @th,16,16 {hashed}",
        f"jhash ip saddr . ip daddr {hashed}",
    ]


def _runs(buckets: Sequence[int]) -> Iterable[tuple[int, int, int]]:
    first = 0
    for index in range(1, len(buckets) + 1):
        if index == len(buckets) or buckets[index] != buckets[first]:
            yield first, index - 1, buckets[first]
            first = index


def _policy(flow: Flow, number: int | None) -> Iterable[str]:
    match = []
    if flow.in_devices:
        match.append(f"iifname {_set(_quoted(flow.in_devices))}")
    if flow.proto is not None:
        match.append(f"meta l4proto {flow.proto}")
    if flow.spis:
        match.append(f"esp spi {_set(map(_port, flow.spis))}")
    if flow.src_prefixes:
        match.append(f"ip saddr {_set(map(str, flow.src_prefixes))}")
    if flow.dest_prefixes:
        match.append(f"ip daddr {_set(map(str, flow.dest_prefixes))}")
    if flow.src_ports:
        match.append(f"th sport {_set(map(_port, flow.src_ports))}")
    if flow.dest_ports:
        match.append(f"th dport {_set(map(_port, flow.dest_ports))}")
    if flow.dscp:
        match.append(f"ip dscp {_set(map(str, flow.dscp))}")
    verdict = "counter drop" if number is None or flow.drop else f"goto path_{number}"
    yield " ".join([*match, verdict])


def _clamp(tunnels: str, mss: int) -> str:
    # One clamp for all tunnels, to the smallest of them: a flow that changes
    # its tunnel then fits the new one without a round of path MTU discovery.
    return _chain("forward_mss", [
        f"type filter hook forward {_MANGLE}",
        f"oifname {tunnels} tcp flags syn tcp option maxseg size > {mss} tcp option maxseg size set {mss}",
    ])  # fmt: skip


def _chain(name: str, lines: Iterable[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines if line)
    return f"  chain {name} {{\n{body}  }}"


def _vmap(pairs: Iterable[tuple[str, str]]) -> str:
    return "vmap { " + ", ".join(f"{key} : {verdict}" for key, verdict in pairs) + " }"


def _set(items: Iterable[str]) -> str:
    return "{ " + ", ".join(items) + " }"


def _quoted(names: Iterable[str]) -> Iterable[str]:
    return (f'"{name}"' for name in names)


def _interval(first: int | IPv4Address, last: int | IPv4Address) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _port(ports: PortRange) -> str:
    return _interval(*ports)
