"""The kernel's table of connections: read piece by piece, and connections moved to another path.

A dump is the kernel's to go on with: it hands over as much as is asked for,
and waits.  So a look at 20,000 connections is spread over as many turns of the
event loop as it takes.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from router.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkError
from router.plane.conntrack_messages import DUMP, MOVE, Entry, Shapes, dump_request, move_request

__all__ = ["Conntrack"]

_NETFILTER = 12
_HEADER = struct.Struct("=IHHII")
_NEW, _ERROR, _DONE = 1 << 8 | 0, 2, 3
_RECEIVE = 1 << 16
_TIMEOUT = 2.0


class Conntrack:
    """One network namespace's connections.  `close()` last.  Raises OSError where the kernel has none."""

    def __init__(self) -> None:
        self._dumping: socket.socket | None = None
        self._asking = _open()
        self._asking.settimeout(_TIMEOUT)
        self._room = bytearray(_RECEIVE)
        self._shapes = Shapes()
        self._sequence = 0
        self.counters = {"conntrack_unmoved": 0}

    def close(self) -> None:
        self._asking.close()
        self._end()

    def begin(self) -> None:
        """Start over, at the table's beginning.  Raises OSError."""
        self._end()
        self._dumping = _open()
        self._sequence += 1
        self._dumping.sendto(_message(DUMP, NLM_F_DUMP, self._sequence, dump_request()), (0, 0))

    @property
    def reading(self) -> bool:
        """Whether there is more to `read`."""
        return self._dumping is not None

    def read(self, most: int, mask: int) -> list[Entry]:
        """The next connections whose mark has a bit of `mask`: about as many as `most` entries of the table hold.

        Connections that come or go meanwhile may be missed, and come with the
        next look.  Raises OSError; the look is over then.
        """
        found: list[Entry] = []
        seen = 0
        while self._dumping is not None and seen < most:
            seen += self._read(self._dumping, mask, found)
        return found

    def move(self, key: bytes, mark: int, mask: int) -> bool:
        """Give a connection these bits of its mark; False when it is gone, or the kernel will not."""
        self._sequence += 1
        try:
            self._asking.sendto(
                _message(MOVE, NLM_F_ACK, self._sequence, move_request(key, mark, mask)), (0, 0)
            )
            done = self._acknowledged()
        except OSError:
            done = False
        self.counters["conntrack_unmoved"] += not done
        return done

    def _acknowledged(self) -> bool:
        while True:
            data, (port, _) = self._asking.recvfrom(_RECEIVE)
            _, kind, _, sequence, _ = _HEADER.unpack_from(data)
            if port == 0 and kind == _ERROR and sequence == self._sequence:
                return bool(struct.unpack_from("=i", data, _HEADER.size)[0] == 0)

    def _read(self, sock: socket.socket, mask: int, found: list[Entry]) -> int:
        try:
            size, (port, _) = sock.recvfrom_into(self._room, 0, socket.MSG_DONTWAIT)
        except OSError:
            self._end()
            raise
        if port != 0:
            return 0
        room, unpack, entry = self._room, _HEADER.unpack_from, self._shapes.entry
        offset, count = 0, 0
        while offset + _HEADER.size <= size:
            length, kind, _, _, _ = unpack(room, offset)
            if length < _HEADER.size or offset + length > size:
                break
            if kind == _NEW:
                one = entry(room, offset, length)
                if one is not None and one[1] & mask:
                    found.append(one)
                count += 1
            elif kind in (_DONE, _ERROR):
                self._end()
                (code,) = struct.unpack_from("=i", room, offset + _HEADER.size)
                if code < 0 and -code != errno.EINTR:
                    raise NetlinkError(-code, os.strerror(-code))
                break
            offset += (length + 3) & ~3
        return count

    def _end(self) -> None:
        """A dump that is not wanted any more ends with its socket."""
        if self._dumping is not None:
            self._dumping.close()
            self._dumping = None


def _open() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER)


def _message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST | flags, sequence, 0) + body
