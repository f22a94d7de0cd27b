"""A modem's serial port on CPython: pyserial and asyncio, no decisions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

import serial

from modem.dialogue import Modem

__all__ = ["ModemPort"]

_log = logging.getLogger("roamd.modem")
_REOPEN_FIRST, _REOPEN_MAX = 1.0, 30.0
_CHUNK = 4096
_MAX_UNWRITTEN = 4096


class ModemPort:
    """Runs the dialogue on `tty` and calls `changed(snapshot)` whenever the snapshot differs.

    A port that is missing, locked or lost is named in the snapshot's `state`
    and opened again with back-off.
    """

    def __init__(self, tty: str, changed: Callable[[dict[str, Any]], None], baudrate: int = 115200) -> None:
        self._tty = tty
        self._changed = changed
        self._baudrate = baudrate
        self._modem = Modem()
        self._serial: serial.Serial | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unwritten = b""
        self._reopen = _REOPEN_FIRST
        self._last: dict[str, Any] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._shut()
        self._loop = None

    def _open(self) -> None:
        assert self._loop is not None
        try:
            self._serial = serial.Serial(
                self._tty, self._baudrate, timeout=0, write_timeout=0, exclusive=True
            )
        except (OSError, ValueError) as error:
            self._lost(f"no tty: {_reason(error)}")
            return
        self._unwritten = b""
        self._modem.restart()
        self._loop.add_reader(self._serial.fileno(), self._readable)
        self._advance()

    def _shut(self) -> None:
        if self._serial is None or self._loop is None:
            return
        self._loop.remove_reader(self._serial.fileno())
        self._loop.remove_writer(self._serial.fileno())
        self._serial.close()
        self._serial = None

    def _lost(self, why: str) -> None:
        assert self._loop is not None
        self._shut()
        if self._last is None or self._last["state"] != why:
            _log.warning("modem on %s: %s", self._tty, why)
        self._tell({**dict.fromkeys(self._modem.snapshot()), "state": why})
        self._timer = self._loop.call_later(self._reopen, self._open)
        self._reopen = min(_REOPEN_MAX, self._reopen * 2)

    def _readable(self) -> None:
        assert self._serial is not None and self._loop is not None
        try:
            data = self._serial.read(_CHUNK)
        except (OSError, serial.SerialException) as error:
            self._lost(f"no tty: {_reason(error)}")
            return
        if not data:
            self._lost("no tty: hung up")
            return
        self._reopen = _REOPEN_FIRST
        self._modem.feed(data, self._loop.time())
        self._advance()

    def _advance(self) -> None:
        """Write what is due, set the alarm, tell what changed."""
        if self._serial is None or self._loop is None:
            return
        self._modem.tick(self._loop.time())
        # A modem that does not read must not make us keep what it will never take.
        self._unwritten = (self._unwritten + self._modem.output(self._loop.time()))[-_MAX_UNWRITTEN:]
        if not self._write():
            return
        if self._timer is not None:
            self._timer.cancel()
        wake = self._modem.next_wake()
        if wake is not None:
            self._timer = self._loop.call_at(wake + 0.001, self._advance)
        self._tell(self._modem.snapshot())

    def _write(self) -> bool:
        assert self._serial is not None and self._loop is not None
        try:
            if self._unwritten:
                written = self._serial.write(self._unwritten) or 0
                self._unwritten = self._unwritten[written:]
        except serial.SerialTimeoutException:
            _log.debug("modem on %s takes nothing now", self._tty)
        except (OSError, serial.SerialException) as error:
            self._lost(f"no tty: {_reason(error)}")
            return False
        return True

    def _tell(self, snapshot: dict[str, Any]) -> None:
        if snapshot == self._last:
            return
        self._last = snapshot
        address = snapshot["address"]
        self._changed({**snapshot, "address": IPv4Address(address) if address else None})


def _reason(error: BaseException) -> str:
    code = getattr(error, "strerror", None)
    return str(code or error)
