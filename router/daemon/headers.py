"""Where the headers of a packet end, and what somebody has to say begins: pure.

IEEE 802.3, RFC 791, 792, 8200, 9293, 768, 2784; tunnels are looked into (RFC 2003, 3519).
"""

from __future__ import annotations

__all__ = ["headers"]

_ETHERNET, _ARP = 14, 28
_NETWORK = {0x0800: "ip", 0x86DD: "ip", 0x8100: "vlan", 0x88A8: "vlan", 0x0806: "arp"}
_ICMP, _IPIP, _TCP, _UDP, _IPV6, _GRE = 1, 4, 6, 17, 41, 47
_PORT = 434
_FIXED = {1: 24, 3: 20, 4: 4}
"""Octets of Mobile IPv4's messages in front of their extensions, by type (RFC 5944, 3519)."""
_ERRORS = (3, 11, 12)
_DEEPEST = 3


def headers(packet: bytes, ethernet: bool) -> int:
    """How many octets of `packet` are headers; without `ethernet` it begins with IP."""
    at = _ETHERNET if ethernet else 0
    kind = _NETWORK.get(_number(packet, 12)) if ethernet else "ip"
    while kind == "vlan":
        kind, at = _NETWORK.get(_number(packet, at + 2)), at + 4
    end = at + _ARP if kind == "arp" else _network(packet, at, 0) if kind == "ip" else at
    return min(end, len(packet))


def _network(packet: bytes, at: int, depth: int) -> int:
    first = packet[at] if at < len(packet) else 0
    if depth > _DEEPEST or first >> 4 not in (4, 6):
        return at
    if first >> 4 == 6:
        return _transport(packet, at + 40, _octet(packet, at + 6), depth)
    end = at + 4 * max(5, first & 15)
    # A later fragment has no header but this.
    fragment = _number(packet, at + 6) & 0x1FFF
    return end if fragment else _transport(packet, end, _octet(packet, at + 9), depth)


def _transport(packet: bytes, at: int, protocol: int, depth: int) -> int:
    if protocol == _TCP:
        return at + 4 * max(5, _octet(packet, at + 12) >> 4)
    if protocol == _UDP:
        return _message(packet, at, depth)
    if protocol == _ICMP:
        return _network(packet, at + 8, depth + 1) if _octet(packet, at) in _ERRORS else at + 8
    if protocol in (_IPIP, _IPV6):
        return _network(packet, at, depth + 1)
    if protocol == _GRE:
        flags = _octet(packet, at) >> 4
        return _network(
            packet, at + 4 + 4 * (flags >> 3 & 1) + 4 * (flags >> 1 & 1) + 4 * (flags & 1), depth + 1
        )
    return at


def _message(packet: bytes, at: int, depth: int) -> int:
    end = at + 8
    if _PORT not in (_number(packet, at), _number(packet, at + 2)):
        return end
    kind = _octet(packet, end)
    end += _FIXED.get(kind, 0)
    return _network(packet, end, depth + 1) if kind == 4 else end


def _octet(packet: bytes, at: int) -> int:
    return packet[at] if at < len(packet) else 0


def _number(packet: bytes, at: int) -> int:
    return int.from_bytes(packet[at : at + 2], "big")
