"""From visitors to the foreign agent's kernel state (RFC 5944 section 4.2.2, RFC 3024 section 5).

One tunnel to each home agent, and with GRE one for each visitor, told apart by
its keys (RFC 6245).  What comes out of it goes to a visitor on its
link or nowhere; what a visitor with a reverse tunnel sends goes into it: all of
it, or, from who asked for the encapsulating delivery style, what comes encapsulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from router.config.model import ForeignAgent
from router.flow.mobile_plan import tunnel_mtu
from router.flow.tables import DEFAULT, Tables
from router.mip.foreign.visitor import Visitor
from router.plane.foreign_ruleset import ForeignDoor, foreign_agent_ruleset
from router.plane.model import Nexthop, PlaneState, Route, Tunnel

__all__ = ["foreign_plan"]

_LINK_MTU = 1500
_NUMBERS = 15
_MSS, _GRE_MSS = 1440, 1432
_ANY = IPv4Address(0)


def foreign_plan(settings: ForeignAgent, visitors: Sequence[Visitor]) -> PlaneState:
    """The state wanted now; pure, and equal for equal arguments.

    Visitors with a co-located care-of address tunnel by themselves and need
    nothing; of tunnels, there are as many as there are path numbers.
    """
    tables = Tables(settings.plane)
    carriers: dict[Tunnel, list[Visitor]] = {}
    for visitor in visitors:
        if not visitor.colocated:
            carriers.setdefault(_carrier(settings, visitor), []).append(visitor)
    tunnels = sorted(carriers, key=lambda tunnel: tunnel.device)[:_NUMBERS]
    doors = [
        ForeignDoor(
            number=number,
            device=tunnel.device,
            visitors=_homes(carriers[tunnel]),
            reverse=_homes(carriers[tunnel], "direct"),
            wrapped=tuple((_unwrapping(home), home) for home in _homes(carriers[tunnel], "encapsulating")),
        )
        for number, tunnel in enumerate(tunnels, 1)
    ]
    wrapped = sorted({pair for door in doors for pair in door.wrapped})
    homes = sorted({home for door in doors for home in door.visitors})
    return PlaneState(
        # A visitor encapsulates to whichever address of ours has answered it.
        tunnels=(*tunnels, *(_tunnel(device, _ANY, home) for device, home in wrapped)),
        routes=(
            *(Route(tables.unmarked, IPv4Network(home), (Nexthop(settings.device),)) for home in homes),
            *(Route(tables.path(door.number), DEFAULT, (Nexthop(door.device),)) for door in doors),
        ),
        rules=(*(tables.by_mark(door.number) for door in doors), tables.by_default()),
        ruleset=foreign_agent_ruleset(
            mask=settings.plane.mark_mask,
            device=settings.device,
            doors=doors,
            mss=_GRE_MSS if any(tunnel.encapsulation == "gre" for tunnel in tunnels) else _MSS,
        ),
    )


def _homes(visitors: Sequence[Visitor], delivery: str | None = None) -> tuple[IPv4Address, ...]:
    """Their addresses; with `delivery`, of those whose reverse tunnel is fed in this style."""
    found = {
        visitor.home_address
        for visitor in visitors
        if delivery is None or (visitor.reverse_tunnel and visitor.delivery == delivery)
    }
    return tuple(sorted(found))


def _carrier(settings: ForeignAgent, visitor: Visitor) -> Tunnel:
    """The tunnel to the visitor's home agent."""
    if visitor.encapsulation != "gre":
        return _tunnel(f"roamh{int(visitor.home_agent):08x}", settings.care_of_address, visitor.home_agent)
    return Tunnel(
        device=f"roamk{int(visitor.home_address):08x}{visitor.bid:02x}",
        local=settings.care_of_address,
        remote=visitor.home_agent,
        encapsulation="gre",
        mtu=tunnel_mtu(_LINK_MTU, "gre", keyed=True),
        key_in=visitor.asked.gre_key,
        key_out=visitor.gre_key,
    )


def _unwrapping(home_address: IPv4Address) -> str:
    return f"roamv{int(home_address):08x}"


def _tunnel(device: str, local: IPv4Address, remote: IPv4Address) -> Tunnel:
    return Tunnel(
        device=device,
        local=local,
        remote=remote,
        encapsulation="ipip",
        mtu=tunnel_mtu(_LINK_MTU, "ipip"),
    )
