"""Mobile networks: request and acknowledgement (RFC 5177 section 4, RFC 6626 section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router.mip.wire.extension import Extension, UnknownSubType, framed_short
from router.mip.wire.numbers import ExtensionType

__all__ = ["MobileNetworkAcknowledgement", "MobileNetworkRequest", "parse"]

_REQUEST, _EXPLICIT, _IMPLICIT = 0, 1, 2
_ANY = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class MobileNetworkRequest:
    """RFC 5177 section 4.1.  Address 0.0.0.0 asks for a prefix from the home agent's pool (RFC 6626);
    `prefix_length` then is a hint, and 0 none."""

    address: IPv4Address
    prefix_length: int

    @classmethod
    def of(cls, prefix: IPv4Network) -> MobileNetworkRequest:
        return cls(prefix.network_address, prefix.prefixlen)

    @property
    def is_dynamic(self) -> bool:
        return self.address == _ANY

    @property
    def prefix(self) -> IPv4Network | None:
        """The network meant, or None when length or host bits are wrong."""
        try:
            return IPv4Network((self.address, self.prefix_length))
        except ValueError:
            return None

    def encode(self) -> bytes:
        return framed_short(
            ExtensionType.MOBILE_NETWORK, _REQUEST, bytes((self.prefix_length,)) + self.address.packed
        )


@dataclass(frozen=True, slots=True)
class MobileNetworkAcknowledgement:
    """RFC 5177 section 4.2: explicit answers a request, implicit tells what is configured."""

    code: int
    prefix_length: int
    address: IPv4Address
    implicit: bool = False

    @property
    def prefix(self) -> IPv4Network | None:
        """The network meant, or None when length or host bits are wrong."""
        try:
            return IPv4Network((self.address, self.prefix_length))
        except ValueError:
            return None

    def encode(self) -> bytes:
        sub_type = _IMPLICIT if self.implicit else _EXPLICIT
        body = bytes((self.code, self.prefix_length, 0)) + self.address.packed
        return framed_short(ExtensionType.MOBILE_NETWORK, sub_type, body)


def parse(data: bytes) -> Extension:
    """Type 148, `data` beginning with its sub-type."""
    sub_type = data[0] if data else -1
    if sub_type == _REQUEST and len(data) == 6:
        return MobileNetworkRequest(IPv4Address(data[2:6]), data[1])
    if sub_type in (_EXPLICIT, _IMPLICIT) and len(data) == 8:
        return MobileNetworkAcknowledgement(data[1], data[2], IPv4Address(data[4:8]), sub_type == _IMPLICIT)
    if sub_type > _IMPLICIT:
        raise UnknownSubType(f"sub-type {sub_type} of Mobile Network")
    raise ValueError(f"Mobile Network: length {len(data)}: must be 6 in a request, 8 in an acknowledgement")
