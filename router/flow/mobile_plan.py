"""From uplinks and bindings to the mobile router's kernel state.

The rule that makes fail-over cheap: the table of a path that died is not
emptied but filled with the living paths, so its marked flows move with one
route change and keep their mark for the day it returns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router.config.model import Flow, MobileNode
from router.flow.buckets import SIZE
from router.flow.policy import Choice
from router.flow.tables import DEFAULT, Tables
from router.plane.model import Nexthop, Part, PlaneState, Route, Rule, Tunnel
from router.plane.ruleset import Target, TunnelPath, bucket_elements, mobile_ruleset

__all__ = ["BUCKETS", "OVERHEAD", "MobilePath", "mobile_plan", "tunnel_mtu", "weighted"]

BUCKETS = "buckets"
"""The part of the state that says which path each bucket has."""

OVERHEAD = {"ipip": 20, "gre": 24, "udp": 32}
"""Octets of the outer headers, by encapsulation."""
_GRE_KEY = 4
_TCP_AND_IP = 40


@dataclass(frozen=True)
class MobilePath:
    """One configured uplink as the plan sees it; bound, it has a tunnel or a foreign agent."""

    bid: int
    name: str
    device: str | None
    care_of_address: IPv4Address | None
    gateway: IPv4Address | None
    weight: int
    """Capacity towards us in kbit/s: most bytes of most flows come down."""
    tunnel: Tunnel | None = None
    foreign_agent: IPv4Address | None = None
    """Bound through this agent, which tunnels for us: packets go to it bare (RFC 3024 section 5.1).

    It knows nothing of mobile networks: for these `tunnel` leads from the home
    address to the home agent, inside the agent's (RFC 5177 section 7.3).
    """
    silent: bool = False
    """Bound, but it carries nothing: its tunnel stays, and is asked; packets go by the others."""

    @property
    def way(self) -> Nexthop | None:
        """Where packets of this path go; None while it is not bound, or silent."""
        if self.silent:
            return None
        if self.tunnel is not None:
            return Nexthop(self.tunnel.device)
        if self.foreign_agent is not None and self.device is not None:
            return Nexthop(self.device, self.foreign_agent)
        return None


def mobile_plan(
    settings: MobileNode,
    paths: Sequence[MobilePath],
    choices: Sequence[Choice],
    buckets: Mapping[str, Sequence[int]],
    *,
    at_home: bool = False,
) -> PlaneState:
    """The state wanted now; pure, and equal for equal arguments.

    `settings` carry the home address and the mobile networks in force, as the
    home agent granted them; `buckets` are by policy, "" for what none names.
    At home nothing is tunnelled and routing is main's.
    """
    if settings.home_address.is_unspecified:
        return PlaneState(
            routes=tuple(_uplink_routes(Tables(settings.plane), paths)),
            rules=tuple(_care_of_rules(Tables(settings.plane), paths)),
            foreign_links=_devices(paths),
        )
    if at_home:
        return PlaneState(addresses=(("lo", settings.home_address),))
    tables = Tables(settings.plane)
    return PlaneState(
        tunnels=tuple(path.tunnel for path in paths if path.tunnel is not None),
        addresses=(("lo", settings.home_address),),
        routes=(*_uplink_routes(tables, paths), *_tunnel_routes(tables, settings, paths)),
        rules=tuple(_rules(tables, settings, paths)),
        ruleset=_ruleset(settings, paths, choices),
        foreign_links=_devices(paths),
        parts=_parts(buckets),
        accounting=True,
    )


def tunnel_mtu(link_mtu: int, encapsulation: str, *, keyed: bool = False) -> int:
    """Link MTU less the outer headers (20 octets IP in IP, 24 GRE, 4 more with a key, 32 in UDP), 512 at least."""
    return max(512, link_mtu - OVERHEAD[encapsulation] - (_GRE_KEY if keyed else 0))


def weighted(hops: Sequence[tuple[Nexthop, int]]) -> tuple[Nexthop, ...]:
    """The nexthops with their kbit/s scaled to the kernel's weights 1..256."""
    top = max((weight for _, weight in hops), default=1)
    return tuple(
        Nexthop(hop.device, hop.gateway, max(1, min(256, round(100 * weight / top)))) for hop, weight in hops
    )


