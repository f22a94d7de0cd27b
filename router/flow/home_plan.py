"""From bindings to the home agent's kernel state.

One table per path number, shared by all mobile nodes, with a route per
prefix; a number whose binding is gone points at the mobile's living tunnels.
What one mobile node needs is a part of its own: a binding that comes or goes
costs the same with one mobile node and with ten thousand.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router.config.model import HomeAgent
from router.flow.mobile_plan import weighted
from router.flow.tables import Tables
from router.mip.wire.selector import TrafficSelector
from router.plane.home_ruleset import home_agent_ruleset, loop_guard, policy, shared_door
from router.plane.model import Chain, Element, Nexthop, Part, PlaneState, Route, Tunnel

__all__ = [
    "HomeMobile",
    "home_part",
    "home_plan",
    "keyed_tunnel_name",
    "shared_tunnel_name",
    "tunnel_name",
]

_NUMBERS = range(1, 16)
_MSS = 1412
"""Fits the thinnest tunnel there is: IP in IP, inside GRE with a key."""


@dataclass(frozen=True)
class HomeMobile:
    """One mobile node: its addresses, its tunnels by path number, the numbers it ever used."""

    home_address: IPv4Address
    networks: tuple[IPv4Network, ...]
    tunnels: tuple[tuple[int, Tunnel], ...]
    numbers: tuple[int, ...]
    nested: tuple[tuple[int, Tunnel], ...] = ()
    """For mobile networks where a foreign agent ends the tunnel of that number: on to the home address.

    The agent knows nothing of these networks (RFC 5177 section 7.3).
    """
    policies: tuple[tuple[TrafficSelector, int | None], ...] = ()
    """Flow bindings with the path number each names now; None drops."""
    silent: tuple[int, ...] = ()
    """Numbers of tunnels that the mobile node has found to carry nothing, while others do."""

    def ways(self) -> Iterable[tuple[IPv4Network, dict[int, Tunnel]]]:
        """Its home address and each of its networks, with the tunnels for packets to it by path number."""
        direct = dict(self.tunnels)
        # From a number: from an address it goes by way of its text.
        yield IPv4Network(int(self.home_address)), direct
        to_networks = direct | dict(self.nested)
        for network in self.networks:
            yield network, to_networks


def tunnel_name(home_address: IPv4Address, number: int) -> str:
    """`roam`, the home address in hex, the path number: 15 characters at most, as the kernel wants."""
    return f"roam{int(home_address):08x}.{number}"


def shared_tunnel_name(care_of_address: IPv4Address, *, gre: bool = False) -> str:
    """The one tunnel to a foreign agent, whoever visits it: two between the same ends cannot be told apart."""
    return f"roam{'g' if gre else 'f'}{int(care_of_address):08x}"


def keyed_tunnel_name(home_address: IPv4Address, number: int) -> str:
    """A tunnel to a foreign agent that is one visitor's alone, told apart by its keys (RFC 6245)."""
    return f"roamk{int(home_address):08x}{number:x}"


def home_plan(
    settings: HomeAgent, homes: Sequence[IPv4Network], parts: Mapping[Hashable, Part]
) -> PlaneState:
    """The state wanted now; what depends on bindings is in `parts`, by `home_part`."""
    tables = Tables(settings.plane)
    return PlaneState(
        # A home prefix without a binding is unreachable here, or its packets
        # would go back to the router that sent them to us, and round again.
        routes=tuple(Route(tables.unmarked, prefix) for prefix in homes),
        rules=(
            *(tables.by_mark_and_own(number) for number in _NUMBERS),
            *(tables.by_mark(number) for number in _NUMBERS),
            tables.by_default(),
        ),
        ruleset=home_agent_ruleset(
            mask=settings.plane.mark_mask, group=tables.path, shared=tables.unmarked, mss=_MSS
        ),
        parts=parts,
    )


def home_part(settings: HomeAgent, mobile: HomeMobile) -> Part:
    """What one mobile node adds; pure, and equal for equal arguments."""
    tables, home = Tables(settings.plane), mobile.home_address
    elements: dict[str, Element] = {}
    shared = [(number, tunnel) for number, tunnel in mobile.tunnels if tunnel.group == tables.unmarked]
    for number, tunnel in (*shared, *mobile.nested):
        door = shared_door(tunnel.device, home, number)
        elements.setdefault(door.key, door)
    for _, tunnel in mobile.tunnels:
        guard = loop_guard(tunnel.remote, home)
        elements[guard.key] = guard
    chains: tuple[Chain, ...] = ()
    if mobile.policies and mobile.tunnels:
        said, jumps = policy(home, mobile.networks, mobile.policies)
        chains = (said,)
        elements |= {jump.key: jump for jump in jumps}
    return Part(
        tunnels=tuple(tunnel for _, tunnel in mobile.tunnels + mobile.nested),
        routes=tuple(_routes(tables, mobile, at_home=settings.device is not None)),
        chains=chains,
        elements=tuple(elements.values()),
    )


def _routes(tables: Tables, mobile: HomeMobile, *, at_home: bool) -> Iterable[Route]:
    """`at_home`: there is a home link, and who has no binding is on it (RFC 5944 section 4.2.3).

    A flow that nobody has said anything of yet is spread by the kernel, over
    the nexthops of the table for unmarked packets; the mobile node's first
    answer pins it.  The flows of a silent path go with the others; only what is
    for its proof goes by it.
    """
    home, *networks = mobile.ways()
    for prefix, tunnels in networks if at_home and not mobile.tunnels else (home, *networks):
        living = {number: tunnel for number, tunnel in tunnels.items() if number not in mobile.silent}
        living = living or tunnels
        everyone = weighted([(Nexthop(tunnel.device), 1) for tunnel in living.values()])
        yield Route(tables.unmarked, prefix, everyone)
        for number in mobile.numbers if everyone else ():
            own = (Nexthop(living[number].device),) if number in living else everyone
            yield Route(tables.path(number), prefix, own)
        for number in tunnels.keys() - living.keys():
            yield Route(tables.silent(number), prefix, (Nexthop(tunnels[number].device),))
