"""Echoes with a chosen TTL out of one device: who answers, and who is on the way."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from ipaddress import IPv4Address
from typing import Any

from router.daemon.now import now
from router.mip.wire.checksum import checksum

__all__ = ["ping", "trace", "train"]

_ECHO, _ECHO_REPLY, _UNREACHABLE, _EXCEEDED = 8, 0, 3, 11
_ICMP = struct.Struct("!BBHHH")
_IP_HEADER = 20
_IP_RECVERR, _SO_MARK = 11, 36
_ERROR = struct.Struct("=IBBBBII")
"""struct sock_extended_err of <linux/errqueue.h>; behind it stands the sockaddr_in of who said it."""
_WAIT, _APART = 1.0, 0.2
_HOPS, _SILENT_HOPS = 30, 5
_TTL = 64
_TRAIN, _TRAIN_WAIT = 64, 2.0


class _Echo:
    """One socket for echoes from `source` to `destination`.  Raises OSError."""

    def __init__(self, device: str, source: IPv4Address, destination: IPv4Address, mark: int) -> None:
        self._identifier = random.randrange(1, 0x10000)
        self.socket = socket.socket(
            socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP
        )
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_MARK, mark)
            self.socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            self.socket.bind((str(source), 0))
            self.socket.connect((str(destination), 0))
        except OSError:
            self.socket.close()
            raise

    async def send(self, sequence: int, size: int, ttl: int) -> dict[str, Any]:
        """{ms, from, what}: what is `reply`, `exceeded`, `unreachable`, or None where nothing came."""
        body = bytes(max(0, size - _IP_HEADER - _ICMP.size))
        head = _ICMP.pack(_ECHO, 0, 0, self._identifier, sequence)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        sent = now().monotonic
        # An error about the echo before may be told here.
        with contextlib.suppress(OSError):
            self.socket.send(_ICMP.pack(_ECHO, 0, checksum(head + body), self._identifier, sequence) + body)
        heard: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        loop.add_reader(self.socket, self._readable, sequence, heard)
        try:
            what, whom = await asyncio.wait_for(heard, _WAIT)
        except TimeoutError:
            return {"ms": None, "from": None, "what": None}
        finally:
            loop.remove_reader(self.socket)
        return {"ms": round(1000 * (now().monotonic - sent), 1), "from": whom, "what": what}

    async def train(self, count: int, size: int) -> list[float]:
        """Send `count` echoes at once; when their answers came, monotonic."""
        loop, came = asyncio.get_running_loop(), list[float]()
        done = loop.create_future()
        body = bytes(size - _IP_HEADER - _ICMP.size)

        def readable() -> None:
            while len(came) < count:
                try:
                    packet = self.socket.recv(2048)
                except OSError:
                    return
                kind, _, _, identifier, _ = _ICMP.unpack_from(packet, 4 * (packet[0] & 0x0F))
                if kind == _ECHO_REPLY and identifier == self._identifier:
                    came.append(now().monotonic)
            if not done.done():
                done.set_result(None)

        loop.add_reader(self.socket, readable)
        try:
            for sequence in range(1, count + 1):
                head = _ICMP.pack(_ECHO, 0, 0, self._identifier, sequence)
                # A full queue is what is measured.
                with contextlib.suppress(OSError):
                    self.socket.send(
                        _ICMP.pack(_ECHO, 0, checksum(head + body), self._identifier, sequence) + body
                    )
            await asyncio.wait([done], timeout=_TRAIN_WAIT)
        finally:
            loop.remove_reader(self.socket)
        return came

    def _readable(self, sequence: int, heard: asyncio.Future[tuple[str, str]]) -> None:
        found = self._error(sequence) or self._reply(sequence)
        if found is not None and not heard.done():
            heard.set_result(found)

    def _reply(self, sequence: int) -> tuple[str, str] | None:
        try:
            packet, whence = self.socket.recvfrom(2048)
        except OSError:
            return None
        kind, _, _, identifier, number = _ICMP.unpack_from(packet, 4 * (packet[0] & 0x0F))
        mine = kind == _ECHO_REPLY and (identifier, number) == (self._identifier, sequence)
        return ("reply", str(whence[0])) if mine else None

    def _error(self, sequence: int) -> tuple[str, str] | None:
        try:
            quoted, ancillary, _, _ = self.socket.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return None
        if len(quoted) < _ICMP.size or _ICMP.unpack_from(quoted)[3:] != (self._identifier, sequence):
            return None
        for level, kind, data in ancillary:
            if level == socket.IPPROTO_IP and kind == _IP_RECVERR and len(data) >= _ERROR.size + 8:
                icmp_type = data[5]
                whom = socket.inet_ntoa(data[_ERROR.size + 4 : _ERROR.size + 8])
                word = {_EXCEEDED: "exceeded", _UNREACHABLE: "unreachable"}.get(icmp_type)
                return (word, whom) if word is not None else None
        return None


async def ping(
    ends: tuple[IPv4Address, IPv4Address], device: str, count: int, size: int, mark: int = 0
) -> list[dict[str, Any]]:
    """`count` echoes of `size` octets, IP header included; see `_Echo.send`.  Raises OSError."""
    echo, found = _Echo(device, *ends, mark), []
    try:
        for sequence in range(1, count + 1):
            found.append(await echo.send(sequence, size, _TTL))
            if sequence < count:
                await asyncio.sleep(_APART)
    finally:
        echo.socket.close()
    return found


async def trace(ends: tuple[IPv4Address, IPv4Address], device: str, mark: int = 0) -> list[dict[str, Any]]:
    """Hop by hop until the destination, or until five in a row say nothing.  Raises OSError."""
    echo, found = _Echo(device, *ends, mark), list[dict[str, Any]]()
    try:
        for ttl in range(1, _HOPS + 1):
            found.append(await echo.send(ttl, _IP_HEADER + _ICMP.size, ttl))
            silent = len(found) >= _SILENT_HOPS and all(hop["what"] is None for hop in found[-_SILENT_HOPS:])
            if found[-1]["what"] in ("reply", "unreachable") or silent:
                break
    finally:
        echo.socket.close()
    return found


async def train(ends: tuple[IPv4Address, IPv4Address], device: str, size: int, mark: int) -> int | None:
    """kbit/s of the thinner direction, by how far a train of 64 echoes is drawn out; None: too few came back.

    Of the answers the later half counts: the first may have passed by what a shaper had saved.  Raises OSError.
    """
    echo = _Echo(device, *ends, mark)
    try:
        came = await echo.train(_TRAIN, size)
    finally:
        echo.socket.close()
    late = came[len(came) // 2 :]
    if len(late) < _TRAIN // 8 or late[-1] == late[0]:
        return None
    return round((len(late) - 1) * 8 * size / (late[-1] - late[0]) / 1000)
