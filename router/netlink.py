"""A synchronous NETLINK_ROUTE socket, beside any event loop.

Messages are pyroute2's; the socket is plain, for two reasons: pyroute2's
blocking `IPRoute` drives an event loop of its own since 0.9 and refuses to
work inside ours, and its sockets hide who sent a message, which matters:
anybody may send to a netlink port (CVE-2010-2522).  A request and its answer
take a fraction of a millisecond.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from router.rtnl import fibmsg, ifaddrmsg, ifinfmsg, ndmsg, rtmsg

__all__ = ["Netlink", "NetlinkError", "Request", "fibmsg", "ifaddrmsg", "ifinfmsg", "ndmsg", "parse", "rtmsg"]

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
GROUP_LINK, GROUP_IPV4_IFADDR, GROUP_IPV4_ROUTE, GROUP_IPV4_RULE = 0x1, 0x10, 0x40, 0x80

_HEADER = struct.Struct("=IHHII")
_ERROR, _DONE = 2, 3
_CLASSES: dict[int, type[Any]] = {
    **dict.fromkeys((RTM_NEWLINK, RTM_DELLINK), ifinfmsg),
    **dict.fromkeys((RTM_NEWADDR, RTM_DELADDR), ifaddrmsg),
    **dict.fromkeys((RTM_NEWROUTE, RTM_DELROUTE), rtmsg),
    **dict.fromkeys((RTM_NEWNEIGH, RTM_DELNEIGH), ndmsg),
    **dict.fromkeys((RTM_NEWRULE, RTM_DELRULE), fibmsg),
}
_RECEIVE = 1 << 18
_AT_ONCE = 128
"""Messages in one call: if each is refused, the answers still fit into what a socket holds by default."""
_EVENT_BUFFER = 1 << 22
_SO_RCVBUFFORCE = 33


Request = tuple[bytes, int, int]
"""Body, kind and flags of a message."""


class NetlinkError(OSError):
    """The kernel refused a request; `errno` says why."""


class Netlink:
    """One socket; `groups` subscribes to events (then use `events`, not requests)."""

    def __init__(self, groups: int = 0) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        if groups:
            _widen(self.socket)
        self.socket.bind((0, groups))
        self._sequence = 0
        self._room = bytearray(_RECEIVE)
        self.foreign_messages = 0

    def close(self) -> None:
        self.socket.close()

    def request(self, message: Any, kind: int, flags: int = 0) -> None:
        """Send `message` and wait for the kernel's acknowledgement.  Raises NetlinkError."""
        self._send(message, kind, flags | NLM_F_ACK)
        for found, body in self._answers():
            if found == _ERROR:
                _raise(body)
                return

    def batch(self, requests: Sequence[Request]) -> None:
        """Send (body, kind, flags) messages at once, and wait until the last is done.

        The kernel goes through them in order, also past one that it refuses.
        Raises NetlinkError, the first one's.
        """
        refused = self.attempt(requests)
        if refused:
            code = refused[min(refused)]
            raise NetlinkError(code, os.strerror(code))

    def attempt(self, requests: Sequence[Request]) -> dict[int, int]:
        """As `batch`, but says what was refused: the error number by place in `requests`."""
        refused: dict[int, int] = {}
        for start in range(0, len(requests), _AT_ONCE):
            for place, code in self._attempt(requests[start : start + _AT_ONCE]):
                refused[start + place] = code
        return refused

    def _attempt(self, requests: Sequence[Request]) -> Iterator[tuple[int, int]]:
        """Errors come unasked: only the last message needs an acknowledgement, to tell where they end."""
        first = number = self._sequence + 1
        last = self._sequence = self._sequence + len(requests)
        parts: list[bytes] = []
        for body, kind, flags in requests:
            flags |= NLM_F_REQUEST | NLM_F_ACK if number == last else NLM_F_REQUEST
            parts += (_HEADER.pack(_HEADER.size + len(body), kind, flags, number, 0), body)
            if len(body) & 3:
                parts.append(bytes(-len(body) % 4))
            number += 1
        self.socket.sendto(b"".join(parts), (0, 0))
        for found, body in self._answers(first):
            if found == _ERROR:
                number, code = struct.unpack_from("=8xI4xi", body)
                if code:
                    yield number - first, -code
                if number == last:
                    return

    def dump_octets(self, body: bytes, kind: int) -> list[bytes]:
        """All objects of a kind as they come, behind their netlink headers.  Raises NetlinkError."""
        self._sequence += 1
        header = (_HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, self._sequence, 0)
        self.socket.sendto(_HEADER.pack(*header) + body, (0, 0))
        result: list[bytes] = []
        for found, content in self._answers():
            if found == _ERROR:
                _raise(content)
            if found == _DONE:
                break
            result.append(content[_HEADER.size :])
        return result

    @property
    def port(self) -> int:
        """What the kernel calls this socket: events it caused carry it."""
        return int(self.socket.getsockname()[0])

    def dump(self, message: Any, kind: int) -> list[Any]:
        """All objects of a kind, parsed; those a newer kernel describes unparsably are left out."""
        self._send(message, kind, NLM_F_DUMP)
        result: list[Any] = []
        for found, body in self._answers():
            if found == _ERROR:
                _raise(body)
            if found == _DONE:
                return result
            parsed = parse(found, body)
            if parsed is not None:
                result.append(parsed)
        return result

    def events(self) -> list[Any]:
        """Events that wait; raises OSError (ENOBUFS) when some were lost and a resync is due."""
        return [item for kind, octets in self.raw_events() if (item := parse(kind, octets)) is not None]

    def raw_events(self) -> list[tuple[int, bytes]]:
        """Kind and octets, header and all, of the events that wait: parsing takes long.  Raises as `events`."""
        result: list[tuple[int, bytes]] = []
        while True:
            try:
                size, (port, _) = self.socket.recvfrom_into(self._room, 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return result
            if port != 0:
                self.foreign_messages += 1
                continue
            result += [(kind, octets) for kind, _, octets in _split(self._room, size)]

    def _send(self, message: Any, kind: int, flags: int) -> None:
        self._sequence += 1
        header = message["header"]
        header["type"], header["flags"] = kind, flags | NLM_F_REQUEST
        header["sequence_number"], header["pid"] = self._sequence, 0
        message.reset()
        message.encode()
        self.socket.sendto(bytes(message.data), (0, 0))

    def _answers(self, first: int | None = None) -> Iterator[tuple[int, bytes]]:
        """What the kernel says to the last request, or to all from `first` on."""
        least = self._sequence if first is None else first
        while True:
            size, (port, _) = self.socket.recvfrom_into(self._room)
            if port != 0:
                self.foreign_messages += 1
                continue
            for kind, sequence, body in _split(self._room, size):
                if least <= sequence <= self._sequence:
                    yield kind, body


def _widen(sock: socket.socket) -> None:
    """Room for a burst of events: beyond what the system allows anybody, if we may."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _EVENT_BUFFER)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _EVENT_BUFFER)


def _split(room: bytearray, size: int) -> Iterator[tuple[int, int, bytes]]:
    """Kind, sequence number and octets of the messages in the first `size` octets."""
    offset = 0
    while offset + _HEADER.size <= size:
        length, kind, _, sequence, _ = _HEADER.unpack_from(room, offset)
        if length < _HEADER.size or offset + length > size:
            return
        yield kind, sequence, bytes(room[offset : offset + length])
        offset += (length + 3) & ~3


def parse(kind: int, body: bytes) -> Any | None:
    """One message, header and all, as pyroute2 has it; None for a kind we know nothing of."""
    parser = _CLASSES.get(kind)
    if parser is None:
        return None
    message = parser(body)
    message.decode()
    return message


def _raise(body: bytes) -> None:
    (code,) = struct.unpack_from("=i", body, _HEADER.size)
    if code:
        raise NetlinkError(-code, os.strerror(-code))
