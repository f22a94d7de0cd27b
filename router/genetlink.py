"""Generic netlink on a plain socket: a request and its answer, a fraction of a millisecond each."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

from router.attributes import attributes, text
from router.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkError

__all__ = ["GenericNetlink"]

_NETLINK_GENERIC = 16
_HEADER = struct.Struct("=IHHII")
_GENERIC = struct.Struct("=BBxx")
_ERROR, _DONE = 2, 3
_CONTROLLER, _GET_FAMILY = 16, 3
_FAMILY_ID, _FAMILY_NAME = 1, 2
_TIMEOUT = 2.0
_RECEIVE = 1 << 16

Attributes = dict[int, bytes]


class GenericNetlink:
    """One family's socket; raises NetlinkError (ENOENT) where the kernel does not know `family`."""

    def __init__(self, family: str, version: int = 1) -> None:
        self._version = version
        self._sequence = 0
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_GENERIC
        )
        try:
            self._socket.settimeout(_TIMEOUT)
            self._socket.bind((0, 0))
            self._family = _CONTROLLER
            found = self.request(_GET_FAMILY, text(_FAMILY_NAME, family))
            (self._family,) = struct.unpack_from("=H", found[0][_FAMILY_ID])
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def request(self, command: int, body: bytes) -> list[Attributes]:
        """What the kernel says to a command.  Raises NetlinkError, and TimeoutError when it says nothing."""
        return list(self._ask(command, body, NLM_F_ACK))

    def dump(self, command: int, body: bytes = b"") -> list[Attributes]:
        """All objects of a kind.  Raises as `request` does."""
        return list(self._ask(command, body, NLM_F_DUMP))

    def _ask(self, command: int, body: bytes, flags: int) -> Iterator[Attributes]:
        self._sequence += 1
        message = _GENERIC.pack(command, self._version) + body
        header = (_HEADER.size + len(message), self._family, NLM_F_REQUEST | flags, self._sequence, 0)
        self._socket.sendto(_HEADER.pack(*header) + message, (0, 0))
        while True:
            data, (port, _) = self._socket.recvfrom(_RECEIVE)
            for kind, sequence, content in _split(data) if port == 0 else ():
                if sequence != self._sequence:
                    continue
                if kind in (_ERROR, _DONE):
                    (code,) = struct.unpack_from("=i", content)
                    if code:
                        raise NetlinkError(-code, os.strerror(-code))
                    return
                yield dict(attributes(content[_GENERIC.size :]))


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind, sequence, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3
