"""Connections as ctnetlink says them: octets in, plain tuples out, and the one change that is made to them.

By hand: a table of 20,000 connections is read again and again, and each takes
a microsecond this way.  Messages of one length nearly always have their
attributes in the same places; a *shape* remembers these, and checks their
headers before it believes what stands behind them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import NamedTuple

from router.attributes import attributes, nest, u32_be

__all__ = ["DUMP", "MOVE", "Entry", "FiveTuple", "Shapes", "dump_request", "five_tuple", "move_request"]

# <linux/netfilter/nfnetlink.h> and nfnetlink_conntrack.h.
MOVE, DUMP = 1 << 8 | 0, 1 << 8 | 1
_GENERIC = struct.pack("!BBH", 2, 0, 0)
_ATTRIBUTES = 20
"""Where they begin: behind struct nlmsghdr and struct nfgenmsg."""
_TUPLE, _PROTOCOL_INFO, _MARK, _ORIGINAL, _REPLY, _MARK_MASK = 1, 4, 8, 9, 10, 21
_BYTES, _OF_TCP, _STATE, _ESTABLISHED = 2, 1, 1, 3
_IP, _PROTOCOL, _SOURCE, _DESTINATION = 1, 2, 1, 2
_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_HEADER = struct.Struct("=HH")
_TYPE = 0x3FFF

Entry = tuple[bytes, int, int, int, bool]
"""The original direction's addresses and ports as the kernel says them (see `five_tuple`), the connection's mark, the
octets in that direction and in the other, and whether one side has closed it (TCP)."""


class FiveTuple(NamedTuple):
    """A connection as its first packet had it; ports are 0 where the protocol has none."""

    protocol: int
    source: IPv4Address
    destination: IPv4Address
    source_port: int
    destination_port: int


def dump_request() -> bytes:
    """The body that asks for all IPv4 connections."""
    return _GENERIC


def move_request(key: bytes, mark: int, mask: int) -> bytes:
    """The body that gives the connection these bits of its mark."""
    return _GENERIC + nest(_TUPLE, key) + u32_be(_MARK, mark) + u32_be(_MARK_MASK, mask)


def five_tuple(key: bytes) -> FiveTuple | None:
    """None for what is no connection of IPv4."""
    found = dict(attributes(key))
    addresses, ports = dict(attributes(found.get(_IP, b""))), dict(attributes(found.get(_PROTOCOL, b"")))
    source, destination = addresses.get(_SOURCE, b""), addresses.get(_DESTINATION, b"")
    if len(source) != 4 or len(destination) != 4 or len(ports.get(_NUMBER, b"")) != 1:
        return None
    return FiveTuple(
        ports[_NUMBER][0],
        IPv4Address(source),
        IPv4Address(destination),
        int.from_bytes(ports.get(_SOURCE_PORT, b""), "big"),
        int.from_bytes(ports.get(_DESTINATION_PORT, b""), "big"),
    )


class Shapes:
    """Reads messages, header and all; the faster, the fewer shapes there are."""

    def __init__(self) -> None:
        self._known: dict[int, _Shape] = {}

    def entry(self, data: bytearray, offset: int, length: int) -> Entry | None:
        """The connection that the message at `offset` tells of; None for one without mark or counters."""
        shape = self._known.get(length)
        if shape is not None:
            values = shape.layout.unpack_from(data, offset)
            if values[::2] != shape.headers:
                shape = None
        if shape is None:
            shape = _shape(bytes(data[offset : offset + length]))
            if shape is None:
                return None
            self._known[length] = shape
            values = shape.layout.unpack_from(data, offset)
        key, mark, original, reply, state = shape.order
        closing = state >= 0 and values[state] > _ESTABLISHED
        return values[key], values[mark], values[original], values[reply], closing


class _Shape(NamedTuple):
    layout: struct.Struct
    """A header and a value, and again, as they stand in the message."""
    headers: tuple[bytes, ...]
    order: tuple[int, int, int, int, int]
    """Which of these is the tuple, mark, octets and octets back, and TCP's state; -1: it has none."""


def _shape(message: bytes) -> _Shape | None:
    places: dict[int, tuple[int, int]] = {}
    for kind, start, end in _places(message, _ATTRIBUTES, len(message)):
        if kind in (_TUPLE, _MARK):
            places[kind] = start, end
        elif kind in (_ORIGINAL, _REPLY, _PROTOCOL_INFO):
            path = (_OF_TCP, _STATE) if kind == _PROTOCOL_INFO else (_BYTES,)
            found = _inside(message, (start, end), path)
            if found is not None:
                places[kind] = found
    text, at, kinds = ">", 0, sorted(places, key=lambda kind: places[kind])
    for kind in kinds:
        start, end = places[kind]
        width = f"{end - start}s" if kind == _TUPLE else {1: "B", 4: "I", 8: "Q"}.get(end - start)
        if width is None:
            return None
        text += f"{start - 4 - at}x4s{width}"
        at = end
    if not places.keys() >= {_TUPLE, _MARK, _ORIGINAL, _REPLY}:
        return None
    order = [
        2 * kinds.index(kind) + 1 if kind in places else -1
        for kind in (_TUPLE, _MARK, _ORIGINAL, _REPLY, _PROTOCOL_INFO)
    ]
    headers = tuple(message[places[kind][0] - 4 : places[kind][0]] for kind in kinds)
    return _Shape(struct.Struct(text), headers, (order[0], order[1], order[2], order[3], order[4]))


def _inside(message: bytes, place: tuple[int, int], path: tuple[int, ...]) -> tuple[int, int] | None:
    """Where an attribute stands within another, and within that."""
    for wanted in path:
        found = next((item for item in _places(message, *place) if item[0] == wanted), None)
        if found is None:
            return None
        place = found[1:]
    return place


def _places(message: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Type, begin and end of the value of each attribute."""
    while start + _HEADER.size <= end:
        length, kind = _HEADER.unpack_from(message, start)
        if length < _HEADER.size or start + length > end:
            return
        yield kind & _TYPE, start + _HEADER.size, start + length
        start += (length + 3) & ~3
