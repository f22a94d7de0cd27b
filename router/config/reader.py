"""Sections by the schema: every value read, every error kept."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any

from router.config.error import ConfigError
from router.config.schema import SECTIONS, SectionSpec
from router.config.uci import Option, Package, Section

__all__ = ["NOBODY", "Reader", "Values", "nearest"]

NOBODY = IPv4Address("0.0.0.0")
"""An address that is left to the network to choose."""
Values = dict[str, Any]
"""What the options of a section say, by name."""


class Reader:
    """`errors` are those found so far, the parser's included."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.errors = list(package.errors)
        self._read: list[tuple[Section, Values]] = []

    def read_sections(self) -> None:
        """Once."""
        for section in self.package.sections:
            self._section(section)

    def of(self, kind: str) -> list[tuple[Section, Values]]:
        """The enabled sections of a kind, as far as they could be read."""
        return [(section, values) for section, values in self._read if section.type == kind]

    def one(self, kind: str, make: Any) -> Any:
        """What `make` makes of the only section of a kind; None where there is none, or it lacks something."""
        for section, values in self.of(kind):
            if self.complete(section, values):
                return make(dict(values))
        return None

    @staticmethod
    def complete(section: Section, values: Values) -> bool:
        """Whether every required option is there."""
        spec = SECTIONS[section.type]
        return all(item.name in values for item in spec.options if item.required)

    def distinct(self, sections: Iterable[tuple[Section, Values]], name: str) -> None:
        """Keep an error for each section that has the same value of option `name` as one before."""
        seen: dict[Any, Section] = {}
        for section, values in sections:
            if name not in values:
                continue
            first = seen.setdefault(values[name], section)
            if first is not section:
                self.error(
                    section, section.options[name], f"{first.label} in line {first.line} has it already"
                )

    def whole(self, message: str) -> None:
        """Keep an error of the file as a whole."""
        self.errors.append(ConfigError(self.package.filename, 1, None, None, None, message))

    def error(
        self,
        section: Section,
        option: Option | None,
        message: str,
        line: int | None = None,
        *,
        hidden: bool = False,
    ) -> None:
        """Keep an error; without `option` it is the section's; `hidden` keeps the value to ourselves."""
        where = option.line if option is not None else section.line
        name = option.name if option is not None else None
        value = "<hidden>" if hidden else " ".join(option.values) if option is not None else None
        error = ConfigError(self.package.filename, line or where, section.label, name, value, message)
        self.errors.append(error)

    def _section(self, section: Section) -> None:
        spec = SECTIONS.get(section.type)
        if spec is None:
            self.error(section, None, f"unknown section type{nearest(section.type, SECTIONS)}")
            return
        if spec.single and any(other.type == section.type for other, _ in self._read):
            self.error(section, None, f"only one {section.type} section is allowed")
            return
        if spec.named and section.name is None:
            self.error(section, None, f"wants a name: config {section.type} 'NAME'")
        values: Values = {}
        for option in section.options.values():
            self._option(section, spec, option, values)
        missing = [item.name for item in spec.options if item.required and item.name not in section.options]
        for name in missing:
            self.error(section, None, f"option {name} is missing")
        if values.get("enabled", True):
            self._read.append((section, values))

    def _option(self, section: Section, spec: SectionSpec, option: Option, values: Values) -> None:
        known = spec.option(option.name)
        if known is None:
            names = [item.name for item in spec.options]
            self.error(
                section, None, f"unknown option {option.name}{nearest(option.name, names)}", option.line
            )
            return
        if option.is_list and not known.many:
            self.error(section, option, "takes one value: write option, not list", hidden=known.secret)
            return
        read = []
        # A list may be written in one option too, divided by blanks, as UCI's own users do.
        texts = [word for value in option.values for word in value.split()] if known.many else option.values
        for text in texts:
            try:
                read.append(known.read(text))
            except ValueError as error:
                shown = "<hidden>" if known.secret else text
                self.errors.append(
                    ConfigError(
                        self.package.filename, option.line, section.label, option.name, shown, str(error)
                    )
                )
        if read:
            values[option.name] = tuple(read) if known.many else read[0]


def nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known))}"
