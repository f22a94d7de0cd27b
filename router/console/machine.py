"""Machine mode: requests in frames on the console's line, as `roamctl --serial` sends them.

The first request of a session says hello and gets a challenge; the second one proves the password.  All others are
asked of the daemon, but for those of files.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from router import __version__
from router.console.lockout import Lockout
from router.console.port import Port
from router.console.session import Files, ask
from router.control.answering import Answerer
from router.control.client import ControlError
from router.control.envelope import pack, pack_error
from router.control.framing import MAX_TOTAL
from router.scram import Verifier, auth_message

__all__ = ["Machine"]

_log = logging.getLogger("roamd.console")

_QUIET = 10.0
_MAX_PART = 65536
_MAX_TIMEOUT = 300.0
_LONGEST_CAPTURE = 60


class _Abandoned(Exception):
    """Who asked asks something else, or has left."""


class Machine:
    """Serves frames until there have been none for 10 s, or who asks says good-bye."""

    def __init__(
        self, port: Port, socket: str, files: Files, verifier: Verifier | None, lockout: Lockout
    ) -> None:
        """Without a verifier everybody is let in."""
        self._port, self._socket, self._files, self._verifier, self._lockout = (
            port,
            socket,
            files,
            verifier,
            lockout,
        )
        self._answerer = Answerer()
        self._challenge: tuple[str, str] | None = None
        self._inside = False
        self._methods: dict[str, Callable[[dict[str, Any]], Any]] = {
            "file_list": self._file_list,
            "file_read": self._file_read,
            "file_support": self._file_support,
        }

    def serve(self) -> None:
        quiet_at = time.monotonic() + _QUIET
        while (left := quiet_at - time.monotonic()) > 0:
            if not self._port.frames:
                self._port.wait(left)
                continue
            self._take_frames()
            quiet_at = time.monotonic() + _QUIET
            while self._answerer.request is not None:
                self._answer()
                quiet_at = time.monotonic() + _QUIET
            if self._answerer.session is None:
                break
        self._end()

    def _take_frames(self) -> None:
        self._port.keys.clear()
        while self._port.frames:
            frame = self._port.frames.popleft()
            before = self._answerer.session
            replies = self._answerer.receive(frame)
            if self._answerer.session != before:
                self._inside, self._challenge = False, None
            self._port.send_frames(replies)

    def _end(self) -> None:
        if self._inside:
            _log.info("logged out of machine mode")
        self._answerer.end()
        self._inside = False

    def _answer(self) -> None:
        octets = self._answerer.request
        assert octets is not None
        try:
            answer = pack(self._do(octets))
        except _Abandoned:
            return
        except (ControlError, ValueError) as error:
            answer = pack_error(str(error))
        except RecursionError:
            answer = pack_error("too deep")
        if len(answer) > MAX_TOTAL:
            answer = pack_error("the answer is too long for this line: ask for less")
        self._port.send_frames(self._answerer.answer(answer))

    def _do(self, octets: bytes) -> Any:
        """Raises ControlError and ValueError with what is wrong."""
        asked = json.loads(octets)
        if not isinstance(asked, dict):
            raise ValueError("a request is an object")
        method, params, timeout = asked.get("method"), asked.get("params") or {}, asked.get("timeout", 5.0)
        if (
            not isinstance(method, str)
            or not isinstance(params, dict)
            or not isinstance(timeout, int | float)
        ):
            raise ValueError("a request has a method, params and a timeout")
        if method == "hello":
            return self._hello(params)
        if method == "login":
            return self._login(params)
        if not self._inside:
            raise ControlError("log in first")
        if method in self._methods:
            return self._methods[method](params)
        _log.debug("asked for %s", method)
        return self._ask(method, params, timeout)

    def _wait(self, fd: int | None, seconds: float) -> None:
        """Answers frames meanwhile."""
        number, until = (self._answerer.session, self._answerer.number), time.monotonic() + seconds
        while not self._port.wait(max(0.0, until - time.monotonic()), fd):
            self._take_frames()
            if (self._answerer.session, self._answerer.number) != number:
                raise _Abandoned
            if time.monotonic() >= until:
                raise TimeoutError("no answer in time")

    def _hello(self, params: dict[str, Any]) -> dict[str, Any]:
        self._inside = self._verifier is None
        if self._verifier is None:
            _log.info("machine mode, without login")
            return {"version": __version__}
        nonce = params.get("nonce")
        if not isinstance(nonce, str) or not 16 <= len(nonce) <= 64 or "," in nonce:
            raise ValueError("a nonce has 16 to 64 characters")
        self._challenge = nonce, os.urandom(12).hex()
        return {
            "version": __version__,
            "nonce": self._challenge[1],
            "salt": self._verifier.salt.hex(),
            "rounds": self._verifier.rounds,
        }

    def _login(self, params: dict[str, Any]) -> dict[str, Any]:
        challenge, self._challenge = self._challenge, None
        if self._verifier is None or challenge is None:
            raise ControlError("say hello first")
        wait = self._lockout.remaining(time.monotonic())
        if wait:
            raise ControlError(f"too many wrong passwords: try again in {wait:.0f} s")
        message = auth_message(*challenge, self._verifier.salt, self._verifier.rounds)
        if not self._verifier.proves(bytes.fromhex(str(params.get("proof"))), message):
            self._lockout.failed(time.monotonic())
            _log.warning("machine mode: wrong password, %d in a row", self._lockout.failures)
            raise ControlError("wrong password")
        self._lockout.succeeded()
        self._inside = True
        _log.info("logged in, machine mode")
        return {"signature": self._verifier.signature(message).hex()}

    def _file_list(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"name": name, "size": os.path.getsize(self._files.path(name))} for name in self._files.names()
        ]

    def _file_support(self, params: dict[str, Any]) -> dict[str, str]:
        """Make the archive here, so that it can be taken piece by piece."""
        # It takes half of what a console loads, and is rarely asked for.
        from router.control.support import SECONDS, gather, name_of, write

        seconds = params.get("seconds", SECONDS)
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_CAPTURE:
            raise ValueError(f"seconds {seconds!r}: expected 0..{_LONGEST_CAPTURE}")
        files = gather(self._ask, seconds, self._pause, lambda _: None)
        name = name_of(time.localtime())
        with self._files.create(name) as file:
            write(files, file)
        return {"name": name}

    def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            self._wait(None, seconds)

    def _ask(self, method: str, params: dict[str, Any], timeout: float) -> Any:
        # Written so that it holds for what is no number too.
        seconds = timeout if 0 <= timeout <= _MAX_TIMEOUT else _MAX_TIMEOUT
        return ask(self._socket, method, params, seconds, self._wait)

    def _file_read(self, params: dict[str, Any]) -> Any:
        """With `length` its octets, without its size and digest."""
        path = self._files.path(str(params.get("name")))
        offset, length = params.get("offset", 0), params.get("length")
        try:
            with open(path, "rb") as file:
                if length is None:
                    digest = sha256()
                    while part := file.read(_MAX_PART):
                        digest.update(part)
                    return {"size": file.tell(), "sha256": digest.hexdigest()}
                if not isinstance(offset, int) or not isinstance(length, int) or offset < 0:
                    raise ValueError("offset and length are whole numbers")
                file.seek(offset)
                return file.read(max(0, min(length, _MAX_PART)))
        except OSError as error:
            raise ControlError(f"{path}: {error.strerror}") from None
