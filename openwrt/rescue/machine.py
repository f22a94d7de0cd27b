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


_DAEMON = ("/usr/sbin/roamd", "router.cli")
"""How it is started: by its package, and from a checkout."""


def daemon_runs(proc: str = "/proc") -> bool:
    """Whether a process is roamd; its console is not."""
    for name in each(proc):
        try:
            words = text_of("%s/%s/cmdline" % (proc, name)).split("\0") if name.isdigit() else []
        except OSError:
            continue
        if "console" not in words and any(word in _DAEMON for word in words):
            return True
    return False
