"""Dynamic home agent assignment (RFC 4433 section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from router.mip.wire.extension import UnknownSubType, framed_long
from router.mip.wire.numbers import ExtensionType

__all__ = ["DynamicHomeAgent", "parse"]

_REQUESTED, _REDIRECTED = 1, 2


@dataclass(frozen=True, slots=True)
class DynamicHomeAgent:
    """The home agent a mobile node requests, or the one it is redirected to.

    Long framing although its number says skippable, as with type 154.
    """

    address: IPv4Address
    redirected: bool = False

    def encode(self) -> bytes:
        sub_type = _REDIRECTED if self.redirected else _REQUESTED
        return framed_long(ExtensionType.DYNAMIC_HOME_AGENT, sub_type, self.address.packed)


def parse(data: bytes) -> DynamicHomeAgent:
    """Type 139, `data` beginning with its sub-type."""
    if data[0] not in (_REQUESTED, _REDIRECTED):
        raise UnknownSubType(f"sub-type {data[0]} of Dynamic HA")
    if len(data) != 5:
        raise ValueError(f"Dynamic HA: length {len(data) - 1}: must be 4")
    return DynamicHomeAgent(IPv4Address(data[1:]), data[0] == _REDIRECTED)
