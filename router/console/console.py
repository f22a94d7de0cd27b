"""`roamd console`: the commands of `roamctl` for who sits at the end of a serial line."""

from __future__ import annotations

import logging
import os
import subprocess
import termios
import time
from collections.abc import Iterable
from functools import partial

from router import __version__
from router.config.model import Console as Settings
from router.console.commands import add_commands
from router.console.complete import expand, words_of
from router.console.editor import History
from router.console.lockout import Lockout
from router.console.machine import Machine
from router.console.port import Idle, Port, PortLost
from router.console.prompt import Prompt
from router.console.session import ConsoleSession, Files
from router.control.cli import grammar, run
from router.control.client import ControlError

__all__ = ["Console"]

_log = logging.getLogger("roamd.console")

_SHORTEST = 8
"""Characters of a password.  What is shorter was noise, or a slip: it is no try."""
_FIRST = ("show", "summary")
_NAMES = ("NAME", "UPLINK")


class Console:
    """At one open port; `settings` are None on this process's own terminal, whose user is root already."""

    def __init__(
        self, port: Port, settings: Settings | None, config: str, socket: str, lockout: Lockout
    ) -> None:
        self._port, self._settings, self._config, self._socket = port, settings, config, socket
        self._lockout = lockout
        self._files = Files(os.path.join(os.path.dirname(socket), "roamd-files"))
        self._verifier = settings.password if settings is not None and settings.login else None
        self._machine = Machine(port, socket, self._files, self._verifier, lockout)
        self._prompt = Prompt(port, self._machine.serve)

    def serve_once(self) -> None:
        """From one login to its end.  Raises PortLost."""
        self._port.idle_limit = None
        if self._verifier is not None and not self._log_in():
            return
        if self._settings is not None:
            self._port.touch()
            self._port.idle_limit = self._settings.timeout
        _log.info("logged in")
        try:
            self._use()
        except Idle:
            self._port.write("\nlogged out: no key for a while\n")
            _log.info("logged out: no key for a while")
        else:
            _log.info("logged out")

    def _log_in(self) -> bool:
        assert self._verifier is not None
        self._port.write(f"\n{_host()}: roamd {__version__}\n")
        password = self._prompt.secret("password: ")
        if password is None or len(password) < _SHORTEST:
            return False
        wait = self._lockout.remaining(time.monotonic())
        if wait:
            self._port.write(f"too many wrong passwords: try again in {wait:.0f} s\n")
            return False
        if self._verifier.fits(password.encode()):
            self._lockout.succeeded()
            return True
        self._lockout.failed(time.monotonic())
        _log.warning("wrong password, %d in a row", self._lockout.failures)
        self._port.write("wrong password\n")
        return False

    def _use(self) -> None:
        settings = self._settings
        terminal = "auto" if settings is None else settings.terminal
        speed = None if settings is None else settings.speed
        session = ConsoleSession(self._port, self._socket, self._files, speed, terminal)
        shell = settings is not None and settings.shell
        session.offer(partial(add_commands, config=self._config, shell=shell))
        parser, history, names = grammar((), session), History(), _Names(session)
        self._prompt.show = session.show
        self._port.write("? and Tab help, exit ends.\n")
        self._do(list(_FIRST), session)
        while not session.ended:
            session.begin()
            line = self._prompt.line(f"{_host()}> ", session.width, history, parser, names)
            if line is None:
                return
            history.add(line)
            try:
                words = expand(parser, words_of(line))
            except ValueError as error:
                self._port.write(f"{error}\n")
                continue
            if words:
                self._do(["--help"] if words == ["help"] else words, session)
            if session.shell_wanted:
                session.shell_wanted = False
                self._shell()

    def _do(self, words: list[str], session: ConsoleSession) -> None:
        _log.info("command: %s", _for_log(words))
        session.begin()
        self._port.interrupted, self._port.interruptible = False, True
        try:
            run(words, session)
        finally:
            self._port.interruptible = False
        session.progress("")
        if self._port.interrupted:
            self._port.write("^C\n")

    def _shell(self) -> None:
        fd = self._port.fd
        mode = termios.tcgetattr(fd)
        cooked = list(mode)
        cooked[0] |= termios.ICRNL
        cooked[1] |= termios.OPOST | termios.ONLCR
        cooked[3] |= termios.ICANON | termios.ECHO | termios.ECHOE | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(fd, termios.TCSADRAIN, cooked)
        os.set_blocking(fd, True)
        # Typed ahead it was meant for the shell, and would be taken for commands behind it.
        self._port.keys.clear()
        _log.warning("shell started")
        try:
            subprocess.run(["/bin/sh", "-l"], preexec_fn=partial(os.login_tty, os.dup(fd)), check=False)
        finally:
            _log.warning("shell ended")
            os.set_blocking(fd, False)
            self._port.touch()
        try:
            termios.tcsetattr(fd, termios.TCSADRAIN, mode)
        except termios.error:
            # The kernel hangs a UART up when the shell that had it as its terminal ends.
            raise PortLost("hung up by the end of the shell") from None


class _Names:
    """What stands for a placeholder of the grammar: uplinks, as the daemon knows them."""

    def __init__(self, session: ConsoleSession) -> None:
        self._session = session
        self._known: list[str] = []
        self._asked = -60.0

    def __call__(self, placeholder: str) -> Iterable[str]:
        if placeholder not in _NAMES:
            return ()
        if time.monotonic() - self._asked > 10.0:
            self._asked = time.monotonic()
            try:
                uplinks = self._session.ask("status", timeout=2.0).get("uplinks", ())
            except ControlError:
                return ()
            self._known = [str(uplink["name"]) for uplink in uplinks]
        return self._known


def _host() -> str:
    return os.uname().nodename[:20]


def _for_log(words: list[str]) -> str:
    """An AT command may set a PIN or a password."""
    if words[:2] == ["modem", "at"]:
        words = [word.partition("=")[0] + "=..." if "=" in word else word for word in words]
    return " ".join(words)
