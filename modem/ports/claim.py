"""A serial port kept to ourselves.  CPython only.

TIOCEXCL and flock(2) end with the process that holds them.  Neither binds root or a getty: hence the look for an
owner (`modem.ports.owner`).
"""

from __future__ import annotations

import contextlib
import fcntl
import termios

__all__ = ["claim", "release"]


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
