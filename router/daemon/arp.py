"""Gratuitous ARP (RFC 5944 section 4.6): tells a link who has an address now."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from struct import Struct

__all__ = ["announce"]

_ETH_P_ARP = 0x0806
_ARP = Struct("!HHBBH6s4s6s4s")
_BROADCAST = b"\xff" * 6
_REPLY = 2
_TIMES = 2
"""ARP has no retransmission of its own: said more than once, for it may be lost."""


def announce(device: str, address: IPv4Address, link_address: bytes | None = None) -> None:
    """Broadcast that `address` is at `link_address`, by default the device's own.  Raises OSError."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ARP)) as sock:
        sock.bind((device, _ETH_P_ARP))
        at = link_address or bytes(sock.getsockname()[4])[:6]
        if len(at) != 6:
            return
        packed = address.packed
        packet = _ARP.pack(1, 0x0800, 6, 4, _REPLY, at, packed, _BROADCAST, packed)
        for _ in range(_TIMES):
            sock.sendto(packet, (device, _ETH_P_ARP, 0, 0, _BROADCAST))
