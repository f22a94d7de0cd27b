"""What is typed, and what a terminal shows of it: checked by a terminal that knows text, backspace and line ends only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.console.editor import Editor, History, Wish
from router.console.keys import Key, Keys, Size


class Teletype:
    """The dumbest terminal there is."""

    def __init__(self):
        self.lines, self.column = [""], 0

    def show(self, text):
        for character in text:
            if character == "\n":
                self.lines.append("")
                self.column = 0
            elif character == "\b":
                assert self.column > 0
                self.column -= 1
            elif character != "\a":
                line = self.lines[-1].ljust(self.column)
                self.lines[-1] = line[: self.column] + character + line[self.column + 1 :]
                self.column += 1


def typed(octets, width=80, history=None):
    editor, terminal = Editor("> ", width, history), Teletype()
    terminal.show(editor.start())
    wishes = []
    for key in Keys().feed(octets):
        shown, wish = editor.key(key)
        terminal.show(shown)
        wishes += [wish] if wish else []
    return editor, terminal, wishes


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"status", "status"),
        (b"stauts\x7f\x7f\x7ftus", "status"),
        (b"tatus\x01s", "status"),
        (b"stats\x1b[Du", "status"),
        (b"stats\x1bODu\x05!", "status!"),
        (b"xstatus\x1b[H\x1b[3~", "status"),
        (b"show summary\x17events", "show events"),
        (b"nonsense\x15status", "status"),
        (b"status now\x02\x02\x02\x02\x0b", "status"),
        ("größe".encode(), "größe"),
    ],
)
def test_a_line_is_edited(octets, text):
    editor, terminal, _ = typed(octets)
    assert editor.text == text
    assert terminal.lines[-1].rstrip() == f"> {text}"
    assert terminal.column == 2 + editor.cursor


@pytest.mark.parametrize(
    "octets", [b"\x1b[Dok", b"\x1b[12;5ok"[:7] + b"\rok", b"\x1bxok", b"\x1b[1;2\x03\x15ok"]
)
def test_a_spoilt_sequence_costs_its_own_key(octets):
    assert typed(octets)[0].text.endswith("ok")


def test_ctrl_c_is_heard_within_a_sequence():
    assert Keys().feed(b"\x1b[1;\x03") == [Key.INTERRUPT]


def test_a_return_with_a_line_feed_is_one_key():
    assert Keys().feed(b"\r\n\r\x00\n\n") == [Key.ENTER, Key.ENTER, Key.ENTER, Key.ENTER]


def test_a_terminal_tells_its_size():
    assert Keys().feed(b"\x1b[24;80R") == [Size(24, 80)]


@given(
    st.lists(
        st.sampled_from(
            [b"a", b"bc", b" ", *(bytes((n,)) for n in (1, 2, 5, 6, 8, 11, 14, 16, 21, 23)), b"\x1b[3~"]
        )
    )
)
def test_what_is_seen_is_what_is_written(keys):
    history = History()
    history.add("an old line")
    editor, terminal, _ = typed(b"".join(keys), history=history)
    assert terminal.lines == [terminal.lines[0]]
    assert terminal.lines[0].rstrip() == f"> {editor.text}".rstrip()
    assert terminal.column == 2 + editor.cursor


@given(
    st.integers(12, 30),
    st.lists(st.sampled_from([b"word ", b"x", b"\x01", b"\x05", b"\x02", b"\x7f", b"\x17"]), max_size=30),
)
def test_a_long_line_never_wraps(width, keys):
    editor, terminal, _ = typed(b"".join(keys), width)
    assert max(map(len, terminal.lines)) <= width
    assert (
        editor.text[: editor.cursor][-3:] == terminal.lines[0][: terminal.column][2:][-3:]
        or editor.cursor < 3
    )


def test_few_octets_are_sent_for_a_key():
    editor = Editor("> ", 80)
    editor.start()
    editor.insert("show summary")
    assert editor.key("!")[0] == "!"
    assert editor.key(Key.LEFT)[0] == "\b"
    assert editor.key(Key.BACKSPACE)[0] == "\b! \b\b"


def test_earlier_lines_come_back_and_the_draft_too():
    history = History(2)
    for line in ("one", "two", "two", "three", " "):
        history.add(line)
    assert history.lines == ["two", "three"]
    assert typed(b"dra\x10", history=history)[0].text == "three"
    assert typed(b"dra\x10\x10\x10", history=history)[0].text == "two"
    assert typed(b"dra\x10\x10\x0e\x0e\x0e", history=history)[0].text == "dra"


def test_wishes():
    assert typed(b"x\t?\r")[2] == [Wish.COMPLETE, Wish.HELP, Wish.DONE]
    assert typed(b"x\x16?")[0].text == "x?"
    assert typed(b"x\x03")[2] == [Wish.INTERRUPT]
    assert typed(b"\x04")[2] == [Wish.END]
    assert typed(b"xy\x01\x04")[0].text == "y"


def test_a_secret_is_not_shown():
    editor = Editor("password: ", 80, secret=True)
    assert editor.start() == "password: "
    assert [editor.key(key) for key in "a?b"] == [("", None)] * 3
    assert editor.key(Key.ENTER) == ("\n", Wish.DONE)
    assert editor.text == "a?b"


def test_a_flood_is_bounded():
    editor = typed(b"x" * 5000)[0]
    assert len(editor.text) == 512


@given(st.binary(max_size=200), st.booleans())
def test_any_octets_are_taken(octets, secret):
    terminal, editor = Teletype(), None
    for key in Keys().feed(octets):
        if isinstance(key, Size):
            continue
        if editor is None:
            editor = Editor("> ", 40, History(), secret)
            terminal.show(editor.start())
        shown, wish = editor.key(key)
        terminal.show(shown)
        if wish in (Wish.DONE, Wish.INTERRUPT, Wish.END):
            editor = None
    assert max(map(len, terminal.lines)) <= 42


@pytest.mark.parametrize("octets", [b"pass\xffword", b"pass\x1fword", b"\xc3word", b"word\xc3\x01"])
def test_noise_in_a_line_is_known(octets):
    assert typed(octets)[0].spoilt
    assert not typed("größe\x00".encode())[0].spoilt
