"""A command's session on a console's terminal."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from router.console.keys import Key, Size
from router.console.pager import MORE, Pager, erase
from router.console.port import Port
from router.console.screen import Screen
from router.control.client import ControlError, NotRunning, Wait, request
from router.control.session import Session

__all__ = ["ConsoleSession", "Files", "ask"]

_ASK_SIZE = "\x1b7\x1b[999;999H\x1b[6n\x1b8"
_SLOW = 19200
_MOST_OCTETS = 8_000_000


def ask(socket: str, method: str, params: dict[str, Any] | None, timeout: float, wait: Wait) -> Any:
    """The daemon's result.  Raises ControlError, and what `wait` raises."""
    try:
        return request(socket, method, params, timeout, wait)
    except NotRunning:
        raise ControlError(
            "roamd does not run: at the console `check` says what is wrong in its file, `log` why it ended, and "
            "`restart` starts it"
        ) from None


class Files:
    """What commands have written, for who fetches it: in memory, so many of so many octets."""

    def __init__(self, folder: str, most: int = 8) -> None:
        self.folder = folder
        self._most = most

    def names(self) -> list[str]:
        """The newest last."""
        try:
            with os.scandir(self.folder) as found:
                files = [(entry.stat().st_mtime, entry.name) for entry in found if entry.is_file()]
        except FileNotFoundError:
            return []
        return [name for _, name in sorted(files)]

    def path(self, name: str) -> str:
        """Raises ControlError where there is none of that name."""
        if name not in self.names():
            raise ControlError(f"no file {name!r}; there are: {', '.join(self.names()) or 'none'}")
        return os.path.join(self.folder, name)

    def create(self, name: str) -> BinaryIO:
        """Raises ControlError."""
        name = os.path.basename(name)
        if not name or name.startswith((".", "-")):
            raise ControlError("a file needs a name, without a dot or - in front")
        try:
            os.makedirs(self.folder, 0o700, exist_ok=True)
            file = _Bounded(os.path.join(self.folder, name), "x")
            for old in self.names()[: -self._most]:
                os.unlink(os.path.join(self.folder, old))
            return file
        except FileExistsError:
            raise ControlError(f"{name}: is there already; take another name") from None
        except OSError as error:
            raise ControlError(f"{name}: {error.strerror}") from None


class _Bounded(io.FileIO):
    """The router's memory is small."""

    def write(self, data: Any) -> int:
        """Raises ControlError beyond the bound; what was written before stays."""
        if self.tell() + len(data) > _MOST_OCTETS:
            raise ControlError(
                f"a file here has {_MOST_OCTETS // 1_000_000} MB at most: the rest is left out"
            )
        return super().write(data)


class ConsoleSession(Session):
    """Writes to the port a page at a time; every method raises KeyboardInterrupt at Ctrl-C."""

    interactive = True

    def __init__(self, port: Port, socket: str, files: Files, speed: int | None, terminal: str) -> None:
        self.vt100 = terminal == "vt100"
        self.compact = speed is not None and speed <= _SLOW
        self.ended = False
        """Who uses it wants to leave."""
        self.shell_wanted = False
        self._port, self._socket, self.files = port, socket, files
        self._commands: Callable[[Any], None] = _nothing
        self._pager = Pager(self.width, self.height)
        self._screen: Screen | None = None
        self._progress = ""
        if terminal == "auto":
            self.find_size()

    def find_size(self) -> None:
        """Ask the terminal; who says nothing in a moment is a dumb one."""
        self._port.write(_ASK_SIZE)
        kept: list[Key | Size | str] = []
        until = time.monotonic() + 0.6
        while (left := until - time.monotonic()) > 0:
            key = self._port.key(left)
            if isinstance(key, Size):
                self.vt100 = True
                self.resize(key.columns, key.lines)
                break
            if key is None:
                break
            kept.append(key)
        self._port.keys.extendleft(reversed(kept))

    def resize(self, columns: int, lines: int) -> None:
        """Within reason: a lost digit makes a wrong size."""
        self.width, self.height = min(max(columns, 20), 400), min(max(lines, 5), 200)

    def show(self, text: str) -> None:
        """From a page's start."""
        self.begin()
        self.write(text)

    def begin(self) -> None:
        """Of each command: a page anew."""
        self._pager, self._screen = Pager(self.width, self.height), None

    def commands(self, commands: Any) -> None:
        self._commands(commands)

    def offer(self, commands: Callable[[Any], None]) -> None:
        """Put more commands into the grammar."""
        self._commands = commands

    def ask(self, method: str, params: dict[str, Any] | None = None, timeout: float = 5.0) -> Any:
        return ask(self._socket, method, params, timeout, self._wait)

    def wait(self, fd: int) -> None:
        """Until it can be read."""
        while not self._port.wait(None, fd):
            pass

    def _wait(self, fd: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._port.wait(max(0.0, until - time.monotonic()), fd):
            if time.monotonic() >= until:
                raise TimeoutError("no answer in time")

    def write(self, text: str) -> None:
        self.progress("")
        while text:
            now, text = self._pager.take(text)
            self._port.write(now)
            if text:
                self._more()

    def complain(self, text: str) -> None:
        """The usage of a command takes seconds on a slow line, and `?` tells more."""
        if text.startswith("usage: "):
            what = text.rpartition(": error: ")[2].partition(" (choose from")[0].rstrip("\n")
            text = f"{what}; ? shows what may stand there\n"
        self.write(text)

    def _more(self) -> None:
        self._port.write(MORE)
        while True:
            key = self._port.key()
            if key in (" ", Key.ENTER, "q", "Q", Key.INTERRUPT):
                break
        self._port.write(erase(MORE))
        if key in ("q", "Q", Key.INTERRUPT):
            raise KeyboardInterrupt
        if key == " ":
            self._pager.page()
        else:
            self._pager.line()

    def progress(self, text: str) -> None:
        if text != self._progress:
            self._port.write(erase(self._progress) + text if self._progress else text)
            self._progress = text

    def redraw(self, text: str) -> None:
        if self._screen is None:
            self._screen = Screen(self.width, self.height, self.vt100)
        self._port.write(self._screen.redraw(text))

    def pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            key = self._port.key(left)
            if key in ("q", "Q"):
                raise KeyboardInterrupt
            if key is Key.REDRAW and self._screen is not None:
                self._screen.forget()
                return

    def key(self, seconds: float) -> str:
        key = self._port.key(seconds)
        if key is Key.REDRAW and self._screen is not None:
            self._screen.forget()
        return key if isinstance(key, str) else ""

    def save(self, name: str) -> BinaryIO:
        file = self.files.create(name)
        self.write(
            f"{os.path.basename(name)}: to take it: roamctl --serial PORT fetch {os.path.basename(name)}\n"
        )
        return file


def _nothing(_: Any) -> None:
    pass
