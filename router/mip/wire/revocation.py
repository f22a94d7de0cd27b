"""Registration revocation (RFC 3543 section 3): two messages and the extension that agrees on them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from struct import Struct
from typing import NamedTuple

from router.mip.wire.extension import Extension
from router.mip.wire.numbers import ExtensionType, MessageType

__all__ = ["Revocation", "RevocationAcknowledgment", "RevocationSupport", "parse_support"]

_SUPPORT = Struct("!BBHI")
_REVOCATION = Struct("!BBH4s4s4sI")
_ACKNOWLEDGMENT = Struct("!BBH4sI")
_AGENT, _INFORM = 0x8000, 0x4000
_SUPPORT_INFORM = _ACKNOWLEDGMENT_INFORM = 0x8000


@dataclass(frozen=True, slots=True)
class RevocationSupport:
    """Type 137: the sender takes revocations of this binding that are newer than `timestamp`."""

    timestamp: int
    """32 bits; seconds of the sender's clock in roamd."""
    inform: bool = False
    """I: the mobile node is to hear of a revocation."""

    def encode(self) -> bytes:
        flags = _SUPPORT_INFORM if self.inform else 0
        return _SUPPORT.pack(ExtensionType.REVOCATION_SUPPORT, 6, flags, self.timestamp)


class Revocation(NamedTuple):
    """Message type 7."""

    home_address: IPv4Address
    home_domain_address: IPv4Address
    foreign_domain_address: IPv4Address
    """The foreign agent's address, or the co-located care-of address."""
    identifier: int
    """32 bits: when the revocation was sent."""
    by_home_agent: bool = True
    """A: tells a home agent's message from one it sent itself, reflected."""
    inform: bool = False
    extensions: tuple[Extension, ...] = ()

    @property
    def subject(self) -> tuple[IPv4Address, IPv4Address, IPv4Address]:
        """Which binding it speaks of: home address, home domain address, foreign domain address."""
        return self[:3]

    def encode(self) -> bytes:
        """The fixed part, and the extensions in their order."""
        flags = (_AGENT if self.by_home_agent else 0) | (_INFORM if self.inform else 0)
        addresses = (
            self.home_address.packed,
            self.home_domain_address.packed,
            self.foreign_domain_address.packed,
        )
        fixed = _REVOCATION.pack(MessageType.REVOCATION, 0, flags, *addresses, self.identifier)
        return fixed + b"".join([extension.encode() for extension in self.extensions])

    @classmethod
    def decode(cls, data: bytes, extensions: tuple[Extension, ...]) -> Revocation:
        _, _, flags, home, home_domain, foreign_domain, identifier = _REVOCATION.unpack_from(data)
        return cls(
            IPv4Address(home), IPv4Address(home_domain), IPv4Address(foreign_domain), identifier,
            bool(flags & _AGENT), bool(flags & _INFORM), extensions,
        )  # fmt: skip


class RevocationAcknowledgment(NamedTuple):
    """Message type 15."""

    home_address: IPv4Address
    identifier: int
    inform: bool = False
    extensions: tuple[Extension, ...] = ()

    def encode(self) -> bytes:
        """The fixed part, and the extensions in their order."""
        flags = _ACKNOWLEDGMENT_INFORM if self.inform else 0
        kind = MessageType.REVOCATION_ACKNOWLEDGMENT
        fixed = _ACKNOWLEDGMENT.pack(kind, 0, flags, self.home_address.packed, self.identifier)
        return fixed + b"".join([extension.encode() for extension in self.extensions])

    @classmethod
    def decode(cls, data: bytes, extensions: tuple[Extension, ...]) -> RevocationAcknowledgment:
        _, _, flags, home, identifier = _ACKNOWLEDGMENT.unpack_from(data)
        return cls(IPv4Address(home), identifier, bool(flags & _ACKNOWLEDGMENT_INFORM), extensions)


REVOCATION_SIZE = _REVOCATION.size
ACKNOWLEDGMENT_SIZE = _ACKNOWLEDGMENT.size


def parse_support(data: bytes) -> RevocationSupport:
    if len(data) != 6:
        raise ValueError(f"Revocation Support: length {len(data)}: must be 6")
    flags = int.from_bytes(data[:2], "big")
    return RevocationSupport(int.from_bytes(data[2:], "big"), bool(flags & _SUPPORT_INFORM))
