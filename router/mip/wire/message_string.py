"""Message String (RFC 4917): a text for people."""

from __future__ import annotations

from dataclasses import dataclass

from router.mip.wire.extension import UnknownSubType, framed_short
from router.mip.wire.numbers import ExtensionType

__all__ = ["MessageString", "parse"]

_HOME_AGENT, _FOREIGN_AGENT = 1, 2
_MOST = 254


@dataclass(frozen=True, slots=True)
class MessageString:
    text: str
    from_foreign_agent: bool = False

    def encode(self) -> bytes:
        """Cut at 254 octets, between characters."""
        data = self.text.encode()[:_MOST].decode(errors="ignore").encode()
        sub_type = _FOREIGN_AGENT if self.from_foreign_agent else _HOME_AGENT
        return framed_short(ExtensionType.MESSAGE_STRING, sub_type, data)


def parse(data: bytes) -> MessageString:
    """Type 145, `data` beginning with its sub-type.  What is no UTF-8 is shown as such."""
    if not data:
        raise ValueError("Message String: without a sub-type")
    if data[0] not in (_HOME_AGENT, _FOREIGN_AGENT):
        raise UnknownSubType(f"sub-type {data[0]} of Message String")
    return MessageString(data[1:].decode(errors="replace"), data[0] == _FOREIGN_AGENT)
