"""Encapsulating Delivery Style (RFC 3024 section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

from router.mip.wire.extension import framed
from router.mip.wire.numbers import ExtensionType

__all__ = ["EncapsulatingDelivery", "parse"]


@dataclass(frozen=True, slots=True)
class EncapsulatingDelivery:
    """The mobile node will encapsulate to the foreign agent what it wants reverse-tunnelled."""

    def encode(self) -> bytes:
        return framed(ExtensionType.ENCAPSULATING_DELIVERY, b"")


def parse(data: bytes) -> EncapsulatingDelivery:
    if data:
        raise ValueError(f"Encapsulating Delivery Style: length {len(data)}: must be 0")
    return EncapsulatingDelivery()
