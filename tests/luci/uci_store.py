"""Configuration files as rpcd gives and takes them: changes are staged, applied, and rolled back unless confirmed."""

from __future__ import annotations

import copy
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from router.config.uci import Option, Package, Section, dump, parse

Values = dict[str, Any]


class UciStore:
    """`files`: of each configuration its file.  `changed` is called with a name when that file has a new content."""

    def __init__(
        self, files: dict[str, str], changed: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._files, self._changed, self._clock = files, changed, clock
        self._staged: dict[str, Package] = {}
        self._before: dict[str, bytes] = {}
        self._deadline: float | None = None

    def get(self, config: str) -> Values:
        """Raises KeyError."""
        return {
            "values": {
                name: _plain(section, name, index)
                for index, (name, section) in enumerate(self._named(config))
            }
        }

    def set(self, config: str, section: str, values: Values) -> Values:
        found = self._section(config, section)
        for name, value in values.items():
            many = isinstance(value, list)
            if value in ("", []):
                # UCI has no empty value.
                found.options.pop(name, None)
                continue
            found.options[name] = Option(name, tuple(value) if many else (str(value),), many, 0)
        return {}

    def add(self, config: str, type: str, name: str | None = None) -> Values:
        package = self._stage(config)
        package.sections.append(Section(type, name, 0))
        return {"section": list(self._named(config))[-1][0]}

    def delete(self, config: str, section: str, options: list[str] | None = None) -> Values:
        found = self._section(config, section)
        if options is None:
            # By identity: two sections may be equal.
            sections = self._stage(config).sections
            sections[:] = [item for item in sections if item is not found]
        for name in options or ():
            del found.options[name]
        return {}

    def apply(self, rollback: bool, timeout: int) -> Values:
        for config, package in self._staged.items():
            self._before[config] = self._read(config)
            self._write(config, dump(package).encode())
        self._staged.clear()
        self._deadline = self._clock() + timeout if rollback else None
        return {}

    def confirm(self) -> Values:
        self._deadline = None
        self._before.clear()
        return {}

    def look(self) -> None:
        """Roll back what nobody has confirmed in time."""
        if self._deadline is not None and self._clock() >= self._deadline:
            for config, octets in self._before.items():
                self._write(config, octets)
            self.confirm()

    def _section(self, config: str, name: str) -> Section:
        self._stage(config)
        return dict(self._named(config))[name]

    def _stage(self, config: str) -> Package:
        if config not in self._staged:
            self._staged[config] = copy.deepcopy(self._load(config))
        return self._staged[config]

    def _named(self, config: str) -> Iterator[tuple[str, Section]]:
        package = self._staged.get(config) or self._load(config)
        for index, section in enumerate(package.sections):
            yield (
                section.name or f"cfg{index + 1:02x}{zlib.crc32(section.type.encode()) & 0xFFFF:04x}",
                section,
            )

    def _load(self, config: str) -> Package:
        return parse(self._read(config), self._files[config])

    def _read(self, config: str) -> bytes:
        with open(self._files[config], "rb") as file:
            return file.read()

    def _write(self, config: str, octets: bytes) -> None:
        name = self._files[config]
        with open(f"{name}.new", "wb") as file:
            file.write(octets)
        os.replace(f"{name}.new", name)
        self._changed(config)


def _plain(section: Section, name: str, index: int) -> Values:
    head = {".anonymous": section.name is None, ".type": section.type, ".name": name, ".index": index}
    options = {
        option.name: list(option.values) if option.is_list else option.values[0]
        for option in section.options.values()
    }
    return {**head, **options}
