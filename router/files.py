"""Small files of our own that outlive the process, and what is known of those that cannot be written."""

from __future__ import annotations

import contextlib
import errno
import logging
import os

__all__ = ["failed", "troubles", "unwritten", "write"]

_log = logging.getLogger("roamd")
_STATES = {errno.ENOSPC: "flash full", errno.EDQUOT: "flash full", errno.EROFS: "flash read-only"}

unwritten: dict[str, tuple[str, str]] = {}
"""By path: the state's name and what it means, of files whose last writing failed.  One process, one flash."""


def write(path: str, text: str, loses: str, *, sync: bool = False) -> bool:
    """Put `text` into the file, whole or not at all, for nobody else to read; whether that went well.

    `loses` says what it means that it did not, which is said once until it goes well again; with `sync` it is on the
    flash before this returns.
    """
    draft = f"{path}.new"
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        failed(path, error, loses)
        # What is half written takes room that others may need.
        with contextlib.suppress(OSError):
            os.unlink(draft)
        return False
    if unwritten.pop(path, None) is not None:
        _log.info("%s: written again", path)
    return True


def failed(path: str, error: OSError, loses: str) -> None:
    """The file cannot be written, which is a state of this process, and said once."""
    state = _STATES.get(error.errno or 0, "file not writable"), f"{path}: {error.strerror}: {loses}"
    if unwritten.get(path) != state:
        _log.warning("%s (%s)", state[1], state[0])
    unwritten[path] = state


def troubles() -> list[dict[str, str]]:
    """For `status`: `state` (flash full, flash read-only, file not writable) and `text`, of each such file."""
    return [{"state": state, "text": text} for _, (state, text) in sorted(unwritten.items())]
