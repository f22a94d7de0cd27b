"""The control socket: one JSON request a line, one JSON answer a line.

{"id": 1, "method": "status", "params": {}}
{"id": 1, "result": {...}}            or  {"id": 1, "error": {"message": "..."}}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ControlServer", "Method"]

_log = logging.getLogger("roamd.control")

_MAX_LINE = 65536
_MAX_CLIENTS = 32
_IDLE = 60.0

Method = Callable[[dict[str, Any]], Any]
"""From params to result, or a coroutine that gives it; a ValueError's text is the answer's error."""


class ControlServer:
    """Serves `methods` at the Unix socket `path`, readable by its owner alone."""

    def __init__(self, path: str, methods: Mapping[str, Method]) -> None:
        self._path = path
        self._methods = methods
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Raises OSError when the socket cannot be made, or a living daemon holds it."""
        self._clear_stale()
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._client, self._path, limit=_MAX_LINE)
        finally:
            os.umask(mask)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        self._server = None

    def _clear_stale(self) -> None:
        """A socket nobody listens at is left over from a killed daemon."""
        probe = socket.socket(socket.AF_UNIX)
        try:
            probe.connect(self._path)
        except ConnectionRefusedError:
            os.unlink(self._path)
        except FileNotFoundError:
            return
        else:
            raise OSError(f"{self._path}: another roamd is running")
        finally:
            probe.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._clients) >= _MAX_CLIENTS:
            writer.close()
            return
        self._clients.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, TimeoutError) as error:
            _log.debug("control client: %r", error)
        finally:
            self._clients.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await asyncio.wait_for(reader.readline(), _IDLE)
            except ValueError:
                # Longer than any request: what follows cannot be told from its rest.
                writer.write(_encode(None, error=f"a request has {_MAX_LINE} octets at most"))
                await asyncio.wait_for(writer.drain(), _IDLE)
                return
            if not line:
                return
            writer.write(await self._answer(line))
            await asyncio.wait_for(writer.drain(), _IDLE)

    async def _answer(self, line: bytes) -> bytes:
        try:
            request = json.loads(line)
        except ValueError:
            return _encode(None, error="not JSON")
        if not isinstance(request, dict):
            return _encode(None, error="a request is an object")
        number, method, params = request.get("id"), request.get("method"), request.get("params") or {}
        if not isinstance(method, str) or method not in self._methods:
            return _encode(
                number, error=f"unknown method {method!r}; known: {', '.join(sorted(self._methods))}"
            )
        if not isinstance(params, dict):
            return _encode(number, error="params is an object")
        try:
            result = self._methods[method](params)
            return _encode(number, result=await result if asyncio.iscoroutine(result) else result)
        except ValueError as error:
            return _encode(number, error=str(error))


def _encode(number: Any, *, result: Any = None, error: str | None = None) -> bytes:
    answer: dict[str, Any] = {"id": number}
    if error is None:
        answer["result"] = result
    else:
        answer["error"] = {"message": error}
    return json.dumps(answer, separators=(",", ":")).encode() + b"\n"
