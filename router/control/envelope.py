"""What a request and an answer of machine mode are, once they are whole: JSON, octets or an error, deflated if that helps."""

from __future__ import annotations

import json
import zlib
from typing import Any

from router.control.client import ControlError

__all__ = ["pack", "pack_error", "unpack"]

_JSON, _OCTETS, _ERROR = b"J", b"B", b"E"
_MOST = 1 << 24
_WORTH = 100


def pack(value: Any) -> bytes:
    """A value for JSON, or octets."""
    if isinstance(value, bytes):
        return _packed(_OCTETS, value)
    return _packed(_JSON, json.dumps(value, separators=(",", ":")).encode())


def pack_error(text: str) -> bytes:
    return _packed(_ERROR, text.encode())


def unpack(packed: bytes) -> Any:
    """Raises ControlError with the error that it is, ValueError where it is nothing of all that."""
    kind, body = packed[:1], packed[1:]
    if kind.islower():
        try:
            body = zlib.decompressobj().decompress(body, _MOST)
        except zlib.error as error:
            raise ValueError(str(error)) from None
    match kind.upper():
        case b"J":
            return json.loads(body)
        case b"B":
            return body
        case b"E":
            raise ControlError(body.decode("utf-8", "replace"))
    raise ValueError("neither a value nor an error")


def _packed(kind: bytes, body: bytes) -> bytes:
    small = zlib.compress(body, 6) if len(body) >= _WORTH else body
    return kind.lower() + small if len(small) < len(body) else kind + body
