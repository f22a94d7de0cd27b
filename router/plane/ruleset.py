"""The text of `table ip roamd` at the mobile node: pin, classify, spread."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from router.config.model import Flow, PortRange
from router.plane.model import Element
from router.plane.words import (
    MANGLE,
    OPEN_SET,
    chain,
    interval,
    lowered,
    named_map,
    none_of,
    path_chains,
    pinned,
    quoted,
    set_of,
    vmap,
)

__all__ = ["HASH_SEED", "Drop", "Target", "TunnelPath", "bucket_elements", "mobile_ruleset"]

HASH_SEED = 0x7629
"""Fixed, so that a restart finds an unpinned flow the same bucket again."""


_BUCKET = "meta length : verdict"
"""Not that a bucket were a length: a number of 32 bits in the host's order, as a hash is, has no type name in nft."""

Drop = Literal["drop"]
Target = int | Drop | tuple[str, int]
"""Where a policy sends what it matches: a path number, nowhere, or buckets of its own by name and size."""


@dataclass(frozen=True)
class TunnelPath:
    """A path number (1..15) and the tunnel device that carries it."""

    number: int
    device: str


def mobile_ruleset(
    *,
    mask: int,
    home_address: IPv4Address,
    mobile_networks: Sequence[IPv4Network],
    lan_devices: Sequence[str],
    uplink_devices: Sequence[str],
    paths: Sequence[TunnelPath],
    policies: Sequence[tuple[Flow, Target]],
    sets: Collection[str] = (),
    size: int,
    mss: int,
) -> str:
    """The mobile node's table: pin, classify, spread; SNAT to the home address; MSS clamp.

    `size` is the number of buckets for what no policy names.  Which path a
    bucket has stands in no rule but in the elements of a map, see
    `bucket_elements`, so that it changes without the table.  `sets` are those
    that others fill, also for policies that are not in force now.
    """
    if not paths:
        return ""
    numbers = [path.number for path in paths]
    tunnels = set_of(quoted(path.device for path in paths))
    own = [str(home_address), *map(str, mobile_networks)]
    foreign = none_of("ip saddr", own)
    scope = f"iifname != {set_of(quoted(lan_devices))} return" if lan_devices else ""
    if not lan_devices and uplink_devices:
        scope = f"iifname {set_of(quoted(uplink_devices))} return"
    pin = vmap((f'"{path.device}"', f"goto pin_{path.number}") for path in paths)
    classes = [("", size), *(target for _, target in policies if isinstance(target, tuple))]
    # Not by a verdict map: nftables has the elements of a map die a moment before the
    # rules of their table, and what falls through in that moment is pinned anew.
    known = [f"ct mark & {mask:#x} == {mark} {verdict}" for mark, verdict in pinned(numbers, mask)]
    chains = [named_map(_map(name), _BUCKET, typeof=True) for name, _ in classes]
    chains += [
        named_map(OPEN_SET + name, "ipv4_addr", kind="set", flags="interval", merge=True)
        for name in sorted(sets)
    ]
    chains += path_chains(numbers, mask)
    chains += [chain(_spread(name), _spreading(name, number)) for name, number in classes]
    chains.append(chain("assign", [
        *(_policy(flow, target) for flow, target in policies),
        f"goto {_spread('')}",
    ]))  # fmt: skip
    # A flow begun by the other side is pinned to the tunnel it came through;
    # one that has its path already keeps it, also while another carries it.
    chains.append(chain("from_tunnel", [
        lowered("", mss),
        f"ct mark & {mask:#x} == 0 iifname {pin}",
    ]))  # fmt: skip
    # Every packet comes through the base chains: what most of them are is asked first there.
    chains.append(chain("prerouting", [
        f"type filter hook prerouting {MANGLE}",
        f"iifname {tunnels} goto from_tunnel",
        scope,
        *known,
        "fib daddr type != unicast return",
        # RFC 5177 section 10: nobody but us speaks with an address of ours.
        "fib saddr type local counter drop",
        "goto assign",
    ]))  # fmt: skip
    chains.append(chain("output", [
        f"type route hook output {MANGLE}",
        f"ip saddr != {home_address} return",
        # Signalling goes its own way (RFC 6089 section 4.3 has this rule, RFC 7629 means it).
        "udp dport 434 return",
        # A probe says itself which path it is about.
        f"meta mark & {mask:#x} != 0 return",
        # The outside of a tunnel that begins at the home address.
        "ip protocol 4 return",
        *known,
        "fib daddr type != unicast return",
        "goto assign",
    ]))  # fmt: skip
    # `snat to`, never `masquerade`: masquerade forgets its connections when a
    # device goes down, and surviving exactly that is the point.
    chains.append(chain("postrouting", [
        "type nat hook postrouting priority srcnat; policy accept;",
        f"oifname {tunnels} {foreign} snat to {home_address}",
    ]))  # fmt: skip
    if mobile_networks:
        # RFC 5177 section 10; with no network of our own the SNAT makes every source ours.
        chains.append(chain("ingress", [
            f"type filter hook forward {MANGLE}",
            f"{foreign} oifname {tunnels} counter drop",
        ]))  # fmt: skip
    chains.append(chain("end", [
        "type filter hook postrouting priority mangle; policy accept;",
        # RFC 5944 section 4.4: bare it would need a care-of address as its source, tunnelled the home address outside too.
        f"ip daddr 224.0.1.0-239.255.255.255 ip saddr {set_of(own)} oifname {tunnels} counter drop",
        lowered(f"oifname {tunnels}", mss),
    ]))  # fmt: skip
    return "\n".join(chains) + "\n"


