"""Netlink attributes in octets: for the few messages that are written out by hand."""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["attribute", "attributes", "nest", "text", "u8", "u16", "u16_be", "u32", "u32_be"]

_HEADER = struct.Struct("=HH")
_NESTED = 0x8000
_TYPE = 0x3FFF
"""Without the flags for nested attributes and for network byte order."""


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four octets."""
    length = _HEADER.size + len(value)
    return _HEADER.pack(length, kind) + value + bytes(-length % 4)


def nest(kind: int, *inner: bytes) -> bytes:
    """An attribute of attributes."""
    return attribute(kind | _NESTED, b"".join(inner))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def u8(kind: int, value: int) -> bytes:
    return attribute(kind, bytes((value,)))


def u16(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=H", value))


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def u16_be(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!H", value))


def u32_be(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!I", value))


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, value) of each attribute; what is cut off at the end is left out."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind & _TYPE, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3
