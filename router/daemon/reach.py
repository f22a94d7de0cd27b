"""Who answers when a registration does not: the gateway, the home agent's host, its UDP port 434."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from ipaddress import IPv4Address
from typing import Any, NamedTuple

from router.daemon.now import now
from router.mip.wire.numbers import PORT
from router.uplink.mtu_probe import EchoSocket

__all__ = ["Reach", "Way", "echoes", "is_refused", "look"]

_ECHOES, _APART, _WAIT = 3, 0.2, 1.0
_SIZE = 64
"""Octets of an echo, IP header included."""
_EVERY = 15.0
"""Seconds between two looks at one uplink."""
_ARP = "/proc/net/arp"
_COMPLETE = 0x2


class Way(NamedTuple):
    """From an uplink's address to the home agent."""

    device: str
    address: IPv4Address
    gateway: IPv4Address | None
    home_agent: IPv4Address


class Reach:
    """The last look at each uplink that was in doubt."""

    def __init__(self) -> None:
        self._found: dict[int, dict[str, Any]] = {}
        self._asked_at: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def doubt(self, bid: int, way: Way) -> None:
        """Look now, unless that was done a moment ago."""
        at = now().monotonic
        if at - self._asked_at.get(bid, at - _EVERY) < _EVERY:
            return
        self._asked_at[bid] = at
        task = asyncio.get_running_loop().create_task(self._look(bid, way))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def believe(self, bid: int) -> None:
        """The home agent has answered, or the uplink is another: nothing is in doubt."""
        self._found.pop(bid, None)
        self._asked_at.pop(bid, None)

    def told(self, bid: int) -> dict[str, Any] | None:
        """What `look` found, and its age in seconds; None: nothing is in doubt, or nothing known yet."""
        found = self._found.get(bid)
        if found is None:
            return None
        values = {key: value for key, value in found.items() if key != "at"}
        return {**values, "age": round(now().monotonic - found["at"], 1)}

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _look(self, bid: int, way: Way) -> None:
        with contextlib.suppress(OSError):
            found = await look(way)
            if bid in self._asked_at:
                self._found[bid] = {**found, "at": now().monotonic}


async def look(way: Way) -> dict[str, Any]:
    """{gateway, home_agent: ms of an echo or None, neighbour: ARP knows the gateway, refused: nobody is at port 434}.

    Raises OSError when the device is gone or has another address.
    """
    gateway, home_agent, refused = await asyncio.gather(
        echoes(way.device, way.address, way.gateway) if way.gateway is not None else _nothing(),
        echoes(way.device, way.address, way.home_agent),
        is_refused(way),
    )
    neighbour = way.gateway is not None and _is_neighbour(way.gateway, way.device)
    return {"gateway": gateway, "home_agent": home_agent, "neighbour": neighbour, "refused": refused}


async def echoes(device: str, source: IPv4Address, destination: IPv4Address) -> float | None:
    """The least round trip of three echoes, ms; None: no answer.  Raises OSError."""
    loop = asyncio.get_running_loop()
    first: asyncio.Future[None] = loop.create_future()
    sent: dict[int, float] = {}
    trips: list[float] = []

    def answered(sequence: int) -> None:
        trips.append(1000 * (now().monotonic - sent[sequence]))
        if not first.done():
            first.set_result(None)

    sock = EchoSocket(device, source, destination, answered, lambda sequence, hint: None)
    try:
        for sequence in range(1, _ECHOES + 1):
            sent[sequence] = now().monotonic
            sock.send(_SIZE, sequence)
            await asyncio.wait([first], timeout=_APART if sequence < _ECHOES else _WAIT)
    finally:
        sock.close()
    return round(min(trips), 1) if trips else None


async def is_refused(way: Way) -> bool:
    """Whether the home agent's host says that nobody listens at port 434.  Raises OSError."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, way.device.encode())
        sock.bind((str(way.address), 0))
        sock.connect((str(way.home_agent), PORT))
        sock.send(b"")
        with contextlib.suppress(TimeoutError):
            try:
                await asyncio.wait_for(loop.sock_recv(sock, 1), _WAIT)
            except ConnectionRefusedError:
                return True
            except OSError:
                return False
    return False


async def _nothing() -> None:
    return None


def _is_neighbour(address: IPv4Address, device: str) -> bool:
    """Whether ARP has found the link address: `IP type flags MAC mask device` in each line."""
    with open(_ARP) as file:
        rows = [line.split() for line in file]
    return any(
        row[0] == str(address) and row[-1] == device and int(row[2], 16) & _COMPLETE
        for row in rows
        if len(row) == 6 and row[2].startswith("0x")
    )
