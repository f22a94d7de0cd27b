"""From bindings to the home agent's kernel state.

One table per path number, shared by all mobile nodes, with a route per
prefix; a number whose binding is gone points at the mobile's living tunnels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router.config.model import HomeAgent
from router.flow.buckets import assign
from router.flow.mobile_plan import weighted
from router.flow.tables import Tables
from router.mip.wire.selector import TrafficSelector
from router.plane.model import Nexthop, PlaneState, Route, Tunnel
from router.plane.ruleset import AnchoredMobile, TunnelPath, home_agent_ruleset

__all__ = ["HomeMobile", "home_plan", "shared_tunnel_name", "tunnel_name"]

_MSS = 1428
_NESTED_MSS = 1420


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

    @property
    def prefixes(self) -> tuple[IPv4Network, ...]:
        return (IPv4Network(self.home_address), *self.networks)

    def ways(self, prefix: IPv4Network) -> dict[int, Tunnel]:
        """The tunnels for packets to one of its prefixes, by path number."""
        direct = dict(self.tunnels)
        return direct if prefix == IPv4Network(self.home_address) else direct | dict(self.nested)


def tunnel_name(home_address: IPv4Address, number: int) -> str:
    """`roam`, the home address in hex, the path number: 15 characters at most, as the kernel wants."""
    return f"roam{int(home_address):08x}.{number}"


def shared_tunnel_name(care_of_address: IPv4Address) -> str:
    """The one tunnel to a foreign agent, whoever visits it: two between the same ends cannot be told apart."""
    return f"roamf{int(care_of_address):08x}"


def home_plan(settings: HomeAgent, homes: Sequence[IPv4Network], mobiles: Sequence[HomeMobile]) -> PlaneState:
    """The state wanted now; pure, and equal for equal arguments."""
    tables = Tables(settings.plane)
    numbers = sorted({number for mobile in mobiles for number in mobile.numbers})
    bound = [mobile for mobile in mobiles if mobile.tunnels]
    return PlaneState(
        tunnels=tuple(
            dict.fromkeys(tunnel for mobile in mobiles for _, tunnel in mobile.tunnels + mobile.nested)
        ),
        routes=tuple(_routes(tables, homes, mobiles, at_home=settings.device is not None)),
        rules=(*(tables.by_mark(number) for number in numbers), tables.by_default()),
        ruleset=home_agent_ruleset(
            mask=settings.plane.mark_mask,
            mobiles=[_anchored(mobile) for mobile in bound],
            mss=_NESTED_MSS if any(mobile.nested for mobile in bound) else _MSS,
        ),
    )


def _routes(
    tables: Tables, homes: Sequence[IPv4Network], mobiles: Sequence[HomeMobile], *, at_home: bool
) -> list[Route]:
    """`at_home`: there is a home link, and who has no binding is on it (RFC 5944 section 4.2.3)."""
    # A home prefix without a binding is unreachable here, or its packets
    # would go back to the router that sent them to us, and round again.
    routes = {(tables.unmarked, prefix): Route(tables.unmarked, prefix) for prefix in homes}
    for mobile in mobiles:
        for prefix in mobile.networks if at_home and not mobile.tunnels else mobile.prefixes:
            tunnels = mobile.ways(prefix)
            everyone = weighted([(Nexthop(tunnel.device), 1) for tunnel in tunnels.values()])
            routes[tables.unmarked, prefix] = Route(tables.unmarked, prefix, everyone)
            for number in mobile.numbers if everyone else ():
                own = (Nexthop(tunnels[number].device),) if number in tunnels else everyone
                routes[tables.path(number), prefix] = Route(tables.path(number), prefix, own)
    return list(routes.values())


def _anchored(mobile: HomeMobile) -> AnchoredMobile:
    return AnchoredMobile(
        name=f"{int(mobile.home_address):08x}",
        prefixes=mobile.prefixes,
        paths=tuple(TunnelPath(number, tunnel.device) for number, tunnel in mobile.tunnels + mobile.nested),
        buckets=assign({number: 1.0 for number, _ in mobile.tunnels}),
        policies=mobile.policies,
        ends=tuple(dict.fromkeys(tunnel.remote for _, tunnel in mobile.tunnels)),
    )
