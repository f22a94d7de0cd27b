"""Authentication extensions: Mobile-Home, Mobile-Foreign, Foreign-Home (RFC 5944 section 3.5)
and generalized (RFC 4721 section 5)."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from router.mip.wire.extension import UnknownSubType
from router.mip.wire.numbers import ExtensionType

__all__ = ["MN_AAA", "Authentication", "header", "parse", "parse_generalized"]

MN_AAA = 1
"""Sub-type of the generalized extension by which a mobile node proves itself to its AAA server."""

_SIMPLE = Struct("!BBI")
_LONG = Struct("!BBHI")
_GENERALIZED = int(ExtensionType.GENERALIZED_AUTHENTICATION)


class Authentication(NamedTuple):
    """An authenticator and its SPI; `sub_type` matters in type 36 only."""

    type: int
    spi: int
    authenticator: bytes
    offset: int = 0
    """Where the Type octet stands in the message: what precedes it is covered."""
    sub_type: int = 0

    @property
    def covered(self) -> int:
        """Octets of the message that the authenticator covers: up to its SPI, this included."""
        return self.offset + (_LONG.size if self.type == _GENERALIZED else _SIMPLE.size)

    @property
    def end(self) -> int:
        """Where the next extension begins."""
        return self.covered + len(self.authenticator)

    def encode(self) -> bytes:
        return header(self.type, self.spi, len(self.authenticator), self.sub_type) + self.authenticator


def header(kind: int, spi: int, size: int, sub_type: int = 0) -> bytes:
    """Everything of the extension before an authenticator of `size` octets: its own covered part."""
    if kind == _GENERALIZED:
        return _LONG.pack(kind, sub_type, 4 + size, spi)
    return _SIMPLE.pack(kind, 4 + size, spi)


def parse(kind: int, data: bytes, offset: int) -> Authentication:
    """Types 32, 33 and 34.  Raises ValueError without room for an SPI and an authenticator."""
    if len(data) < 5:
        raise ValueError("too short for an SPI and an authenticator")
    return Authentication(kind, int.from_bytes(data[:4], "big"), data[4:], offset)


def parse_generalized(data: bytes, offset: int) -> Authentication:
    """Type 36, `data` beginning with its sub-type."""
    if data[0] != MN_AAA:
        raise UnknownSubType(f"sub-type {data[0]} of generalized authentication")
    if len(data) < 6:
        raise ValueError("too short for an SPI and an authenticator")
    return Authentication(_GENERALIZED, int.from_bytes(data[1:5], "big"), data[5:], offset, data[0])
