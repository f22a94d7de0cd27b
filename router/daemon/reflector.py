"""The home agent's STAMP reflector (RFC 8762, stateless), for packets out of its tunnels alone."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from typing import Any

from router.daemon.now import now
from router.daemon.probe_socket import SO_TIMESTAMPNS, stamped_at
from router.path.stamp import PORT, reflect
from router.plane import link

__all__ = ["Reflector"]

_IP_PKTINFO, _IP_RECVTTL, _IP_TTL = 8, 12, 2
_TTL = 255
"""RFC 8762 section 4.2.1 leaves it open; so does a reflected TTL count the hops."""
_PKTINFO = struct.Struct("=i8x")
_ROOM = 2048
_BATCH = 32


class Reflector:
    """At UDP port 862 of `address`; `owns(device)` tells tunnels of ours from other devices.

    The counters in its answers are those of the tunnel that a packet came by.
    Raises OSError when the port cannot be bound.
    """

    def __init__(self, address: IPv4Address, owns: Callable[[str], bool]) -> None:
        self._owns = owns
        self.counters = {"reflected": 0, "reflections_refused": 0}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            for option in (_IP_PKTINFO, _IP_RECVTTL):
                self.socket.setsockopt(socket.IPPROTO_IP, option, 1)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, _TTL)
            self.socket.bind((str(address), PORT))
        except OSError:
            self.socket.close()
            raise
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _readable(self) -> None:
        for _ in range(_BATCH):
            try:
                data, control, _, peer = self.socket.recvmsg(_ROOM, 256)
            except BlockingIOError:
                return
            except OSError:
                # Somebody's ICMP error about an answer.
                continue
            done = self._answer(data, control, peer)
            self.counters["reflected" if done else "reflections_refused"] += 1

    def _answer(self, data: bytes, control: Iterable[tuple[int, int, Any]], peer: Any) -> bool:
        index, ttl = _arrival(control)
        found = link.packets(index) if index else None
        if found is None or not self._owns(found.device):
            return False
        octets = reflect(data, stamped_at(control), now().wall, ttl, found.received, found.sent)
        if octets is None:
            return False
        try:
            self.socket.sendto(octets, socket.MSG_DONTWAIT, peer)
        except OSError:
            return False
        return True


def _arrival(control: Iterable[tuple[int, int, Any]]) -> tuple[int, int]:
    """The index of the device that a packet came by, and its TTL; 0 where the kernel did not say."""
    index = ttl = 0
    for level, kind, data in control:
        if level != socket.IPPROTO_IP:
            continue
        if kind == _IP_PKTINFO:
            (index,) = _PKTINFO.unpack_from(data)
        elif kind == _IP_TTL:
            (ttl,) = struct.unpack("=i", data[:4])
    return index, ttl & 0xFF
