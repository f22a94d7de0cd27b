"""What all extensions share: three framings, and the two that have no content we know.

RFC 5944 sections 1.9 to 1.11: simple `type length data`, short `type length
sub-type data`, long `type sub-type length(16) data`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = [
    "Extension",
    "Malformed",
    "Unknown",
    "UnknownSubType",
    "framed",
    "framed_long",
    "framed_short",
    "within",
]


class Extension(Protocol):
    """A value that stands in a message's list of extensions."""

    def encode(self) -> bytes:
        """Its octets, header included."""


class UnknownSubType(ValueError):
    """A sub-type nobody gave us a meaning for: the extension counts as not recognised."""


class Unknown(NamedTuple):
    """A skippable extension we do not know, header included, as it came."""

    type: int
    octets: bytes

    def encode(self) -> bytes:
        return self.octets


class Malformed(NamedTuple):
    """A known extension whose content breaks its RFC: code 134 or 70 is the answer."""

    type: int
    octets: bytes
    why: str

    def encode(self) -> bytes:
        raise ValueError(f"extension type {self.type} is malformed ({self.why}): not sent on")


def framed(kind: int, data: bytes) -> bytes:
    """Simple framing.  Raises ValueError above 255 octets."""
    return bytes((kind, _fits(kind, len(data), 255))) + data


def framed_short(kind: int, sub_type: int, data: bytes) -> bytes:
    """Short framing; its length counts the sub-type.  Raises ValueError above 254 octets."""
    return bytes((kind, 1 + _fits(kind, len(data), 254), sub_type)) + data


def framed_long(kind: int, sub_type: int, data: bytes) -> bytes:
    """Long framing; its length counts the data alone.  Raises ValueError above 65535 octets."""
    return bytes((kind, sub_type)) + _fits(kind, len(data), 0xFFFF).to_bytes(2, "big") + data


def within(what: str, value: int, low: int, high: int) -> int:
    """`value`, or ValueError when it is outside low..high."""
    if not low <= value <= high:
        raise ValueError(f"{what} {value}: must be {low}..{high}")
    return value


def _fits(kind: int, length: int, most: int) -> int:
    return within(f"octets in extension type {kind}:", length, 0, most)
