"""Decoding is total, and the inverse of encoding; what is unknown is judged by its number."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.mip.wire.advertisement import AgentAdvertisement, BadIcmp, decode_icmp
from router.mip.wire.checksum import checksum
from router.mip.wire.extension import Malformed, Unknown
from router.mip.wire.message import Message, Reason, Reject, decode
from router.mip.wire.multipath import FlowBinding, Multipath
from tests.mip.wire import strategies as wire
from tests.mip.wire.golden import COMPOUNDS, DISCOVERY, EXTENSIONS, MESSAGES, placed

REQUEST, OCTETS = MESSAGES["request"]
SIZES = {1: 24, 3: 20, 4: 4, 7: 20, 15: 12}
"""Octets of the fixed parts."""
relaxed = settings(max_examples=300, deadline=None)


def is_prefix(message, whole):
    """Whether `message` is `whole` without its last extensions, the last one kept perhaps malformed."""
    return message.extensions == whole.extensions[: len(message.extensions)]


@pytest.mark.parametrize("name", [*MESSAGES, *COMPOUNDS])
def test_truncation_at_every_octet(name):
    value, octets = {**MESSAGES, **COMPOUNDS}[name]
    size = SIZES[octets[0]]
    assert decode(b"").reason is Reason.EMPTY
    for length in range(1, len(octets)):
        result = decode(octets[:length])
        if length < size:
            assert result == Reject(Reason.TRUNCATED, f"{length} octets where {size} are needed")
        elif octets[0] == 4:
            assert result == value._replace(payload=octets[4:length])
        elif isinstance(result, Reject):
            assert result.reason is Reason.TRUNCATED
        else:
            assert is_prefix(result, value)
            assert len(result.extensions) < len(value.extensions)


@pytest.mark.parametrize("name", EXTENSIONS)
def test_truncation_of_every_extension_is_a_reject(name):
    _, octets = EXTENSIONS[name]
    for length in range(1, len(octets)):
        assert decode(OCTETS + octets[:length]).reason is Reason.TRUNCATED


@pytest.mark.parametrize("octets", wire.GOLDEN_OCTETS, ids=range(len(wire.GOLDEN_OCTETS)))
def test_no_changed_octet_raises(octets):
    for at in range(len(octets)):
        for mask in (0x01, 0x02, 0x40, 0x80, 0xFF, octets[at], octets[at] ^ 0xFF):
            changed = bytearray(octets)
            changed[at] ^= mask
            assert isinstance(decode(bytes(changed)), Message | Reject)


@pytest.mark.parametrize("name", DISCOVERY)
def test_truncated_or_changed_discovery_is_noticed(name):
    value, octets = DISCOVERY[name]
    for length in range(1, len(octets)):
        cut = octets[:length]
        assert isinstance(decode_icmp(cut), BadIcmp) or not any(octets[length:])
        with_right_sum(cut)
    for at in range(len(octets)):
        for mask in (0x01, 0x80, 0xFF):
            changed = bytearray(octets)
            changed[at] ^= mask
            result = decode_icmp(bytes(changed))
            assert result != value
            with_right_sum(bytes(changed))


def with_right_sum(data):
    """What is made of `data` after its checksum was put right, so that the rest is read at all."""
    if len(data) < 4:
        return decode_icmp(data)
    data = data[:2] + bytes(2) + data[4:]
    return decode_icmp(data[:2] + checksum(data).to_bytes(2, "big") + data[4:])


@relaxed
@given(st.binary(max_size=300))
def test_arbitrary_octets(data):
    decode(data)
    decode_icmp(data)
    for start in wire.GOLDEN_OCTETS[:1] + [bytes((kind,)) for kind in SIZES]:
        decode(start + data)
    for kind in (9, 10):
        with_right_sum(bytes((kind,)) + data)


@relaxed
@given(wire.mutated(wire.GOLDEN_OCTETS))
def test_mutated_messages(data):
    assert isinstance(decode(data), Message | Reject)


@relaxed
@given(wire.mutated(wire.GOLDEN_DISCOVERY))
def test_mutated_discovery(data):
    decode_icmp(data)
    with_right_sum(data)


@relaxed
@given(wire.mutated(wire.GOLDEN_OCTETS))
def test_what_was_decoded_can_be_written_and_read_again(data):
    first = decode(data)
    if isinstance(first, Reject) or any(isinstance(x, Malformed) for x in getattr(first, "extensions", ())):
        return
    again = decode(first.encode())
    assert again.encode() == first.encode()
    assert len(getattr(again, "extensions", ())) == len(getattr(first, "extensions", ()))


@relaxed
@given(wire.messages)
def test_messages_round_trip(message):
    assert decode(message.encode()) == message


@settings(max_examples=1500, deadline=None)
@given(wire.extensions)
def test_extensions_round_trip(extension):
    (found,) = decode(OCTETS + extension.encode()).extensions
    assert found == placed(extension, len(OCTETS))
    assert type(found) is type(extension)


@relaxed
@given(wire.advertisements)
def test_advertisements_round_trip(advertisement):
    octets = advertisement.encode()
    assert checksum(octets) == 0 and len(octets) % 2 == 0
    found = decode_icmp(octets)
    assert isinstance(found, AgentAdvertisement) and found == advertisement


@given(wire.messages.filter(lambda message: getattr(message, "extensions", ())), st.data())
def test_padding_anywhere_between_extensions(message, data):
    octets = message._replace(extensions=()).encode()
    expected = []
    for extension in message.extensions:
        octets += bytes(data.draw(st.integers(0, 3)))
        expected.append(placed(extension, len(octets)))
        octets += extension.encode()
    octets += bytes(data.draw(st.integers(0, 3)))
    assert decode(octets).extensions == tuple(expected)


@pytest.mark.parametrize("kind", wire.UNKNOWN_UNSKIPPABLE)
def test_unknown_unskippable(kind):
    for body in (b"", b"abc", bytes(255)):
        octets = bytes((kind, len(body))) + body
        result = decode(OCTETS + EXTENSIONS["nai"][1] + octets + EXTENSIONS["mobile_home"][1])
        assert result == Reject(Reason.UNSKIPPABLE_EXTENSION, f"extension type {kind} at octet 39")


@pytest.mark.parametrize("kind", wire.UNKNOWN_SKIPPABLE)
def test_unknown_skippable(kind):
    for body in (b"", b"abc", bytes(255)):
        octets = OCTETS + bytes((kind, len(body))) + body + EXTENSIONS["mobile_home"][1]
        message = decode(octets)
        assert message.extensions[0] == Unknown(kind, bytes((kind, len(body))) + body)
        assert message.extensions[1].offset == 26 + len(body)
        assert message.encode() == octets


@pytest.mark.parametrize(
    ("octets", "skippable"),
    [
        ("24 00 0005 00000100 55", False),
        ("24 02 0005 00000100 55", False),  # another authentication's sub-type
        ("2c 06 01 00 0000 0000", False),
        ("2d 02 01 44", False),
        ("30 01 0004 00000001", False),
        ("8b 00 0004 c6336402", True),
        ("8b 03 0004 c6336402", True),
        ("90 06 01 00 8004 0000", True),
        ("91 02 00 61", True),
        ("91 02 03 61", True),
        ("94 03 03 00 00", True),
        ("9a 00 0000", True),
        ("9a 03 0004 04090300", True),
        ("9a ff 0001 00", True),
    ],
)
def test_unknown_sub_types(octets, skippable):
    octets = bytes.fromhex(octets)
    result = decode(OCTETS + octets + EXTENSIONS["mobile_home"][1])
    if skippable:
        assert result.extensions[0] == Unknown(octets[0], octets)
        assert result.encode() == OCTETS + octets + EXTENSIONS["mobile_home"][1]
    else:
        assert result.reason is Reason.UNSKIPPABLE_EXTENSION


def legacy(extensions):
    """What a receiver that knows RFC 5944 alone makes of a list of extensions: their types, or None."""
    seen = []
    while extensions:
        if extensions[0] == 0:
            extensions = extensions[1:]
            continue
        if len(extensions) < 2 or len(extensions) < 2 + extensions[1]:
            return None
        if extensions[0] < 128 and extensions[0] not in (32, 33, 34):
            return None
        seen.append(extensions[0])
        extensions = extensions[2 + extensions[1] :]
    return seen


def test_the_legacy_receiver_takes_what_it_should():
    names = ("nai", "udp_request_forced", "network_request", "revocation_support", "mobile_home")
    octets = bytes(2).join(EXTENSIONS[name][1] for name in names)
    assert legacy(octets) == [131, 144, 148, 137, 32]
    assert legacy(EXTENSIONS["critical_vendor"][1] + EXTENSIONS["mobile_home"][1]) is None


@given(wire.multipaths | wire.flow_bindings)
def test_a_legacy_receiver_drops_whatever_carries_type_154(extension):
    assert isinstance(extension, Multipath | FlowBinding)
    assert legacy(extension.encode() + EXTENSIONS["mobile_home"][1]) is None


@pytest.mark.parametrize("name", ["requested_home_agent", "redirected_home_agent"])
def test_a_legacy_receiver_drops_type_139_too(name):
    assert legacy(EXTENSIONS[name][1] + EXTENSIONS["mobile_home"][1]) is None
