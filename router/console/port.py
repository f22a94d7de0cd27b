"""The terminal at the other end of a line: keys and frames in, text out.

All waiting happens in `wait`, which reads the line meanwhile: so a Ctrl-C is heard whatever else goes on, also while
the line takes nothing.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import time
import tty
from collections import deque

from router.config.model import Console
from router.console.keys import Key, Keys, Size
from router.control.framing import Frame, Reader, encode

__all__ = ["Idle", "Port", "PortLost"]

_CHUNK = 1024
_MAX_KEYS = 1024
_MAX_FRAMES = 64


class PortLost(Exception):
    """Unplugged, hung up or closed."""


class Idle(Exception):
    """Nobody has pressed a key for `idle_limit`."""


class Port:
    """An open port.  Everything but `close` raises PortLost."""

    def __init__(self, settings: Console | None) -> None:
        """Of this process's own terminal where there are no settings.  Raises OSError."""
        self.keys: deque[Key | Size | str] = deque(maxlen=_MAX_KEYS)
        self.frames: deque[Frame] = deque(maxlen=_MAX_FRAMES)
        self.interruptible = False
        """Ctrl-C raises KeyboardInterrupt out of `wait` and `write`, instead of being a key."""
        self.interrupted = False
        """It has done so."""
        self.idle_limit: float | None = None
        self._reader, self._decoder = Reader(), Keys()
        self._last_key = time.monotonic()
        self._own = settings is None
        path = "/dev/tty" if settings is None else settings.tty
        # What is configured without CLOCAL would wait for a carrier.
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            self._before = termios.tcgetattr(self.fd)
            tty.setraw(self.fd)
            if settings is not None:
                _set_line(self.fd, settings)
        except termios.error as error:
            os.close(self.fd)
            raise OSError(error.args[0], os.strerror(error.args[0]), path) from None

    def close(self) -> None:
        with contextlib.suppress(OSError, termios.error):
            if self._own:
                os.set_blocking(self.fd, True)
                termios.tcsetattr(self.fd, termios.TCSADRAIN, self._before)
            else:
                # What the line has not taken it will not take: closing would wait for it.
                termios.tcflush(self.fd, termios.TCOFLUSH)
        os.close(self.fd)

    def wait(self, timeout: float | None, fd: int | None = None) -> bool:
        """Until `fd` can be read, something came on the line, or `timeout` is over; whether `fd` can be read."""
        readable, _ = self._select(timeout, fd, write=False)
        return readable

    def key(self, timeout: float | None = None) -> Key | Size | str | None:
        """The next key; None when the time is over, or a frame came."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.keys and not self.frames:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return None
            self.wait(left)
        return self.keys.popleft() if self.keys else None

    def write(self, text: str) -> None:
        self.send(text.replace("\n", "\r\n").encode("utf-8", "replace"))

    def send_frames(self, frames: list[Frame]) -> None:
        self.send(b"".join(map(encode, frames)))

    def send(self, data: bytes) -> None:
        """Wait until the line has taken all."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.fd, view[:_CHUNK]) :]
            except BlockingIOError:
                self._select(None, None, write=True)
            except OSError as error:
                raise PortLost(error.strerror) from None

    def touch(self) -> None:
        """Count the time without a key from now on."""
        self._last_key = time.monotonic()

    def discard(self) -> None:
        """What was written and has not left yet, and keys that nobody has taken."""
        self.keys.clear()
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self.fd, termios.TCOFLUSH)

    def _select(self, timeout: float | None, fd: int | None, write: bool) -> tuple[bool, bool]:
        if self.idle_limit is not None:
            left = self._last_key + self.idle_limit - time.monotonic()
            if left <= 0:
                raise Idle
            timeout = left if timeout is None else min(timeout, left)
        try:
            wanted = [self.fd] if fd is None else [self.fd, fd]
            ready, writable, _ = select.select(wanted, [self.fd] if write else [], [], timeout)
        except (OSError, ValueError) as error:
            raise PortLost(str(error)) from None
        if self.fd in ready:
            self._read()
        return fd in ready, bool(writable)

    def _read(self) -> None:
        try:
            data = os.read(self.fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            raise PortLost(error.strerror) from None
        if not data:
            raise PortLost("hung up")
        now = time.monotonic()
        for part in self._reader.feed(data, now):
            if isinstance(part, Frame):
                self.frames.append(part)
                continue
            self._last_key = now
            self.keys.extend(self._decoder.feed(part))
        if self.interruptible and Key.INTERRUPT in self.keys:
            self.discard()
            self.interrupted = True
            raise KeyboardInterrupt


def _set_line(fd: int, settings: Console) -> None:
    """8N1.  Raises termios.error."""
    incoming, outgoing, control, local, _, _, special = termios.tcgetattr(fd)
    control = control & ~(termios.CSTOPB | termios.PARENB | termios.CRTSCTS) | termios.CLOCAL | termios.CREAD
    incoming &= ~(termios.IXON | termios.IXOFF | termios.IXANY)
    if settings.flow == "rtscts":
        control |= termios.CRTSCTS
    elif settings.flow == "xonxoff":
        incoming |= termios.IXON | termios.IXOFF
    speed = getattr(termios, f"B{settings.speed}")
    wanted = [incoming, outgoing, control, local, speed, speed, special]
    termios.tcsetattr(fd, termios.TCSANOW, wanted)
