"""Asks a daemon over the serial line of its console: `roamctl --serial`.

The port is anything that pyserial opens: `/dev/ttyUSB0`, `socket://host:port`, `rfc2217://host:port`.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import serial

from router.control.calling import Call, Line
from router.control.client import ControlError
from router.control.envelope import unpack
from router.control.framing import Frame, Kind, Reader, encode
from router.scram import LEAST_ROUNDS, auth_message, prove

__all__ = ["SerialLine"]

_BITS = 10
"""Of an octet, 8N1."""
_SILENCE = 15.0
"""Seconds without any frame after which nobody is there."""
_MOST_ROUNDS = 1_000_000
_NUMBERS = 0x10000
_HARMLESS = ("file_read", "file_list")


class _Unknown(Exception):
    """The router has forgotten the session: it was started anew, or we were quiet for long.

    The argument is whether it may have begun with the request.
    """


class SerialLine:
    """Logs in with the first request, and again where the router has forgotten us."""

    def __init__(self, where: str, speed: int, password: Callable[[], str] | None = None) -> None:
        """Raises ControlError."""
        self._where, self._speed = where, speed
        self._password = password or _ask_password
        self._known: bytes | None = None
        self._port = self._open()
        self._line = Line(_BITS / speed)
        self._reader = Reader()
        self._session: int | None = None
        self._number = 0

    def ask(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        timeout: float = 5.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Any:
        """The result of one request.  Raises ControlError.

        `progress` is told how many octets of how many are there.  Once the router has begun with a request, it is
        not sent again to a router that has forgotten the session: it may have been done.
        """
        request = json.dumps({"method": method, "params": params or {}, "timeout": timeout}).encode()
        for again in (True, False):
            if self._session is None:
                self._log_in()
            try:
                return self._call(request, timeout, progress)
            except _Unknown as error:
                self._session = None
                begun = error.args[0] and not method.startswith(_HARMLESS)
                if begun or not again:
                    raise ControlError(
                        f"{self._where}: the router's console was started anew meanwhile: nobody knows whether "
                        f"{method} was done"
                    ) from None
        raise AssertionError

    def close(self) -> None:
        """Say good-bye, so that the console is free at once."""
        with contextlib.suppress(Exception):
            if self._session is not None:
                # Nobody answers it, and one may be lost.
                self._port.write(2 * encode(Frame(Kind.BYE, self._session, self._number)))
                self._port.flush()
        with contextlib.suppress(Exception):
            self._port.close()

    def _open(self) -> serial.Serial:
        try:
            return serial.serial_for_url(self._where, self._speed, timeout=0.5)
        except (OSError, ValueError, ImportError) as error:
            raise ControlError(f"{self._where}: {getattr(error, 'strerror', None) or error}") from None

    def _reopen(self) -> None:
        """The line has gone.  Raises ControlError when it does not come back."""
        with contextlib.suppress(Exception):
            self._port.close()
        until = time.monotonic() + _SILENCE
        while True:
            try:
                self._port = self._open()
            except ControlError:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.5)
            else:
                return

    def _log_in(self) -> None:
        nonce = os.urandom(12).hex()
        while True:
            self._session, self._number = int.from_bytes(os.urandom(2), "big"), -1
            try:
                hello = self._request("hello", {"nonce": nonce})
                break
            except _Unknown:
                # As good as never: a request of this number and session was taken for another one's.
                continue
        if "salt" not in hello:
            return
        if self._known is None:
            self._known = self._password().encode()
        salt, rounds = bytes.fromhex(hello["salt"]), int(hello["rounds"])
        if not LEAST_ROUNDS <= rounds <= _MOST_ROUNDS:
            raise ControlError(f"{self._where}: the router asks for {rounds} rounds")
        message = auth_message(nonce, hello["nonce"], salt, rounds)
        proof, signature = prove(self._known, salt, rounds, message)
        try:
            answer = self._request("login", {"proof": proof.hex()})
        except (_Unknown, ControlError) as error:
            self._session = self._known = None
            raise ControlError(f"{self._where}: {error or 'the line is too bad to log in'}") from None
        if bytes.fromhex(str(answer.get("signature"))) != signature:
            self._session = None
            raise ControlError(f"{self._where}: who answers there does not know the password")

    def _request(self, method: str, params: dict[str, Any]) -> Any:
        return self._call(json.dumps({"method": method, "params": params}).encode(), 5.0, None)

    def _call(self, request: bytes, timeout: float, progress: Callable[[int, int], None] | None) -> Any:
        """Raises ControlError with the answer's error, and _Unknown with whether the request may have been begun."""
        assert self._session is not None
        self._number = (self._number + 1) % _NUMBERS
        call = Call(self._line, self._session, self._number, request)
        heard = time.monotonic()
        until = heard + timeout + _SILENCE
        self._send(call.begin(heard))
        while call.answer is None:
            now = time.monotonic()
            if call.unknown:
                raise _Unknown(call.taken)
            if now - heard > _SILENCE or (now > until and call.total is None):
                raise ControlError(
                    f"{self._where}: no answer: is a roamd console there, at {self._speed} bit/s? (--speed)"
                )
            if now >= call.deadline:
                self._send(call.repeat(now))
            for frame in self._receive(call.deadline - now):
                heard = time.monotonic()
                self._send(call.receive(frame, heard))
                if progress is not None and call.total:
                    progress(call.progress, call.total)
        try:
            return unpack(call.answer)
        except ValueError as error:
            raise ControlError(f"{self._where}: {error}") from None

    def _send(self, frames: list[Frame]) -> None:
        if not frames:
            return
        try:
            self._port.write(b"".join(map(encode, frames)))
        except (OSError, ValueError):
            # The next repetition finds the line that has come back.
            self._reopen()

    def _receive(self, seconds: float) -> list[Frame]:
        try:
            self._port.timeout = max(0.001, min(seconds, 0.5))
            data = self._port.read(1)
            if data:
                data += self._port.read(self._port.in_waiting)
        except (OSError, ValueError, TypeError):
            # pyserial's own TypeError: another thread of rfc2217 has closed the port.
            self._reopen()
            return []
        return [part for part in self._reader.feed(data, time.monotonic()) if isinstance(part, Frame)]


def _ask_password() -> str:
    """From the environment, for scripts; else from who sits there.  Raises ControlError."""
    known = os.environ.get("ROAMCTL_PASSWORD")
    if known:
        return known
    if not sys.stdin.isatty():
        raise ControlError("the console asks for a password: put it into ROAMCTL_PASSWORD")
    return getpass.getpass("password of the console: ")
