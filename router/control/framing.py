"""Frames among the text of a serial line that flips, loses and invents octets.

A frame stands between two flags (RS, which no key sends), octets that terminals and flow control take for theirs are
escaped as in RFC 1662 section 4.2, and a length and a CRC-32 say whether it is whole.  Numbers have their most
significant octet first:

    kind 1 | session 2 | number 2 | piece 1 | offset 3 | total 3 | length 1 | data | CRC-32 4
"""

from __future__ import annotations

from binascii import crc32
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["MAX_DATA", "MAX_TOTAL", "Frame", "Kind", "Reader", "encode"]

MAX_DATA = 240
MAX_TOTAL = 0xFFFFFF
OVERHEAD = 19
"""Octets of a frame without data, flags included and nothing escaped."""

_FLAG, _ESCAPE, _FLIP = 0x1E, 0x7D, 0x20
_ESCAPED = (_FLAG, _ESCAPE, 0x03, 0x11, 0x13)
_HEAD, _CHECK = 13, 4
_PATIENCE = 2.0
"""Seconds from a flag to the next: what takes longer was noise before somebody's text."""


class Kind(IntEnum):
    """The first four go to the router, the others come from it."""

    REQUEST = 0x51
    READ = 0x52
    BYE = 0x5A
    ACCEPTED = 0x41
    DATA = 0x44
    BUSY = 0x42
    UNKNOWN = 0x55
    """It knows nothing of this session."""


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    session: int
    """16 bits, chosen by who asks."""
    number: int
    """Of the request, 16 bits."""
    piece: int = MAX_DATA
    """Octets of data that a frame of the answer shall have at most."""
    offset: int = 0
    """Where the data belongs; of READ where to begin; of ACCEPTED how much of the request is there."""
    total: int = 0
    """Octets of the whole request or answer; of READ how many are wanted."""
    data: bytes = b""


def encode(frame: Frame) -> bytes:
    """With both flags."""
    body = b"".join(
        (
            frame.kind.to_bytes(1, "big"), frame.session.to_bytes(2, "big"), frame.number.to_bytes(2, "big"),
            frame.piece.to_bytes(1, "big"), frame.offset.to_bytes(3, "big"), frame.total.to_bytes(3, "big"),
            len(frame.data).to_bytes(1, "big"), frame.data,
        )
    )  # fmt: skip
    body += crc32(body).to_bytes(_CHECK, "big")
    # The escape itself first, or the escapes would be escaped.
    for octet in sorted(_ESCAPED, key=lambda octet: octet != _ESCAPE):
        body = body.replace(bytes((octet,)), bytes((_ESCAPE, octet ^ _FLIP)))
    return b"%c%b%c" % (_FLAG, body, _FLAG)


class Reader:
    """Divides what a line brings into frames and the text around them."""

    def __init__(self) -> None:
        self.spoilt = 0
        """What stood between flags and was no whole frame."""
        self._inside: bytearray | None = None
        self._since = 0.0

    def feed(self, data: bytes, now: float) -> list[Frame | bytes]:
        """In the order in which they came.  `now` is in seconds, of a clock that does not jump."""
        found: list[Frame | bytes] = []
        if self._inside is not None and now - self._since > _PATIENCE:
            self._drop()
        for index, part in enumerate(data.split(bytes((_FLAG,)))):
            if index:
                self._flag(found, now)
            if self._inside is None:
                if part:
                    found.append(part)
                continue
            self._inside += part
            if len(self._inside) > 2 * (_HEAD + MAX_DATA + _CHECK):
                self._drop()
        return found

    def _flag(self, found: list[Frame | bytes], now: float) -> None:
        body, self._inside, self._since = self._inside, bytearray(), now
        if not body:
            return
        frame = _decode(bytes(body))
        if frame is None:
            # This flag may as well be the first one of the next frame.
            self.spoilt += 1
        else:
            self._inside = None
            found.append(frame)

    def _drop(self) -> None:
        self.spoilt += 1
        self._inside = None


def _decode(escaped: bytes) -> Frame | None:
    first, *others = escaped.split(bytes((_ESCAPE,)))
    if not all(others):
        return None
    body = first + b"".join(bytes((part[0] ^ _FLIP,)) + part[1:] for part in others)
    if len(body) < _HEAD + _CHECK or len(body) != _HEAD + body[_HEAD - 1] + _CHECK:
        return None
    if crc32(body[:-_CHECK]) != int.from_bytes(body[-_CHECK:], "big") or body[0] not in _KINDS:
        return None
    number = int.from_bytes
    return Frame(
        Kind(body[0]), number(body[1:3], "big"), number(body[3:5], "big"), body[5], number(body[6:9], "big"),
        number(body[9:12], "big"), body[_HEAD:-_CHECK],
    )  # fmt: skip


_KINDS = frozenset(Kind)
