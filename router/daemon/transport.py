"""UDP sockets of the registration protocol.

One socket per uplink on the mobile node, one on the home agent.  RFC 3519
tunnel data shares the registration's ports, so it shares the socket too: the
first octet tells the two apart.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address

__all__ = ["RegistrationSocket"]

Receiver = Callable[[bytes, tuple[str, int]], None]

_BATCH = 64
_MAX_DATAGRAM = 65535
_BUFFER = 1 << 19


class RegistrationSocket:
    """A bound UDP socket whose datagrams go to `received(data, (address, port))`.

    `device` ties it to one interface (SO_BINDTODEVICE): a Registration Request
    leaves through its own uplink whatever the routing tables say.
    Raises OSError when the address cannot be bound.
    """

    def __init__(
        self, address: IPv4Address, port: int, received: Receiver, device: str | None = None
    ) -> None:
        self.address = address
        self.device = device
        self._received = received
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            if device is not None:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            self.socket.bind((str(address), port))
        except OSError:
            self.socket.close()
            raise
        self.port: int = self.socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def send(self, data: bytes, destination: tuple[str, int]) -> None:
        """Send now or lose it: the protocol retransmits, and a full queue must not block.  Raises OSError."""
        self.socket.sendto(data, socket.MSG_DONTWAIT, destination)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _readable(self) -> None:
        # Bounded, so that a flood on one socket cannot starve the others.
        for _ in range(_BATCH):
            try:
                data, source = self.socket.recvfrom(_MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error of an earlier send is reported here once;
                # the retransmission deals with it.
                continue
            self._received(data, source)
            if self.socket.fileno() < 0:
                return
