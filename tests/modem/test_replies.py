"""Words and numbers.  Runs under CPython and MicroPython."""

import pytest

from modem import replies
from modem.address import ipv4, ipv6, masked


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('+COPS: 0,0,"Big, Net",7', ["0", "0", "Big, Net", "7"]),
        ("+CSQ: 20,99", ["20", "99"]),
        ("Quectel", ["Quectel"]),
        ("+CPIN: SIM PIN", ["SIM PIN"]),
        ("+X: ,", ["", ""]),
        ("+CGACT: 5, 1", ["5", "1"]),
        ("", [""]),
    ],
)
def test_fields(line, expected):
    assert replies.fields(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("+creg: 1", "+CREG"),
        ("^HCSQ:x", "^HCSQ"),
        ("+EEMGINFO : 3, 2", "+EEMGINFO"),
        ("plain: x", ""),
        ("+no colon", ""),
        ("", ""),
    ],
)
def test_names(line, expected):
    assert replies.name_of(line) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("-7", -7),
        ("007", 7),
        ("", None),
        ("-", None),
        ("+5", None),
        ("1_0", None),
        (" 1", None),
        ("\xb2", None),
    ],
)
def test_number(text, expected):
    assert replies.number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.5", 1.5), ("-10.2", -10.2), ("3", 3), ("1.", None), (".5", None), ("1e9", None), ("nan", None)],
)
def test_real(text, expected):
    assert replies.real(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1A2B", 0x1A2B), ("0x1f", 0x1F), ("", None), ("0x", None), ("xyz", None), ("1" * 17, None)],
)
def test_hexadecimal(text, expected):
    assert replies.hexadecimal(text) == expected


@pytest.mark.parametrize("text", ['a"b', "a\rb", "a\\b", "\xe9", "x" * 101])
def test_what_cannot_be_quoted_is_refused(text):
    with pytest.raises(ValueError, match=r"allowed|longer"):
        replies.quote(text)


def test_quote():
    assert replies.quote("internet.example") == '"internet.example"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("0.0.0.0", None),
        ("10.1.2.300", None),
        ("10.1.2", None),
        ("1.2.3.x", None),
        ("", None),
    ],
)
def test_ipv4(text, expected):
    assert ipv4(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001:db8::1", "2001:db8:0:0:0:0:0:1"),
        ("32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1", "2001:db8:0:0:0:0:0:1"),
        ("FE80:0:0:0:1:2:3:4", "fe80:0:0:0:1:2:3:4"),
        ("::", None),
        (":::18C9:CE33:97B7:75BD", None),
        ("1::2::3", None),
        ("12345::", None),
    ],
)
def test_ipv6(text, expected):
    assert ipv6(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.64.1.2.255.255.255.248", ("10.64.1.2", 29)),
        ("10.64.1.2 255.0.0.0", ("10.64.1.2", 8)),
        ("10.64.1.2/30", ("10.64.1.2", 30)),
        ("10.64.1.2", ("10.64.1.2", None)),
        ("10.64.1.2.255.0.255.0", ("10.64.1.2", None)),
        ("x", (None, None)),
    ],
)
def test_masked(text, expected):
    assert masked(text) == expected
