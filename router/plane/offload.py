"""Segmentation offload of TUN devices, in user space: what a network card would do.

A device opened so (<linux/virtio_net.h>, `struct virtio_net_hdr`) hands over
TCP in super-packets of up to 64 KiB, and checksums that are still to be
completed; it takes super-packets too.  `segment` cuts what was read into the
packets it stands for; `runs` finds what may be written as one, and `joined`
makes it one.  IPv4 only.  Any octets are taken; nothing raises.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

__all__ = ["HEADER_SIZE", "joined", "ones_sum", "runs", "segment", "trains"]

# flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
_HEADER = struct.Struct("=BBHHHH")
HEADER_SIZE = _HEADER.size
_NOTHING = bytes(HEADER_SIZE)
_NEEDS_CHECKSUM = 1
_TCPV4 = 1

_IP, _TCP_MIN, _MAX_PACKET = 20, 20, 65535
_TCP = 6
_CHECKSUM_IN_TCP = 16
_FIN, _PSH, _ACK, _CWR = 0x01, 0x08, 0x10, 0x80
_U16, _LENGTH_AND_ID = struct.Struct("!H"), struct.Struct("!HH")
_U32 = struct.Struct("!I")
_TRAIN, _TRAIN_OCTETS = 16, 64_000
"""Datagrams in one call: more gains little, and when the socket's queue is full they are lost together."""


def _same_in_run() -> int:
    """A mask for the first 40 octets: not length, IP id, the checksums, sequence number and PSH."""
    mask = bytearray(b"\xff" * (_IP + _TCP_MIN))
    for at in (2, 3, 4, 5, 10, 11, 24, 25, 26, 27, 36, 37):
        mask[at] = 0
    mask[33] = 0xFF ^ _PSH
    return int.from_bytes(mask, "big")


_SAME = _same_in_run()
# A large division is slow: halves of a full packet are added before it.
_LARGE = 704
_HALF, _QUARTER = 8 * _LARGE, 4 * _LARGE
_LOW_HALF, _LOW_QUARTER = (1 << _HALF) - 1, (1 << _QUARTER) - 1


def ones_sum(data: bytes | bytearray) -> int:
    """The sum of the 16-bit words, odd data padded with a zero (RFC 1071), modulo 0xFFFF.

    All the octets are one number: 2^16 is 1 modulo 0xFFFF, so its words may be added in any way.
    """
    total = int.from_bytes(data, "big")
    if len(data) > _LARGE:
        total = (total & _LOW_HALF) + (total >> _HALF)
        total = (total & _LOW_QUARTER) + (total >> _QUARTER)
    if len(data) & 1:
        return (total % 0xFFFF << 8) % 0xFFFF
    return total % 0xFFFF


def segment(data: bytes) -> list[bytes]:
    """The packets that a read stands for; none when its header makes no sense."""
    if data[:HEADER_SIZE] == _NOTHING:
        return [data[HEADER_SIZE:]]
    if len(data) < HEADER_SIZE:
        return []
    flags, kind, _, size, start, offset = _HEADER.unpack_from(data)
    packet = data[HEADER_SIZE:]
    if kind == _TCPV4:
        return _cut(packet, size)
    if kind:
        return []
    return _completed(packet, start, start + offset) if flags & _NEEDS_CHECKSUM else [packet]


def _completed(packet: bytes, start: int, at: int) -> list[bytes]:
    """With the checksum at `at` over all from `start`; the sum of the pseudo-header stands there already."""
    if at + 2 > len(packet):
        return []
    # A UDP checksum of zero means none (RFC 768); elsewhere both mean the same.
    value = -ones_sum(packet[start:]) % 0xFFFF or 0xFFFF
    return [b"".join((packet[:at], _U16.pack(value), packet[at + 2 :]))]


def _cut(packet: bytes, size: int) -> list[bytes]:
    """A super-packet in segments of `size` octets."""
    length = len(packet)
    tcp = 4 * (packet[0] & 0x0F) if packet else 0
    if tcp < _IP or tcp + _TCP_MIN > length or not size:
        return []
    head = tcp + 4 * (packet[tcp + 12] >> 4)
    if head < tcp + _TCP_MIN or head > length:
        return []
    header = bytearray(packet[:head])
    identification, sequence = _U16.unpack_from(packet, 4)[0], _U32.unpack_from(packet, tcp + 4)[0]
    flags = packet[tcp + 13]
    # What is the same in all segments is summed up once.
    _LENGTH_AND_ID.pack_into(header, 2, 0, 0)
    header[10:12] = header[tcp + _CHECKSUM_IN_TCP : tcp + _CHECKSUM_IN_TCP + 2] = bytes(2)
    header[tcp + 4 : tcp + 8], header[tcp + 13] = bytes(4), 0
    ip_sum = ones_sum(header[:tcp])
    tcp_sum = ones_sum(header[12:20]) + _TCP + ones_sum(header[tcp:])
    segments, last = [], length - size
    for at in range(head, length, size) if head < length else (head,):
        payload = packet[at : at + size]
        now = flags
        if at > head:
            now &= ~_CWR
        if at < last:
            now &= ~(_FIN | _PSH)
        total = head + len(payload)
        _LENGTH_AND_ID.pack_into(header, 2, total, identification)
        _U16.pack_into(header, 10, -(ip_sum + total + identification) % 0xFFFF)
        _U32.pack_into(header, tcp + 4, sequence)
        header[tcp + 13] = now
        sum_of_all = tcp_sum + total - tcp + sequence + now + ones_sum(payload)
        _U16.pack_into(header, tcp + _CHECKSUM_IN_TCP, -sum_of_all % 0xFFFF)
        segments.append(bytes(header) + payload)
        identification = (identification + 1) & 0xFFFF
        sequence = (sequence + size) & 0xFFFFFFFF
    return segments


