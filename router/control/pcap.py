"""The octets of a capture file (libpcap's classic format, microseconds, little-endian): pure."""

from __future__ import annotations

import struct

__all__ = ["head", "record"]

_HEAD = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_MAGIC = 0xA1B2C3D4


def head(linktype: int, snaplen: int) -> bytes:
    """What a file begins with."""
    return _HEAD.pack(_MAGIC, 2, 4, 0, 0, snaplen, linktype)


def record(at: float, length: int, data: bytes) -> bytes:
    """One packet: seconds since 1970, octets it had on the wire, and as many of them as were kept."""
    micros = round(at * 1_000_000)
    return _RECORD.pack(micros // 1_000_000, micros % 1_000_000, len(data), length) + data
