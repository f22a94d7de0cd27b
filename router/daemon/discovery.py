"""ICMP router discovery on one device: advertisements and solicitations in and out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address

__all__ = ["ALL_AGENTS", "ALL_HOSTS", "ALL_ROUTERS", "DiscoverySocket"]

ALL_HOSTS, ALL_ROUTERS, ALL_AGENTS = "224.0.0.1", "224.0.0.2", "224.0.0.11"
_SOL_RAW, _ICMP_FILTER = 255, 1
_ROUTER_DISCOVERY = ~(1 << 9 | 1 << 10) & 0xFFFFFFFF
"""ICMP types not to hear: all but advertisement and solicitation."""
_BATCH = 32

Received = Callable[[bytes, IPv4Address], None]


class DiscoverySocket:
    """A raw socket tied to `device`; `received(icmp, source)` gets every message of types 9 and 10.

    `groups` are the multicast groups to hear.  Raises OSError.
    """

    def __init__(self, device: str, groups: tuple[str, ...], received: Received) -> None:
        self._received = received
        self.socket = socket.socket(
            socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP
        )
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            self.socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", _ROUTER_DISCOVERY))
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            # RFC 5944 sections 2.1 and 2.2: these messages stay on the link.
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            index = socket.if_nametoindex(device)
            self.socket.setsockopt(
                socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", bytes(4), bytes(4), index)
            )
            for group in groups:
                membership = struct.pack("=4s4si", socket.inet_aton(group), bytes(4), index)
                self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        except OSError:
            self.socket.close()
            raise
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def send(self, icmp: bytes, destination: str) -> None:
        """Raises OSError."""
        self.socket.sendto(icmp, (destination, 0))

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _readable(self) -> None:
        for _ in range(_BATCH):
            with contextlib.suppress(BlockingIOError, OSError):
                packet, _ = self.socket.recvfrom(4096)
                header = 4 * (packet[0] & 0x0F) if packet else 0
                if len(packet) > header >= 20:
                    self._received(packet[header:], IPv4Address(packet[12:16]))
                if self.socket.fileno() >= 0:
                    continue
            return
