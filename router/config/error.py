"""Errors of a configuration file: all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ConfigError", "ConfigErrors"]


@dataclass(frozen=True)
class ConfigError:
    """One thing that is wrong: where it stands, what it says, what is allowed."""

    file: str
    line: int
    section: str | None
    option: str | None
    value: str | None
    message: str

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}: "
        if self.section is not None:
            text += f"{self.section}: "
        if self.option is not None:
            text += f"option {self.option}"
            text += f" '{self.value}': " if self.value is not None else ": "
        return text + self.message


class ConfigErrors(Exception):
    """A configuration that was refused; `.errors` has every `ConfigError` in file order."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: error.line))
        super().__init__("\n".join(map(str, self.errors)))
