"""apk's database format (ADB): typed values behind a header, in blocks.

A value is 32 bits: a type of 4 and an offset, or a small number, of 28.  What does not fit stands at the offset.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from openwrt.packaging.deflate import Deflate

__all__ = ["ADB", "DATA", "SIGNATURE", "Blob", "Writer", "block", "container"]

ADB, SIGNATURE, DATA = 0, 1, 2
_INT, _INT_32, _BLOB_8, _BLOB_16, _BLOB_32, _ARRAY, _OBJECT = (
    kind << 28 for kind in (0x1, 0x2, 0x8, 0x9, 0xA, 0xD, 0xE)
)
_SMALL = 1 << 28
_WORD = struct.Struct("<I")
_HEADER = 8

Blob = bytes


class Writer:
    """Put values in, innermost first; `payload` ends it.  0 is the value of what is not there."""

    def __init__(self) -> None:
        self._octets = bytearray(_HEADER)

    def number(self, value: int) -> int:
        """0 to 2^32 - 1."""
        return _INT | value if value < _SMALL else _INT_32 | self._append(_WORD.pack(value), 4)

    def blob(self, octets: Blob) -> int:
        """Empty ones are not there."""
        if not octets:
            return 0
        if len(octets) < 1 << 8:
            return _BLOB_8 | self._append(bytes((len(octets),)) + octets, 1)
        if len(octets) < 1 << 16:
            return _BLOB_16 | self._append(struct.pack("<H", len(octets)) + octets, 2)
        return _BLOB_32 | self._append(_WORD.pack(len(octets)) + octets, 4)

    def text(self, text: str) -> int:
        return self.blob(text.encode())

    def object(self, slots: dict[int, int]) -> int:
        """`slots` by number, from 1."""
        values = [slots.get(slot, 0) for slot in range(1, max(slots, default=0) + 1)]
        return self._sequence(_OBJECT, values)

    def array(self, values: Sequence[int]) -> int:
        return self._sequence(_ARRAY, values)

    def payload(self, root: int) -> bytes:
        """All of it, with `root` as what it is about."""
        struct.pack_into("<BBHI", self._octets, 0, 0, 0, 0, root)
        return bytes(self._octets)

    def _sequence(self, kind: int, values: Sequence[int]) -> int:
        values = list(values)
        while values and values[-1] == 0:
            values.pop()
        if not values:
            return 0
        words = (len(values) + 1, *values)
        return kind | self._append(struct.pack(f"<{len(words)}I", *words), 4)

    def _append(self, octets: bytes, alignment: int) -> int:
        self._octets += bytes(-len(self._octets) % alignment)
        offset = len(self._octets)
        self._octets += octets
        return offset


def block(kind: int, payload: bytes) -> bytes:
    """Padded to 8 octets; the size counts its own word and not the padding."""
    size = 4 + len(payload)
    return _WORD.pack(kind << 30 | size) + payload + bytes(-size % 8)


def container(schema: bytes, blocks: Sequence[bytes], deflate: Deflate) -> bytes:
    """The file: deflated, since OpenWrt's apk knows nothing better."""
    return b"ADBd" + deflate(b"ADB." + schema + b"".join(blocks))
