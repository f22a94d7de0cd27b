"""Vendor and organisation specific extensions (RFC 3115): critical (38) and normal (134)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from router.mip.wire.extension import framed_long
from router.mip.wire.numbers import ExtensionType

__all__ = ["CriticalVendor", "NormalVendor", "parse_critical", "parse_normal"]

_VENDOR = Struct("!IH")
_NORMAL = Struct("!BBHIH")


@dataclass(frozen=True, slots=True)
class CriticalVendor:
    """Who does not know it refuses the message: codes 100, 101, 140, 141."""

    vendor: int
    """Enterprise number; RFC 3115 keeps its highest octet 0."""
    vendor_type: int
    value: bytes

    def encode(self) -> bytes:
        body = _VENDOR.pack(self.vendor, self.vendor_type) + self.value
        return framed_long(ExtensionType.CRITICAL_VENDOR, 0, body)


@dataclass(frozen=True, slots=True)
class NormalVendor:
    """Who does not know it passes over it."""

    vendor: int
    vendor_type: int
    value: bytes

    def encode(self) -> bytes:
        length = 8 + len(self.value)
        kind = ExtensionType.NORMAL_VENDOR
        return _NORMAL.pack(kind, length, 0, self.vendor, self.vendor_type) + self.value


def parse_critical(data: bytes) -> CriticalVendor:
    """Type 38; its framing is long, with a reserved octet in the sub-type's place."""
    if len(data) < 1 + _VENDOR.size:
        raise ValueError(f"CVSE: length {len(data) - 1}: must be {_VENDOR.size} or more")
    vendor, kind = _VENDOR.unpack_from(data, 1)
    return CriticalVendor(vendor, kind, data[1 + _VENDOR.size :])


def parse_normal(data: bytes) -> NormalVendor:
    """Type 134; two reserved octets precede the vendor."""
    if len(data) < 2 + _VENDOR.size:
        raise ValueError(f"NVSE: length {len(data)}: must be {2 + _VENDOR.size} or more")
    vendor, kind = _VENDOR.unpack_from(data, 2)
    return NormalVendor(vendor, kind, data[2 + _VENDOR.size :])