def _uplink_routes(tables: Tables, paths: Sequence[MobilePath]) -> list[Route]:
    return [
        Route(tables.uplink(path.bid), DEFAULT, (Nexthop(path.device, path.foreign_agent or path.gateway),))
        for path in paths
        if path.device is not None and (path.care_of_address is not None or path.foreign_agent is not None)
    ]


def _tunnel_routes(tables: Tables, settings: MobileNode, paths: Sequence[MobilePath]) -> list[Route]:
    routes = [Route(tables.unreachable, DEFAULT)]
    everyone = weighted([(path.way, path.weight) for path in paths if path.way is not None])
    if not everyone:
        return routes
    routes.append(Route(tables.unmarked, DEFAULT, everyone, settings.home_address))
    for path in paths:
        own = (path.way,) if path.way is not None else everyone
        routes.append(Route(tables.path(path.bid), DEFAULT, own, settings.home_address))
    return routes


def _rules(tables: Tables, settings: MobileNode, paths: Sequence[MobilePath]) -> list[Rule]:
    home = IPv4Network(settings.home_address)
    rules = [tables.main_specifics(), tables.by_default(), *_care_of_rules(tables, paths)]
    rules.extend(
        tables.from_home_address(path.bid, home, path.device)
        for path in paths
        if path.foreign_agent is not None and path.device is not None
    )
    rules.extend(tables.by_mark(path.bid) for path in paths)
    own = [home, *settings.mobile_networks]
    rules.extend(tables.never_bare(index, prefix) for index, prefix in enumerate(own))
    return rules


def _care_of_rules(tables: Tables, paths: Sequence[MobilePath]) -> list[Rule]:
    return [
        tables.from_care_of_address(path.bid, IPv4Network(path.care_of_address))
        for path in paths
        if path.care_of_address is not None
    ]


def _ruleset(settings: MobileNode, paths: Sequence[MobilePath], choices: Sequence[Choice]) -> str:
    tunnels = [path.tunnel for path in paths if path.tunnel is not None]
    return mobile_ruleset(
        mask=settings.plane.mark_mask,
        home_address=settings.home_address,
        mobile_networks=settings.mobile_networks,
        lan_devices=settings.lan_devices,
        uplink_devices=[path.device for path in paths if path.device is not None],
        # Every configured path, not the living ones: marks and the SNAT rule
        # must know a dead path's flows, and the table then changes less often.
        paths=[TunnelPath(path.bid, _device(path)) for path in paths],
        policies=list(_policies(choices)),
        sets={choice.flow.dest_set for choice in choices if choice.flow.dest_set is not None},
        size=SIZE,
        mss=min((tunnel.mtu for tunnel in tunnels), default=1468) - _TCP_AND_IP,
    )


def _policies(choices: Sequence[Choice]) -> Iterator[tuple[Flow, Target]]:
    for choice in choices:
        if choice.asleep:
            continue
        if choice.flow.drop:
            yield choice.flow, "drop"
        elif choice.flow.action == "balance":
            yield choice.flow, (choice.flow.name, SIZE)
        elif choice.path is not None:
            yield choice.flow, choice.path


def _parts(buckets: Mapping[str, Sequence[int]]) -> dict[Hashable, Part]:
    elements = [element for name, found in buckets.items() for element in bucket_elements(name, found)]
    return {BUCKETS: Part(elements=tuple(elements))} if elements else {}


def _devices(paths: Sequence[MobilePath]) -> tuple[str, ...]:
    return tuple(sorted({path.device for path in paths if path.device is not None}))


def _device(path: MobilePath) -> str:
    return path.way.device if path.way is not None else f"roam{path.bid}"
