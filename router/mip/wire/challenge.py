"""MN-FA Challenge (RFC 4721 sections 2 and 4): in advertisements type 24, in control messages 132."""

from __future__ import annotations

from dataclasses import dataclass

from router.mip.wire.extension import framed
from router.mip.wire.numbers import ExtensionType

__all__ = ["LEAST_OCTETS", "Challenge", "parse"]

LEAST_OCTETS = 4


@dataclass(frozen=True, slots=True)
class Challenge:
    """A random value that only a fresh request can repeat.  Raises ValueError below 4 octets."""

    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) < LEAST_OCTETS:
            raise ValueError(f"Challenge: {len(self.value)} octets: must be {LEAST_OCTETS} or more")

    def encode(self) -> bytes:
        return framed(ExtensionType.CHALLENGE, self.value)


def parse(data: bytes) -> Challenge:
    return Challenge(data)
