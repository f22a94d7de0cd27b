"""Messages at UDP port 434, and the one way in: `decode` is total."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import NamedTuple

from router.mip.wire import (
    authentication,
    challenge,
    delivery,
    dynamic_home_agent,
    fa_error,
    gre_key,
    message_string,
    mobile_network,
    multipath,
    nai,
    revocation,
    udp_tunnel,
    vendor,
)
from router.mip.wire.extension import Extension, Malformed, Unknown, UnknownSubType
from router.mip.wire.numbers import ExtensionType, MessageType
from router.mip.wire.registration import REPLY_SIZE, REQUEST_SIZE, RegistrationReply, RegistrationRequest
from router.mip.wire.revocation import (
    ACKNOWLEDGMENT_SIZE,
    REVOCATION_SIZE,
    Revocation,
    RevocationAcknowledgment,
)
from router.mip.wire.udp_tunnel import TunnelData

__all__ = ["Message", "Reason", "Reject", "decode"]

Message = RegistrationRequest | RegistrationReply | TunnelData | Revocation | RevocationAcknowledgment


class Reason(Enum):
    """Why a datagram is no message; `value` names the counter."""

    EMPTY = "empty"
    UNKNOWN_MESSAGE = "unknown_message"
    TRUNCATED = "truncated"
    UNSKIPPABLE_EXTENSION = "unskippable_extension"


class Reject(NamedTuple):
    reason: Reason
    detail: str


class _Bad(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        self.reject = Reject(reason, detail)


def decode(data: bytes) -> Message | Reject:
    """The message in one datagram, or why there is none.  Never raises."""
    if not data:
        return Reject(Reason.EMPTY, "no octets")
    known = _MESSAGES.get(data[0])
    if known is None:
        return Reject(Reason.UNKNOWN_MESSAGE, f"message type {data[0]}")
    size, make = known
    if len(data) < size:
        return Reject(Reason.TRUNCATED, f"{len(data)} octets where {size} are needed")
    try:
        return make(data, _extensions(data, size))
    except _Bad as bad:
        return bad.reject


def _tunnel_data(data: bytes, _: tuple[Extension, ...]) -> TunnelData:
    return TunnelData(data[1], data[4:])


_MESSAGES: dict[int, tuple[int, Callable[[bytes, tuple[Extension, ...]], Message]]] = {
    MessageType.REGISTRATION_REQUEST: (REQUEST_SIZE, RegistrationRequest.decode),
    MessageType.REGISTRATION_REPLY: (REPLY_SIZE, RegistrationReply.decode),
    MessageType.REVOCATION: (REVOCATION_SIZE, Revocation.decode),
    MessageType.REVOCATION_ACKNOWLEDGMENT: (ACKNOWLEDGMENT_SIZE, RevocationAcknowledgment.decode),
    MessageType.TUNNEL_DATA: (4, _tunnel_data),
}
"""Octets of the fixed part, and what makes the message."""


Parser = Callable[[bytes, int], Extension]
"""From an extension's data and its offset in the message.  Raises ValueError, UnknownSubType."""


def _plain(parse: Callable[[bytes], Extension]) -> Parser:
    return lambda data, _: parse(data)


_SIMPLE: dict[int, Parser] = {
    ExtensionType.MOBILE_HOME_AUTHENTICATION: partial(authentication.parse, 32),
    ExtensionType.MOBILE_FOREIGN_AUTHENTICATION: partial(authentication.parse, 33),
    ExtensionType.FOREIGN_HOME_AUTHENTICATION: partial(authentication.parse, 34),
    ExtensionType.UDP_TUNNEL_REPLY: _plain(udp_tunnel.parse_reply),
    ExtensionType.FA_ERROR: _plain(fa_error.parse),
    ExtensionType.ENCAPSULATING_DELIVERY: _plain(delivery.parse),
    ExtensionType.MN_NAI: _plain(nai.parse),
    ExtensionType.CHALLENGE: _plain(challenge.parse),
    ExtensionType.NORMAL_VENDOR: _plain(vendor.parse_normal),
    ExtensionType.REVOCATION_SUPPORT: _plain(revocation.parse_support),
    ExtensionType.UDP_TUNNEL_REQUEST: _plain(udp_tunnel.parse_request),
    ExtensionType.MESSAGE_STRING: _plain(message_string.parse),
    ExtensionType.MOBILE_NETWORK: _plain(mobile_network.parse),
}
"""Framed `type length data`; where the data begins with a sub-type, the parser knows."""

_LONG: dict[int, Parser] = {
    ExtensionType.GENERALIZED_AUTHENTICATION: authentication.parse_generalized,
    ExtensionType.CRITICAL_VENDOR: _plain(vendor.parse_critical),
    ExtensionType.GRE_KEY: _plain(gre_key.parse),
    ExtensionType.DYNAMIC_HOME_AGENT: _plain(dynamic_home_agent.parse),
    ExtensionType.MULTIPATH: _plain(multipath.parse),
}
"""Framed `type sub-type length(16) data`; parsers get the sub-type before the data."""


def _extensions(data: bytes, offset: int) -> tuple[Extension, ...]:
    if data[0] == MessageType.TUNNEL_DATA:
        return ()
    found: list[Extension] = []
    total = len(data)
    while offset < total:
        kind = data[offset]
        if kind == ExtensionType.PADDING:
            offset += 1
            continue
        parser = _SIMPLE.get(kind)
        if parser is None and kind in _LONG:
            parser = _LONG[kind]
            start = offset + 4
            end = start + int.from_bytes(data[offset + 2 : start], "big")
            body = data[offset + 1 : offset + 2] + data[start:end]
        else:
            start = offset + 2
            end = start + data[offset + 1] if start <= total else start
            body = data[start:end]
        if start > total or end > total:
            raise _Bad(Reason.TRUNCATED, f"extension type {kind} at octet {offset} runs past the end")
        found.append(_parsed(kind, parser, body, data, offset, end))
        offset = end
    return tuple(found)


def _parsed(kind: int, parser: Parser | None, body: bytes, data: bytes, offset: int, end: int) -> Extension:
    try:
        if parser is not None:
            return parser(body, offset)
        why = f"extension type {kind}"
    except UnknownSubType as unknown:
        why = str(unknown)
    except ValueError as error:
        return Malformed(kind, data[offset:end], str(error))
    # RFC 5944 section 1.8: 0..127 must be understood, 128..255 may be passed over.
    if kind < 128:
        raise _Bad(Reason.UNSKIPPABLE_EXTENSION, f"{why} at octet {offset}")
    return Unknown(kind, data[offset:end])
