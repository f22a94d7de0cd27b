"""Asks a name server through one uplink."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any

from router.daemon.now import now

__all__ = ["ask_name_server", "name_servers"]

_FILES = ("/tmp/resolv.conf.d/resolv.conf.auto", "/etc/resolv.conf")
"""netifd's, and the system's."""
_PORT, _WAIT = 53, 2.0
_HEADER = struct.Struct("!HHHHHH")
_RECURSION, _ANSWER = 0x0100, 0x8000
_ROOT_NS = b"\x00" + struct.pack("!HH", 2, 1)
"""The question (RFC 1035 section 4.1.2): NS of the root, class IN."""


def name_servers(contexts: Iterable[dict[str, Any]]) -> list[IPv4Address]:
    """Those a modem's network has told, else the system's; none of this machine."""
    told = [address for context in contexts for address in context.get("dns") or ()]
    for path in () if told else _FILES:
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                told += [line.split()[1] for line in file if line.startswith("nameserver ")]
        except OSError:
            continue
    found = []
    for text in dict.fromkeys(map(str, told)):
        try:
            address = IPv4Address(text)
        except ValueError:
            continue
        if not address.is_loopback:
            found.append(address)
    return found


async def ask_name_server(device: str, source: IPv4Address, server: IPv4Address) -> float | None:
    """Milliseconds to an answer, whatever it is; None: none in 2 s.  Raises OSError."""
    number = random.randrange(0x10000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sock.bind((str(source), 0))
        sock.connect((str(server), _PORT))
        sent = now().monotonic
        sock.send(_HEADER.pack(number, _RECURSION, 1, 0, 0, 0) + _ROOT_NS)
        try:
            data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 512), _WAIT)
        except (TimeoutError, ConnectionRefusedError):
            return None
    said = _HEADER.unpack_from(data)[:2] if len(data) >= _HEADER.size else (None, 0)
    return round(1000 * (now().monotonic - sent), 1) if said[0] == number and said[1] & _ANSWER else None
