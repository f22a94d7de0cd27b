"""Probes through one tunnel: echoes, and STAMP packets (RFC 8762), with the kernel's time stamps.

A probe carries the mark of its path, so that the ruleset lets it be, and is
bound to the tunnel's device: it leaves by it whatever the routes say.
"""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import struct
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from typing import Any

from router.daemon.now import now
from router.mip.wire.checksum import checksum
from router.path.stamp import PORT, Reflection, parse_reflection, test_packet

__all__ = ["SO_TIMESTAMPNS", "ProbeSocket", "stamped_at"]

SO_TIMESTAMPNS = 35
"""<asm-generic/socket.h>, also the type of its control message; not in the socket module."""
_SO_MARK = 36
_ECHO, _ECHO_REPLY = 8, 0
_ICMP = struct.Struct("!BBHHH")
_IP_HEADER = 20
_SOL_RAW, _ICMP_FILTER = 255, 1
_ONLY_REPLIES = ~(1 << _ECHO_REPLY) & 0xFFFFFFFF
_BUFFER = 1 << 14
_ROOM = 256
_BATCH = 16
_REMEMBERED = 64

Answered = Callable[[int, float], None]
"""Called with an echo's sequence number and its round trip, s."""
Reflected = Callable[[Reflection, float], None]
"""Called with a reflection and the time of day when it came."""


class ProbeSocket:
    """From the home address to the home agent, through the tunnel `device`.

    Raises OSError when the device is gone or the address cannot be bound.
    """

    def __init__(
        self,
        device: str,
        mark: int,
        ends: tuple[IPv4Address, IPv4Address],
        answered: Answered,
        reflected: Reflected,
        refused: Callable[[], None],
    ) -> None:
        self._answered, self._reflected, self._refused = answered, reflected, refused
        self._identifier = random.randrange(1, 0x10000)
        self._sent: dict[int, float] = {}
        self._sockets: list[socket.socket] = []
        try:
            self._icmp = self._open(socket.SOCK_RAW, socket.IPPROTO_ICMP, device, mark)
            self._icmp.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", _ONLY_REPLIES))
            self._udp = self._open(socket.SOCK_DGRAM, 0, device, mark)
            for sock, port in ((self._icmp, 0), (self._udp, PORT)):
                sock.bind((str(ends[0]), 0))
                sock.connect((str(ends[1]), port))
        except OSError:
            for sock in self._sockets:
                sock.close()
            raise
        loop = asyncio.get_running_loop()
        loop.add_reader(self._icmp, self._echo_readable)
        loop.add_reader(self._udp, self._stamp_readable)

    def echo(self, sequence: int) -> None:
        """Send an echo without data.  Raises OSError."""
        head = _ICMP.pack(_ECHO, 0, 0, self._identifier, sequence)
        self._sent[sequence] = now().wall
        while len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
        self._icmp.send(_ICMP.pack(_ECHO, 0, checksum(head), self._identifier, sequence))

    def stamp(self, sequence: int, tx_packets: int) -> None:
        """Send a STAMP packet; `tx_packets` the tunnel has taken so far.  Raises OSError."""
        try:
            self._udp.send(test_packet(sequence, now().wall, tx_packets))
        except ConnectionRefusedError:
            self._refused()

    def close(self) -> None:
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()

    def _open(self, kind: int, protocol: int, device: str, mark: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK, protocol)
        self._sockets.append(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sock.setsockopt(socket.SOL_SOCKET, _SO_MARK, mark)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        return sock

    def _echo_readable(self) -> None:
        for data, at in self._received(self._icmp):
            header = 4 * (data[0] & 0x0F) if data else 0
            if not _IP_HEADER <= header <= len(data) - _ICMP.size:
                continue
            kind, _, _, identifier, sequence = _ICMP.unpack_from(data, header)
            sent = self._sent.pop(sequence, None) if identifier == self._identifier else None
            if kind == _ECHO_REPLY and sent is not None:
                self._answered(sequence, at - sent)

    def _stamp_readable(self) -> None:
        for data, at in self._received(self._udp):
            answer = parse_reflection(data)
            if answer is not None:
                self._reflected(answer, at)

    def _received(self, sock: socket.socket) -> Iterable[tuple[bytes, float]]:
        """Datagrams that wait, a batch at most, with the time of day of their coming."""
        for _ in range(_BATCH):
            if sock.fileno() < 0:
                return
            try:
                data, control, _, _ = sock.recvmsg(_ROOM, _ROOM)
            except BlockingIOError:
                return
            except OSError as error:
                # An ICMP error about an earlier packet; of others the probe's silence tells.
                if error.errno == errno.ECONNREFUSED:
                    self._refused()
                continue
            yield data, stamped_at(control)


def stamped_at(control: Iterable[tuple[int, int, Any]]) -> float:
    """The kernel's time of day for a packet, s; ours where it gave none."""
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            # struct timespec has two longs, whatever they are.
            seconds, nanoseconds = struct.unpack("=qq" if len(data) >= 16 else "=ii", data[:16])
            return float(seconds + nanoseconds / 1e9)
    return now().wall
