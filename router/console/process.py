"""The process of a console: opens its port, and waits for it when it is unplugged.  It needs no running daemon."""

from __future__ import annotations

import getpass
import logging
import os
import signal
import sys
import time

from modem.ports.owner import owner_of
from router.config.check import check_consoles
from router.config.error import ConfigErrors
from router.config.model import Config, Console
from router.config.uci import Package, parse
from router.console.console import Console as Service
from router.console.lockout import Lockout
from router.console.port import Port, PortLost
from router.scram import verifier_of

__all__ = ["print_hash", "run"]

_log = logging.getLogger("roamd.console")

_AGAIN = 1.0
_SHORTEST = 8


def run(filename: str, tty: str | None) -> int:
    """Serve `tty` for ever, or without one this process's terminal until its user leaves.

    Raises OSError, and ConfigErrors where the console's own section is wrong.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    told = ""
    lockout = _lockout(_read(filename, tty)[0], tty)
    while True:
        socket, settings = _read(filename, tty)
        try:
            _refuse_owned(tty)
            port = Port(settings)
        except OSError as error:
            if tty is None:
                raise
            if str(error) != told:
                told = str(error)
                _log.warning("waiting for %s: %s", tty, told)
            time.sleep(_AGAIN)
            continue
        told = ""
        try:
            _serve(port, settings, filename, socket, lockout)
        except PortLost as error:
            _log.warning("%s: lost: %s", tty or "terminal", error)
        finally:
            port.close()
        if tty is None:
            return 0


def _lockout(socket: str, tty: str | None) -> Lockout:
    """As it was before this process; kept in memory beside the daemon's socket, so that a new start is no way out."""
    if tty is None:
        return Lockout()
    path = os.path.join(os.path.dirname(socket), "roamd-lockout" + tty.replace("/", "-"))

    def keep(text: str) -> None:
        try:
            with open(f"{path}.new", "w") as file:
                file.write(text)
            os.replace(f"{path}.new", path)
        except OSError as error:
            _log.warning("%s: %s: a new start would forget wrong passwords", path, error.strerror)

    try:
        with open(path, errors="replace") as file:
            kept = file.read(100)
    except OSError:
        kept = ""
    return Lockout(kept, time.monotonic(), keep)


def _serve(port: Port, settings: Console | None, filename: str, socket: str, lockout: Lockout) -> None:
    """Until the port is lost, or what is configured of it changes."""
    while True:
        Service(port, settings, filename, socket, lockout).serve_once()
        if settings is None:
            return
        try:
            if _read(filename, settings.tty)[1] != settings:
                _log.info("%s: configured otherwise", settings.tty)
                return
        except (OSError, ConfigErrors) as error:
            _log.error("keeping the settings in force: %s", error)


def _read(filename: str, tty: str | None) -> tuple[str, Console | None]:
    """The daemon's control socket, and what is configured of `tty`."""
    try:
        with open(filename, "rb") as file:
            package = parse(file.read(), filename)
    except FileNotFoundError:
        if tty is not None:
            raise
        package = Package(filename)
    try:
        consoles, socket = check_consoles(package)
    except ConfigErrors:
        if tty is not None:
            raise
        return Config.control, None
    if tty is None:
        return socket, None
    for settings in consoles:
        if settings.tty == tty:
            return socket, settings
    raise OSError(f"{filename}: no section console has option tty '{tty}'")


def _refuse_owned(tty: str | None) -> None:
    owner = None if tty is None else owner_of(tty)
    if owner is not None:
        raise OSError(f"in use by {owner}: {owner.advice}")


def print_hash() -> int:
    """Ask for a password and print what goes into `option password`."""
    if sys.stdin.isatty():
        password = getpass.getpass("new password: ")
        if getpass.getpass("again: ") != password:
            print("roamd: that was another one", file=sys.stderr)
            return 2
    else:
        password = sys.stdin.readline().rstrip("\n")
    if len(password) < _SHORTEST:
        print(f"roamd: a password has {_SHORTEST} characters or more", file=sys.stderr)
        return 2
    print(verifier_of(password.encode(), os.urandom(16)))
    return 0