def bucket_elements(name: str, buckets: Sequence[int]) -> Iterable[Element]:
    """What makes these the buckets in force: those of the policy `name`, or of what no policy names ("")."""
    return (Element(_map(name), str(bucket), f"goto path_{path}") for bucket, path in enumerate(buckets))


def _map(name: str) -> str:
    return f"buckets_{name}" if name else "buckets"


def _spread(name: str) -> str:
    return f"spread_{name}" if name else "spread"


def _spreading(name: str, size: int) -> list[str]:
    """Two rules, and for a policy without a living path the common buckets.

    A packet that comes while the table is replaced may find the map empty
    already.  It is routed unmarked, and pins nothing: the next one is asked
    anew, or the other side's answer pins the connection to the way it comes.

    The first four octets behind the IP header are both ports of TCP and UDP,
    and type, code and checksum of ICMP; a packet too short for them falls
    through to the second rule.
    """
    hashed = f"mod {size} seed {HASH_SEED:#x} vmap @{_map(name)}"
    rules = [
        f"jhash ip saddr . ip daddr . ip protocol . @th,0,16 . @th,16,16 {hashed}",
        f"jhash ip saddr . ip daddr {hashed}",
    ]
    return [*rules, f"goto {_spread('')}"] if name else rules


def _policy(flow: Flow, target: Target) -> str:
    match = []
    if flow.in_devices:
        match.append(f"iifname {set_of(quoted(flow.in_devices))}")
    if flow.macs:
        match.append(f"ether saddr {set_of(flow.macs)}")
    if flow.proto is not None:
        match.append(f"meta l4proto {flow.proto}")
    if flow.spis:
        match.append(f"esp spi {set_of(map(_port, flow.spis))}")
    if flow.src_prefixes:
        match.append(f"ip saddr {set_of(map(str, flow.src_prefixes))}")
    if flow.dest_prefixes:
        match.append(f"ip daddr {set_of(map(str, flow.dest_prefixes))}")
    if flow.dest_set is not None:
        match.append(f"ip daddr @{OPEN_SET}{flow.dest_set}")
    if flow.src_ports:
        match.append(f"th sport {set_of(map(_port, flow.src_ports))}")
    if flow.dest_ports:
        match.append(f"th dport {set_of(map(_port, flow.dest_ports))}")
    if flow.dscp:
        match.append(f"ip dscp {set_of(map(str, flow.dscp))}")
    return " ".join([*match, _verdict(target)])


def _verdict(target: Target) -> str:
    if target == "drop":
        return "counter drop"
    return f"goto {_spread(target[0])}" if isinstance(target, tuple) else f"goto path_{target}"


def _port(ports: PortRange) -> str:
    return interval(*ports)
