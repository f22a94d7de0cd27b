"""UCI text to sections and options, by libuci's grammar.

Strict as the `uci` command is (one bad line and the file is refused), but it
reads on after an error and reports them all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.config.error import ConfigError

__all__ = ["Option", "Package", "Section", "dump", "parse"]

_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_COMMANDS = {
    "package": "package", "p": "package",
    "config": "config", "c": "config",
    "option": "option", "o": "option",
    "list": "list", "l": "list",
}  # fmt: skip
_BLANK = " \t\r\v\f"


@dataclass
class Option:
    name: str
    values: tuple[str, ...]
    is_list: bool
    line: int


@dataclass
class Section:
    type: str
    name: str | None
    line: int
    options: dict[str, Option] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How errors speak of it: `uplink 'wifi'`, or `uplink` when it has no name."""
        return f"{self.type} '{self.name}'" if self.name is not None else self.type


@dataclass
class Package:
    filename: str
    sections: list[Section] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)


class _Unterminated(Exception):
    pass


def parse(text: str | bytes, filename: str) -> Package:
    """Sections in file order; what is wrong is in `.errors`.  Never raises."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="surrogateescape")
    return _Parser(text, filename).run()


def dump(package: Package) -> str:
    """The package in the form `uci commit` writes."""
    parts = []
    for section in package.sections:
        name = f" '{section.name}'" if section.name is not None else ""
        lines = [f"config {section.type}{name}"]
        for option in section.options.values():
            word = "list" if option.is_list else "option"
            lines += [f"\t{word} {option.name} {_quote(value)}" for value in option.values]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _quote(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


class _Parser:
    def __init__(self, text: str, filename: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._package = Package(filename)
        self._section: Section | None = None
        self._skipping = False
        """Inside a section whose head was wrong: its options are not the next one's fault."""

    def run(self) -> Package:
        if self._text.startswith("\ufeff"):
            self._error("a byte order mark is not allowed")
            self._at = 1
        while self._at < len(self._text):
            line = self._line
            try:
                words = self._words()
            except _Unterminated:
                self._error("unterminated quote", line)
                return self._package
            if words:
                self._command(words, line)
        return self._package

    def _words(self) -> list[str] | None:
        """The words up to the line's end; None when the line was refused."""
        words: list[str] = []
        refused = False
        line = self._line
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == "\n":
                self._take()
                break
            if sign == "#":
                self._skip_line()
            elif sign in _BLANK:
                self._take()
            elif sign == ";":
                refused = True
                self._error("';' loses what follows it: write one command per line")
                self._skip_line()
            else:
                words.append(self._word())
        if any("\0" in word for word in words):
            self._error("NUL is not allowed", line)
            refused = True
        return None if refused else words

    def _word(self) -> str:
        word = ""
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign in "\n#;" or sign in _BLANK:
                break
            self._take()
            if sign == "'":
                word += self._quoted("'", escapes=False)
            elif sign == '"':
                word += self._quoted('"', escapes=True)
            elif sign == "\\":
                word += self._take()
            else:
                word += sign
        return word

    def _quoted(self, end: str, *, escapes: bool) -> str:
        value = ""
        while self._at < len(self._text):
            sign = self._take()
            if sign == end:
                return value
            value += self._take() if escapes and sign == "\\" else sign
        raise _Unterminated

    def _take(self) -> str:
        sign = self._text[self._at : self._at + 1]
        self._at += 1
        if sign == "\n":
            self._line += 1
        return sign

    def _skip_line(self) -> None:
        while self._at < len(self._text) and self._text[self._at] != "\n":
            self._take()

    def _command(self, words: list[str], line: int) -> None:
        command = _COMMANDS.get(words[0])
        if command == "package":
            return
        if command == "config":
            self._config(words[1:], line)
        elif command in ("option", "list"):
            self._option(words[1:], line, command == "list")
        else:
            self._error(f"unknown command '{words[0]}': expected config, option or list", line)

    def _config(self, words: list[str], line: int) -> None:
        self._section, self._skipping = None, True
        if not 1 <= len(words) <= 2:
            self._error("config wants a type and at most a name", line)
            return
        kind, name = words[0], (words[1] if len(words) > 1 and words[1] else None)
        if not kind or not all("!" <= sign <= "~" for sign in kind):
            self._error(f"section type '{kind}': printable characters without blanks only", line)
            return
        if name is not None and not set(name) <= _NAME:
            self._error(f"section name '{name}': letters, digits and _ only", line)
            return
        known = next(
            (item for item in self._package.sections if name is not None and item.name == name), None
        )
        if known is not None and known.type != kind:
            self._error(f"section '{name}' is already a {known.type} in line {known.line}", line)
            return
        if known is None:
            known = Section(kind, name, line)
            self._package.sections.append(known)
        self._section, self._skipping = known, False

    def _option(self, words: list[str], line: int, is_list: bool) -> None:
        if self._skipping:
            return
        if self._section is None:
            self._error("an option before the first section", line)
            return
        if not 1 <= len(words) <= 2:
            self._error(f"{'list' if is_list else 'option'} wants a name and one value (quote blanks)", line)
            return
        name, value = words[0], words[1] if len(words) > 1 else ""
        if not name or not set(name) <= _NAME:
            self._error(f"option name '{name}': letters, digits and _ only", line)
            return
        old = self._section.options.get(name)
        if is_list:
            values = (*(old.values if old is not None else ()), value)
            self._section.options[name] = Option(name, values, True, line)
        elif value:
            self._section.options[name] = Option(name, (value,), False, line)
        else:
            # UCI has no empty value: the option does not exist.
            self._section.options.pop(name, None)

    def _error(self, message: str, line: int | None = None) -> None:
        where = self._line if line is None else line
        label = self._section.label if self._section is not None else None
        self._package.errors.append(ConfigError(self._package.filename, where, label, None, None, message))
