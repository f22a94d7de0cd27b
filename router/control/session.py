"""Whom a command asks, and where its words go: a terminal here, a serial line, a test."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO

from router.control.client import ControlError, request

__all__ = ["LocalSession", "Session"]

if TYPE_CHECKING:
    from router.control.serial_line import SerialLine

_MANY = 2000
"""Octets of an answer over a serial line that are worth being counted before somebody's eyes."""
_SOCKET = "/var/run/roamd.sock"


class Session:
    """What every command is given.  A command prints, sleeps and asks by it alone, so that it runs anywhere."""

    name = "roamctl"
    """What stands in front of errors and in usages."""
    width = 80
    """Columns of who reads."""
    height = 24
    """Lines of who reads."""
    interactive = False
    """Somebody looks: may be shown a thing in place of its former state, and be asked."""
    compact = False
    """A slow line: no padding, no blank lines."""
    shell = False
    """It was called by a shell, which has files and completion of its own."""

    def options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options that stand before the command and only make sense here."""

    def commands(self, commands: Any) -> None:
        """Add the commands that only make sense here to a parser's sub-commands."""

    def use(self, arguments: argparse.Namespace) -> None:
        """Take what was given with these options.  Raises ControlError."""

    def ask(self, method: str, params: dict[str, Any] | None = None, timeout: float = 5.0) -> Any:
        """The daemon's result of `method`.  Raises ControlError."""
        raise NotImplementedError

    def write(self, text: str) -> None:
        """Show `text`, which ends its lines itself."""
        raise NotImplementedError

    def complain(self, text: str) -> None:
        """Show what went wrong."""
        self.write(text)

    def progress(self, text: str) -> None:
        """Show one line that the next thing shown takes away; empty: only take it away."""

    def redraw(self, text: str) -> None:
        """Show `text` in place of what was shown so before."""
        self.write(text)

    def pause(self, seconds: float) -> None:
        """Wait.  Raises KeyboardInterrupt when who reads has seen enough."""
        raise NotImplementedError

    def key(self, seconds: float) -> str:
        """The key that is pressed within `seconds`; empty where none is, or none can be seen.  Raises as `pause`."""
        self.pause(seconds)
        return ""

    def confirm(self, question: str) -> bool:
        """Whether who reads presses y; nobody there, or nothing pressed within a minute, is a no."""
        if not self.interactive:
            return False
        self.write(f"{question} [y/n] ")
        pressed = next(filter(None, (self.key(1.0) for _ in range(60))), "n")
        self.write(f"{pressed}\n")
        return pressed in "yY"

    def save(self, name: str) -> BinaryIO:
        """A new file for who reads.  Raises ControlError."""
        raise ControlError("files cannot be taken here")


class LocalSession(Session):
    """Asks over the Unix socket of a daemon on this machine, for who uses this process's terminal."""

    shell = True

    def __init__(self) -> None:
        self._socket = _SOCKET
        self._line: SerialLine | None = None
        self.interactive = sys.stdout.isatty()
        self.width, self.height = shutil.get_terminal_size((80, 24))

    def options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--socket", default=_SOCKET, metavar="PATH", help="control socket (default: %(default)s)"
        )
        parser.add_argument(
            "--serial", metavar="PORT", help="a console's line instead: a tty, socket://... or rfc2217://..."
        )
        parser.add_argument(
            "--speed",
            type=int,
            default=115200,
            metavar="N",
            help="of that line, bit/s (default: %(default)s)",
        )

    def commands(self, commands: Any) -> None:
        # A router has no use for it.
        with contextlib.suppress(ImportError):
            from router.control.fetch import add_fetch

            add_fetch(commands)

    def use(self, arguments: argparse.Namespace) -> None:
        self._socket = arguments.socket
        if arguments.serial is not None:
            try:
                from router.control.serial_line import SerialLine
            except ImportError:
                raise ControlError(
                    "this installation comes without --serial: run it on another machine"
                ) from None
            self._line = SerialLine(arguments.serial, arguments.speed)

    def close(self) -> None:
        """Leave a serial line to others."""
        if self._line is not None:
            self._line.close()

    def ask(self, method: str, params: dict[str, Any] | None = None, timeout: float = 5.0) -> Any:
        if self._line is not None:
            return self._line.ask(method, params, timeout, None if method == "file_read" else self._count)
        return request(self._socket, method, params, timeout)

    def _count(self, octets: int, total: int) -> None:
        if total >= _MANY:
            self.progress(f"{octets} of {total} octets" if octets < total else "")

    def write(self, text: str) -> None:
        print(text, end="", flush=True)

    def complain(self, text: str) -> None:
        print(text, end="", file=sys.stderr)

    def progress(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def redraw(self, text: str) -> None:
        self.width, self.height = shutil.get_terminal_size((80, 24))
        self.write("\x1b[H\x1b[2J" + text if self.interactive else text)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def key(self, seconds: float) -> str:
        if not sys.stdin.isatty():
            return super().key(seconds)
        import select
        import termios
        import tty

        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
        try:
            tty.setcbreak(fd)
            ready, _, _ = select.select([fd], [], [], seconds)
            return os.read(fd, 1).decode(errors="replace") if ready else ""
        finally:
            termios.tcsetattr(fd, termios.TCSADRAIN, before)

    def save(self, name: str) -> BinaryIO:
        """Never over a file that is there; `-` is the standard output."""
        try:
            return os.fdopen(os.dup(1), "wb") if name == "-" else open(name, "xb")
        except OSError as error:
            raise ControlError(f"{name}: {error.strerror}") from None
