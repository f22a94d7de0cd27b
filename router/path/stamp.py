"""The Simple Two-way Active Measurement Protocol, unauthenticated mode (RFC 8762), with RFC 8972's Direct Measurement.

A packet of the Session-Sender has 44 octets, and so has its reflection; behind
them stand TLVs (RFC 8972 section 4).  The Direct Measurement TLV carries
packet counters of the tunnel: what the sender put in, what the reflector saw
come out, and what it put in towards the sender.

    sender     sequence 4, timestamp 8, error estimate 2, SSID 2, zero 28
    reflector  sequence 4, timestamp 8, error estimate 2, SSID 2, receive timestamp 8,
               sender's sequence 4, timestamp 8, error estimate 2, zero 2, TTL 1, zero 3
    TLV        flags 1 (U, M, I), type 1, length 2, value
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

__all__ = ["PORT", "SIZE", "Reflection", "parse_reflection", "reflect", "test_packet"]

PORT = 862
"""RFC 8762 section 4.1."""
_BASE = 44
SIZE = _BASE + 16
"""Octets of a packet of ours, behind the UDP header."""

_SENDER = Struct("!IQHH28x")
_REFLECTOR = Struct("!IQHHQIQH2xB3x")
_TLV = Struct("!BBH")
_COUNTERS = Struct("!III")
_DIRECT_MEASUREMENT, _EXTRA_PADDING = 5, 1
_UNRECOGNISED, _MALFORMED = 0x80, 0x40
_ERROR = 1
"""Error Estimate: not synchronised, NTP format, scale 0, and a multiplier that must not be 0 (RFC 4656 section 4.1.2)."""
_NTP = 2_208_988_800
_COUNT = 0xFFFFFFFF


class Reflection(NamedTuple):
    """An answer; times are seconds since 1970, the middle two by the reflector's clock."""

    sequence: int
    sent: float
    received: float
    reflected: float
    counters: tuple[int, int, int] | None
    """Packets that the sender sent, the reflector received, and the reflector sent; 32 bits; None: not measured."""


def test_packet(sequence: int, sent: float, tx_packets: int) -> bytes:
    """A packet that leaves at `sent` (seconds since 1970), when the tunnel had taken `tx_packets`."""
    tlv = _TLV.pack(_UNRECOGNISED, _DIRECT_MEASUREMENT, _COUNTERS.size)
    return (
        _SENDER.pack(sequence & _COUNT, _stamp(sent), _ERROR, 0)
        + tlv
        + _COUNTERS.pack(tx_packets & _COUNT, 0, 0)
    )


def reflect(
    packet: bytes, received: float, reflected: float, ttl: int, rx_packets: int, tx_packets: int
) -> bytes | None:
    """The answer of a stateless reflector, as long as the packet; None for what is no test packet."""
    if len(packet) < _BASE:
        return None
    sequence, stamp, error, session = _SENDER.unpack_from(packet)
    answer = _REFLECTOR.pack(
        sequence, _stamp(reflected), _ERROR, session, _stamp(received), sequence, stamp, error, ttl
    )
    return answer + _reflected_tlvs(packet[_BASE:], rx_packets & _COUNT, tx_packets & _COUNT)


def parse_reflection(data: bytes) -> Reflection | None:
    """None for what is no answer."""
    if len(data) < _BASE:
        return None
    _, reflected, _, _, received, sequence, sent, _, _ = _REFLECTOR.unpack_from(data)
    times = (_seconds(sent), _seconds(received), _seconds(reflected))
    return Reflection(sequence, *times, _counters(data[_BASE:]))


def _reflected_tlvs(octets: bytes, rx_packets: int, tx_packets: int) -> bytes:
    """Known ones are filled in, others marked as such; behind a malformed one nothing is looked at (RFC 8972 section 4)."""
    result, offset = bytearray(octets), 0
    while offset < len(octets):
        if offset + _TLV.size > len(octets):
            # Not even a header: nothing to mark.
            break
        _, kind, length = _TLV.unpack_from(octets, offset)
        value = offset + _TLV.size
        measured = kind == _DIRECT_MEASUREMENT
        if value + length > len(octets) or (measured and length != _COUNTERS.size):
            result[offset] = _MALFORMED
            break
        result[offset] = 0 if measured or kind == _EXTRA_PADDING else _UNRECOGNISED
        if measured:
            sent = _COUNTERS.unpack_from(octets, value)[0]
            _COUNTERS.pack_into(result, value, sent, rx_packets, tx_packets)
        offset = value + length
    return bytes(result)


def _counters(octets: bytes) -> tuple[int, int, int] | None:
    offset = 0
    while offset + _TLV.size <= len(octets):
        flags, kind, length = _TLV.unpack_from(octets, offset)
        value = offset + _TLV.size
        if flags & _MALFORMED or value + length > len(octets):
            return None
        if kind == _DIRECT_MEASUREMENT and length == _COUNTERS.size and not flags & _UNRECOGNISED:
            sent, received, returned = _COUNTERS.unpack_from(octets, value)
            return sent, received, returned
        offset = value + length
    return None


def _stamp(seconds: float) -> int:
    """NTP's 64 bits (RFC 5905 section 6)."""
    whole = int(seconds)
    return ((whole + _NTP) & _COUNT) << 32 | int((seconds - whole) * (1 << 32)) & _COUNT


def _seconds(stamp: int) -> float:
    return (stamp >> 32) - _NTP + (stamp & _COUNT) / (1 << 32)
