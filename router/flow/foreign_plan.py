"""From visitors to the foreign agent's kernel state (RFC 5944 section 4.2.2, RFC 3024 section 5).

One tunnel to each home agent.  What comes out of it goes to a visitor on its
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
_MSS = 1440
_ANY = IPv4Address(0)


def foreign_plan(settings: ForeignAgent, visitors: Sequence[Visitor]) -> PlaneState:
    """The state wanted now; pure, and equal for equal arguments.

    Visitors with a co-located care-of address tunnel by themselves and need
    nothing; of home agents, as many as there are path numbers are served.
    """
    tables = Tables(settings.plane)
    served = [visitor for visitor in visitors if not visitor.colocated]
    agents = sorted({visitor.home_agent for visitor in served})[:_NUMBERS]
    doors = [
        ForeignDoor(
            number=number,
            device=f"roamh{int(agent):08x}",
            visitors=_homes(served, agent),
            reverse=_homes(served, agent, "direct"),
            wrapped=tuple((_unwrapping(home), home) for home in _homes(served, agent, "encapsulating")),
        )
        for number, agent in enumerate(agents, 1)
    ]
    wrapped = sorted({pair for door in doors for pair in door.wrapped})
    homes = sorted({visitor.home_address for visitor in served if visitor.home_agent in agents})
    return PlaneState(
        tunnels=(
            *(
                _tunnel(door.device, settings.care_of_address, agent)
                for door, agent in zip(doors, agents, strict=True)
            ),
            # A visitor encapsulates to whichever address of ours has answered it.
            *(_tunnel(device, _ANY, home) for device, home in wrapped),
        ),
        routes=(
            *(Route(tables.unmarked, IPv4Network(home), (Nexthop(settings.device),)) for home in homes),
            *(Route(tables.path(door.number), DEFAULT, (Nexthop(door.device),)) for door in doors),
        ),
        rules=(*(tables.by_mark(door.number) for door in doors), tables.by_default()),
        ruleset=foreign_agent_ruleset(
            mask=settings.plane.mark_mask, device=settings.device, doors=doors, mss=_MSS
        ),
    )


def _homes(
    visitors: Sequence[Visitor], agent: IPv4Address, delivery: str | None = None
) -> tuple[IPv4Address, ...]:
    """Visitors of one home agent; with `delivery`, those whose reverse tunnel is fed in this style."""
    found = {
        visitor.home_address
        for visitor in visitors
        if visitor.home_agent == agent
        and (delivery is None or (visitor.reverse_tunnel and visitor.delivery == delivery))
    }
    return tuple(sorted(found))


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
