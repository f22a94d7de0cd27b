"""Octets from a terminal to keys: ASCII and UTF-8, and the sequences of a VT100 and its heirs (ECMA-48 section 5.4).

A sequence that lost an octet costs that key, never the next ones: a control character ends it.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from enum import Enum

__all__ = ["Key", "Keys", "Size"]


class Key(Enum):
    HOME = "home"
    END = "end"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    BACKSPACE = "backspace"
    DELETE = "delete"
    ENTER = "enter"
    TAB = "tab"
    INTERRUPT = "interrupt"
    CLOSE = "close"
    """Ctrl-D: the end on an empty line, else delete."""
    KILL_END = "kill end"
    KILL_LINE = "kill line"
    KILL_WORD = "kill word"
    REDRAW = "redraw"
    LITERAL = "literal"
    """The next character is meant as it stands."""
    NOISE = "noise"
    """What no key sends."""


@dataclass(frozen=True)
class Size:
    """A terminal's answer to where its cursor is."""

    lines: int
    columns: int


_CONTROLS = {
    0x01: Key.HOME, 0x02: Key.LEFT, 0x03: Key.INTERRUPT, 0x04: Key.CLOSE, 0x05: Key.END, 0x06: Key.RIGHT,
    0x08: Key.BACKSPACE, 0x09: Key.TAB, 0x0A: Key.ENTER, 0x0B: Key.KILL_END, 0x0C: Key.REDRAW, 0x0D: Key.ENTER,
    0x0E: Key.DOWN, 0x10: Key.UP, 0x12: Key.REDRAW, 0x15: Key.KILL_LINE, 0x16: Key.LITERAL, 0x17: Key.KILL_WORD,
    0x7F: Key.BACKSPACE,
}  # fmt: skip
_FINALS = {
    "A": Key.UP, "B": Key.DOWN, "C": Key.RIGHT, "D": Key.LEFT, "H": Key.HOME, "F": Key.END,
    "1~": Key.HOME, "7~": Key.HOME, "3~": Key.DELETE, "4~": Key.END, "8~": Key.END,
}  # fmt: skip
_ESCAPE = 0x1B
_LONGEST = 12


class Keys:
    """Takes octets as they come, in pieces of any size."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._sequence: str | None = None
        self._after_return = False

    def feed(self, data: bytes) -> list[Key | Size | str]:
        """Keys, and characters as texts of length one."""
        found: list[Key | Size | str] = []
        for octet in data:
            self._take(octet, found)
        return found

    def _take(self, octet: int, found: list[Key | Size | str]) -> None:
        second, self._after_return = self._after_return and octet == 0x0A, octet == 0x0D
        if second:
            return
        if octet == _ESCAPE:
            self._sequence = ""
        elif octet < 0x20 or octet == 0x7F:
            self._sequence = None
            if self._text.getstate()[0]:
                found.append(Key.NOISE)
                self._text.reset()
            # Telnet sends a NUL behind each return, and a break is one.
            if octet:
                found.append(_CONTROLS.get(octet, Key.NOISE))
        elif self._sequence is not None:
            self._within(chr(octet), found)
        else:
            found += [_printable(character) for character in self._text.decode(bytes((octet,)))]

    def _within(self, character: str, found: list[Key | Size | str]) -> None:
        if not self._sequence:
            self._sequence = character if character in "[O" else None
            return
        self._sequence += character
        if not "@" <= character <= "~":
            if len(self._sequence) > _LONGEST:
                self._sequence = None
            return
        body, self._sequence = self._sequence[1:], None
        if body in _FINALS:
            found.append(_FINALS[body])
        elif body.endswith("R"):
            lines, _, columns = body[:-1].partition(";")
            if lines.isdecimal() and columns.isdecimal():
                found.append(Size(int(lines), int(columns)))


def _printable(character: str) -> Key | str:
    return character if character.isprintable() and character != "\ufffd" else Key.NOISE
