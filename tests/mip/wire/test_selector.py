"""The IPv4 binary traffic selector (RFC 6088 section 3.1), field by field and all together."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.mip.wire.selector import TrafficSelector
from tests.mip.wire.strategies import selectors

FIELDS = {
    # name: (flag of the start, a value, its octets, a greater value, its octets)
    "source": (0x80000000, 0xC633640A, "c633640a", 0xC6336414, "c6336414"),
    "destination": (0x20000000, 0x0A320000, "0a320000", 0x0A3200FF, "0a3200ff"),
    "spi": (0x08000000, 0x100, "00000100", 0xFFFFFFFF, "ffffffff"),
    "source_port": (0x02000000, 1024, "0400", 2047, "07ff"),
    "destination_port": (0x00800000, 0, "0000", 65535, "ffff"),
    "dscp": (0x00200000, 10, "28", 63, "fc"),
    "protocol": (0x00080000, 6, "06", 17, "11"),
}
A_PACKET = {
    "source": IPv4Address("198.51.100.10"), "destination": IPv4Address("10.50.0.0"), "protocol": 6,
    "source_port": 1024, "destination_port": 443, "dscp": 10, "spi": 0x100,
}  # fmt: skip


def octets(flags, *pieces):
    return flags.to_bytes(4, "big") + bytes.fromhex("".join(pieces))


def packet(**changes):
    return {**A_PACKET, **changes}


@pytest.mark.parametrize("name", FIELDS)
def test_each_start_alone(name):
    start_flag, value, written, _, _ = FIELDS[name]
    selector = TrafficSelector(**{name: (value, value)})
    assert selector.encode() == octets(start_flag, written)
    assert TrafficSelector.decode(octets(start_flag, written)) == selector


@pytest.mark.parametrize("name", FIELDS)
def test_each_range(name):
    start_flag, low, first, high, last = FIELDS[name]
    selector = TrafficSelector(**{name: (low, high)})
    both = octets(start_flag | start_flag >> 1, first, last)
    assert selector.encode() == both
    assert TrafficSelector.decode(both) == selector


@pytest.mark.parametrize("name", FIELDS)
def test_an_end_without_its_start(name):
    start_flag, _, _, _, last = FIELDS[name]
    with pytest.raises(ValueError, match=f"an end of the {name.replace('_', ' ')} without its start"):
        TrafficSelector.decode(octets(start_flag >> 1, last))


@pytest.mark.parametrize("name", FIELDS)
def test_a_reversed_range(name):
    start_flag, low, first, high, last = FIELDS[name]
    with pytest.raises(ValueError, match=name.replace("_", " ")):
        TrafficSelector.decode(octets(start_flag | start_flag >> 1, last, first))
    with pytest.raises(ValueError, match=name.replace("_", " ")):
        TrafficSelector(**{name: (high, low)})


@pytest.mark.parametrize("name", FIELDS)
def test_too_wide_for_its_field(name):
    top = 63 if name == "dscp" else 2 ** (4 * len(FIELDS[name][2])) - 1
    assert TrafficSelector(**{name: (0, top)})
    for found in ((0, top + 1), (-1, 0)):
        with pytest.raises(ValueError, match=f"0..{top}"):
            TrafficSelector(**{name: found})


@pytest.mark.parametrize("name", FIELDS)
def test_a_written_end_that_equals_its_start(name):
    start_flag, value, written, _, _ = FIELDS[name]
    found = TrafficSelector.decode(octets(start_flag | start_flag >> 1, written, written))
    assert found == TrafficSelector(**{name: (value, value)})


@settings(max_examples=300, deadline=None)
@given(selectors)
def test_all_combinations_round_trip(selector):
    assert TrafficSelector.decode(selector.encode()) == selector


@given(selectors)
def test_wrong_lengths(selector):
    written = selector.encode()
    for wrong in (written[:-1], written + b"\0", written[:3], b""):
        with pytest.raises(ValueError, match="octets"):
            TrafficSelector.decode(wrong)


@given(selectors, st.integers(0, 0x3FFFF))
def test_reserved_flags_are_ignored(selector, reserved):
    written = selector.encode()
    changed = (int.from_bytes(written[:4], "big") | reserved).to_bytes(4, "big") + written[4:]
    assert TrafficSelector.decode(changed) == selector


@pytest.mark.parametrize("congestion", range(4))
def test_congestion_bits_of_the_ds_octets_are_ignored(congestion):
    flags = FIELDS["dscp"][0]
    assert TrafficSelector.decode(octets(flags, f"{0x28 | congestion:02x}")).dscp == (10, 10)
    both = octets(flags | flags >> 1, f"{0x28 | congestion:02x}", f"{0x38 | 3 - congestion:02x}")
    assert TrafficSelector.decode(both).dscp == (10, 14)
    same = octets(flags | flags >> 1, "2b", f"{0x28 | congestion:02x}")
    assert TrafficSelector.decode(same).dscp == (10, 10)


def test_no_flag_matches_everything():
    selector = TrafficSelector.decode(bytes(4))
    assert selector == TrafficSelector()
    assert selector.matches(**packet())
    assert selector.matches(IPv4Address(0), IPv4Address("255.255.255.255"), 0)


@pytest.mark.parametrize("name", FIELDS)
def test_ranges_include_both_ends_and_nothing_else(name):
    at = int(A_PACKET[name])
    for first, last, inside in (
        (at, at, True),
        (at - 1, at, True),
        (at, at + 1, True),
        (at + 1, at + 2, False),
        (at - 2, at - 1, False),
    ):
        assert TrafficSelector(**{name: (first, last)}).matches(**packet()) is inside


@pytest.mark.parametrize("name", ["spi", "source_port", "destination_port"])
def test_what_a_packet_lacks_matches_no_range(name):
    widest = TrafficSelector(**{name: (0, 0xFFFF)})
    assert not widest.matches(**packet(**{name: None}))
    assert TrafficSelector().matches(**packet(**{name: None}))


def test_every_given_field_must_match():
    everything = {name: (int(value), int(value)) for name, value in A_PACKET.items()}
    selector = TrafficSelector(**everything)
    assert selector.matches(**packet())
    for name, value in A_PACKET.items():
        assert not selector.matches(**packet(**{name: type(value)(int(value) + 1)}))


def test_shown_for_people():
    selector = TrafficSelector(source=(0x0A000001, 0x0A000002), destination_port=(53, 53))
    assert str(selector) == "source 10.0.0.1-10.0.0.2, destination-port 53"
    assert str(TrafficSelector()) == "any"
