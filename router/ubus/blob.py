"""Blobs and blobmsg tables, as ubus carries them: values to octets and back.

An attribute is a word (big endian) and data: bit 31 of the word says that data begins with a name, seven bits are the
id, 24 bits the length, word included.  The next attribute begins at a multiple of four octets.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = [
    "ARRAY",
    "BOOL",
    "INT32",
    "STRING",
    "TABLE",
    "WireError",
    "attribute",
    "attributes",
    "pack",
    "table",
    "unpack",
]

UNSPECIFIED, ARRAY, TABLE, STRING, INT64, INT32, INT16, BOOL, DOUBLE = range(9)
"""Ids of blobmsg attributes: the types of their values."""
_NAMED = 0x80000000
_LENGTH = 0xFFFFFF
_MAX_ID = 0x7F
_DEPTH = 32
_WORD = struct.Struct(">I")
_NAME_LENGTH = struct.Struct(">H")
_NUMBERS = {INT64: struct.Struct(">q"), INT32: struct.Struct(">i"), INT16: struct.Struct(">h"), DOUBLE: struct.Struct(">d")}  # fmt: skip


class WireError(Exception):
    """Octets that are no blob, or a value that no blob can hold."""


def attribute(number: int, data: bytes, *, named: bool = False) -> bytes:
    """One attribute, filled up to a multiple of four octets."""
    length = _WORD.size + len(data)
    if length > _LENGTH:
        raise WireError(f"an attribute has {_LENGTH} octets at most, not {length}")
    return _padded(_WORD.pack((_NAMED if named else 0) | number << 24 | length) + data)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Ids and data of the attributes in `data`.  Raises WireError where they do not fit into it."""
    place = 0
    while place < len(data):
        if len(data) - place < _WORD.size:
            raise WireError(f"{len(data) - place} octets behind the last attribute")
        (word,) = _WORD.unpack_from(data, place)
        length = word & _LENGTH
        if not _WORD.size <= length <= len(data) - place:
            raise WireError(f"an attribute of {length} octets where {len(data) - place} are left")
        yield word >> 24 & _MAX_ID, data[place + _WORD.size : place + length]
        place += _up(length)


def pack(name: str, value: Any, depth: int = 0) -> bytes:
    """A blobmsg attribute.  Whole numbers take 32 bits where they fit, else 64.  Raises WireError."""
    kind, data = _encoded(value, depth)
    text = name.encode("utf-8", "surrogateescape")
    if len(text) > 0xFFFF:
        raise WireError("a name has 65535 octets at most")
    return attribute(kind, _padded(_NAME_LENGTH.pack(len(text)) + text + b"\0") + data, named=True)


def table(values: Mapping[str, Any]) -> bytes:
    """The inside of a table: its attributes one after the other."""
    return b"".join(pack(str(name), value) for name, value in values.items())


def unpack(data: bytes) -> dict[str, Any]:
    """What `table` made.  Of names that come twice the last counts.  Raises WireError."""
    return dict(_items(data, 0))


def _encoded(value: Any, depth: int) -> tuple[int, bytes]:
    if depth > _DEPTH:
        raise WireError(f"values lie more than {_DEPTH} deep in each other")
    if value is None:
        return UNSPECIFIED, b""
    if isinstance(value, bool):
        return BOOL, bytes((value,))
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return DOUBLE, _NUMBERS[DOUBLE].pack(value)
    if isinstance(value, str):
        return STRING, value.replace("\0", "").encode("utf-8", "surrogateescape") + b"\0"
    if isinstance(value, Mapping):
        return TABLE, b"".join(pack(str(name), item, depth + 1) for name, item in value.items())
    if isinstance(value, Iterable):
        return ARRAY, b"".join(pack("", item, depth + 1) for item in value)
    raise WireError(f"a {type(value).__name__} is nothing that ubus carries")


def _whole(value: int) -> tuple[int, bytes]:
    for kind, bits in ((INT32, 32), (INT64, 64)):
        if -1 << bits - 1 <= value < 1 << bits - 1:
            return kind, _NUMBERS[kind].pack(value)
    raise WireError(f"{value} has more than 64 bits")


def _items(data: bytes, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > _DEPTH:
        raise WireError(f"values lie more than {_DEPTH} deep in each other")
    for kind, inside in attributes(data):
        if len(inside) < _NAME_LENGTH.size + 1:
            raise WireError("a value without a name")
        (length,) = _NAME_LENGTH.unpack_from(inside)
        begin = _up(_NAME_LENGTH.size + length + 1)
        if begin > _up(len(inside)) or _NAME_LENGTH.size + length >= len(inside):
            raise WireError(f"a name of {length} octets in a value of {len(inside)}")
        name = _text(inside[_NAME_LENGTH.size : _NAME_LENGTH.size + length])
        yield name, _decoded(kind, inside[begin:], depth)


def _decoded(kind: int, data: bytes, depth: int) -> Any:
    if kind == STRING:
        return _text(data.partition(b"\0")[0])
    if kind == TABLE:
        return dict(_items(data, depth + 1))
    if kind == ARRAY:
        return [value for _, value in _items(data, depth + 1)]
    if kind == BOOL and data:
        return bool(data[0])
    if kind in _NUMBERS:
        if len(data) != _NUMBERS[kind].size:
            raise WireError(f"a number of type {kind} in {len(data)} octets")
        return _NUMBERS[kind].unpack(data)[0]
    if kind == UNSPECIFIED:
        return None
    raise WireError(f"a value of type {kind} with {len(data)} octets")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _up(length: int) -> int:
    return length + 3 & ~3


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
