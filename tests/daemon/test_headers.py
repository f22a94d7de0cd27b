"""Where headers end: the packets are written down here octet by octet, as the RFCs draw them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.daemon.headers import headers

SAID = b"what somebody said"
ETHERNET = bytes(12) + b"\x08\x00"


def ip(protocol, fragment=0):
    return bytes([0x45, 0, 0, 0, 0, 0, fragment >> 8, fragment & 255, 64, protocol]) + bytes(10)


def udp(source, destination):
    return source.to_bytes(2, "big") + destination.to_bytes(2, "big") + bytes(4)


TCP = bytes(12) + b"\x80" + bytes(19)
IPV6 = b"\x60" + bytes(5) + b"\x06" + bytes(33)


@pytest.mark.parametrize(
    "front",
    [
        ETHERNET + ip(6) + TCP,
        ETHERNET + ip(17) + udp(40000, 53),
        ETHERNET + ip(1) + b"\x08" + bytes(7),
        ETHERNET + ip(1) + b"\x03" + bytes(7) + ip(17) + udp(1, 2),
        ETHERNET + ip(17, fragment=185),
        ETHERNET + ip(4) + ip(6) + TCP,
        ETHERNET + ip(41) + IPV6 + TCP,
        ETHERNET + ip(47) + b"\x20\x00\x08\x00" + bytes(4) + ip(6) + TCP,
        ETHERNET + ip(17) + udp(50000, 434) + b"\x01" + bytes(23),
        ETHERNET + ip(17) + udp(434, 50000) + b"\x03" + bytes(19),
        ETHERNET + ip(17) + udp(434, 434) + b"\x04\x04\x00\x00" + ip(6) + TCP,
        bytes(12) + b"\x81\x00\x00\x05\x08\x00" + ip(6) + TCP,
        bytes(12) + b"\x08\x06" + bytes(28),
        bytes(12) + b"\x88\x8e",
        bytes(12) + b"\x88\x64",
    ],
)
def test_nothing_that_is_said_is_kept(front):
    assert headers(front + SAID, True) == len(front)


def test_a_tunnel_device_begins_with_ip():
    assert headers(ip(6) + TCP + SAID, False) == 52


@given(st.binary(max_size=80), st.booleans())
def test_any_octets_have_an_end(packet, ethernet):
    assert 0 <= headers(packet, ethernet) <= len(packet)
