"""The small reader of UCI against the daemon's own."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openwrt.rescue import uci
from router.config.uci import parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAMPLES = [
    "openwrt/files/roamd.config",
    "openwrt/files/roamd-agent.config",
    "openwrt/roamd/files/etc/config/roamd",
]


def both(text):
    package = parse(text, "x")
    theirs = [
        (section.type, section.name, {name: list(option.values) for name, option in section.options.items()})
        for section in package.sections
    ]
    return uci.parse(text), theirs, [error.line for error in package.errors]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_samples_read_as_the_daemon_reads_them(sample):
    with open(os.path.join(ROOT, sample)) as file:
        (mine, bad), theirs, errors = both(file.read())
    assert (mine, bad) == (theirs, errors) == (theirs, [])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("option key plain", "plain"),
        ("option key 'a # b'", "a # b"),
        ('option key "say \\"yes\\""', 'say "yes"'),
        ("option key 'it'\\''s'", "it's"),
        ("option key a'b'\"c\" # d", "abc"),
        ("\toption\tkey\t'x'\r", "x"),
        ("list key one\nlist key two", "two"),
    ],
)
def test_quotes_are_libucis(line, value):
    (mine, bad), theirs, _ = both(f"config mobile_node\n{line}\n")
    assert bad == [] and mine == theirs
    assert uci.value(mine[0][2], "key") == value


@pytest.mark.parametrize("line", ["option", "config", "optoin key x", "option key 'open", "option a b c"])
def test_a_bad_line_is_named_and_the_rest_is_read(line):
    sections, bad = uci.parse(f"config mobile_node\n{line}\noption spi 256\n")
    assert bad == [2]
    assert uci.value(sections[0][2], "spi") == "256"


def test_a_section_that_goes_on_is_one():
    (mine, bad), theirs, _ = both(
        "config uplink 'a'\noption type wifi\nconfig uplink 'b'\nconfig uplink 'a'\noption device wlan0\n"
    )
    assert bad == []
    assert sorted(mine, key=str) == sorted(theirs, key=str)


@given(st.text(alphabet="config option list'\"\\# \n\tab1", max_size=80))
def test_any_text_is_read(text):
    uci.parse(text)
