"""Mobile node NAI (RFC 2794): who the mobile node is when its home address does not tell."""

from __future__ import annotations

from dataclasses import dataclass

from router.mip.wire.extension import framed
from router.mip.wire.numbers import ExtensionType

__all__ = ["Nai", "parse"]


@dataclass(frozen=True, slots=True)
class Nai:
    """A network access identifier, `user@realm`."""

    nai: bytes

    def encode(self) -> bytes:
        return framed(ExtensionType.MN_NAI, self.nai)


def parse(data: bytes) -> Nai:
    if not data:
        raise ValueError("MN NAI: empty")
    return Nai(data)
