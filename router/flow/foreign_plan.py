"""From visitors to the foreign agent's kernel state (RFC 5944 section 4.2.2, RFC 3024 section 5).

One tunnel to each home agent.  What comes out of it goes to a visitor on its
link or nowhere; what a visitor with a reverse tunnel sends goes into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from router.config.model import ForeignAgent
from router.flow.mobile_plan import tunnel_mtu
from router.flow.tables import DEFAULT, Tables
from router.mip.foreign.visitor import Visitor
from router.plane.model import Nexthop, PlaneState, Route, Tunnel
from router.plane.ruleset import ForeignDoor, foreign_agent_ruleset

__all__ = ["foreign_plan"]

_LINK_MTU = 1500
_NUMBERS = 15
_MSS = 1440


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
            visitors=_homes(served, agent, reverse=False),
            reverse=_homes(served, agent, reverse=True),
        )
        for number, agent in enumerate(agents, 1)
    ]
    homes = sorted({visitor.home_address for visitor in served if visitor.home_agent in agents})
    return PlaneState(
        tunnels=tuple(
            _tunnel(settings, door.device, agent) for door, agent in zip(doors, agents, strict=True)
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


def _homes(visitors: Sequence[Visitor], agent: IPv4Address, *, reverse: bool) -> tuple[IPv4Address, ...]:
    found = {
        visitor.home_address
        for visitor in visitors
        if visitor.home_agent == agent and (visitor.reverse_tunnel or not reverse)
    }
    return tuple(sorted(found))


def _tunnel(settings: ForeignAgent, device: str, home_agent: IPv4Address) -> Tunnel:
    return Tunnel(
        device=device,
        local=settings.care_of_address,
        remote=home_agent,
        encapsulation="ipip",
        mtu=tunnel_mtu(_LINK_MTU, "ipip"),
    )
