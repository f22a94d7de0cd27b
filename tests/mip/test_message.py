"""Octets, derived by hand from the figures of the RFCs, against what we write and read."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.mip.extension import (
    Authentication,
    FlowBinding,
    Malformed,
    MessageString,
    MobileNetworkAcknowledgement,
    MobileNetworkRequest,
    Multipath,
    Nai,
    UdpTunnelReply,
    UdpTunnelRequest,
    Unknown,
)
from router.mip.message import Reason, RegistrationReply, RegistrationRequest, Reject, TunnelData, decode

HOME = IPv4Address("10.99.0.2")
AGENT = IPv4Address("198.51.100.2")
CARE_OF = IPv4Address("192.0.2.10")

# RFC 5944 section 3.3: type 1; S B D M G r T x = 0010 0010 (D and T);
# lifetime 600 = 0x0258; home address; home agent; care-of address; identification.
REQUEST = bytes.fromhex("01 22 0258 0a630002 c6336402 c000020a e8f1a2b3c4d5e6f7")
# RFC 5944 section 3.4: type 3; code 0; lifetime 600; home address; home agent; identification.
REPLY = bytes.fromhex("03 00 0258 0a630002 c6336402 e8f1a2b3c4d5e6f7")

GOLDEN = [
    # RFC 7629 section 4.1: 154, sub-type 1, length 4; If-ATT 4 (802.11), label 9, BID 3, B=1 O=0.
    (Multipath(4, 9, 3, bulk=True), "9a 01 0004 04 09 03 80"),
    (Multipath(8, 1, 254, overwrite=True), "9a 01 0004 08 01 fe 40"),
    # RFC 7629 section 4.2: sub-type 2, length 3 + 2 + 4; FORWARD, 2 BIDs, format 1, empty flag word.
    (FlowBinding(1, (3, 7), 1, bytes(4)), "9a 02 0009 01 02 03 07 01 00000000"),
    # RFC 3519 section 3.1: 144, length 6, sub-type 0, reserved; F=1 R=0; encapsulation 4; reserved.
    (UdpTunnelRequest(force=True, encapsulation=4), "90 06 00 00 80 04 0000"),
    # RFC 3519 section 3.2: 44, length 6, sub-type 0, code 0; F=1; keepalive 110 = 0x6e.
    (UdpTunnelReply(0, forced=True, keepalive=110), "2c 06 00 00 8000 006e"),
    # RFC 5177 section 4.1: 148, length 6, sub-type 0, prefix length 24, prefix.
    (MobileNetworkRequest(IPv4Network("10.50.0.0/24")), "94 06 00 18 0a320000"),
    # RFC 5177 section 4.2: 148, length 8, sub-type 1 (explicit), code 2, prefix length, reserved, prefix.
    (MobileNetworkAcknowledgement(2, 24, IPv4Address("10.50.0.0")), "94 08 01 02 18 00 0a320000"),
    (MobileNetworkAcknowledgement(0, 24, IPv4Address("10.50.0.0"), True), "94 08 02 00 18 00 0a320000"),
    # RFC 2794 section 2: 131, length, the NAI.
    (Nai(b"bus42@example.org"), "83 11" + b"bus42@example.org".hex()),
    # RFC 4917 section 3: 145, length 1 + n, sub-type 1 (home agent), text.
    (MessageString(1, "hello"), "91 06 01" + b"hello".hex()),
    # RFC 5944 section 3.5.2: 32, length 4 + 16, SPI 256, authenticator.
    (Authentication(32, 256, bytes(range(16))), "20 14 00000100" + bytes(range(16)).hex()),
    (Unknown(200, b"xyz"), "c8 03 78797a"),
]


def request(*extensions):
    return RegistrationRequest(600, HOME, AGENT, CARE_OF, 0xE8F1A2B3C4D5E6F7, extensions=extensions)


def test_request_is_the_figure():
    assert request().encode() == REQUEST
    assert decode(REQUEST) == request()


def test_reply_is_the_figure():
    reply = RegistrationReply(0, 600, HOME, AGENT, 0xE8F1A2B3C4D5E6F7)
    assert reply.encode() == REPLY
    assert decode(REPLY) == reply


@pytest.mark.parametrize(("extension", "octets"), GOLDEN, ids=lambda value: type(value).__name__)
def test_extension_is_the_figure(extension, octets):
    octets = bytes.fromhex(octets)
    assert extension.encode() == octets
    assert decode(REQUEST + octets).extensions == (extension,)


def test_every_flag_has_its_bit():
    flags = {
        "simultaneous": 0x80,
        "broadcast": 0x40,
        "decapsulation": 0x20,
        "minimal": 0x10,
        "gre": 0x08,
        "reverse_tunnel": 0x02,
    }
    for name, bit in flags.items():
        message = decode(REQUEST[:1] + bytes([bit]) + REQUEST[2:])
        assert {other for other in flags if getattr(message, other)} == {name}
        assert message.encode()[1] == bit


def test_reserved_bits_of_the_request_are_ignored():
    assert decode(REQUEST[:1] + b"\x27" + REQUEST[2:]) == request()


def test_tunnel_data_is_the_figure():
    # RFC 3519 section 3.3: type 4, next header 4, 16 bits reserved, the packet.
    assert TunnelData(4, b"packet").encode() == b"\x04\x04\x00\x00packet"
    assert decode(b"\x04\x04\x00\x00packet") == TunnelData(4, b"packet")


def test_padding_is_one_octet_without_a_length():
    assert decode(REQUEST + bytes(3) + bytes.fromhex("c800")).extensions == (Unknown(200, b""),)


def test_an_unknown_extension_below_128_drops_the_message():
    assert decode(REQUEST + b"\x7e\x01\x00").reason is Reason.UNSKIPPABLE_EXTENSION


def test_authentication_knows_where_it_stands():
    message = decode(REQUEST + Multipath(4, 9, 3).encode() + Authentication(32, 256, bytes(16)).encode())
    assert message.find(Authentication).offset == len(REQUEST) + 8


@pytest.mark.parametrize(
    "octets",
    [
        "9a 01 0004 04 09 00 00",  # BID 0
        "9a 01 0004 04 09 ff 00",  # BID 255
        "9a 01 0004 04 00 03 00",  # label 0
        "9a 01 0004 04 09 03 c0",  # B and O
        "9a 01 0003 04 09 03",  # too short
        "9a 03 0004 04 09 03 00",  # unknown sub-type
        "9a 02 0004 01 09 03 00",  # 9 BIDs
        "90 05 00 00 80 04 00",  # UDP Tunnel Request too short
        "94 06 00 21 0a320000",  # prefix length 33
        "94 06 00 08 0a320001",  # host bits
        "20 02 0000",  # no room for an SPI
    ],
)
def test_a_malformed_extension_leaves_the_message_readable(octets):
    message = decode(REQUEST + bytes.fromhex(octets))
    assert isinstance(message, RegistrationRequest)
    assert message.find(Malformed).why


def test_truncation_at_every_octet_is_a_reject_or_a_shorter_message():
    whole = REQUEST + b"".join(bytes.fromhex(octets) for _, octets in GOLDEN)
    for length in range(len(whole)):
        result = decode(whole[:length])
        assert isinstance(result, Reject) or len(result.extensions) < len(GOLDEN)
    for length in range(1, len(REQUEST)):
        assert decode(whole[:length]).reason is Reason.TRUNCATED


@given(st.binary(max_size=200))
def test_decode_is_total(data):
    decode(data)
    decode(REQUEST + data)
    decode(REPLY + data)


@given(
    lifetime=st.integers(0, 0xFFFF),
    addresses=st.tuples(*[st.ip_addresses(v=4)] * 3),
    identification=st.integers(0, 2**64 - 1),
    flags=st.tuples(*[st.booleans()] * 6),
    extensions=st.lists(st.sampled_from([extension for extension, _ in GOLDEN]), max_size=6),
)
def test_what_is_written_is_read_back(lifetime, addresses, identification, flags, extensions):
    message = RegistrationRequest(lifetime, *addresses, identification, *flags, tuple(extensions))
    assert decode(message.encode()) == message


@pytest.mark.parametrize("values", [(4, 0, 1), (4, 1, 0), (4, 1, 255), (4, 1, 1, True, True)])
def test_a_forbidden_multipath_cannot_be_made(values):
    with pytest.raises(ValueError, match=r"label|ID|exclusive|Label"):
        Multipath(*values)
