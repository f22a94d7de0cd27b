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
_TUPLE, _MARK, _ORIGINAL, _REPLY, _MARK_MASK = 1, 8, 9, 10, 21
_BYTES = 2
_IP, _PROTOCOL, _SOURCE, _DESTINATION = 1, 2, 1, 2
_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_HEADER = struct.Struct("=HH")
_TYPE = 0x3FFF

Entry = tuple[bytes, int, int, int]
"""The original direction's addresses and ports as the kernel says them (see `five_tuple`), the connection's mark, and
the octets in that direction and in the other; both 0 where they are not counted."""


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
        self._known: dict[int, tuple[struct.Struct, tuple[bytes, ...]]] = {}

    def entry(self, data: bytearray, offset: int, length: int) -> Entry | None:
        """The connection that the message at `offset` tells of; None for one without mark or counters."""
        known = self._known.get(length)
        if known is not None:
            layout, headers = known
            one, key, two, mark, three, original, four, reply = layout.unpack_from(data, offset)
            if (one, two, three, four) == headers:
                return key, mark, original, reply
        found = _layout(bytes(data[offset : offset + length]))
        if found is None:
            return None
        self._known[length] = found
        _, key, _, mark, _, original, _, reply = found[0].unpack_from(data, offset)
        return key, mark, original, reply


def _layout(message: bytes) -> tuple[struct.Struct, tuple[bytes, ...]] | None:
    """Where tuple, mark and octets stand, with the headers before them."""
    places: dict[int, tuple[int, int]] = {}
    for kind, start, end in _places(message, _ATTRIBUTES, len(message)):
        if kind in (_ORIGINAL, _REPLY):
            inner = {inside: (begin, stop) for inside, begin, stop in _places(message, start, end)}
            if _BYTES in inner:
                places[kind] = inner[_BYTES]
        elif kind in (_TUPLE, _MARK):
            places[kind] = start, end
    wanted = (_TUPLE, _MARK, _ORIGINAL, _REPLY)
    if not places.keys() >= set(wanted):
        return None
    text, at = ">", 0
    for kind in wanted:
        start, end = places[kind]
        if start - 4 < at:
            return None
        size = {_TUPLE: f"{end - start}s", _MARK: "I"}.get(kind, "Q")
        if kind != _TUPLE and end - start != struct.calcsize(f">{size}"):
            return None
        text += f"{start - 4 - at}x4s{size}"
        at = end
    headers = tuple(message[places[kind][0] - 4 : places[kind][0]] for kind in wanted)
    return struct.Struct(text), headers


def _places(message: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Type, begin and end of the value of each attribute."""
    while start + _HEADER.size <= end:
        length, kind = _HEADER.unpack_from(message, start)
        if length < _HEADER.size or start + length > end:
            return
        yield kind & _TYPE, start + _HEADER.size, start + length
        start += (length + 3) & ~3
