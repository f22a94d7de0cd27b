"""RFC 3519 keepalives: an ICMP echo inside the UDP tunnel (section 4.9)."""

from __future__ import annotations

from ipaddress import IPv4Address
from struct import Struct

from router.mip.wire.checksum import checksum
from router.mip.wire.numbers import Encapsulation, MessageType
from router.mip.wire.udp_tunnel import TunnelData

__all__ = ["IDENTIFIER", "echo_request", "echo_source", "may_be_echo", "reply_sequence"]

IDENTIFIER = 0x7629
"""ICMP identifier of our echoes, told apart from pings of people by it."""

_IP = Struct("!BBHHHBBH4s4s")
_ICMP = Struct("!BBHHH")
_ECHO_REPLY, _ECHO_REQUEST, _PROTOCOL_ICMP = 0, 8, 1
_DONT_FRAGMENT = 0x4000
_TUNNEL_DATA = int(MessageType.TUNNEL_DATA)
_INNER_PROTOCOL = 4 + 9


def may_be_echo(data: bytes) -> bool:
    """Whether a datagram may carry an echo: looked at for every packet in user space, so told by two octets."""
    return len(data) > _INNER_PROTOCOL and data[_INNER_PROTOCOL] == _PROTOCOL_ICMP and data[0] == _TUNNEL_DATA


def echo_request(home_address: IPv4Address, home_agent: IPv4Address, sequence: int) -> bytes:
    """A Tunnel Data message with an echo from the home address to the home agent."""
    icmp = _ICMP.pack(_ECHO_REQUEST, 0, 0, IDENTIFIER, sequence & 0xFFFF)
    icmp = _ICMP.pack(_ECHO_REQUEST, 0, checksum(icmp), IDENTIFIER, sequence & 0xFFFF)
    fields = (0x45, 0, _IP.size + len(icmp), 0, _DONT_FRAGMENT, 64, _PROTOCOL_ICMP)
    header = _IP.pack(*fields, 0, home_address.packed, home_agent.packed)
    header = _IP.pack(*fields, checksum(header), home_address.packed, home_agent.packed)
    return TunnelData(Encapsulation.IP_IN_IP, header + icmp).encode()


def echo_source(message: TunnelData, home_agent: IPv4Address) -> IPv4Address | None:
    """The home address whose echo request to the home agent `message` carries, else None."""
    found = _icmp(message)
    if found is None or message.payload[16:20] != home_agent.packed or found[0] != _ECHO_REQUEST:
        return None
    return IPv4Address(message.payload[12:16])


def reply_sequence(message: TunnelData, home_address: IPv4Address, home_agent: IPv4Address) -> int | None:
    """The sequence number when `message` answers one of our echoes, else None."""
    found, packet = _icmp(message), message.payload
    if found is None or packet[12:16] != home_agent.packed or packet[16:20] != home_address.packed:
        return None
    kind, _, _, identifier, sequence = found
    return sequence if kind == _ECHO_REPLY and identifier == IDENTIFIER else None


def _icmp(message: TunnelData) -> tuple[int, int, int, int, int] | None:
    """The ICMP header of the packet inside, if there is one."""
    packet = message.payload
    if message.next_header != Encapsulation.IP_IN_IP or len(packet) < _IP.size + _ICMP.size:
        return None
    header = 4 * (packet[0] & 0x0F)
    if packet[0] >> 4 != 4 or packet[9] != _PROTOCOL_ICMP or len(packet) < header + _ICMP.size:
        return None
    kind, code, total, identifier, sequence = _ICMP.unpack_from(packet, header)
    return kind, code, total, identifier, sequence
