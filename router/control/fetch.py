"""`roamctl --serial PORT fetch`: takes files over the line, and goes on where it was cut off."""

from __future__ import annotations

import argparse
import contextlib
import os
from hashlib import sha256
from typing import Any

from router.control.client import ControlError
from router.control.session import Session

__all__ = ["add_fetch"]

_PART = 4096
_PARTIAL = ".part"
_SUPPORT = "support"


def add_fetch(commands: Any) -> None:
    """Put `fetch` below `commands`, a parser's sub-commands."""
    fetch = commands.add_parser("fetch", help="take a file from a console, or list what there is")
    fetch.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="`support`: make the archive of that command there, and take it",
    )
    fetch.add_argument("file", nargs="?", metavar="FILE", help="where to put it (default: its name)")
    fetch.add_argument("--seconds", type=float, metavar="N", help="of `support`: of captured headers, 0..60")
    fetch.set_defaults(action=_fetch)


def _fetch(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.serial is None:
        raise ControlError("fetch takes files from a console: name its line with --serial")
    if arguments.name is None:
        files = session.ask("file_list")
        session.write("".join(f"{file['size']:>10}  {file['name']}\n" for file in files) or "no files\n")
        return 0
    name = arguments.name
    if name == _SUPPORT:
        session.progress("making the archive, some seconds ...")
        params = {} if arguments.seconds is None else {"seconds": arguments.seconds}
        name = session.ask("file_support", params, 180.0)["name"]
    told = session.ask("file_read", {"name": name}, 30.0)
    size, digest = int(told["size"]), str(told["sha256"])
    target = arguments.file or os.path.basename(name)
    if os.path.exists(target):
        raise ControlError(f"{target}: is there already")
    # The digest's start tells a file from another one of that name.
    partial = f"{target}.{digest[:8]}{_PARTIAL}"
    try:
        with open(partial, "ab") as file:
            _take(session, name, file, size)
        with open(partial, "rb") as got:
            whole = sha256(got.read()).hexdigest() == digest
        if not whole:
            os.unlink(partial)
            raise ControlError(f"{name}: what came is not what was sent: try again")
        os.rename(partial, target)
    except OSError as error:
        raise ControlError(f"{target}: {error.strerror}") from None
    session.write(f"{target}: {size} octets\n")
    return 0


def _take(session: Session, name: str, file: Any, size: int) -> None:
    begun = file.tell()
    try:
        while (at := file.tell()) < size:
            try:
                part = session.ask("file_read", {"name": name, "offset": at, "length": _PART}, 30.0)
            except ControlError as error:
                raise ControlError(f"{error}; to go on at octet {at}: fetch {name}") from None
            if not part:
                raise ControlError(f"{name}: has become shorter meanwhile")
            file.write(part)
            file.flush()
            more = f", {begun} of them before" if begun else ""
            session.progress(f"{name}: {file.tell()} of {size} octets{more}")
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            session.progress("")
