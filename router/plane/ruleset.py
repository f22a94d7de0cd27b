"""The text of `table ip roamd` at the mobile node: pin, classify, spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router.config.model import Flow, PortRange
from router.plane.words import (
    MANGLE,
    chain,
    interval,
    lowered,
    none_of,
    path_chains,
    pinned,
    quoted,
    set_of,
    vmap,
)

__all__ = ["HASH_SEED", "TunnelPath", "mobile_ruleset"]

HASH_SEED = 0x7629
"""Fixed, so that a restart finds an unpinned flow the same bucket again."""


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
    policies: Sequence[tuple[Flow, int | None]],
    buckets: Sequence[int],
    mss: int,
) -> str:
    """The mobile node's table: pin, classify, spread; SNAT to the home address; MSS clamp."""
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
    # Not by a verdict map: nftables has the elements of a map die a moment before the
    # rules of their table, and what falls through in that moment is pinned anew.
    known = [f"ct mark & {mask:#x} == {mark} {verdict}" for mark, verdict in pinned(numbers, mask)]
    chains = [*path_chains(numbers, mask)]
    chains.append(chain("spread", _spread(buckets)))
    chains.append(chain("assign", [
        *(rule for flow, number in policies for rule in _policy(flow, number)),
        "goto spread",
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


def _spread(buckets: Sequence[int]) -> list[str]:
    if not buckets:
        return []
    if len(set(buckets)) == 1:
        return [f"goto path_{buckets[0]}"]
    verdicts = vmap((interval(first, last), f"goto path_{path}") for first, last, path in _runs(buckets))
    hashed = f"mod {len(buckets)} seed {HASH_SEED:#x} {verdicts}"
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
        match.append(f"iifname {set_of(quoted(flow.in_devices))}")
    if flow.proto is not None:
        match.append(f"meta l4proto {flow.proto}")
    if flow.spis:
        match.append(f"esp spi {set_of(map(_port, flow.spis))}")
    if flow.src_prefixes:
        match.append(f"ip saddr {set_of(map(str, flow.src_prefixes))}")
    if flow.dest_prefixes:
        match.append(f"ip daddr {set_of(map(str, flow.dest_prefixes))}")
    if flow.src_ports:
        match.append(f"th sport {set_of(map(_port, flow.src_ports))}")
    if flow.dest_ports:
        match.append(f"th dport {set_of(map(_port, flow.dest_ports))}")
    if flow.dscp:
        match.append(f"ip dscp {set_of(map(str, flow.dscp))}")
    verdict = "counter drop" if number is None or flow.drop else f"goto path_{number}"
    yield " ".join([*match, verdict])


def _port(ports: PortRange) -> str:
    return interval(*ports)
