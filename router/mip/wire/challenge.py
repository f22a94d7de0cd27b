"""MN-FA Challenge (RFC 4721 sections 2 and 4): in advertisements type 24, in control messages 132."""

from __future__ import annotations

from dataclasses import dataclass

from router.mip.wire.extension import framed
from router.mip.wire.numbers import ExtensionType

__all__ = ["Challenge", "parse"]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A random value that only a fresh request can repeat.  Raises ValueError when it is empty.

    Fewer than 4 octets are a poor choice of who offers them, and no fault of who repeats them.
    """

    value: bytes

    def __post_init__(self) -> None:
        if not self.value:
            raise ValueError("Challenge: no octets")

    def encode(self) -> bytes:
        return framed(ExtensionType.CHALLENGE, self.value)


def parse(data: bytes) -> Challenge:
    return Challenge(data)
