"""UDP from who has no address yet (RFC 5944 section 3.6.1.1): the kernel would put some other address of ours."""

from __future__ import annotations

from ipaddress import IPv4Address
from struct import Struct

from router.mip.wire.checksum import checksum

__all__ = ["udp_packet"]

_IP = Struct("!BBHHHBBH4s4s")
_UDP = Struct("!HHHH")
_PSEUDO = Struct("!4s4sBBH")
_PROTOCOL_UDP = 17
_NOBODY = bytes(4)
_ALL_ONES = 0xFFFF


def udp_packet(data: bytes, port: int, destination: tuple[IPv4Address, int], ttl: int) -> bytes:
    """An IP packet from 0.0.0.0, UDP port `port`, with both checksums."""
    address, target = destination
    size = _UDP.size + len(data)
    pseudo = _PSEUDO.pack(_NOBODY, address.packed, 0, _PROTOCOL_UDP, size)
    whole = checksum(pseudo + _UDP.pack(port, target, size, 0) + data) or _ALL_ONES
    fields = (0x45, 0, _IP.size + size, 0, 0, ttl, _PROTOCOL_UDP)
    header = _IP.pack(
        *fields, checksum(_IP.pack(*fields, 0, _NOBODY, address.packed)), _NOBODY, address.packed
    )
    return header + _UDP.pack(port, target, size, whole) + data
