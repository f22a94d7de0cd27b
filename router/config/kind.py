"""A kind of option value: the reader, and what people and other programs are told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Kind", "kind"]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Kind(Generic[Value]):
    """Called with a text it gives the value, or raises ValueError with what is allowed.

    The error never holds the text itself: what is around it shows that, unless it is a secret.
    """

    read: Callable[[str], Value]
    name: str
    """For the table of options: `address`, `whole number`, ..."""
    allowed: str
    """Range, choices or an example, in a few words; empty: the name says all."""
    datatype: str
    """As validate_data and LuCI know it.  It never refuses what `read` takes; it may take more."""
    words: tuple[str, ...] = ()
    """All values there are, where they can be listed."""
    none_word: str = ""
    """What is written for None."""
    pattern: str = ""
    """Where no datatype tells much: a regular expression for a form, of Python and JavaScript alike.  It never
    refuses what `read` takes either."""

    def __call__(self, text: str) -> Value:
        return self.read(text)


def kind(
    name: str, allowed: str = "", datatype: str = "string", pattern: str = ""
) -> Callable[[Callable[[str], Value]], Kind[Value]]:
    """Make a reader a kind."""

    def made(read: Callable[[str], Value]) -> Kind[Value]:
        return Kind(read, name, allowed, datatype, pattern=pattern)

    return made
