"""An open serial line on asyncio: octets come as calls, and go out as the line takes them.  CPython only.

Opening and closing happen in a thread, since a USB modem that hangs keeps either of them for seconds (the control
transfer that raises DTR, the wait for unsent octets).  A terminal is then read by the event loop itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import termios
import threading
from collections.abc import Callable
from typing import Any

import serial

from modem.ports.budget import Budget
from modem.ports.claim import claim, release
from modem.ports.owner import owner_of

__all__ = ["Line", "TtyLine", "open_line"]

CHUNK = 4096
MAX_UNWRITTEN = 4096


class Line:
    """What all lines have in common.  Set the three calls at once; all come from the event loop.

    After `lost` or `close` nothing comes any more.
    """

    def __init__(self, where: str, loop: asyncio.AbstractEventLoop) -> None:
        self.where = where
        self.opened: Callable[[], None] = _nothing_with
        self.received: Callable[[bytes], None] = _nothing_with
        self.lost: Callable[[str, str], None] = _nothing_with
        """With the reason, and what to do about it if that is known; both for people."""
        self._loop = loop
        self._closed = False

    def write(self, data: bytes) -> None:
        """Send; what a line that takes nothing has not sent is kept up to a bound, the newest of it."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def _in_thread(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name=f"roamd {self.where}", daemon=True).start()

    def _in_loop(self, call: Callable[..., None], *arguments: Any) -> bool:
        """From a thread; False when the loop has ended meanwhile."""
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            return False
        return True

    def _fail(self, why: str, advice: str = "") -> None:
        if not self._closed:
            self.close()
            self.lost(why, advice)


class TtyLine(Line):
    """A tty, or a port of the kernel's `wwan` class."""

    def __init__(self, where: str, loop: asyncio.AbstractEventLoop, baudrate: int = 115200) -> None:
        super().__init__(where, loop)
        self._baudrate = baudrate
        self._port: serial.Serial | None = None
        self._fd = -1
        self._unwritten = b""
        self._budget = Budget()
        self._pause: asyncio.TimerHandle | None = None
        self._in_thread(self._open)

    def write(self, data: bytes) -> None:
        self._unwritten = (self._unwritten + data)[-MAX_UNWRITTEN:]
        if self._fd >= 0:
            self._writable()

    def close(self) -> None:
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        if self._fd < 0:
            return
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        fd, self._fd = self._fd, -1
        release(fd)
        port = self._port
        self._in_thread(lambda: _shut(fd, port))

    def _open(self) -> None:
        """In the thread."""
        port: serial.Serial | None = None
        try:
            owner = owner_of(self.where)
            if owner is not None:
                self._in_loop(self._fail, f"port in use by {owner}", owner.advice)
                return
            if os.path.basename(self.where).startswith("wwan"):
                fd = _open_plain(self.where)
            else:
                port = serial.Serial(self.where, self._baudrate, timeout=0, write_timeout=0, exclusive=True)
                fd = port.fileno()
            claim(fd)
        except (OSError, ValueError) as error:
            self._in_loop(self._fail, _refused(error))
            return
        if not self._in_loop(self._ready, fd, port):
            _shut(fd, port)

    def _ready(self, fd: int, port: serial.Serial | None) -> None:
        self._fd, self._port = fd, port
        if self._closed:
            self.close()
            return
        self._loop.add_reader(fd, self._readable)
        self.opened()
        if self._unwritten and self._fd >= 0:
            self._writable()

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(f"no tty: {error.strerror}")
            return
        if not data:
            self._fail("no tty: hung up")
            return
        pause = self._budget.spend(len(data), self._loop.time())
        if pause:
            self._loop.remove_reader(self._fd)
            self._pause = self._loop.call_later(pause, self._resume)
        self.received(data)

    def _resume(self) -> None:
        self._pause = None
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self._readable)

    def _writable(self) -> None:
        try:
            self._unwritten = self._unwritten[os.write(self._fd, self._unwritten) :]
        except BlockingIOError:
            pass
        except OSError as error:
            # Not from within `write`: whoever writes need not reckon with the line's end.
            self._loop.call_soon(self._fail, f"no tty: {error.strerror}")
            self._unwritten = b""
        if self._unwritten:
            self._loop.add_writer(self._fd, self._writable)
        else:
            self._loop.remove_writer(self._fd)


def open_line(where: str, loop: asyncio.AbstractEventLoop) -> Line:
    """A line to `where`: the path of a tty, or one of pyserial's URLs (`socket://host:port`)."""
    if "://" in where:
        from modem.ports.url_line import UrlLine

        return UrlLine(where, loop)
    return TtyLine(where, loop)


def _open_plain(where: str) -> int:
    """Not every wwan port has the settings of a terminal.  Raises OSError."""
    fd = os.open(where, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _shut(fd: int, port: serial.Serial | None) -> None:
    # Nothing to wait for: octets that a hung modem has not taken it will not take.
    with contextlib.suppress(OSError, termios.error):
        termios.tcflush(fd, termios.TCOFLUSH)
    with contextlib.suppress(OSError):
        if port is not None:
            port.close()
        else:
            os.close(fd)


def _refused(error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code in (errno.EAGAIN, errno.EBUSY):
        return "port in use: locked by another program"
    return f"no tty: {os.strerror(code) if code else error}"


def _nothing_with(*_: object) -> None:
    pass
