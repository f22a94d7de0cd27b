"""One program, one port: who else has a serial port, and keeping it to ourselves.  CPython only.

TIOCEXCL and flock(2) end with the process that holds them.  The lock files of old (`/var/lock/LCK..ttyUSB2`) do
not, so those of others are heeded and none is made.  None of the three binds root or a getty: hence the look into
`/proc` for whoever has the port open.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import termios
from dataclasses import dataclass

__all__ = ["Owner", "claim", "owner_of", "release"]

_ADVICE = {
    "ModemManager": "stop ModemManager (/etc/init.d/modemmanager stop), or keep it off this modem with a udev rule",
    "comgt": "netifd's 3g protocol uses this port: give it another AT port of the modem",
    "gcom": "netifd's 3g protocol uses this port: give it another AT port of the modem",
    "pppd": "a PPP connection runs on this port: give roamd another AT port of the modem",
    "getty": "take the port's line out of /etc/inittab",
    "agetty": "stop the port's serial-getty service",
    "askfirst": "take the port's line out of /etc/inittab",
}
_MASTERS = ("/dev/ptmx", "/dev/pts/ptmx")


@dataclass(frozen=True)
class Owner:
    """A process that has a port."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"

    @property
    def advice(self) -> str:
        """What to do about it."""
        return _ADVICE.get(self.name, f"stop {self.name}, or give one of the two another port")


def owner_of(path: str, proc: str = "/proc", locks: str = "/var/lock") -> Owner | None:
    """Another process that has the port open, or holds a lock file for it; None when nobody does."""
    place = os.path.realpath(path)
    own = os.getpid()
    for pid in _processes(proc):
        if pid != own and _has_open(f"{proc}/{pid}/fd", place):
            return Owner(_process_name(proc, pid), pid)
    return _lock_file_owner(place, proc, locks)


def claim(fd: int) -> None:
    """Keep others from opening the terminal `fd`, root excepted."""
    # What is not quite a terminal knows no exclusive use.
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, termios.TIOCEXCL)


def release(fd: int) -> None:
    """Undo `claim`, and the flock: both would last until everybody has closed the terminal."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, termios.TIOCNXCL)
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_UN)


def _lock_file_owner(place: str, proc: str, locks: str) -> Owner | None:
    try:
        with open(f"{locks}/LCK..{os.path.basename(place)}", "rb") as file:
            pid = int(file.read(16))
    except (OSError, ValueError):
        return None
    # A lock of a process that is no more is void.
    if pid == os.getpid() or not os.path.isdir(f"{proc}/{pid}"):
        return None
    return Owner(_process_name(proc, pid), pid)


def _processes(proc: str) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(proc) if name.isdecimal())
    except OSError:
        return []


def _has_open(folder: str, place: str) -> bool:
    """Whether a process has it; no where it ended, or where we may not look."""
    found = False
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                opened = os.readlink(f"{folder}/{name}")
                if opened in _MASTERS and place.startswith("/dev/pts/"):
                    # Who has a pseudo-terminal's master made it: that is the modem's end of the line.
                    return False
                found = found or opened == place
    return found


def _process_name(proc: str, pid: int) -> str:
    try:
        with open(f"{proc}/{pid}/comm", "rb") as file:
            return file.read(64).decode("utf-8", "replace").strip() or "a process"
    except OSError:
        return "a process"
