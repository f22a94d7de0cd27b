"""The text of `table ip roamd` at the home agent, and what a mobile node adds to it.

The text is the same whoever is bound.  A tunnel device is known by its group,
which says its path number; what its packets may have as their source, the
routing table of that number says.  So a packet costs the same with one mobile
node and with ten thousand, and a new binding changes no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network

from router.mip.wire.selector import TrafficSelector
from router.plane.model import Chain, Element
from router.plane.words import (
    MANGLE,
    chain,
    clamp,
    interval,
    mark_of,
    named_map,
    path_chains,
    pinned,
    silence,
    vmap,
)

__all__ = ["home_agent_ruleset", "loop_guard", "policy", "shared_door"]

_NUMBERS = range(1, 16)
_ANSWERS = ("icmp type echo-reply", "udp sport 862")
"""To echoes, and of the STAMP reflector."""
_SHARED, _LOOPING, _POLICY_ADDRESS, _POLICY_NETWORK = "shared", "looping", "policy_address", "policy_network"


def home_agent_ruleset(*, mask: int, group: Callable[[int], int], shared: int, mss: int) -> str:
    """Check inner sources, mirror the mobile's choice, follow what was agreed.

    `group(number)` is the device group of the tunnels of a path number,
    `shared` that of tunnels to foreign agents, in which several mobile nodes are.
    """
    ours = f"{{ {shared}, {', '.join(str(group(number)) for number in _NUMBERS)} }}"
    doors = [(str(group(number)), f"goto in_{number}") for number in _NUMBERS]
    rest = 0xFFFFFFFF & ~mask
    chains = [
        named_map(_SHARED, "ifname . ipv4_addr : verdict"),
        named_map(_LOOPING, "ip saddr . ip daddr . @th,128,32", kind="set", typeof=True),
        named_map(_POLICY_ADDRESS, "ipv4_addr : verdict"),
        named_map(_POLICY_NETWORK, "ipv4_addr : verdict", flags="interval"),
        silence(),
        *path_chains(_NUMBERS, mask),
        *(_entrance(number, mask) for number in _NUMBERS),
        chain("in_shared", [
            f"meta mark set meta mark & {rest:#x}",
            f"iifname . ip saddr vmap @{_SHARED}",
            "counter drop",
        ]),
        chain("assign", [
            # RFC 5944 section 4.2.3: what we sent to a care-of address and comes back would go round for ever.
            f"ip protocol 4 ip saddr . ip daddr . @th,128,32 @{_LOOPING} counter drop",
            # What was agreed explicitly wins over the way a flow came.
            f"ip daddr vmap @{_POLICY_ADDRESS}",
            f"ip daddr vmap @{_POLICY_NETWORK}",
            f"ct mark & {mask:#x} {vmap(pinned(_NUMBERS, mask))}",
        ]),
        chain("prerouting", [
            f"type filter hook prerouting {MANGLE}",
            f"iifgroup {vmap([*doors, (str(shared), 'goto in_shared')])}",
            "goto assign",
        ]),
        chain("output", [
            f"type route hook output {MANGLE}",
            # The outside of a tunnel that ends at a home address: its device is its way.
            "ip protocol 4 return",
            # An answer to a probe goes back by the path in question, whatever was agreed of flows.
            *(f"{answer} ct mark & {mask:#x} {vmap(pinned(_NUMBERS, mask))}" for answer in _ANSWERS),
            "goto assign",
        ]),
        clamp(ours, mss, "ifgroup"),
    ]  # fmt: skip
    return "\n".join(chains) + "\n"


def shared_door(device: str, home_address: IPv4Address, number: int) -> Element:
    """A mobile node that visits a foreign agent, whose tunnel it shares with others.

    Or the nested tunnel of a mobile router there: it sends its own packets by
    it too, while those for it come by the agent's.
    """
    return Element(_SHARED, f'"{device}" . {home_address}', f"goto pin_{number}")


def loop_guard(care_of_address: IPv4Address, home_address: IPv4Address) -> Element:
    """A packet for the mobile node that its care-of address has tunnelled back to it does not go into the tunnel again."""
    return Element(_LOOPING, f"{care_of_address} . {home_address} . {int(home_address)}")


def policy(
    home_address: IPv4Address,
    networks: Sequence[IPv4Network],
    policies: Sequence[tuple[TrafficSelector, int | None]],
) -> tuple[Chain, tuple[Element, ...]]:
    """Flow bindings of one mobile node in their order, each with the path it names now (None drops)."""
    name = f"policy_{int(home_address):08x}"
    rules = tuple(_selected(selector, number) for selector, number in policies)
    elements = [Element(_POLICY_ADDRESS, str(home_address), f"jump {name}")]
    elements += [Element(_POLICY_NETWORK, str(network), f"jump {name}") for network in networks]
    return Chain(name, rules), tuple(elements)


def _entrance(number: int, mask: int) -> str:
    """RFC 3024 section 4.3.2: what comes out of a tunnel has a source that is routed into it, or is known there."""
    rest = 0xFFFFFFFF & ~mask
    return chain(f"in_{number}", [
        f"meta mark set meta mark & {rest:#x} | {mark_of(number, mask):#x}",
        # To `fib` this source is never missing in what goes to a broadcast or multicast address.
        "ip saddr 0.0.0.0/8 counter drop",
        "fib saddr . mark . iif oif missing goto in_shared",
        # Where it goes is no matter of where it came from.
        f"meta mark set meta mark & {rest:#x}",
        f"goto pin_{number}",
    ])  # fmt: skip


def _selected(selector: TrafficSelector, number: int | None) -> str:
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
            match.append(f"{words} {interval(*found)}")
    for words, found in (("ip saddr", selector.source), ("ip daddr", selector.destination)):
        if found is not None:
            match.append(f"{words} {interval(*map(IPv4Address, found))}")
    return " ".join([*match, "counter drop" if number is None else f"goto flow_{number}"])
