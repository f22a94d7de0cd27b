"""FA Error (RFC 4636): what a foreign agent does not honour of a home agent's reply."""

from __future__ import annotations

from dataclasses import dataclass

from router.mip.wire.extension import UnknownSubType, framed_short
from router.mip.wire.numbers import ExtensionType

__all__ = ["FaError", "parse"]


@dataclass(frozen=True, slots=True)
class FaError:
    """`status` is a reply code from the foreign agent's range."""

    status: int

    def encode(self) -> bytes:
        return framed_short(ExtensionType.FA_ERROR, 0, bytes((self.status,)))


def parse(data: bytes) -> FaError:
    """Type 45, `data` beginning with its sub-type."""
    if data[:1] not in (b"", b"\0"):
        raise UnknownSubType(f"sub-type {data[0]} of FA Error")
    if len(data) != 2:
        raise ValueError(f"FA Error: length {len(data)}: must be 2")
    return FaError(data[1])
