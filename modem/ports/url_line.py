"""A serial line behind one of pyserial's URLs: `socket://`, `rfc2217://`, `loop://`.  CPython only.

These have no descriptor that could be waited for (rfc2217 hands octets over in a queue of its own), and some of
their calls block; so one thread reads and another one writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import serial

from modem.ports.budget import Budget
from modem.ports.line import CHUNK, MAX_UNWRITTEN, Line

__all__ = ["UrlLine"]

_LOOK = 0.25
"""Seconds after which a waiting reader looks whether it is still wanted."""


class UrlLine(Line):
    """What is written before the far end is reached is dropped."""

    def __init__(self, where: str, loop: asyncio.AbstractEventLoop, baudrate: int = 115200) -> None:
        super().__init__(where, loop)
        self._baudrate = baudrate
        self._port: serial.Serial | None = None
        self._taken = threading.Event()
        self._unwritten = b""
        self._writing = threading.Condition()
        self._in_thread(self._run)

    def write(self, data: bytes) -> None:
        with self._writing:
            if self._port is not None:
                self._unwritten = (self._unwritten + data)[-MAX_UNWRITTEN:]
                self._writing.notify()

    def close(self) -> None:
        with self._writing:
            self._closed = True
            self._writing.notify()
        self._taken.set()

    def _run(self) -> None:
        try:
            # Without a write time-out: the writing thread has nothing else to do.
            port = serial.serial_for_url(self.where, self._baudrate, timeout=_LOOK)
        except (OSError, ValueError, ImportError) as error:
            self._in_loop(self._fail, f"no tty: {_reason(error)}")
            return
        with self._writing:
            self._port = port
        self._in_loop(self._tell_opened)
        self._in_thread(self._write_on)
        try:
            self._read_on(port)
        except Exception as error:
            # pyserial's handlers raise what their sockets and queues raise.
            self._in_loop(self._fail, f"no tty: {_reason(error)}")
        with contextlib.suppress(Exception):
            port.close()

    def _tell_opened(self) -> None:
        if not self._closed:
            self.opened()

    def _read_on(self, port: serial.Serial) -> None:
        budget = Budget()
        while not self._closed:
            data = port.read(1)
            while data and len(data) < CHUNK and port.in_waiting:
                data += port.read(min(port.in_waiting, CHUNK - len(data)))
            if not data:
                continue
            # One piece at a time: a loop that is busy must not find a heap of them.
            self._taken.clear()
            if not self._in_loop(self._take, data):
                return
            self._taken.wait()
            pause = budget.spend(len(data), time.monotonic())
            if pause:
                time.sleep(pause)

    def _take(self, data: bytes) -> None:
        if not self._closed:
            self.received(data)
        self._taken.set()

    def _write_on(self) -> None:
        while True:
            with self._writing:
                while not self._unwritten and not self._closed:
                    self._writing.wait()
                if self._closed or self._port is None:
                    return
                data, self._unwritten = self._unwritten, b""
            try:
                self._port.write(data)
            except Exception as error:
                self._in_loop(self._fail, f"no tty: {_reason(error)}")
                return


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
