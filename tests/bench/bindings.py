"""How fast a home agent's kernel state grows: run in a network namespace, on a kernel with ipip."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import Config, HomeAgent, Mobile, PlaneSettings, SecurityAssociation
from router.flow.home_plan import home_plan
from router.flow.home_ways import HomeWays
from router.mip.auth import sign
from router.mip.effect import Granted
from router.mip.home.agent import HomeAgent as Machine
from router.mip.identification import from_wall
from router.mip.wire.multipath import Multipath
from router.mip.wire.registration import D, RegistrationRequest, T
from router.plane import kernel, tunnel_messages
from router.plane.model import Tunnel
from router.plane.plane import Plane

__all__ = ["by_hand", "by_roamd"]

AGENT = IPv4Address("198.51.100.2")
WALL = 1_800_000_000.0
AT_ONCE = 64
"""Registrations that arrive while the kernel is busy with those before."""


async def by_roamd(count: int) -> list[float]:
    """Seconds for each thousand bindings, from registration to tunnel, routes and set elements."""
    first = int(IPv4Address("10.64.0.1"))
    security = SecurityAssociation(256, bytes(16))
    mobiles = tuple(Mobile(f"m{i}", IPv4Address(first + i), security) for i in range(count))
    settings = HomeAgent(AGENT, plane=PlaneSettings(kind="kernel"))
    machine = Machine(settings, mobiles, (), Instant(0.0, WALL))
    ways = HomeWays(settings, Config(home_agent=settings))
    plane = Plane(settings.plane)
    await plane.start()
    state = home_plan(settings, (), ways)
    await plane.apply(state)
    took, began, changed = [], time.perf_counter(), set()
    for number, mobile in enumerate(mobiles, 1):
        care_of = IPv4Address(int(mobile.home_address) ^ 0x80000000)
        request = RegistrationRequest(
            1800, mobile.home_address, AGENT, care_of, from_wall(WALL + 1), D | T, (Multipath(4, 1, 1),)
        )
        for effect in machine.receive(
            sign(request.encode(), security), (care_of, 434), Instant(1.0, WALL + 1)
        ):
            node = machine.node(mobile.home_address)
            if isinstance(effect, Granted) and node is not None and ways.granted(effect.binding, node):
                changed.add(mobile.home_address)
        if len(changed) == AT_ONCE or number == count:
            await plane.apply(state, changed)
            changed = set()
        if number % 1000 == 0:
            took.append(time.perf_counter() - began)
            began = time.perf_counter()
            print(f"{number}: {1000 / took[-1]:.0f}/s", file=sys.stderr, flush=True)
    if plane.counters()["plane_refused"]:
        raise SystemExit(f"the kernel refused something: {plane.counters()}")
    return took


def by_hand(count: int, kind: str = "ipip") -> list[float]:
    """The same devices and routes, by `ip -batch`."""
    how = f" local {AGENT} remote 10.192.{{low}} ttl 64 tos inherit pmtudisc" if kind == "ipip" else ""
    took = []
    for start in range(0, count, 1000):
        lines = []
        for number in range(start, start + 1000):
            low = f"{number >> 8}.{number & 255}"
            lines.append(f"link add h{number} type {kind}{how.format(low=low)}")
            lines.append(f"link set h{number} up mtu 1480")
            lines += [f"route add 10.64.{low}/32 dev h{number} table {table}" for table in (99, 100)]
        began = time.perf_counter()
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
        took.append(time.perf_counter() - began)
    return took


def stand_in() -> None:
    """Let devices of kind `ifb`, which every kernel has, stand in for tunnels: for a kernel without ipip that is not emulated."""

    class Listener:
        @staticmethod
        async def open(port: int) -> Listener:
            return Listener()

        async def close(self) -> None: ...

    def kind_of(tunnel: Tunnel) -> str:
        return "ifb"

    vars(tunnel_messages).update(kind_of=kind_of, _ipip=lambda tunnel, link: b"")
    vars(kernel).update(kind_of=kind_of, FouListener=Listener)
    vars(kernel)["KernelTunnels"]._makes = lambda self, encapsulation: True


if __name__ == "__main__":
    who, wanted, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if kind != "ipip":
        stand_in()
    print(json.dumps(by_hand(wanted, kind) if who == "hand" else asyncio.run(by_roamd(wanted))))
