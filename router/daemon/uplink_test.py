"""`test uplink`: tries one uplink from its gateway to its tunnel, and lets `router.diagnosis` say what that means."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address
from typing import Any, TypeVar

from router.config.model import Uplink
from router.daemon.mobile_node import MobileNodeRole
from router.daemon.name_server import ask_name_server, name_servers
from router.daemon.now import now
from router.daemon.ping import train
from router.daemon.probe_socket import ProbeSocket
from router.daemon.reach import Way, look
from router.diagnosis.steps import steps
from router.plane.words import mark_of

__all__ = ["test_uplink"]

_REGISTRATION_WAIT, _TUNNEL_WAIT, _MODEM_WAIT = 4.0, 1.5, 5.0
_LOOK = 0.05
_ECHOES = 3
_TRAIN_SIZE = 1200
"""Octets of each packet: every path carries them whole."""
_RESTLESS = ("opening", "looking for the AT port")

Found = TypeVar("Found")
Status = dict[str, Any]


async def test_uplink(
    role: MobileNodeRole, uplink: Uplink, status: Callable[[], Status], *, throughput: bool = False
) -> Status:
    """{uplink, carries, steps}; `status()` is what the daemon tells of itself now.

    `throughput` costs some 100 kB each way.
    """
    probes: Status = {"seconds": {}}
    took = probes["seconds"]
    if uplink.kind == "cellular":
        await _timed(took, "modem", _settled(role, uplink))
    way = role.direction(uplink.bid)
    if way is not None:
        with contextlib.suppress(OSError):
            probes["reach"], probes["dns"] = await asyncio.gather(
                _timed(took, "gateway", look(way)), _timed(took, "DNS", _dns(role, uplink, way))
            )
        probes["renewed"] = await _timed(took, "registration", _renewed(role, uplink.bid))
        if uplink.bid in role.bindings:
            with contextlib.suppress(OSError):
                probes["tunnel"] = await _timed(took, "tunnel", _through_tunnel(role, uplink.bid))
        if throughput and probes.get("tunnel") is not None:
            with contextlib.suppress(OSError):
                probes["throughput"] = await _timed(took, "throughput", _throughput(role, uplink.bid))
    told = status()
    row = next(row for row in told["uplinks"] if row["name"] == uplink.name)
    found = steps(row, told, probes)
    return {
        "uplink": uplink.name,
        "carries": all(step["verdict"] != "FAIL" for step in found),
        "steps": found,
    }


async def _timed(took: dict[str, float], step: str, work: Awaitable[Found]) -> Found:
    begin = now().monotonic
    try:
        return await work
    finally:
        took[step] = round(now().monotonic - begin, 2)


async def _until(condition: Callable[[], bool], seconds: float) -> bool:
    end = now().monotonic + seconds
    while not condition():
        if now().monotonic >= end:
            return False
        await asyncio.sleep(_LOOK)
    return True


async def _settled(role: MobileNodeRole, uplink: Uplink) -> None:
    """A modem that was just found is given a moment."""
    modems = role.watcher.modems
    modems.hurry(uplink.name)

    def knows() -> bool:
        info = modems.info(uplink.name)
        return info is None or info.state not in _RESTLESS

    await _until(knows, _MODEM_WAIT)


async def _dns(role: MobileNodeRole, uplink: Uplink, way: Way) -> Status | None:
    info = role.watcher.modems.info(uplink.name)
    servers = name_servers(info.contexts if info is not None else ())
    if not servers:
        return None
    return {"server": str(servers[0]), "ms": await ask_name_server(way.device, way.address, servers[0])}


async def _renewed(role: MobileNodeRole, bid: int) -> bool:
    """Whether the home agent answers a registration that is asked for now, so that it can be believed."""
    machine, counters = role.machine, role.machine.counters
    before, disbelieved = counters.get("requests_sent", 0), machine.disbelieved.get(bid)
    role.renew(bid)
    await _until(lambda: counters.get("requests_sent", 0) > before, 1.5)

    def answered() -> bool:
        view = machine.registrations.get(bid)
        return view is None or view.attempts == 0 or machine.disbelieved.get(bid) != disbelieved

    await _until(answered, _REGISTRATION_WAIT)
    view = machine.registrations.get(bid)
    return view is not None and view.attempts == 0 and view.state in ("registered", "at home")


async def _through_tunnel(role: MobileNodeRole, bid: int) -> float | None:
    """The least round trip of three echoes inside the tunnel, ms; None: no answer.  Raises OSError."""
    trips = list[float]()
    if role.bindings[bid].foreign_agent is not None:
        raise OSError("the tunnel is a foreign agent's")
    ends, mark = _inside(role, bid)

    def answered(sequence: int, trip: float) -> None:
        trips.append(1000 * trip)

    sock = ProbeSocket(f"roam{bid}", mark, ends, answered, lambda reflection, at: None, lambda: None)
    try:
        for sequence in range(_ECHOES):
            sock.echo(sequence)
            if await _until(lambda: bool(trips), _TUNNEL_WAIT / _ECHOES):
                break
    finally:
        sock.close()
    return round(min(trips), 1) if trips else None


async def _throughput(role: MobileNodeRole, bid: int) -> int | None:
    """kbit/s.  Raises OSError."""
    ends, mark = _inside(role, bid)
    return await train(ends, f"roam{bid}", _TRAIN_SIZE, mark)


def _inside(role: MobileNodeRole, bid: int) -> tuple[tuple[IPv4Address, IPv4Address], int]:
    """The ends of what goes through the tunnel, and its mark."""
    ends = (role.machine.home_address, role.bindings[bid].home_agent)
    return ends, mark_of(bid, role.settings.plane.mark_mask)
