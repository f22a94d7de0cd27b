"""The text of `table ip roamd` at the foreign agent: out of tunnels to visitors, from visitors into tunnels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from router.plane.words import MANGLE, chain, clamp, path_chains, quoted, set_of, silence, vmap

__all__ = ["ForeignDoor", "foreign_agent_ruleset"]


@dataclass(frozen=True)
class ForeignDoor:
    """A foreign agent's tunnel to one home agent, and who of its visitors is behind it."""

    number: int
    device: str
    visitors: tuple[IPv4Address, ...]
    reverse: tuple[IPv4Address, ...]
    """Those whose packets go back through it as they come (T, RFC 3024 section 5.1)."""
    wrapped: tuple[tuple[str, IPv4Address], ...] = ()
    """Those who encapsulate to us what goes back through it (section 5.2), each with the tunnel that unwraps it."""


def foreign_agent_ruleset(*, mask: int, device: str, doors: Sequence[ForeignDoor], mss: int) -> str:
    """The foreign agent's table: out of tunnels to visitors only, from visitors into their tunnel.

    RFC 5944 section 4.2.2: what is for nobody on the visitor list is dropped in silence.
    """
    if not doors:
        return silence() + "\n"
    chains = [silence(), *path_chains([door.number for door in doors], mask)]
    sources = {str(home): f"goto use_{door.number}" for door in doors for home in door.reverse}
    wrapped = {inner: (home, door.number) for door in doors for inner, home in door.wrapped}
    for door in doors:
        visitors = set_of(map(str, door.visitors))
        chains.append(chain(f"in_{door.number}", [f"ip daddr != {visitors} counter drop"]))
    tunnels = vmap((f'"{door.device}"', f"goto in_{door.number}") for door in doors)
    chains.append(chain("forward", [
        "type filter hook forward priority filter; policy accept;",
        # A visitor's route goes with its link: what came for it must not take another.
        f'iifname {set_of(quoted(door.device for door in doors))} oifname != "{device}" counter drop',
    ]))  # fmt: skip
    chains.append(chain("prerouting", [
        f"type filter hook prerouting {MANGLE}",
        f"iifname {tunnels}",
        f'iifname "{device}" fib daddr type unicast ip saddr {vmap(sources.items())}' if sources else "",
        *(_unwrapped(device, wrapped) if wrapped else ()),
    ]))  # fmt: skip
    chains.append(clamp(set_of([f'"{device}"', *quoted(door.device for door in doors)]), mss))
    return "\n".join(chains) + "\n"


def _unwrapped(device: str, wrapped: Mapping[str, tuple[IPv4Address, int]]) -> Iterable[str]:
    """Home address and door by the device that unwraps: a visitor's own packets, come by the visited link."""
    homes = set_of(dict.fromkeys(str(home) for home, _ in wrapped.values()))
    yield f'iifname != "{device}" ip protocol 4 ip saddr {homes} counter drop'
    verdicts = ((f'"{inner}" . {home}', f"goto use_{number}") for inner, (home, number) in wrapped.items())
    yield f"iifname . ip saddr {vmap(verdicts)}"
    yield f"iifname {set_of(quoted(wrapped))} counter drop"
