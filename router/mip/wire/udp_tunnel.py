"""Tunnels through NAT (RFC 3519): the two extensions, and the message that carries packets."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from router.mip.wire.extension import UnknownSubType
from router.mip.wire.numbers import ExtensionType, MessageType

__all__ = ["TunnelData", "UdpTunnelReply", "UdpTunnelRequest", "parse_reply", "parse_request"]

_REQUEST = Struct("!BBBBBBH")
_REPLY = Struct("!BBBBHH")
_LENGTH = 6
_FORCE, _VIA_FOREIGN_AGENT = 0x80, 0x40
_FORCED = 0x8000
_DECLINED = 64


@dataclass(frozen=True, slots=True)
class UdpTunnelRequest:
    """RFC 3519 section 3.1."""

    force: bool = False
    via_foreign_agent: bool = False
    encapsulation: int = 0
    reserved: int = 0
    """The third such field; non-zero: the extension is passed over, or refused (RFC 3519 sections 3.1.3, 4.6.1)."""

    def encode(self) -> bytes:
        flags = (_FORCE if self.force else 0) | (_VIA_FOREIGN_AGENT if self.via_foreign_agent else 0)
        kind = ExtensionType.UDP_TUNNEL_REQUEST
        return _REQUEST.pack(kind, _LENGTH, 0, 0, flags, self.encapsulation, self.reserved)


@dataclass(frozen=True, slots=True)
class UdpTunnelReply:
    """RFC 3519 section 3.2; codes 0..63 grant, 64..255 decline."""

    code: int = 0
    forced: bool = False
    keepalive: int = 0
    """Seconds; 0 leaves it to the mobile node."""

    @property
    def granted(self) -> bool:
        return self.code < _DECLINED

    def encode(self) -> bytes:
        flags = _FORCED if self.forced else 0
        return _REPLY.pack(ExtensionType.UDP_TUNNEL_REPLY, _LENGTH, 0, self.code, flags, self.keepalive)


class TunnelData(NamedTuple):
    """RFC 3519 section 3.3: a packet of protocol `next_header` inside UDP."""

    next_header: int
    payload: bytes

    def encode(self) -> bytes:
        return bytes((MessageType.TUNNEL_DATA, self.next_header, 0, 0)) + self.payload


def parse_request(data: bytes) -> UdpTunnelRequest:
    """Type 144, `data` beginning with its sub-type."""
    _check(data, "UDP Tunnel Request")
    flags, reserved = data[2], int.from_bytes(data[4:6], "big")
    return UdpTunnelRequest(bool(flags & _FORCE), bool(flags & _VIA_FOREIGN_AGENT), data[3], reserved)


def parse_reply(data: bytes) -> UdpTunnelReply:
    """Type 44, `data` beginning with its sub-type."""
    _check(data, "UDP Tunnel Reply")
    forced = bool(int.from_bytes(data[2:4], "big") & _FORCED)
    return UdpTunnelReply(data[1], forced, int.from_bytes(data[4:6], "big"))


def _check(data: bytes, name: str) -> None:
    if data[:1] not in (b"", b"\0"):
        raise UnknownSubType(f"sub-type {data[0]} of {name}")
    if len(data) != _LENGTH:
        raise ValueError(f"{name}: length {len(data)}: must be {_LENGTH}")
