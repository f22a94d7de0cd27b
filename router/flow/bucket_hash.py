"""The bucket that the kernel's hash puts a connection into: for those who ask, never for packets.

As nft_hash does it: Jenkins' lookup3 (the kernel's `jhash`) over the packet's
addresses, protocol and ports, each in a register of four octets, scaled to the
number of buckets.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

__all__ = ["bucket_of"]

_INITIAL, _ALL = 0xDEADBEEF, 0xFFFFFFFF
_KEY = struct.Struct("!4s4sBxxxH2xH2x")
_WORDS = struct.Struct("=3I")
_REST = struct.Struct("<2I")


def bucket_of(
    seed: int,
    size: int,
    protocol: int,
    ends: tuple[IPv4Address, IPv4Address],
    ports: tuple[int, int],
) -> int:
    """0..size - 1, for a protocol with ports; source first."""
    key = _KEY.pack(ends[0].packed, ends[1].packed, protocol, *ports)
    return _jhash(key, seed) * size >> 32


def _jhash(key: bytes, seed: int) -> int:
    """Of 20 octets."""
    start = (_INITIAL + len(key) + seed) & _ALL
    first, second, third = _WORDS.unpack_from(key)
    a, b, c = (start + first) & _ALL, (start + second) & _ALL, (start + third) & _ALL
    for turn in (4, 6, 8, 16, 19, 4):
        # Thrice the same step, the names going round: a, b, c.
        a = ((a - c) & _ALL) ^ _rotated(c, turn)
        c = (c + b) & _ALL
        a, b, c = b, c, a
    more_a, more_b = _REST.unpack_from(key, 12)
    a, b = (a + more_a) & _ALL, (b + more_b) & _ALL
    for turn in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotated(b, turn)) & _ALL
        a, b, c = b, c, a
    # Seven steps turn the names once more than round.
    return int(b)


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _ALL
