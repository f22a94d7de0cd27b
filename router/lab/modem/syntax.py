"""A command line of ITU-T V.250 taken apart: what follows `AT`, up to the terminator."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Command", "commands", "parameters"]

_EXTENDED = "+^!#$*%@"
_DIALS = "DM"


@dataclass(frozen=True)
class Command:
    """One command of a line.

    `how` is `run` (`+CSQ`, `E0`), `read` (`+CREG?`), `test` (`+CREG=?`) or `set` (`+CREG=2`).
    `rest` is what stands behind the name; of basic commands the number (`0` of `E0`), of `D` the dial string.
    """

    name: str
    how: str = "run"
    rest: str = ""

    @property
    def text(self) -> str:
        """As it would be typed without `AT`, the name in capitals."""
        return self.name + {"run": "", "read": "?", "test": "=?", "set": "="}[self.how] + self.rest


def commands(body: str) -> list[Command] | None:
    """The commands of a line in their order; None where V.250 section 5.2 cannot read it.

    Basic commands follow one another without a separator; an extended one ends at a semicolon or at the line's end.
    """
    found: list[Command] = []
    text = _without_spaces(body)
    while text:
        if text[0] == ";":
            text = text[1:]
            continue
        taken = _extended(text) if text[0] in _EXTENDED else _basic(text)
        if taken is None:
            return None
        command, text = taken
        found.append(command)
    return found


def parameters(rest: str) -> list[str]:
    """`1,"IP","a,b"` -> ['1', 'IP', 'a,b']."""
    result, current, quoted = [], "", False
    for sign in rest:
        if sign == '"':
            quoted = not quoted
        elif sign == "," and not quoted:
            result.append(current)
            current = ""
        else:
            current += sign
    return [*result, current]


def _without_spaces(body: str) -> str:
    """Spaces mean something in strings only (V.250 5.2.1)."""
    parts = body.split('"')
    parts[::2] = [part.replace(" ", "") for part in parts[::2]]
    return '"'.join(parts)


def _extended(text: str) -> tuple[Command, str] | None:
    end, quoted = 0, False
    while end < len(text) and (quoted or text[end] != ";"):
        quoted ^= text[end] == '"'
        end += 1
    word, left = text[:end], text[end + 1 :]
    stop = 1
    while stop < len(word) and word[stop] not in "=?":
        stop += 1
    name, suffix = word[:stop].upper(), word[stop:]
    if len(name) < 2 or quoted:
        return None
    if suffix in ("", "?", "=?"):
        return Command(name, {"": "run", "?": "read", "=?": "test"}[suffix]), left
    # `+X?1` reads with a parameter, as some vendors have it.
    return Command(name, "read" if suffix[0] == "?" else "set", suffix[1:]), left


def _basic(text: str) -> tuple[Command, str] | None:
    name = text[0].upper()
    text = text[1:]
    if not name.isalpha() and name not in "&\\":
        return None
    if name in "&\\":
        if not text[:1].isalpha():
            return None
        name, text = name + text[0].upper(), text[1:]
    if name in _DIALS:
        return Command(name, "run", text), ""
    digits = len(text) - len(text.lstrip("0123456789"))
    number, text = text[:digits], text[digits:]
    if name != "S":
        return Command(name, "run", number), text
    if not number:
        return None
    name += str(int(number))
    if text[:1] == "?":
        return Command(name, "read"), text[1:]
    if text[:1] != "=":
        return None
    digits = 1 + len(text[1:]) - len(text[1:].lstrip("0123456789"))
    return Command(name, "set", text[1:digits]), text[digits:]
