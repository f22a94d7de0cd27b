"""What a home agent wants of its kernel, seen as a whole: what is the same for all, and every mobile node's part."""

from dataclasses import dataclass
from ipaddress import IPv4Network

from router.config.model import Config
from router.flow.home_plan import home_part, home_plan
from router.flow.home_ways import HomeWays
from router.plane.model import Chain, Element, Route, Rule, Tunnel


@dataclass(frozen=True)
class Whole:
    """A state and its parts in one."""

    tunnels: tuple[Tunnel, ...]
    routes: tuple[Route, ...]
    rules: tuple[Rule, ...]
    ruleset: str
    chains: tuple[Chain, ...]
    elements: tuple[Element, ...]


def whole(state):
    """One list of everything, as the plane has it of a state."""
    pieces = (state, *state.parts.values())
    routes = [route for piece in pieces for route in piece.routes]
    assert len({(route.table, route.prefix) for route in routes}) == len(routes)
    return Whole(
        # A tunnel may be in several parts.
        tunnels=tuple(dict.fromkeys(tunnel for piece in pieces for tunnel in piece.tunnels)),
        routes=tuple(routes),
        rules=state.rules,
        ruleset=state.ruleset,
        chains=tuple(chain for part in state.parts.values() for chain in part.chains),
        elements=tuple(element for part in state.parts.values() for element in part.elements),
    )


def state_with(settings, homes, mobiles):
    """The state for mobile nodes described by hand."""
    return whole(
        home_plan(settings, homes, {item.home_address: home_part(settings, item) for item in mobiles})
    )


def state_of(agent, mobiles, homes=()):
    """The state that the bindings and mobile networks in force lead to, as the daemon makes it."""
    ways = HomeWays(agent.settings, Config(home_agent=agent.settings, mobiles=mobiles))
    for binding in agent.bindings.values():
        ways.granted(binding, agent.node(binding.home_address))
    return whole(home_plan(agent.settings, homes, ways))


def chain(state, name):
    """The rules of a chain that is the same for all."""
    body = state.ruleset.partition(f"chain {name} {{")[2].partition("\n  }")[0]
    return [line.strip() for line in body.split("\n") if line.strip()]


def let_in(state, tunnel):
    """The sources that packets out of a tunnel may have, each with the chain that tells its path; others are dropped.

    Follows a packet through the ruleset as it is loaded, and through the
    routing tables where that looks into them.
    """
    _, first, _ = chain(state, "prerouting")
    doors = dict(
        pair.split(" : goto ") for pair in first.removeprefix("iifgroup vmap { ").rstrip(" }").split(", ")
    )
    door = doors[str(tunnel.group)]
    unmarked = "meta mark set meta mark & 0xf0ffffff"
    assert chain(state, "in_shared") == [unmarked, "iifname . ip saddr vmap @shared", "counter drop"]
    device, found = f'"{tunnel.device}" . ', {}
    for element in state.elements:
        if element.set == "shared" and element.key.startswith(device):
            found[IPv4Network(element.key.removeprefix(device))] = element.data
    if door == "in_shared":
        return found
    number = int(door.removeprefix("in_"))
    assert chain(state, door) == [
        f"{unmarked} | {number << 24:#x}",
        "ip saddr 0.0.0.0/8 counter drop",
        "fib saddr . mark . iif oif missing goto in_shared",
        unmarked,
        f"goto pin_{number}",
    ]
    tables = {rule.table for rule in state.rules if rule.mark in (None, number << 24)}
    for route in state.routes:
        if route.table in tables and tunnel.device in {hop.device for hop in route.nexthops}:
            found[route.prefix] = f"goto pin_{number}"
    return found
