"""The kernel's device events over netlink (NETLINK_KOBJECT_UEVENT): no udev needed."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Uevent", "UeventWatcher", "parse"]

_log = logging.getLogger("roamd.uplink")

_NETLINK_KOBJECT_UEVENT = 15
_KERNEL_GROUP = 1
_RECEIVE = 8192
"""Octets; the kernel's own buffer for one event holds 2048."""
_PER_WAKE = 64
_BUFFER = 1 << 18
SETTLE = 0.1
"""Seconds of quiet before a change is told of: a modem is a dozen events."""
AT_MOST = 0.5
"""Seconds that a change waits while events go on."""
_SUBSYSTEMS = ("tty", "usb", "usbmisc", "wwan", "net")


@dataclass(frozen=True)
class Uevent:
    action: str
    """`add`, `remove`, `change`, `move`, `bind`, `unbind`, ..."""
    path: str
    """Of the device, below /sys."""
    subsystem: str | None
    name: str | None
    """Of its node in /dev."""


def parse(data: bytes) -> Uevent | None:
    """One datagram: `action@path`, NUL, `KEY=value`, NUL, ...; None for all that is not the kernel's."""
    head, *pairs = data.split(b"\0")
    action, at, path = head.decode("utf-8", "replace").partition("@")
    if not at or not action.isalpha() or not path.startswith("/"):
        return None
    found = dict(pair.decode("utf-8", "replace").partition("=")[::2] for pair in pairs if b"=" in pair)
    return Uevent(action, path, found.get("SUBSYSTEM"), found.get("DEVNAME"))


class UeventWatcher:
    """Calls `changed()` soon after devices came or went that may concern a modem."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._first = 0.0
        self.counters = {"uevents": 0, "uevents_foreign": 0, "uevent_overruns": 0}

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Raises OSError where the kernel gives no events."""
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_KOBJECT_UEVENT)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            opened.bind((0, _KERNEL_GROUP))
        except OSError:
            opened.close()
            raise
        self._socket, self._loop = opened, loop
        loop.add_reader(opened, self._readable)

    def close(self) -> None:
        if self._socket is None or self._loop is None:
            return
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._timer is not None:
            self._timer.cancel()
        self._socket = self._loop = self._timer = None

    @property
    def port(self) -> int:
        """What the kernel calls the socket."""
        return int(self._socket.getsockname()[0]) if self._socket is not None else 0

    def _readable(self) -> None:
        """No more than some at once: the loop has others to serve."""
        for _ in range(_PER_WAKE):
            assert self._socket is not None
            try:
                data, (sender, _) = self._socket.recvfrom(_RECEIVE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    _log.warning("device events: %s", error.strerror)
                    return
                self.counters["uevent_overruns"] += 1
                self._notice()
                continue
            if sender != 0:
                self.counters["uevents_foreign"] += 1
                continue
            event = parse(data)
            self.counters["uevents"] += 1
            if event is not None and event.subsystem in _SUBSYSTEMS:
                self._notice()

    def _notice(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        if self._timer is None:
            self._first = now
        else:
            self._timer.cancel()
        self._timer = self._loop.call_at(min(now + SETTLE, self._first + AT_MOST), self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._changed()
