"""Who else has a serial port: by its open files in `/proc`, and by lock files.

The lock files of old (`/var/lock/LCK..ttyUSB2`) outlive their makers, so those of others are heeded and none is made.
Runs unchanged on CPython and MicroPython.
"""

import os

from modem.ports.folders import base, each, exists

__all__ = ("Owner", "owner_of")

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
_PSEUDO = "/dev/pts"

TYPE_CHECKING = False
if TYPE_CHECKING:
    Place = tuple[int, int]


class Owner:
    """A process that has a port."""

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self.pid = pid

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"

    @property
    def advice(self) -> str:
        """What to do about it."""
        return _ADVICE.get(self.name, f"stop {self.name}, or give one of the two another port")


def owner_of(path: str, proc: str = "/proc", locks: str = "/var/lock") -> "Owner | None":
    """Another process that has the port open, or holds a lock file for it; None when nobody does."""
    place, own = _place(path), _own_pid()
    for pid in _processes(proc) if place is not None else ():
        if pid != own and _has_open(f"{proc}/{pid}/fd", place):
            return Owner(_process_name(proc, pid), pid)
    return _lock_file_owner(path, own, proc, locks)


def _place(path: str) -> "Place | None":
    """Which file it is, by whatever name: inode and device."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found[1], found[2]


def _own_pid() -> int:
    # MicroPython has no getpid.
    try:
        with open("/proc/self/stat", "rb") as file:
            return int(file.read(32).split(b" ")[0])
    except OSError:
        return 0


def _lock_file_owner(path: str, own: int, proc: str, locks: str) -> "Owner | None":
    try:
        with open(f"{locks}/LCK..{base(path)}", "rb") as file:
            pid = int(file.read(16))
    except (OSError, ValueError):
        return None
    # A lock of a process that is no more is void.
    if pid == own or not exists(f"{proc}/{pid}"):
        return None
    return Owner(_process_name(proc, pid), pid)


def _processes(proc: str) -> "list[int]":
    return sorted([int(name) for name in each(proc) if name.isdigit()])


def _has_open(folder: str, place: "Place | None") -> bool:
    """Whether a process has it; no where it ended, or where we may not look."""
    pseudo = _place(_PSEUDO)
    masters = [_place(name) for name in _MASTERS] if pseudo and place and pseudo[1] == place[1] else []
    found = False
    for name in each(folder):
        opened = _place(f"{folder}/{name}")
        if opened is not None and opened in masters:
            # Who has a pseudo-terminal's master made it: that is the modem's end of the line.
            return False
        found = found or opened == place
    return found


def _process_name(proc: str, pid: int) -> str:
    try:
        with open(f"{proc}/{pid}/comm", "rb") as file:
            return file.read(64).decode().strip() or "a process"
    except (OSError, UnicodeError):
        return "a process"
