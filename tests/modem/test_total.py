"""Whatever a modem says, a reader gives facts within their ranges and never raises."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modem import facts, families, text
from modem.address import ipv4, ipv6, masked
from modem.at import Engine
from modem.network import sim_error
from modem.replies import any_base, digits, fields, hexadecimal, number, plain, quote, real

_ALPHABET = '+^!#:,"; -.0123456789abcdefxXABCDEFGHILNQRSTVWFDOK\t\xb2\xff\u0663'
_WORD = st.text(_ALPHABET, max_size=30) | st.text(max_size=10)
_NUMBER = st.sampled_from(
    ["99", "255", "-32768", "32767", "-44", "-", "FFFF", "", "7", "1", "0", "-90", "3", '"LTE"']
)


def _lines(family):
    names = ["", "LTE service cell:", "1,4,", "PCC: "]
    for group in (family.identity, family.state, family.signal, family.slow):
        for query in group:
            name = query.command.split("=")[0].rstrip("?")
            names += [
                name + ": ",
                name + ': "servingcell","CONNECT","LTE",',
                name + ': "LTE",',
                name + ': "PCC",',
            ]
    fields_of = st.lists(_NUMBER | _WORD, max_size=24).map(",".join)
    return st.lists(st.builds(str.__add__, st.sampled_from(names), fields_of | _WORD), max_size=5)


def _in_range(found):
    for name, value in found.items():
        if isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    _in_range(item)
        elif name in facts.LIMITS and value is not None:
            low, high, codes = facts.LIMITS[name]
            assert low <= value <= high and value not in codes, (name, value)
        assert value not in ("", "-")


@pytest.mark.parametrize("name", families.names())
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_readers_are_total(name, data):
    family = families.load(name)
    lines = data.draw(_lines(family))
    known = {}
    for group in (family.identity, family.state, family.signal, family.slow):
        for query in group:
            found = query.parser(lines)
            _in_range(found)
            facts.merge(known, found)
    for line in lines:
        found = family.facts_of(line)
        _in_range(found)
        facts.merge(known, found)
    if family.connected is not None:
        family.connected.parser(lines)


@given(_WORD)
def test_words_are_total(word):
    for read in (number, real, hexadecimal, any_base, fields, ipv4, ipv6, masked, text.readable, sim_error):
        read(word)
    for charset in ("UCS2", "GSM", "HEX", "UTF-8"):
        text.decode(word, charset)
    text.from_packed(word)
    plain([word])
    digits([word], 1, 20)
    with contextlib.suppress(ValueError):
        assert quote(word)[1:-1] == word


@given(
    st.lists(st.binary(max_size=60), max_size=20),
    st.sampled_from(["", "I", "+CSQ", "+CREG?", "D*99#", "+CMGS=1"]),
)
def test_the_engine_is_total(chunks, command):
    engine, now = Engine(), 0.0
    engine.send(command)
    for chunk in chunks:
        engine.output(now)
        engine.feed(chunk, now)
        now += 0.4
        engine.tick(now)
        assert engine.data_mode or engine.next_wake() is None or engine.next_wake() > now
