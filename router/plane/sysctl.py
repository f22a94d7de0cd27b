"""Kernel knobs under /proc/sys: set while we run, put back afterwards."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping

from router.files import failed, write

__all__ = ["OwnedSysctls", "read_sysctl", "write_sysctl"]

_LOST = "after a kill, sysctls will not be put back"
_log = logging.getLogger("roamd.plane")


class OwnedSysctls:
    """Values we changed, and what they were before.

    `record` is a file that says so to the next process, should this one be
    killed.  Like the values it need not outlive the kernel.
    """

    def __init__(self, record: str | None = None) -> None:
        self._record = record
        self._changed = {
            name: (before, ours)
            for name, (before, ours) in _recorded(record).items()
            # Nobody else has changed it since, nor has the machine been started anew.
            if read_sysctl(name) == ours
        }

    def set(self, name: str, value: str) -> None:
        """Set `name` (as in `net/ipv4/ip_forward`) until `restore`."""
        before = read_sysctl(name)
        if before is None or before == value:
            return
        first, ours = self._changed.get(name, (before, value))
        # Written down before it is done: a value that nobody changed does no harm there.
        self._changed[name] = (first if before == ours else before, value)
        self._save()
        if not write_sysctl(name, value):
            del self._changed[name]
            self._save()

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
        before, ours = self._changed[name]
        if read_sysctl(name) == ours:
            write_sysctl(name, before)
        del self._changed[name]
        self._save()

    def _save(self) -> None:
        if self._record is None:
            return
        try:
            if not self._changed:
                os.unlink(self._record)
                return
        except FileNotFoundError:
            return
        except OSError as error:
            failed(self._record, error, _LOST)
            return
        write(self._record, json.dumps(self._changed), _LOST)


def _recorded(record: str | None) -> dict[str, tuple[str, str]]:
    """What a predecessor wrote down; nothing where that cannot be read."""
    if record is None:
        return {}
    try:
        with open(record) as file:
            found = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _log.warning("%s: %s: not heeded", record, error)
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {name: (pair[0], pair[1]) for name, pair in items if _is_pair(pair)}


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(item, str) for item in value)


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
