"""What only a console has: its terminal, the service, the log, a shell."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from router.config import ConfigErrors, load
from router.console.log import LEVELS, is_wanted
from router.console.session import ConsoleSession
from router.control.client import ControlError

__all__ = ["add_commands"]

_SERVICE = "/etc/init.d/roamd"


def add_commands(commands: Any, config: str, shell: bool) -> None:
    """Put them below `commands`; `config` is the daemon's file."""
    check = commands.add_parser("check", help="say every error in the configuration")
    check.set_defaults(action=_check, config=config)
    restart = commands.add_parser("restart", help="stop roamd and start it again")
    restart.set_defaults(action=_restart)
    log = commands.add_parser("log", help="what roamd has logged")
    log.add_argument("--level", choices=tuple(LEVELS), default="info", help="least level (default: info)")
    log.add_argument("--lines", type=int, default=20, metavar="N", help="how many of the last (default: 20)")
    log.add_argument("--follow", action="store_true", help="and what comes, until Ctrl-C")
    log.set_defaults(action=_log)
    files = commands.add_parser("files", help="what commands have written, to be fetched")
    files.set_defaults(action=_files)
    terminal = commands.add_parser("terminal", help="say what terminal this is, or find out")
    terminal.add_argument("kind", nargs="?", choices=("vt100", "dumb"))
    terminal.add_argument("--size", type=_size, metavar="COLUMNSxLINES")
    terminal.set_defaults(action=_terminal)
    if shell:
        commands.add_parser("shell", help="a shell; exit leads back").set_defaults(action=_shell)
    commands.add_parser("exit", help="log out").set_defaults(action=_exit)


def _check(arguments: argparse.Namespace, session: ConsoleSession) -> int:
    try:
        with open(arguments.config, "rb") as file:
            load(file.read(), arguments.config)
    except ConfigErrors as error:
        session.write(f"{error}\n")
        return 1
    except OSError as error:
        raise ControlError(f"{arguments.config}: {error.strerror}") from None
    session.write(f"{arguments.config}: good\n")
    return 0


def _restart(arguments: argparse.Namespace, session: ConsoleSession) -> int:
    for line in _run(session, [_SERVICE, "restart"]):
        session.write(line)
    session.write("restarted\n")
    return 0


def _log(arguments: argparse.Namespace, session: ConsoleSession) -> int:
    words = ["logread", "-e", "roamd"]
    # What is filtered here cannot be counted there.
    lines = [line for line in _run(session, words) if is_wanted(line, arguments.level)]
    session.write("".join(lines[-max(1, arguments.lines) :]))
    if arguments.follow:
        for line in _run(session, [*words, "-f"]):
            if is_wanted(line, arguments.level):
                session.begin()
                session.write(line)
    return 0


def _files(arguments: argparse.Namespace, session: ConsoleSession) -> int:
    session.write("".join(f"{name}\n" for name in session.files.names()) or "none\n")
    return 0


def _terminal(arguments: argparse.Namespace, session: ConsoleSession) -> int:
    if arguments.kind is None and arguments.size is None:
        session.find_size()
    if arguments.kind is not None:
        session.vt100 = arguments.kind == "vt100"
    if arguments.size is not None:
        session.resize(*arguments.size)
    session.write(f"{'vt100' if session.vt100 else 'dumb'}, {session.width}x{session.height}\n")
    return 0


def _shell(arguments: argparse.Namespace, session: ConsoleSession) -> int:
    session.shell_wanted = True
    return 0


def _exit(arguments: argparse.Namespace, session: ConsoleSession) -> int:
    session.ended = True
    return 0


def _size(text: str) -> tuple[int, int]:
    columns, _, lines = text.partition("x")
    if not (columns.isdecimal() and lines.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 80x24")
    return int(columns[:4]), int(lines[:4])


def _run(session: ConsoleSession, words: list[str]) -> Iterator[str]:
    """The lines of a program, as they come.  Whatever ends this ends the program."""
    try:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise ControlError(f"{words[0]}: {error.strerror}") from None
    assert process.stdout is not None
    try:
        rest = b""
        while data := _read(session, process.stdout.fileno()):
            *lines, rest = (rest + data).split(b"\n")
            yield from (line.decode("utf-8", "replace") + "\n" for line in lines)
        if rest:
            yield rest.decode("utf-8", "replace") + "\n"
        if process.wait():
            raise ControlError(f"{' '.join(words)}: exit status {process.returncode}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


def _read(session: ConsoleSession, fd: int) -> bytes:
    session.wait(fd)
    return os.read(fd, 4096)
