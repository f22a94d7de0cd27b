"""Lines for a narrow screen.  Pure; runs unchanged on CPython and MicroPython."""


def wrapped(head: str, text: str, width: int) -> "list[str]":
    """`text` behind `head`, broken at blanks into lines of `width`; what follows is indented as far as `head`."""
    lines, line, begun = [], head, False
    for word in text.split():
        if begun and len(line) + 1 + len(word) > width:
            lines.append(line)
            line, begun = " " * len(head) + word, True
        else:
            line, begun = line + (" " if begun else "") + word, True
    return [item[:width].rstrip() for item in lines + [line]]
