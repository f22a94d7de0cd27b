"""Kernel knobs under /proc/sys: set while we run, put back afterwards."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

__all__ = ["OwnedSysctls", "read_sysctl", "write_sysctl"]

_log = logging.getLogger("roamd.plane")


class OwnedSysctls:
    """Values we changed, and what they were before."""

    def __init__(self) -> None:
        self._changed: dict[str, tuple[str, str]] = {}

    def set(self, name: str, value: str) -> None:
        """Set `name` (as in `net/ipv4/ip_forward`) until `restore`."""
        before = read_sysctl(name)
        if before is not None and before != value and write_sysctl(name, value):
            self._changed[name] = (before, value)

    def keep(self, wanted: Mapping[str, str]) -> None:
        """Set these, and put back the others."""
        for name in self._changed.keys() - wanted.keys():
            self._put_back(name)
        for name, value in wanted.items():
            self.set(name, value)

    def restore(self) -> None:
        """Put every value back that nobody else has changed since."""
        self.keep({})

    def _put_back(self, name: str) -> None:
        before, ours = self._changed.pop(name)
        if read_sysctl(name) == ours:
            write_sysctl(name, before)


def read_sysctl(name: str) -> str | None:
    """The value; None where this kernel does not know `name`."""
    try:
        with open(f"/proc/sys/{name}") as file:
            return file.read().strip()
    except OSError:
        return None


def write_sysctl(name: str, value: str) -> bool:
    """Whether the kernel took the value; a refusal is logged, a missing knob is not."""
    try:
        # Without Python's buffers: there is one to write for each tunnel.
        file = os.open(f"/proc/sys/{name}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, value.encode())
        finally:
            os.close(file)
    except FileNotFoundError:
        return False
    except OSError as error:
        _log.warning("sysctl %s=%s: %s", name, value, error.strerror)
        return False
    return True
