"""Character sets of the line (TS 23.038).  Runs under CPython and MicroPython."""

import pytest

from modem import text


def test_ucs2():
    assert text.from_ucs2("0056006F006400610066006F006E0065") == "Vodafone"
    assert text.from_ucs2("D83DDE00") == "\U0001f600"
    assert text.from_ucs2("005") is None and text.from_ucs2("D800") is None
    assert text.to_ucs2("*100#") == "002A0031003000300023"
    with pytest.raises(ValueError, match="UCS2"):
        text.to_ucs2("\U0001f600")


def test_the_gsm_alphabet():
    assert text.from_gsm(b"\x00\x02\x11\x1b\x65\x7b") == "@$_\u20ac\xe4"


def test_packed_septets_are_ts_23_038_6_1_2():
    # "hellohello" of the specification's kind: ten septets in nine octets.
    assert text.from_packed("E8329BFD4697D9EC37", 10) == "hellohello"
    assert text.from_packed("xx") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Vodafone", "Vodafone"),
        ("0056006F006400610066006F006E0065", "Vodafone"),
        ("4E2D56FD79FB52A8", "\u4e2d\u56fd\u79fb\u52a8"),
        ("T\xc3\xa9l\xc3\xa9com", "T\xe9l\xe9com"),
        ("T\xe9l", "T\xe9l"),
        ("26201", "26201"),
        ("CAFE", "CAFE"),
    ],
)
def test_a_name_is_readable(name, expected):
    assert text.readable(name) == expected


def test_a_known_character_set():
    assert text.decode("0041", "UCS2") == "A"
    assert text.decode("\x11", "GSM") == "_"
    assert text.decode("11", "HEX") == "_"
    assert text.decode("\xc3", "UTF-8") is None
    assert text.decode("x", "IRA") == "x"