def runs(packets: Iterable[bytes]) -> list[list[bytes]]:
    """The packets in their order, in runs that may be written as one.

    A run is TCP without a gap, one right after the other, all that Linux's GRO
    asks for alike (addresses, TOS, TTL, ports, acknowledgement, window, options),
    not to be fragmented, of one size but for the last; PSH ends it.  The checksums
    in it are right: as they are made anew, a wrong one would be hidden.
    """
    found: list[list[bytes]] = []
    run: list[bytes] = []
    same = following = size = head = room = 0
    options = b""
    for packet in packets:
        octets = len(packet) - head
        if (
            run
            and int.from_bytes(packet[:40], "big") & _SAME == same
            and packet[24:28] == following.to_bytes(4, "big")
            and packet[40:head] == options
            and 0 < octets <= min(size, room)
            and _is_right(packet)
            and (len(run) > 1 or _is_right(run[0]))
        ):
            run.append(packet)
            if octets < size or packet[33] & _PSH:
                run = []
                continue
        else:
            run = [packet]
            found.append(run)
            if not _may_begin(packet):
                run = []
                continue
            head = _IP + 4 * (packet[32] >> 4)
            same, options = int.from_bytes(packet[:40], "big") & _SAME, packet[40:head]
            octets = size = len(packet) - head
            following, room = int.from_bytes(packet[24:28], "big"), _MAX_PACKET - head
        following = (following + octets) & 0xFFFFFFFF
        room -= octets
    return found


def _may_begin(packet: bytes) -> bool:
    """Whether this is TCP with a plain header, DF, data, and of the flags ACK alone."""
    return (
        len(packet) > _IP + _TCP_MIN
        and packet[0] == 0x45
        and packet[9] == _TCP
        and packet[6:8] == b"\x40\x00"
        and packet[33] == _ACK
        and packet[32] & 0x0F == 0
        and _TCP_MIN <= 4 * (packet[32] >> 4) < len(packet) - _IP
    )


def _is_right(packet: bytes) -> bool:
    """Whether length and checksums of a TCP packet without IP options are right."""
    length = len(packet)
    return (
        packet[2] << 8 | packet[3] == length
        and ones_sum(packet[:_IP]) == 0
        and (ones_sum(packet[12:]) + _TCP + length - _IP) % 0xFFFF == 0
    )


def joined(run: list[bytes]) -> bytes:
    """What is written for a run."""
    first = run[0]
    if len(run) == 1:
        return _NOTHING + first
    head = _IP + 4 * (first[32] >> 4)
    payloads = [packet[head:] for packet in run]
    total = head + sum(map(len, payloads))
    header = bytearray(first[:head])
    _U16.pack_into(header, 2, total)
    header[10:12] = bytes(2)
    _U16.pack_into(header, 10, -ones_sum(header[:_IP]) % 0xFFFF)
    header[33] = run[-1][33]
    _U16.pack_into(header, 36, (ones_sum(header[12:20]) + _TCP + total - _IP) % 0xFFFF)
    offload = _HEADER.pack(_NEEDS_CHECKSUM, _TCPV4, head, len(payloads[0]), _IP, _CHECKSUM_IN_TCP)
    return b"".join((offload, header, *payloads))


def trains(packets: Iterable[bytes]) -> list[list[bytes]]:
    """The packets in their order, in groups for UDP_SEGMENT: of one size but for the last, and one TOS."""
    found: list[list[bytes]] = []
    train: list[bytes] = []
    size, tos, most = 0, 0, 0
    for packet in packets:
        octets = len(packet)
        if train and octets <= size and packet[1] == tos and len(train) < most:
            train.append(packet)
        else:
            train, size, tos = [packet], octets, packet[1]
            most = min(_TRAIN, _TRAIN_OCTETS // octets)
            found.append(train)
        if octets < size:
            train = []
    return found
