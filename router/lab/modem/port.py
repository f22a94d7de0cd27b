"""Where the emulated modem's octets go: a pseudo-terminal with a link to it, or a tty that exists already."""

from __future__ import annotations

import contextlib
import os
import pty
import tty

__all__ = ["DevicePort", "PtyPort"]

_CHUNK = 4096


class _Port:
    """`fd` is None while the port does not exist."""

    fd: int | None = None

    def read(self) -> bytes:
        """What is there; empty when that is nothing, or the other end has gone.  Never waits."""
        assert self.fd is not None
        try:
            data = os.read(self.fd, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self.lost()
        return data

    def write(self, data: bytes) -> None:
        """What the other end does not take is lost, as at a UART."""
        if self.fd is None:
            return
        try:
            os.write(self.fd, data)
        except BlockingIOError:
            pass
        except OSError:
            self.lost()

    def lost(self) -> None:
        raise NotImplementedError


class PtyPort(_Port):
    """`links` are the names that the port has, one after the other: a modem that comes back has the next."""

    def __init__(self, links: list[str]) -> None:
        self._links = links
        self._turn = 0
        self._slave: int | None = None
        self.name = ""

    def open(self) -> None:
        # The slave stays open here: the master would report EIO while nobody has it open.
        self.fd, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.fd, False)
        self.name = self._links[self._turn % len(self._links)]
        self._turn += 1
        # Renamed into place: nobody sees it missing who has seen it once.
        fresh = f"{self.name}.new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        os.symlink(os.ttyname(self._slave), fresh)
        os.replace(fresh, self.name)

    def close(self) -> None:
        if self.fd is None or self._slave is None:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name)
        os.close(self.fd)
        os.close(self._slave)
        self.fd = self._slave = None

    def lost(self) -> None:
        """Somebody hung up at the slave; ours is open still."""


class DevicePort(_Port):
    """A tty such as a USB gadget's /dev/ttyGS0.  Where the host has gone, it is opened anew by `open`."""

    def __init__(self, path: str) -> None:
        self.name = path

    def open(self) -> None:
        """Does nothing while the tty is not there."""
        if self.fd is not None:
            return
        try:
            fd = os.open(self.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return
        try:
            tty.setraw(fd)
        except (OSError, tty.error):  # type: ignore[attr-defined]
            os.close(fd)
            return
        self.fd = fd

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def lost(self) -> None:
        self.close()
