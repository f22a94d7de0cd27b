"""The Internet checksum (RFC 1071)."""

from __future__ import annotations

__all__ = ["checksum"]


def checksum(data: bytes) -> int:
    """16 bits; over data that carries its own right checksum the result is 0."""
    total = sum(int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
