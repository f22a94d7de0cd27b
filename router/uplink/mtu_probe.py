"""Echoes of chosen sizes with DF set, from a care-of address through its own device."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address

from router.mip.wire.checksum import checksum

__all__ = ["EchoSocket", "learnt_mtu"]

_ECHO, _ECHO_REPLY = 8, 0
_HEADER = struct.Struct("!BBHHH")
_IP_HEADER = 20
# <linux/in.h>; not in the socket module.
_IP_MTU_DISCOVER, _PMTUDISC_PROBE, _IP_RECVERR, _IP_MTU = 10, 3, 11, 14
_SOL_RAW, _ICMP_FILTER = 255, 1
_ONLY_REPLIES = ~(1 << _ECHO_REPLY) & 0xFFFFFFFF
_ERROR = struct.Struct("=IBBBBII")
"""struct sock_extended_err of <linux/errqueue.h>: errno, origin, type, code, pad, info, data."""
_ORIGIN_ICMP = 2
_BUFFER = 1 << 16
_BATCH = 16

Answered = Callable[[int], None]
"""Called with the sequence number of an echo that came back in full size."""
TooBig = Callable[[int, int], None]
"""Called with a sequence number and the next hop's MTU as a router said it, 0 when it said none."""


class EchoSocket:
    """Sends echoes from `source` to `destination` out of `device`, and hears their answers alone.

    Raises OSError when the device is gone or the address cannot be bound.
    """

    def __init__(
        self, device: str, source: IPv4Address, destination: IPv4Address, answered: Answered, too_big: TooBig
    ) -> None:
        self._answered, self._too_big = answered, too_big
        self._identifier = random.randrange(1, 0x10000)
        self._sizes: dict[int, int] = {}
        self.socket = socket.socket(
            socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP
        )
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            self.socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", _ONLY_REPLIES))
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            # DF on every packet, and no heed to what the kernel believes of the path: that is on test.
            self.socket.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
            self.socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            self.socket.bind((str(source), 0))
            # From here on others' packets are not even queued.
            self.socket.connect((str(destination), 0))
        except OSError:
            self.socket.close()
            raise
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def send(self, size: int, sequence: int) -> bool:
        """One echo of `size` octets, IP header included; False when it is too big for the device.

        What cannot be sent for another reason is lost, as on the way.
        """
        body = bytes(max(0, size - _IP_HEADER - _HEADER.size))
        head = _HEADER.pack(_ECHO, 0, 0, self._identifier, sequence)
        head = _HEADER.pack(_ECHO, 0, checksum(head + body), self._identifier, sequence)
        self._sizes[sequence] = size
        while len(self._sizes) > 64:
            del self._sizes[next(iter(self._sizes))]
        for _ in range(2):
            try:
                self.socket.send(head + body)
                return True
            except OSError as error:
                # The ICMP error of an earlier probe may be reported here: it is read, and this one sent again.
                if error.errno == errno.EMSGSIZE and not self._read_errors():
                    return False
        return True

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _readable(self) -> None:
        for _ in range(_BATCH):
            try:
                # The padding is of no interest, the true length is.
                packet = bytearray(_IP_HEADER + 40 + _HEADER.size)
                size = self.socket.recv_into(packet, 0, socket.MSG_TRUNC)
            except BlockingIOError:
                return
            except OSError:
                self._read_errors()
                continue
            self._take(bytes(packet), size)
            if self.socket.fileno() < 0:
                return

    def _take(self, packet: bytes, size: int) -> None:
        header = 4 * (packet[0] & 0x0F)
        if not _IP_HEADER <= header <= size - _HEADER.size:
            return
        kind, _, _, identifier, sequence = _HEADER.unpack_from(packet, header)
        mine = kind == _ECHO_REPLY and identifier == self._identifier
        if mine and self._sizes.get(sequence) == size:
            del self._sizes[sequence]
            self._answered(sequence)

    def _read_errors(self) -> bool:
        """Whether ICMP errors were queued; "fragmentation needed" about a probe of ours is passed on."""
        found = False
        for _ in range(_BATCH):
            try:
                quoted, ancillary, _, _ = self.socket.recvmsg(512, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            for level, kind, data in ancillary:
                if level != socket.IPPROTO_IP or kind != _IP_RECVERR or len(data) < _ERROR.size:
                    continue
                number, origin, _, _, _, mtu, _ = _ERROR.unpack_from(data)
                found = found or origin == _ORIGIN_ICMP
                if number == errno.EMSGSIZE and origin == _ORIGIN_ICMP:
                    self._quoted(quoted, mtu)
        return found

    def _quoted(self, packet: bytes, mtu: int) -> None:
        """An ICMP error quotes what it is about: a sequence number of ours, or it is somebody's invention."""
        for start in (0, 4 * (packet[0] & 0x0F) if packet else 0):
            if len(packet) >= start + _HEADER.size:
                kind, _, _, identifier, sequence = _HEADER.unpack_from(packet, start)
                if (kind, identifier) == (_ECHO, self._identifier) and self._sizes.pop(sequence, 0):
                    # Not in the middle of a send.
                    asyncio.get_running_loop().call_soon(self._too_big, sequence, mtu)
                    return


def learnt_mtu(device: str, source: IPv4Address, destination: IPv4Address) -> int | None:
    """What the kernel believes of this path now, from ICMP errors or its routes; None when it has no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sock.bind((str(source), 0))
        sock.connect((str(destination), 9))
        return sock.getsockopt(socket.IPPROTO_IP, _IP_MTU)
    return None
