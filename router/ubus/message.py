"""Messages between ubusd and its clients: a header of eight octets, and a blob of attributes."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from router.ubus.blob import WireError, attribute, attributes, table, unpack

__all__ = ["MAX_MESSAGE", "Attr", "Framer", "Message", "Status", "Type", "encode", "signature"]

MAX_MESSAGE = 1 << 20
"""Octets; ubusd takes no more either."""
_HEADER = struct.Struct(">BBHI")
_WORD = struct.Struct(">I")
_LENGTH = 0xFFFFFF


class Type(IntEnum):
    HELLO = 0
    STATUS = 1
    DATA = 2
    PING = 3
    LOOKUP = 4
    INVOKE = 5
    ADD_OBJECT = 6
    REMOVE_OBJECT = 7
    SUBSCRIBE = 8
    UNSUBSCRIBE = 9
    NOTIFY = 10


class Attr(IntEnum):
    STATUS = 1
    OBJPATH = 2
    OBJID = 3
    METHOD = 4
    OBJTYPE = 5
    SIGNATURE = 6
    DATA = 7
    TARGET = 8
    ACTIVE = 9
    NO_REPLY = 10


class Status(IntEnum):
    OK = 0
    INVALID_COMMAND = 1
    INVALID_ARGUMENT = 2
    METHOD_NOT_FOUND = 3
    NOT_FOUND = 4
    NO_DATA = 5
    PERMISSION_DENIED = 6
    TIMEOUT = 7
    NOT_SUPPORTED = 8
    UNKNOWN = 9


_NUMBERS = (Attr.STATUS, Attr.OBJID, Attr.OBJTYPE, Attr.TARGET)
_TEXTS = (Attr.OBJPATH, Attr.METHOD)
_FLAGS = (Attr.ACTIVE, Attr.NO_REPLY)
_TABLES = (Attr.DATA, Attr.SIGNATURE)


@dataclass(frozen=True)
class Message:
    type: int
    sequence: int
    """Of the request; its answers have the same."""
    peer: int
    """The client or object at the other end."""
    values: Mapping[Attr, Any] = field(default_factory=dict)
    """Numbers, texts, flags and tables by attribute, None for a broken table; what is unknown is left out."""


def encode(kind: Type, sequence: int, peer: int, values: Mapping[Attr, Any]) -> bytes:
    """A message.  SIGNATURE is given as octets, DATA as a mapping.  Raises WireError."""
    blob = b"".join(attribute(int(name), _data(name, value)) for name, value in values.items())
    octets = _HEADER.pack(0, kind, sequence & 0xFFFF, peer & 0xFFFFFFFF) + attribute(0, blob)
    if len(octets) > MAX_MESSAGE:
        raise WireError(f"a message has {MAX_MESSAGE} octets at most, not {len(octets)}")
    return octets


def signature(methods: Mapping[str, Mapping[str, int]]) -> bytes:
    """Methods of an object, and the blobmsg types of their arguments, for ADD_OBJECT."""
    return table(methods)


def _data(name: Attr, value: Any) -> bytes:
    if name in _NUMBERS:
        return _WORD.pack(value & 0xFFFFFFFF)
    if name in _TEXTS:
        return str(value).encode("utf-8", "surrogateescape") + b"\0"
    if name in _FLAGS:
        return bytes((bool(value),))
    return bytes(value) if isinstance(value, bytes) else table(value)


class Framer:
    """Cuts a stream of octets into messages."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def feed(self, octets: bytes) -> Iterator[Message]:
        """The messages that are whole now.  Raises WireError: then the stream is lost for good."""
        self._octets += octets
        while len(self._octets) >= _HEADER.size + _WORD.size:
            (word,) = _WORD.unpack_from(self._octets, _HEADER.size)
            length = word & _LENGTH
            if not _WORD.size <= length <= MAX_MESSAGE:
                raise WireError(f"a message of {length} octets")
            end = _HEADER.size + length
            if len(self._octets) < end:
                return
            version, kind, sequence, peer = _HEADER.unpack_from(self._octets)
            if version != 0:
                raise WireError(f"version {version}")
            body = bytes(self._octets[_HEADER.size + _WORD.size : end])
            del self._octets[:end]
            yield Message(kind, sequence, peer, dict(_values(body)))


def _values(body: bytes) -> Iterator[tuple[Attr, Any]]:
    for number, data in attributes(body):
        if number in _TABLES:
            yield Attr(number), _table(data)
        elif number in _TEXTS:
            yield Attr(number), data.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        elif number in _NUMBERS:
            if len(data) != _WORD.size:
                raise WireError(f"{Attr(number).name} of {len(data)} octets")
            yield Attr(number), _WORD.unpack(data)[0]
        elif number in _FLAGS:
            yield Attr(number), any(data)


def _table(data: bytes) -> dict[str, Any] | None:
    """None for what another client wrote badly: ubusd hands that on as it is."""
    try:
        return unpack(data)
    except WireError:
        return None
