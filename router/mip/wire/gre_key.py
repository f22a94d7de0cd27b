"""GRE Key (RFC 6245): the key the sender wants to see in packets that reach it."""

from __future__ import annotations

from dataclasses import dataclass

from router.mip.wire.extension import UnknownSubType, framed_long
from router.mip.wire.numbers import ExtensionType

__all__ = ["GreKey", "parse"]


@dataclass(frozen=True, slots=True)
class GreKey:
    """`key` 0 in a request leaves both keys to the home agent."""

    key: int

    def encode(self) -> bytes:
        return framed_long(ExtensionType.GRE_KEY, 0, self.key.to_bytes(4, "big"))


def parse(data: bytes) -> GreKey:
    """Type 48, `data` beginning with its sub-type."""
    if data[0]:
        raise UnknownSubType(f"sub-type {data[0]} of GRE Key")
    if len(data) != 5:
        raise ValueError(f"GRE Key: length {len(data) - 1}: must be 4")
    return GreKey(int.from_bytes(data[1:], "big"))
