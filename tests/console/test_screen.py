"""Pages, and things shown again: checked by a small VT100."""

import re

from hypothesis import given
from hypothesis import strategies as st

from router.console.pager import Pager, erase
from router.console.screen import Screen


class Vt100:
    def __init__(self, width, height):
        self.rows = [[" "] * width for _ in range(height)]
        self.row = self.column = 0

    def show(self, text):
        for sequence, numbers, final, character in re.findall(r"(\x1b\[([\d;]*)([A-Za-z]))|(.|\n)", text):
            if not sequence:
                self._put(character)
            elif final == "H":
                row, column = (int(number) for number in (numbers or "1;1").split(";"))
                self.row, self.column = row - 1, column - 1
            elif final == "J":
                self.rows = [[" "] * len(row) for row in self.rows]
            elif final == "K":
                row = self.rows[self.row]
                row[self.column :] = [" "] * (len(row) - self.column)

    def _put(self, character):
        if character == "\n":
            self.row, self.column = self.row + 1, 0
        else:
            self.rows[self.row][self.column] = character
            self.column += 1

    def seen(self):
        return [("".join(row)).rstrip() for row in self.rows]


TEXTS = st.lists(st.text("ab1 ", max_size=24), max_size=9).map("\n".join)


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_what_is_seen_is_the_last_text(texts):
    screen, terminal = Screen(20, 8, vt100=True), Vt100(20, 8)
    for text in texts:
        terminal.show(screen.redraw(text))
        wanted = [line[:20].rstrip() for line in text.splitlines()[:7]]
        assert terminal.seen() == wanted + [""] * (8 - len(wanted))


def test_a_number_that_changes_costs_some_octets():
    screen = Screen(80, 24, vt100=True)
    text = "\n".join(f"line {number}: 100 kbit/s down" for number in range(20))
    assert len(screen.redraw(text)) > 400
    assert screen.redraw(text) == ""
    assert len(screen.redraw(text.replace("7: 100", "7: 109", 1))) < 20


def test_what_noise_has_spoilt_is_mended_within_half_a_minute():
    screen, terminal = Screen(20, 8, vt100=True), Vt100(20, 8)
    terminal.show(screen.redraw("a line\nanother\n"))
    terminal.show("\x1b[1;1Hnoise")
    for _ in range(30):
        terminal.show(screen.redraw("a line\nanother\n"))
    assert terminal.seen()[:2] == ["a line", "another"]


def test_a_dumb_terminal_gets_the_lines_that_changed():
    screen = Screen(80, 24, vt100=False)
    assert screen.redraw("a\nb\nc\n") == "a\nb\nc\n"
    assert screen.redraw("a\nB\nc\n") == "B\n"
    screen.forget()
    assert screen.redraw("a\n") == "a\n"


def test_a_page_ends_before_the_terminal_does():
    pager = Pager(10, 5)
    text = "".join(f"{number}\n" for number in range(10))
    shown, rest = pager.take(text)
    assert shown == "0\n1\n2\n3\n"
    assert pager.take(rest)[0] == ""
    pager.line()
    shown, rest = pager.take(rest)
    assert shown == "4\n"
    pager.page()
    assert pager.take(rest) == ("5\n6\n7\n8\n", "9\n")


def test_a_line_that_wraps_counts_as_what_it_takes():
    pager = Pager(10, 5)
    shown, rest = pager.take("x" * 25 + "\n" + "y" * 15 + "\n")
    assert (shown, rest) == ("x" * 25 + "\n", "y" * 15 + "\n")


@given(st.text("ab\n", max_size=80), st.integers(1, 12), st.integers(2, 8))
def test_nothing_is_lost_between_pages(text, width, height):
    pager, seen, rest, pages = Pager(width, height), "", text, 0
    while rest:
        shown, rest = pager.take(rest)
        seen += shown
        pager.page()
        pages += 1
        assert pages < 200
    assert seen == text


def test_a_hint_is_taken_away():
    assert erase("more") == "\r    \r"
