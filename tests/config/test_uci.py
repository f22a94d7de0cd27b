"""The grammar, by vectors of libuci's behaviour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.uci import Option, Package, Section, dump, parse

CONFIG = "config t 's'\n"


def values(text):
    package = parse(CONFIG + text, "f")
    assert not package.errors, package.errors
    return {name: option.values for name, option in package.sections[0].options.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("option a b", {"a": ("b",)}),
        ("\toption a 'b c'", {"a": ("b c",)}),
        ('option a "b c"', {"a": ("b c",)}),
        ("option a 'b'\"c\"d", {"a": ("bcd",)}),
        ("option a 'it'\\''s'", {"a": ("it's",)}),
        ('option a "q\\"q"', {"a": ('q"q',)}),
        ('option a "\\n"', {"a": ("n",)}),
        ("option a 'no \\n escape'", {"a": ("no \\n escape",)}),
        ("option a b\\ c", {"a": ("b c",)}),
        ("option a b#c", {"a": ("b",)}),
        ("option a 'b#c' # d", {"a": ("b#c",)}),
        ("option a 'two\nlines'", {"a": ("two\nlines",)}),
        ("option a 1\noption a 2", {"a": ("2",)}),
        ("option a 1\nlist a 2", {"a": ("1", "2")}),
        ("list a 1\noption a 2", {"a": ("2",)}),
        ("list a 1\nlist a 1\nlist a ''", {"a": ("1", "1", "")}),
        ("option a ''", {}),
        ("option a", {}),
        ("o a b\nl c d", {"a": ("b",), "c": ("d",)}),
        ("option a b\r\n", {"a": ("b",)}),
        ("# only a comment", {}),
    ],
)
def test_good_lines(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("option a b c", 2, "one value"),
        ("option a-b c", 2, "letters, digits"),
        ("opton a b", 2, "unknown command"),
        ("option a 'b", 2, "unterminated"),
        ("option a b; option c d", 2, "';'"),
        ("config", 2, "type"),
        ("config t u v", 2, "at most a name"),
        ("config u 's'", 2, "already"),
        ("config u 's-t'", 2, "letters, digits"),
        ("option a 'b\0c'", 2, "NUL"),
    ],
)
def test_bad_lines(text, line, word):
    package = parse(CONFIG + text, "f")
    assert [error.line for error in package.errors] == [line]
    assert word in str(package.errors[0])


def test_every_bad_line_is_reported():
    package = parse("option early 1\nconfig t\noption a b c\noption good 1\nbad\n", "f")
    assert [error.line for error in package.errors] == [1, 3, 5]


def test_a_wrong_section_head_takes_its_options_with_it():
    package = parse("config a 'x'\nconfig b 'y-y'\noption o 1\n", "f")
    assert len(package.errors) == 1
    assert package.sections[0].options == {}


def test_a_byte_order_mark_is_an_error():
    assert "byte order mark" in str(parse(b"\xef\xbb\xbfconfig t\n", "f").errors[0])


def test_same_name_same_type_is_one_section():
    package = parse("config t 's'\noption a 1\nconfig t 's'\noption b 2\n", "f")
    assert len(package.sections) == 1
    assert set(package.sections[0].options) == {"a", "b"}


def test_anonymous_sections_stay_apart():
    assert [section.name for section in parse("config t\nconfig t ''\n", "f").sections] == [None, None]


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_parse_is_total(text):
    parse(text, "f")
    parse("config t\n" + text if isinstance(text, str) else b"config t\n" + text, "f")


names = st.from_regex(r"[A-Za-z0-9_]{1,12}", fullmatch=True)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@st.composite
def packages(draw):
    sections = []
    for name in draw(st.lists(names, max_size=4, unique=True)):
        section = Section("t", name, 0)
        for option in draw(st.lists(names, max_size=4, unique=True)):
            if draw(st.booleans()):
                section.options[option] = Option(option, (draw(texts),), False, 0)
            else:
                section.options[option] = Option(
                    option, tuple(draw(st.lists(texts, min_size=1, max_size=3))), True, 0
                )
        sections.append(section)
    return Package("f", sections)


@given(packages())
def test_what_is_dumped_is_read_back(package):
    again = parse(dump(package), "f")
    assert not again.errors

    def plain(p):
        return [
            (s.type, s.name, [(o.name, o.values, o.is_list) for o in s.options.values()]) for s in p.sections
        ]

    assert plain(again) == plain(package)
