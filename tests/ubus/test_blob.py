"""Values to octets and back; octets of others, however wrong."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ubus.blob import WireError, attributes, pack, table, unpack
from tests.ubus import fake_ubusd

# Written down octet by octet from the format: word, name with its length, filled up, value.
GOLDEN = [
    ({"a": "b"}, "8300000a 0001 6100 6200 0000"),
    ({"up": True}, "8700000d 0002 7570 00000000 01000000"),
    ({"uptime": 258}, "85000014 0006 757074696d6500 000000 00000102"),
    ({"n": -1}, "8500000c 0001 6100 ffffffff".replace("6100", "6e00")),
    ({"big": 1 << 32}, "84000014 0003 62696700 0000 0000000100000000"),
    ({"x": 0.5}, "88000010 0001 7800 3fe0000000000000"),
    ({"t": {}}, "82000008 0001 7400"),
    ({"l": ["b"]}, "81000014 0001 6c00 8300000a 0000 0000 6200 0000"),
    ({"none": None}, "8000000c 0004 6e6f6e6500 00"),
]


@pytest.mark.parametrize("values, octets", GOLDEN, ids=[",".join(item[0]) for item in GOLDEN])
def test_golden_octets_both_ways(values, octets):
    assert table(values).hex() == octets.replace(" ", "")
    assert unpack(bytes.fromhex(octets)) == values


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_is_packed_comes_out_again(values):
    assert unpack(table(values)) == values


@given(
    st.dictionaries(
        st.text("abc_", min_size=1), st.booleans() | st.integers(-9, 9) | st.text("xyz"), max_size=5
    )
)
def test_another_hands_packing_is_the_same(values):
    assert b"".join(fake_ubusd.field(*item) for item in values.items()) == table(values)
    assert fake_ubusd.values(table(values)) == values


@given(st.binary(max_size=200))
def test_any_octets_are_values_or_an_error(octets):
    try:
        unpack(octets)
    except WireError:
        return


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), st.data())
def test_truncated_octets_are_an_error_or_less(values, data):
    octets = table(values)
    cut = data.draw(st.integers(0, len(octets) - 1))
    try:
        found = unpack(octets[:cut])
    except WireError:
        return
    assert len(found) <= len(values)


@pytest.mark.parametrize(
    "octets, problem",
    [
        ("830000", "behind the last attribute"),
        ("83000003 0001", "attribute of 3 octets"),
        ("83ffffff 0001 6100", "attribute of 16777215 octets"),
        ("8300000a ffff 6100 6200 0000", "a name of 65535 octets"),
        ("85000009 0001 6e00 ff000000", "a number of type 5 in 1 octets"),
        ("87000008 0001 6e00", "a value of type 7"),
        ("ff000008 0001 6e00", "a value of type 127"),
        ("83000005 00000000", "a value without a name"),
    ],
)
def test_what_is_wrong_is_named(octets, problem):
    with pytest.raises(WireError, match=problem):
        unpack(bytes.fromhex(octets))


def test_depth_has_an_end():
    deep = "x"
    for _ in range(40):
        deep = [deep]
    with pytest.raises(WireError, match="deep"):
        table({"deep": deep})
    octets = fake_ubusd.field("deep", deep)
    with pytest.raises(WireError, match="deep"):
        unpack(octets)


@pytest.mark.parametrize("value", [1 << 63, object()])
def test_what_ubus_cannot_carry_is_an_error(value):
    with pytest.raises(WireError):
        pack("x", value)


def test_a_number_that_is_none_goes_through():
    assert math.isnan(unpack(table({"x": math.nan}))["x"])


def test_attributes_end_at_the_last():
    assert list(attributes(bytes.fromhex("01000005 ff000000 02000004"))) == [(1, b"\xff"), (2, b"")]
