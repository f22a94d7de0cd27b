"""A capture file in the making: Ethernet frames around IPv4 around UDP 434 or ICMP."""

from struct import pack

_GLOBAL_HEADER = pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_ETHERNET = bytes.fromhex("020000000002 020000000001 0800")
SOURCE, DESTINATION = bytes([192, 0, 2, 10]), bytes([198, 51, 100, 2])
ALL_SYSTEMS = bytes([224, 0, 0, 1])
ICMP, UDP = 1, 17


def _sum(data):
    words = sum(data[0::2]) * 256 + sum(data[1::2])
    while words > 0xFFFF:
        words = words % 0x10000 + words // 0x10000
    return words ^ 0xFFFF


def ip(protocol, payload, destination=DESTINATION, ttl=64):
    head = pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, ttl, protocol, 0) + SOURCE + destination
    return head[:10] + pack("!H", _sum(head)) + head[12:] + payload


def udp(payload, ports=(40000, 434)):
    size = 8 + len(payload)
    pseudo = SOURCE + DESTINATION + pack("!HH", UDP, size)
    head = pack("!HHH", *ports, size)
    return head + pack("!H", _sum(pseudo + head + b"\0\0" + payload) or 0xFFFF) + payload


def capture(packets):
    """The octets of a capture file with one frame for each IPv4 packet, a second apart."""
    records = (
        pack("<IIII", at, 0, len(packet) + 14, len(packet) + 14) + _ETHERNET + packet
        for at, packet in enumerate(packets)
    )
    return _GLOBAL_HEADER + b"".join(records)
