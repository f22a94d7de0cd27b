"""Messages at UDP port 434, and the one way in: `decode` is total."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from struct import Struct
from typing import TypeVar

from router.mip.extension import LONG_FORMAT, PARSERS, Authentication, Extension, Malformed, Unknown
from router.mip.numbers import ExtensionType, MessageType

__all__ = ["Message", "Reason", "RegistrationReply", "RegistrationRequest", "Reject", "TunnelData", "decode"]

_REQUEST = Struct("!BBH4s4s4sQ")
_REPLY = Struct("!BBH4s4sQ")

_S, _B, _D, _M, _G, _T = 0x80, 0x40, 0x20, 0x10, 0x08, 0x02

E = TypeVar("E")


class Reason(Enum):
    """Why a datagram is no message; `value` names the counter."""

    EMPTY = "empty"
    UNKNOWN_MESSAGE = "unknown_message"
    TRUNCATED = "truncated"
    UNSKIPPABLE_EXTENSION = "unskippable_extension"


@dataclass(frozen=True)
class Reject:
    reason: Reason
    detail: str


@dataclass(frozen=True)
class _WithExtensions:
    def find(self, kind: type[E]) -> E | None:
        """The first extension of class `kind`, or None."""
        return next((item for item in self._extensions() if isinstance(item, kind)), None)

    def all(self, kind: type[E]) -> list[E]:
        return [item for item in self._extensions() if isinstance(item, kind)]

    def _extensions(self) -> tuple[Extension, ...]:
        raise TypeError("a message class without extensions")


@dataclass(frozen=True)
class RegistrationRequest(_WithExtensions):
    """RFC 5944 section 3.3.  `lifetime` is in seconds, `identification` 64 bits."""

    lifetime: int
    home_address: IPv4Address
    home_agent: IPv4Address
    care_of_address: IPv4Address
    identification: int
    simultaneous: bool = False
    broadcast: bool = False
    decapsulation: bool = True
    minimal: bool = False
    gre: bool = False
    reverse_tunnel: bool = True
    extensions: tuple[Extension, ...] = ()

    def encode(self) -> bytes:
        """Octets, with the extensions in their order."""
        fixed = _REQUEST.pack(
            MessageType.REGISTRATION_REQUEST,
            self._flags(),
            self.lifetime,
            self.home_address.packed,
            self.home_agent.packed,
            self.care_of_address.packed,
            self.identification,
        )
        return fixed + _encode_all(self.extensions)

    def _flags(self) -> int:
        pairs = (
            (self.simultaneous, _S),
            (self.broadcast, _B),
            (self.decapsulation, _D),
            (self.minimal, _M),
            (self.gre, _G),
            (self.reverse_tunnel, _T),
        )
        return sum(bit for flag, bit in pairs if flag)

    def _extensions(self) -> tuple[Extension, ...]:
        return self.extensions


@dataclass(frozen=True)
class RegistrationReply(_WithExtensions):
    """RFC 5944 section 3.4."""

    code: int
    lifetime: int
    home_address: IPv4Address
    home_agent: IPv4Address
    identification: int
    extensions: tuple[Extension, ...] = ()

    def encode(self) -> bytes:
        """Octets, with the extensions in their order."""
        fixed = _REPLY.pack(
            MessageType.REGISTRATION_REPLY,
            self.code,
            self.lifetime,
            self.home_address.packed,
            self.home_agent.packed,
            self.identification,
        )
        return fixed + _encode_all(self.extensions)

    def _extensions(self) -> tuple[Extension, ...]:
        return self.extensions


@dataclass(frozen=True)
class TunnelData:
    """RFC 3519 section 3.3: a packet of protocol `next_header` inside UDP."""

    next_header: int
    payload: bytes

    def encode(self) -> bytes:
        return bytes([MessageType.TUNNEL_DATA, self.next_header, 0, 0]) + self.payload


Message = RegistrationRequest | RegistrationReply | TunnelData


class _Bad(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        self.reject = Reject(reason, detail)


def decode(data: bytes) -> Message | Reject:
    """The message in one datagram, or why there is none.  Never raises."""
    if not data:
        return Reject(Reason.EMPTY, "no octets")
    try:
        if data[0] == MessageType.REGISTRATION_REQUEST:
            return _request(data)
        if data[0] == MessageType.REGISTRATION_REPLY:
            return _reply(data)
        if data[0] == MessageType.TUNNEL_DATA:
            return _tunnel_data(data)
    except _Bad as bad:
        return bad.reject
    return Reject(Reason.UNKNOWN_MESSAGE, f"message type {data[0]}")


def _request(data: bytes) -> RegistrationRequest:
    _need(data, _REQUEST.size)
    _, flags, lifetime, home, agent, care_of, identification = _REQUEST.unpack_from(data)
    # Bits r and x are ignored on reception (RFC 5944 section 3.3).
    return RegistrationRequest(
        lifetime,
        IPv4Address(home),
        IPv4Address(agent),
        IPv4Address(care_of),
        identification,
        bool(flags & _S),
        bool(flags & _B),
        bool(flags & _D),
        bool(flags & _M),
        bool(flags & _G),
        bool(flags & _T),
        tuple(_extensions(data, _REQUEST.size)),
    )


def _reply(data: bytes) -> RegistrationReply:
    _need(data, _REPLY.size)
    _, code, lifetime, home, agent, identification = _REPLY.unpack_from(data)
    extensions = tuple(_extensions(data, _REPLY.size))
    return RegistrationReply(
        code, lifetime, IPv4Address(home), IPv4Address(agent), identification, extensions
    )


def _tunnel_data(data: bytes) -> TunnelData:
    _need(data, 4)
    return TunnelData(data[1], data[4:])


def _extensions(data: bytes, offset: int) -> Iterator[Extension]:
    while offset < len(data):
        kind = data[offset]
        if kind == ExtensionType.PADDING:
            offset += 1
            continue
        body, end = _frame(data, offset, kind)
        parser = PARSERS.get(kind)
        if parser is None:
            if kind < 128:
                raise _Bad(Reason.UNSKIPPABLE_EXTENSION, f"extension type {kind} at octet {offset}")
            yield Unknown(kind, body)
        else:
            try:
                extension = parser(body)
            except ValueError as error:
                extension = Malformed(kind, body, str(error))
            if isinstance(extension, Authentication):
                extension = Authentication(kind, extension.spi, extension.authenticator, offset)
            yield extension
        offset = end


def _frame(data: bytes, offset: int, kind: int) -> tuple[bytes, int]:
    if kind in LONG_FORMAT:
        _need(data, offset + 4)
        start, length = offset + 4, int.from_bytes(data[offset + 2 : offset + 4], "big")
        _need(data, start + length)
        return data[offset + 1 : offset + 2] + data[start : start + length], start + length
    _need(data, offset + 2)
    start, length = offset + 2, data[offset + 1]
    _need(data, start + length)
    return data[start : start + length], start + length


def _need(data: bytes, length: int) -> None:
    if len(data) < length:
        raise _Bad(Reason.TRUNCATED, f"{len(data)} octets where {length} are needed")


def _encode_all(extensions: tuple[Extension, ...]) -> bytes:
    parts = []
    for extension in extensions:
        if isinstance(extension, Malformed):
            raise ValueError(f"extension type {extension.type} is malformed ({extension.why}): not sent on")
        parts.append(extension.encode())
    return b"".join(parts)
