"""UCI text to sections: as much of libuci's grammar as files written by `uci commit` and by people have.  Pure."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Section = tuple[str, str | None, dict[str, list[str]]]
    """(type, name, values by option)."""

_BLANK = " \t\r"


def parse(text: str) -> "tuple[list[Section], list[int]]":
    """Sections in file order, and the numbers of lines that make no sense."""
    sections: list[Section] = []
    bad: list[int] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = _words(line)
        if words is None or not _take(words, sections):
            bad.append(number)
    return sections, bad


def find(sections: "list[Section]", kind: str) -> "dict[str, list[str]] | None":
    """The options of the first section of this type."""
    for section in sections:
        if section[0] == kind:
            return section[2]
    return None


def value(options: "dict[str, list[str]]", name: str, default: str = "") -> str:
    """The option's last value."""
    return options[name][-1] if options.get(name) else default


def is_on(options: "dict[str, list[str]]", name: str) -> bool:
    """Whether an option that is on where nobody says otherwise is."""
    return value(options, name) not in ("0", "off", "false", "no", "disabled")


def _take(words: "list[str]", sections: "list[Section]") -> bool:
    """Whether a line is one of a configuration."""
    if not words:
        return True
    kind = words[0][:1] if words[0] in ("c", "o", "l", "p") else words[0]
    if kind in ("p", "package"):
        return True
    if kind in ("c", "config") and 2 <= len(words) <= 3:
        name = words[2] if len(words) == 3 and words[2] else None
        known = [section for section in sections if name is not None and section[:2] == (words[1], name)]
        if not known:
            sections.append((words[1], name, {}))
        elif known[0] is not sections[-1]:
            # The section goes on: its options belong to the former one.
            sections.remove(known[0])
            sections.append(known[0])
        return True
    if kind in ("o", "option", "l", "list") and 2 <= len(words) <= 3 and sections:
        options, given = sections[-1][2], words[2] if len(words) == 3 else ""
        if kind in ("l", "list"):
            options.setdefault(words[1], []).append(given)
        elif given:
            options[words[1]] = [given]
        else:
            options.pop(words[1], None)
        return True
    return False


def _words(line: str) -> "list[str] | None":
    """The words of a line without its comment; None where a quote is not closed."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    at = 0
    while at < len(line):
        sign = line[at]
        at += 1
        if sign == "\\" and quote != "'" and at < len(line):
            word = (word or "") + line[at]
            at += 1
        elif quote:
            if sign == quote:
                quote = ""
            else:
                word = (word or "") + sign
        elif sign in "'\"":
            quote = sign
            word = word or ""
        elif sign == "#":
            break
        elif sign in _BLANK:
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + sign
    if word is not None:
        words.append(word)
    return None if quote else words
