"""What may come next on a line, from the grammar itself: for Tab, for `?`, and for words cut short."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Choices", "choices", "divide", "expand", "words_of"]

Names = Callable[[str], Iterable[str]]
"""From a placeholder of the grammar (`NAME`, `UPLINK`) to what there is of it now."""


@dataclass(frozen=True)
class Choices:
    words: tuple[tuple[str, str], ...]
    """Each with its help."""
    free: str = ""
    """What else may stand here: a placeholder; empty: nothing."""


def words_of(line: str) -> list[str]:
    """As a shell divides them.  Raises ValueError with what is wrong."""
    try:
        return shlex.split(line)
    except ValueError:
        raise ValueError("a quotation mark is missing") from None


def divide(line: str) -> tuple[list[str], str] | None:
    """The words before the cursor and the one that is being written; None inside quotation marks."""
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    return (words, "") if not line or line[-1].isspace() else (words[:-1], words[-1])


def choices(parser: argparse.ArgumentParser, words: Sequence[str], begun: str, names: Names) -> Choices:
    """What begins with `begun` and can follow `words`."""
    spot = _Spot(parser)
    for word in words:
        if not spot.step(word):
            return Choices(())
    found: list[tuple[str, str]] = []
    free = ""
    action = spot.expected
    if action is not None:
        found, free = _values(action, names)
    if spot.option is None and (begun.startswith("-") or not (found or free)):
        found += [
            (max(action.option_strings, key=len), action.help or "")
            for action in spot.parser._actions
            if action.option_strings and action.help != argparse.SUPPRESS
        ]
    return Choices(tuple((word, text) for word, text in found if word.startswith(begun)), free)


def expand(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """Commands that are cut short and yet unmistakable, in full: `sh sum` is `show summary`."""
    spot, full = _Spot(parser), []
    for word in words:
        action = spot.expected
        if isinstance(action, argparse._SubParsersAction) and word not in action.choices:
            meant = [name for name in action.choices if name.startswith(word)]
            word = meant[0] if len(meant) == 1 else word
        full.append(word)
        if not spot.step(word):
            break
    return full + list(words[len(full) :])


class _Spot:
    """How far the words lead into the grammar."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser
        self.option: argparse.Action | None = None
        """Its value comes next."""
        self._done = 0

    @property
    def expected(self) -> argparse.Action | None:
        if self.option is not None:
            return self.option
        positionals = self.parser._get_positional_actions()
        return positionals[self._done] if self._done < len(positionals) else None

    def step(self, word: str) -> bool:
        """False where the grammar does not know the word."""
        if self.option is not None:
            self.option = None
            return True
        if word.startswith("-") and len(word) > 1:
            action = self.parser._option_string_actions.get(word.partition("=")[0])
            if action is not None and action.nargs is None and "=" not in word:
                self.option = action
            return action is not None
        action = self.expected
        if action is None:
            return False
        if isinstance(action, argparse._SubParsersAction):
            if word not in action.choices:
                return False
            self.parser, self._done = action.choices[word], 0
        elif action.nargs not in ("*", "+"):
            self._done += 1
        return True


def _values(action: argparse.Action, names: Names) -> tuple[list[tuple[str, str]], str]:
    if isinstance(action, argparse._SubParsersAction):
        return [(item.dest, item.help or "") for item in action._choices_actions], ""
    if action.choices is not None:
        return [(str(word), "") for word in action.choices], ""
    words = action.metavar if isinstance(action.metavar, tuple) else (action.metavar or action.dest.upper(),)
    return [(name, "") for name in names(words[0])], words[-1]
