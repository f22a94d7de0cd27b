"""UDP sockets of the registration protocol.

One socket per uplink on the mobile node, one on the home agent.  RFC 3519
tunnel data shares the registration's ports, so it shares the socket too: the
first octet tells the two apart.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from ipaddress import IPv4Address

__all__ = ["RegistrationSocket"]

Receiver = Callable[[bytes, tuple[str, int]], None]
Unreachable = Callable[[str, int], None]
"""Called with a destination and the code of the ICMP Destination Unreachable about it."""

_BATCH = 64
# Prepared once: the allocator gives large pieces back to the kernel, and they cost page faults anew.
_DATAGRAMS = memoryview(bytearray(65535))
# The size of each datagram, an int.
_ANCILLARY = socket.CMSG_SPACE(4)
_BUFFER = 1 << 19
_TTL = 64
_IP_RECVERR = 11
_ORIGIN_ICMP, _DESTINATION_UNREACHABLE = 2, 3


class RegistrationSocket:
    """A bound UDP socket whose datagrams go to `received(data, (address, port))`.

    `device` ties it to one interface (SO_BINDTODEVICE): a Registration Request
    leaves through its own uplink whatever the routing tables say.  `shared`
    lets another socket of ours have the same port, tied to another device.
    Raises OSError when the address cannot be bound.
    """

    def __init__(
        self,
        address: IPv4Address,
        port: int,
        received: Receiver,
        device: str | None = None,
        *,
        shared: bool = False,
    ) -> None:
        self.address = address
        self.device = device
        self._received = received
        self._unreachable: Unreachable | None = None
        self._ttl = _TTL
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            if shared:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if device is not None:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            self.socket.bind((str(address), port))
        except OSError:
            self.socket.close()
            raise
        self.port: int = self.socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def send(self, data: bytes, destination: tuple[str, int], ttl: int = _TTL) -> None:
        """Send now or lose it: the protocol retransmits, and a full queue must not block.  Raises OSError."""
        if ttl != self._ttl:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            self._ttl = ttl
        self.socket.sendto(data, socket.MSG_DONTWAIT, destination)

    def report_unreachable(self, unreachable: Unreachable) -> None:
        """Tell of ICMP Destination Unreachable for what was sent."""
        self._unreachable = unreachable
        self.socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _readable(self) -> None:
        # Bounded, so that a flood on one socket cannot starve the others.
        left = _BATCH
        while left > 0:
            left -= 1
            try:
                length, ancillary, _, source = self.socket.recvmsg_into((_DATAGRAMS,), _ANCILLARY)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error of an earlier send is reported here once;
                # the retransmission deals with it.
                self._read_error()
                continue
            # Where the plane has asked for it (UDP_GRO): several of one size, but for the last.
            size = int.from_bytes(ancillary[0][2], sys.byteorder) if ancillary else length or 1
            data, starts = _DATAGRAMS[:length].tobytes(), range(0, length or 1, size)
            for at in starts:
                self._received(data[at : at + size], source)
                if self.socket.fileno() < 0:
                    return
            left -= len(starts) - 1

    def _read_error(self) -> None:
        """An entry of the error queue is a `sock_extended_err`: errno, origin, type, code, ..."""
        if self._unreachable is None:
            return
        try:
            _, ancillary, _, address = self.socket.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return
        for level, kind, data in ancillary:
            if level == socket.IPPROTO_IP and kind == _IP_RECVERR and len(data) >= 8:
                origin, icmp_type, code = data[4], data[5], data[6]
                if origin == _ORIGIN_ICMP and icmp_type == _DESTINATION_UNREACHABLE:
                    self._unreachable(address[0], code)
