"""The connection to ubusd on the daemon's loop: made, used, and made again when ubusd comes or comes back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from typing import Any

from router.ubus.blob import WireError
from router.ubus.message import MAX_MESSAGE
from router.ubus.peer import Caller, News, Peer, Then

__all__ = ["UbusClient"]

_log = logging.getLogger("roamd.ubus")
_RETRY = 5.0
"""Seconds between attempts: a connect to a Unix socket costs nothing."""
_CHUNK = 65536
_MAX_QUEUE = 4 * MAX_MESSAGE
"""Octets that ubusd may leave unread."""


class UbusClient:
    """`start()` and `close()` once each; `heard` gets the news of every connection there is.

    Without ubusd nothing is heard, nothing is sent, and nothing is wrong.
    """

    def __init__(
        self,
        path: str,
        name: str,
        methods: Mapping[str, Mapping[str, int]],
        heard: Callable[[News], None],
    ) -> None:
        self._path, self._name, self._methods, self._heard = path, name, methods, heard
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._peer: Peer | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._writing = False
        self.counters = {"ubus_connected": 0, "ubus_broken": 0}

    @property
    def connected(self) -> bool:
        return self._peer is not None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._connect()

    def close(self) -> None:
        self._end()
        if self._retry is not None:
            self._retry.cancel()
        self._loop = self._retry = None

    def answer(self, caller: Caller, result: Mapping[str, Any] | None, status: int = 0) -> None:
        """A caller whose connection is gone is not answered."""
        if self._peer is not None:
            self._peer.answer(caller, result, status)
            self._flush()

    def notify(self, name: str, values: Mapping[str, Any]) -> None:
        if self._peer is not None:
            self._peer.notify(name, values)
            self._flush()

    def call(self, path: str, method: str, arguments: Mapping[str, Any], then: Then) -> None:
        if self._peer is not None:
            self._peer.call(path, method, arguments, then)
            self._flush()

    def _connect(self) -> None:
        assert self._loop is not None
        self._retry = None
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            sock.connect(self._path)
        except OSError as error:
            # Not there, not served yet, or served by somebody who is busy.
            sock.close()
            _log.debug("%s: %s", self._path, error)
            self._again()
            return
        self._socket, self._peer = sock, Peer(self._name, self._methods)
        self._loop.add_reader(sock, self._readable)
        self.counters["ubus_connected"] += 1

    def _again(self) -> None:
        if self._loop is not None and self._retry is None:
            self._retry = self._loop.call_later(_RETRY, self._connect)

    def _readable(self) -> None:
        sock, peer = self._socket, self._peer
        assert sock is not None and peer is not None
        try:
            octets = sock.recv(_CHUNK)
            if not octets:
                raise ConnectionResetError("ubusd has closed the connection")
            for news in peer.feed(octets):
                self._heard(news)
        except BlockingIOError:
            return
        except (OSError, WireError) as error:
            self._broken(error)
            return
        self._flush()

    def _flush(self) -> None:
        sock, peer = self._socket, self._peer
        if sock is None or peer is None or self._loop is None:
            return
        try:
            with contextlib.suppress(BlockingIOError):
                while peer.outgoing:
                    del peer.outgoing[: sock.send(peer.outgoing)]
        except OSError as error:
            self._broken(error)
            return
        if len(peer.outgoing) > _MAX_QUEUE:
            self._broken(BufferError("ubusd does not read"))
        elif bool(peer.outgoing) != self._writing:
            self._writing = bool(peer.outgoing)
            if self._writing:
                self._loop.add_writer(sock, self._flush)
            else:
                self._loop.remove_writer(sock)

    def _broken(self, error: Exception) -> None:
        self.counters["ubus_broken"] += 1
        _log.warning("ubus: %s; trying again every %.0f s", error, _RETRY)
        self._end()
        self._again()

    def _end(self) -> None:
        sock, self._socket, self._peer = self._socket, None, None
        if sock is not None and self._loop is not None:
            self._loop.remove_reader(sock)
            if self._writing:
                self._loop.remove_writer(sock)
            self._writing = False
            sock.close()
