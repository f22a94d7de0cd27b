"""What is encoded is the hand-written octets, and what is decoded from them is the value."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from router.mip.wire.advertisement import AgentAdvertisement, MobilityAgent, RouterAddress, decode_icmp
from router.mip.wire.authentication import Authentication
from router.mip.wire.extension import Malformed
from router.mip.wire.message import _LONG, _SIMPLE, Reason, decode
from router.mip.wire.message_string import MessageString
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement, MobileNetworkRequest
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.registration import RegistrationRequest
from router.mip.wire.selector import TrafficSelector
from tests.mip.wire.golden import CARE_OF, COMPOUNDS, DISCOVERY, EXTENSIONS, MESSAGES, placed

REQUEST, REQUEST_OCTETS = MESSAGES["request"]
WHOLE = {**MESSAGES, **COMPOUNDS}


@pytest.mark.parametrize("name", WHOLE)
def test_message(name):
    value, octets = WHOLE[name]
    assert value.encode() == octets
    assert decode(octets) == value


@pytest.mark.parametrize("name", EXTENSIONS)
def test_extension(name):
    value, octets = EXTENSIONS[name]
    assert value.encode() == octets
    assert decode(REQUEST_OCTETS + octets).extensions == (placed(value, len(REQUEST_OCTETS)),)


@pytest.mark.parametrize("name", DISCOVERY)
def test_discovery(name):
    value, octets = DISCOVERY[name]
    assert value.encode() == octets
    assert decode_icmp(octets) == value


def test_every_extension_we_decode_has_its_figure():
    assert {octets[0] for _, octets in EXTENSIONS.values()} - {200} == {*_SIMPLE, *_LONG}


def test_reserved_fields_are_sent_as_zero_and_ignored():
    for written, reserved in (
        ("9a 01 0004 04 09 03 00", "9a 01 0004 04 09 03 3f"),
        ("90 06 00 00 80 04 0000", "90 06 00 ff bf 04 0000"),
        ("2c 06 00 00 8000 006e", "2c 06 00 00 ffff 006e"),
        ("89 06 8000 65a0b1c2", "89 06 ffff 65a0b1c2"),
        ("94 08 01 02 18 00 0a320000", "94 08 01 02 18 ff 0a320000"),
        ("26 00 0007 00000009 0201 61", "26 ff 0007 00000009 0201 61"),
        ("86 09 0000 00000009 0002 78", "86 09 ffff 00000009 0002 78"),
    ):
        (found,) = decode(REQUEST_OCTETS + bytes.fromhex(reserved)).extensions
        assert found.encode() == bytes.fromhex(written)


def test_reserved_fields_of_messages_are_ignored():
    for name, reserved in (
        ("revocation", "07 ff ffff 0a630002 c6336402 c000020a 65a0b1c2"),
        ("acknowledgment_inform", "0f ff ffff 0a630002 65a0b1c2"),
        ("tunnel_data", "04 04 ffff" + MESSAGES["tunnel_data"][1][4:].hex()),
    ):
        assert decode(bytes.fromhex(reserved)) == MESSAGES[name][0]


@pytest.mark.parametrize("reserved", [0x01, 0x04])
def test_reserved_bits_of_a_request_are_kept_for_who_judges_them(reserved):
    message = decode(REQUEST_OCTETS[:1] + bytes([0x22 | reserved]) + REQUEST_OCTETS[2:])
    assert message == REQUEST._replace(flags=0x22 | reserved)


def test_request_properties_follow_their_bits():
    names = {"simultaneous": 0x80, "decapsulation": 0x20, "gre": 0x08, "reverse_tunnel": 0x02}
    for bit in (1 << shift for shift in range(8)):
        message = decode(REQUEST_OCTETS[:1] + bytes([bit]) + REQUEST_OCTETS[2:])
        assert {name for name in names if getattr(message, name)} == {n for n, b in names.items() if b == bit}


def test_agent_flags_one_by_one():
    bits = {
        "registration_required": 0x8000, "busy": 0x4000, "home_agent": 0x2000, "minimal": 0x0800, "gre": 0x0400,
        "reverse_tunnel": 0x0100, "udp_tunnel": 0x0080, "revocation": 0x0040,
    }  # fmt: skip
    for name, bit in bits.items():
        octets = MobilityAgent(1, 2, (CARE_OF,), foreign_agent=True, **{name: True}).encode()
        assert octets == bytes.fromhex(f"10 0a 0001 0002 {0x1000 | bit:04x} c000020a")


def test_an_advertisement_with_longer_entries_and_extensions_that_may_be_passed_over():
    # Entries of 3 words (RFC 1256 section 3 lets them grow); type 200; H; reserved bits r I 00000 all set.
    octets = bytearray.fromhex(
        "09 00 0000 01 03 001e 0a320001 00000002 deadbeef c8 01 00 10 06 0001 0002 223f 00"
    )
    total = sum(octets[::2]) * 256 + sum(octets[1::2])
    octets[2:4] = (0xFFFF - (total % 0xFFFF)).to_bytes(2, "big")
    agent = MobilityAgent(1, 2, home_agent=True)
    router = RouterAddress(IPv4Address("10.50.0.1"), 2)
    assert decode_icmp(bytes(octets)) == AgentAdvertisement(30, agent, (router,))


@pytest.mark.parametrize(
    "octets",
    [
        "20 04 00000100",  # no authenticator
        "24 01 0004 00000100",
        "26 00 0005 00000009 02",  # no vendor type
        "2c 07 00 00 8000 006e 00",
        "2d 01 00",
        "30 00 0005 cafe0001 00",
        "82 01 00",  # encapsulating delivery has no content
        "83 00",  # empty NAI
        "84 00",  # challenge of no octets
        "86 07 0000 00000009 00",
        "89 05 8000 65a0b1",
        "8b 01 0003 c63364",
        "90 05 00 00 80 04 00",
        "91 00",  # without a sub-type
        "94 05 00 18 0a3200",
        "94 06 01 02 18 00 0a32",  # an acknowledgement with a request's length
        "9a 01 0004 04 09 00 00",  # BID 0
        "9a 01 0004 04 09 ff 00",  # BID 255
        "9a 01 0004 04 00 03 00",  # If-Label 0
        "9a 01 0004 04 09 03 c0",  # B and O
        "9a 01 0003 04 09 03",
        "9a 01 0005 04 09 03 00 00",
        "9a 02 0004 01 09 03 00",  # 9 BIDs announced
        "9a 02 0007 01 00 01 00000000",  # no BID
        "9a 02 0010 01 09 010203040506070809 01 00000000",  # 9 BIDs
        "9a 02 0008 01 01 00 01 00000000",  # BID 0
        "9a 02 0008 01 01 ff 01 00000000",  # BID 255
        "9a 02 0009 01 02 0303 01 00000000",  # one BID twice
        "9a 02 0009 00 02 0307 01 00000000",  # DROP with two octets
        "9a 02 0008 02 01 03 01 00000000",  # action 2
        "9a 02 0008 01 01 03 00 00000000",  # TS Format 0
        "9a 02 0008 01 01 03 02 00000000",  # IPv6 binary
        "9a 02 0007 01 01 03 01 000000",  # flag word cut
        "9a 02 0009 01 01 03 01 00000000 00",  # an octet too many
    ],
)
def test_a_malformed_extension_leaves_the_message_readable(octets):
    octets = bytes.fromhex(octets)
    message = decode(REQUEST_OCTETS + octets + b"\xc8\x00")
    assert isinstance(message, RegistrationRequest)
    malformed, after = message.extensions
    assert isinstance(malformed, Malformed) and malformed.why
    assert (malformed.type, malformed.octets) == (octets[0], octets)
    assert after.octets == b"\xc8\x00"
    with pytest.raises(ValueError, match=f"extension type {octets[0]} is malformed"):
        message.encode()


def test_authenticators_know_what_they_cover():
    _, octets = COMPOUNDS["visiting_request"]
    found = [item for item in decode(octets).extensions if isinstance(item, Authentication)]
    assert [item.type for item in found] == [32, 36, 33]
    for item in found:
        header = 8 if item.type == 36 else 6
        assert octets[item.offset] == item.type
        assert item.covered == item.offset + header
        assert octets[item.covered : item.end] == bytes(range(16))


def test_prefixes_that_are_none():
    assert MobileNetworkRequest(IPv4Address("10.50.0.1"), 24).prefix is None
    assert MobileNetworkAcknowledgement(0, 33, IPv4Address("10.50.0.0")).prefix is None
    assert MobileNetworkRequest.of(IPv4Network("10.50.0.0/24")).prefix == IPv4Network("10.50.0.0/24")
    assert MobileNetworkRequest(IPv4Address(0), 0).is_dynamic


def test_a_long_text_is_cut_between_characters():
    octets = MessageString("x" * 253 + "ß").encode()
    assert octets[:3] == bytes.fromhex("91 fe 01") and octets[3:] == b"x" * 253


def test_texts_that_are_no_utf8_are_read_all_the_same():
    (found,) = decode(REQUEST_OCTETS + bytes.fromhex("91 03 01 ff 61")).extensions
    assert found == MessageString("\ufffda")


@pytest.mark.parametrize("values", [(4, 0, 1), (4, 1, 0), (4, 1, 255), (4, 1, 1, True, True)])
def test_a_forbidden_multipath_cannot_be_made(values):
    with pytest.raises(ValueError, match=r"Label|ID|exclusive"):
        Multipath(*values)


@pytest.mark.parametrize(
    "values", [(1, ()), (1, (0,)), (1, (255,)), (1, (3, 3)), (1, tuple(range(1, 10))), (0, (1, 2)), (2, (1,))]
)
def test_a_forbidden_flow_binding_cannot_be_made(values):
    with pytest.raises(ValueError, match=r"Action|BID|Binding ID|DROP"):
        FlowBinding(*values, TrafficSelector())


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("", Reason.EMPTY),
        ("02", Reason.UNKNOWN_MESSAGE),
        ("01", Reason.TRUNCATED),
        (REQUEST_OCTETS.hex() + "7e0100", Reason.UNSKIPPABLE_EXTENSION),
        (REQUEST_OCTETS.hex() + "c80500", Reason.TRUNCATED),
        (REQUEST_OCTETS.hex() + "9a010005 04090300", Reason.TRUNCATED),
    ],
)
def test_what_is_no_message_has_a_reason(octets, reason):
    assert decode(bytes.fromhex(octets)).reason is reason
