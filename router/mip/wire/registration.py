"""Registration Request and Reply (RFC 5944 sections 3.3 and 3.4)."""

from __future__ import annotations

from ipaddress import IPv4Address
from struct import Struct
from typing import NamedTuple, TypeVar

from router.mip.wire.extension import Extension
from router.mip.wire.numbers import MessageType

__all__ = [
    "REPLY_SIZE",
    "REQUEST_SIZE",
    "RESERVED",
    "B",
    "D",
    "G",
    "M",
    "RegistrationReply",
    "RegistrationRequest",
    "S",
    "T",
]

S, B, D, M, G, T = 0x80, 0x40, 0x20, 0x10, 0x08, 0x02
"""Flags of a request, by the letters of RFC 5944 section 3.3."""
RESERVED = 0x05
"""Bits r and x: sent as zero."""

_REQUEST = Struct("!BBH4s4s4sQ")
_REPLY = Struct("!BBH4s4sQ")
REQUEST_SIZE, REPLY_SIZE = _REQUEST.size, _REPLY.size

E = TypeVar("E")


class RegistrationRequest(NamedTuple):
    """RFC 5944 section 3.3."""

    lifetime: int
    """Seconds; 0 de-registers, 0xffff is without end."""
    home_address: IPv4Address
    home_agent: IPv4Address
    care_of_address: IPv4Address
    identification: int
    """64 bits."""
    flags: int = D | T
    extensions: tuple[Extension, ...] = ()

    @property
    def simultaneous(self) -> bool:
        return bool(self.flags & S)

    @property
    def decapsulation(self) -> bool:
        """D: the care-of address is co-located, the mobile node decapsulates itself."""
        return bool(self.flags & D)

    @property
    def gre(self) -> bool:
        return bool(self.flags & G)

    @property
    def reverse_tunnel(self) -> bool:
        return bool(self.flags & T)

    def find(self, kind: type[E]) -> E | None:
        """The first extension of class `kind`, or None."""
        for item in self.extensions:
            if isinstance(item, kind):
                return item
        return None

    def all(self, kind: type[E]) -> list[E]:
        return [item for item in self.extensions if isinstance(item, kind)]

    def encode(self) -> bytes:
        """The fixed part, and the extensions in their order."""
        fixed = _REQUEST.pack(
            MessageType.REGISTRATION_REQUEST,
            self.flags,
            self.lifetime,
            self.home_address.packed,
            self.home_agent.packed,
            self.care_of_address.packed,
            self.identification,
        )
        return fixed + b"".join([extension.encode() for extension in self.extensions])

    @classmethod
    def decode(cls, data: bytes, extensions: tuple[Extension, ...]) -> RegistrationRequest:
        _, flags, lifetime, home, agent, care_of, identification = _REQUEST.unpack_from(data)
        return cls(
            lifetime,
            IPv4Address(home),
            IPv4Address(agent),
            IPv4Address(care_of),
            identification,
            flags,
            extensions,
        )


class RegistrationReply(NamedTuple):
    """RFC 5944 section 3.4."""

    code: int
    lifetime: int
    """Seconds granted; without meaning in a denial, but for code 69."""
    home_address: IPv4Address
    home_agent: IPv4Address
    identification: int
    extensions: tuple[Extension, ...] = ()

    def find(self, kind: type[E]) -> E | None:
        """The first extension of class `kind`, or None."""
        for item in self.extensions:
            if isinstance(item, kind):
                return item
        return None

    def all(self, kind: type[E]) -> list[E]:
        return [item for item in self.extensions if isinstance(item, kind)]

    def encode(self) -> bytes:
        """The fixed part, and the extensions in their order."""
        fixed = _REPLY.pack(
            MessageType.REGISTRATION_REPLY,
            self.code,
            self.lifetime,
            self.home_address.packed,
            self.home_agent.packed,
            self.identification,
        )
        return fixed + b"".join([extension.encode() for extension in self.extensions])

    @classmethod
    def decode(cls, data: bytes, extensions: tuple[Extension, ...]) -> RegistrationReply:
        _, code, lifetime, home, agent, identification = _REPLY.unpack_from(data)
        return cls(code, lifetime, IPv4Address(home), IPv4Address(agent), identification, extensions)
