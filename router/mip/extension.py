"""Extensions of registration messages: values, and their octets.

Three framings exist (RFC 5944 sections 1.9 to 1.11): simple `type length
data`, short `type length sub-type data`, and long `type sub-type length(16)
data`.  Types 0..127 must be understood or the message dropped, 128..255 may
be skipped.  Types 36, 48 and 139 are long, and so is 154, although its number
says skippable (RFC 7629 section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from struct import Struct

from router.mip.numbers import ExtensionType

__all__ = [
    "LONG_FORMAT",
    "PARSERS",
    "Authentication",
    "Extension",
    "FlowBinding",
    "Malformed",
    "MessageString",
    "MobileNetworkAcknowledgement",
    "MobileNetworkRequest",
    "Multipath",
    "Nai",
    "UdpTunnelReply",
    "UdpTunnelRequest",
    "Unknown",
]

_UDP_REQUEST = Struct("!BBBBBBH")
_UDP_REPLY = Struct("!BBBBHH")
_NETWORK_REQUEST = Struct("!BBBB4s")
_NETWORK_ACK = Struct("!BBBBBB4s")
_MULTIPATH = Struct("!BBHBBBB")
_AUTHENTICATION = Struct("!BBI")

_FORCE, _VIA_FOREIGN_AGENT = 0x80, 0x40
_FORCED = 0x8000
_BULK, _OVERWRITE = 0x80, 0x40
_BULK_AND_OVERWRITE = "B and O are mutually exclusive"


def _within(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what} {value}: must be {low}..{high}")


@dataclass(frozen=True)
class Authentication:
    """Mobile-Home, Mobile-Foreign or Foreign-Home authentication (RFC 5944 section 3.5)."""

    type: int
    spi: int
    authenticator: bytes
    offset: int = field(default=0, compare=False)
    """Where the Type octet stands in the message: what precedes it is covered."""

    def encode(self) -> bytes:
        header = _AUTHENTICATION.pack(self.type, 4 + len(self.authenticator), self.spi)
        return header + self.authenticator


@dataclass(frozen=True)
class Multipath:
    """Multipath extension (RFC 7629 section 4.1).  Raises ValueError on values it forbids."""

    access_technology: int
    label: int
    bid: int
    bulk: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        _within("If-Label", self.label, 1, 255)
        _within("Binding ID", self.bid, 1, 254)
        if self.bulk and self.overwrite:
            raise ValueError(_BULK_AND_OVERWRITE)

    def encode(self) -> bytes:
        flags = (_BULK if self.bulk else 0) | (_OVERWRITE if self.overwrite else 0)
        return _MULTIPATH.pack(
            ExtensionType.MULTIPATH, 1, 4, self.access_technology, self.label, self.bid, flags
        )


@dataclass(frozen=True)
class FlowBinding:
    """Flow-Binding extension (RFC 7629 section 4.2) with its traffic selector still in octets."""

    action: int
    bids: tuple[int, ...]
    format: int
    selector: bytes

    def __post_init__(self) -> None:
        _within("BID count", len(self.bids), 1, 8)

    def encode(self) -> bytes:
        body = bytes([self.action, len(self.bids), *self.bids, self.format]) + self.selector
        return bytes([ExtensionType.MULTIPATH, 2]) + len(body).to_bytes(2, "big") + body


@dataclass(frozen=True)
class UdpTunnelRequest:
    """RFC 3519 section 3.1."""

    force: bool = False
    via_foreign_agent: bool = False
    encapsulation: int = 0
    reserved: int = 0
    """Non-zero must be answered with code 134 (RFC 3519 section 4.6.1)."""

    def encode(self) -> bytes:
        flags = (_FORCE if self.force else 0) | (_VIA_FOREIGN_AGENT if self.via_foreign_agent else 0)
        kind = ExtensionType.UDP_TUNNEL_REQUEST
        return _UDP_REQUEST.pack(kind, 6, 0, 0, flags, self.encapsulation, self.reserved)


@dataclass(frozen=True)
class UdpTunnelReply:
    """RFC 3519 section 3.2; codes 0..63 grant, 64..255 decline."""

    code: int = 0
    forced: bool = False
    keepalive: int = 0
    """Seconds; 0 leaves it to the mobile node."""

    @property
    def granted(self) -> bool:
        return self.code < 64

    def encode(self) -> bytes:
        flags = _FORCED if self.forced else 0
        return _UDP_REPLY.pack(ExtensionType.UDP_TUNNEL_REPLY, 6, 0, self.code, flags, self.keepalive)


@dataclass(frozen=True)
class MobileNetworkRequest:
    """RFC 5177 section 4.1."""

    prefix: IPv4Network

    def encode(self) -> bytes:
        address = self.prefix.network_address.packed
        return _NETWORK_REQUEST.pack(ExtensionType.MOBILE_NETWORK, 6, 0, self.prefix.prefixlen, address)


@dataclass(frozen=True)
class MobileNetworkAcknowledgement:
    """RFC 5177 section 4.2: explicit answers a request, implicit tells what is configured."""

    code: int
    prefix_length: int
    address: IPv4Address
    implicit: bool = False

    def encode(self) -> bytes:
        kind = 2 if self.implicit else 1
        return _NETWORK_ACK.pack(
            ExtensionType.MOBILE_NETWORK, 8, kind, self.code, self.prefix_length, 0, self.address.packed
        )


@dataclass(frozen=True)
class Nai:
    """Mobile node NAI (RFC 2794)."""

    nai: bytes

    def encode(self) -> bytes:
        return bytes([ExtensionType.MN_NAI, len(self.nai)]) + self.nai


@dataclass(frozen=True)
class MessageString:
    """A text for people (RFC 4917); `origin` 1 is the home agent, 2 a foreign agent."""

    origin: int
    text: str

    def encode(self) -> bytes:
        data = self.text.encode()[:254]
        return bytes([ExtensionType.MESSAGE_STRING, 1 + len(data), self.origin]) + data


@dataclass(frozen=True)
class Unknown:
    """A skippable extension without a parser, kept as it came."""

    type: int
    data: bytes

    def encode(self) -> bytes:
        return bytes([self.type, len(self.data)]) + self.data


@dataclass(frozen=True)
class Malformed:
    """A known extension whose content breaks its RFC: the home agent answers 134."""

    type: int
    data: bytes
    why: str


Extension = (
    Authentication
    | Multipath
    | FlowBinding
    | UdpTunnelRequest
    | UdpTunnelReply
    | MobileNetworkRequest
    | MobileNetworkAcknowledgement
    | Nai
    | MessageString
    | Unknown
    | Malformed
)


def _authentication(kind: int) -> Callable[[bytes], Extension]:
    def parse(data: bytes) -> Extension:
        if len(data) < 5:
            raise ValueError("too short for an SPI and an authenticator")
        return Authentication(kind, int.from_bytes(data[:4], "big"), data[4:])

    return parse


def _udp_request(data: bytes) -> Extension:
    if len(data) != 6 or data[0] != 0:
        raise ValueError("UDP Tunnel Request: wants sub-type 0 and length 6")
    flags = data[2]
    return UdpTunnelRequest(
        bool(flags & _FORCE), bool(flags & _VIA_FOREIGN_AGENT), data[3], int.from_bytes(data[4:6], "big")
    )


def _udp_reply(data: bytes) -> Extension:
    if len(data) != 6 or data[0] != 0:
        raise ValueError("UDP Tunnel Reply: wants sub-type 0 and length 6")
    forced = bool(int.from_bytes(data[2:4], "big") & _FORCED)
    return UdpTunnelReply(data[1], forced, int.from_bytes(data[4:6], "big"))


def _mobile_network(data: bytes) -> Extension:
    if len(data) == 6 and data[0] == 0:
        return MobileNetworkRequest(IPv4Network((data[2:6], data[1])))
    if len(data) == 8 and data[0] in (1, 2):
        return MobileNetworkAcknowledgement(data[1], data[2], IPv4Address(data[4:8]), data[0] == 2)
    raise ValueError("Mobile Network: wants sub-type 0 with length 6, or 1 or 2 with length 8")


def _multipath(data: bytes) -> Extension:
    kind, body = data[0], data[1:]
    if kind == 1 and len(body) == 4:
        return Multipath(body[0], body[1], body[2], bool(body[3] & _BULK), bool(body[3] & _OVERWRITE))
    if kind == 2 and len(body) >= 4 and len(body) >= 3 + body[1]:
        count = body[1]
        return FlowBinding(body[0], tuple(body[2 : 2 + count]), body[2 + count], body[3 + count :])
    raise ValueError("Multipath: wants sub-type 1 with length 4, or a whole sub-type 2")


def _message_string(data: bytes) -> Extension:
    if not data:
        raise ValueError("Message String: wants a sub-type")
    return MessageString(data[0], data[1:].decode(errors="replace"))


LONG_FORMAT = frozenset(
    {
        ExtensionType.GENERALIZED_AUTHENTICATION,
        ExtensionType.GRE_KEY,
        ExtensionType.DYNAMIC_HOME_AGENT,
        ExtensionType.MULTIPATH,
    }
)
"""Types framed `type sub-type length(16)`; their parsers get the sub-type before the data."""

PARSERS: dict[int, Callable[[bytes], Extension]] = {
    **{kind: _authentication(kind) for kind in (32, 33, 34)},
    ExtensionType.UDP_TUNNEL_REPLY: _udp_reply,
    ExtensionType.UDP_TUNNEL_REQUEST: _udp_request,
    ExtensionType.MOBILE_NETWORK: _mobile_network,
    ExtensionType.MULTIPATH: _multipath,
    ExtensionType.MN_NAI: Nai,
    ExtensionType.MESSAGE_STRING: _message_string,
}
