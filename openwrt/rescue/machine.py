"""The machine by its files and commands, as MicroPython reaches them.  Decides nothing."""

import os

from modem.ports.folders import each


def text_of(path: str) -> str:
    """The file's text; octets that are no UTF-8 stand for themselves.  Raises OSError."""
    with open(path, "rb") as file:
        raw = file.read()
    try:
        return raw.decode()
    except UnicodeError:
        return "".join([chr(octet) for octet in raw])


def run(command: str) -> bool:
    """Whether a command of the shell succeeds."""
    return os.system(command) == 0


def running(word: str, proc: str) -> "int | None":
    """The number of a process whose command line has this word, as one of its arguments or an argument's end."""
    for name in each(proc):
        if not name.isdigit():
            continue
        try:
            words = text_of("%s/%s/cmdline" % (proc, name)).split("\0")
        except OSError:
            continue
        if word in words:
            return int(name)
    return None
