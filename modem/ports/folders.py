"""Folders as both Pythons can read them; MicroPython has no `os.path` and no `readlink`.

Runs unchanged on CPython and MicroPython.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PATH: "Any" = getattr(os, "path", None)
_ILISTDIR: "Any" = getattr(os, "ilistdir", None)
_SCANDIR: "Any" = getattr(os, "scandir", None)
_FOLDER = 0x4000


def each(folder: str) -> "Iterator[str]":
    """The names in there one by one, for a heap that may not hold them all; nothing where that cannot be read."""
    try:
        for entry in os.listdir(folder) if _ILISTDIR is None else _ILISTDIR(folder):
            yield entry if isinstance(entry, str) else entry[0]
    except OSError:
        return


def names(folder: str) -> "list[str]":
    """What is in there, sorted; nothing where that cannot be read."""
    return sorted(each(folder))


def folders(folder: str) -> "list[str]":
    """The folders in there, without links to folders; nothing where that cannot be read."""
    try:
        if _ILISTDIR is not None:
            return sorted([entry[0] for entry in _ILISTDIR(folder) if entry[1] == _FOLDER])
        with _SCANDIR(folder) as entries:
            return sorted([entry.name for entry in entries if entry.is_dir(follow_symlinks=False)])
    except OSError:
        return []


def exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def real(folder: str) -> str:
    """The folder's path without links; the path as it is where there is none."""
    if _PATH is not None:
        return str(_PATH.realpath(folder))
    # The kernel knows where one is, whatever links led there.
    here = os.getcwd()
    try:
        os.chdir(folder)
        return os.getcwd()
    except OSError:
        return folder
    finally:
        os.chdir(here)


def above(path: str) -> str:
    """The folder that holds it."""
    return path.rsplit("/", 1)[0]


def base(path: str) -> str:
    """The last name of a path."""
    return path.rsplit("/", 1)[-1]
