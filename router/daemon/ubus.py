"""roamd on OpenWrt's bus: its object answers as the control socket does, its events are notifications, and netifd's
news of interfaces reach the mobile node."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Mapping
from typing import Any

from router.control.server import Method
from router.daemon.roles import Roles
from router.mip.effect import Event
from router.ubus.blob import BOOL, INT32, STRING
from router.ubus.client import UbusClient
from router.ubus.message import Status
from router.ubus.peer import Called, Interfaces, News, Problem, Published

__all__ = ["Ubus"]

_log = logging.getLogger("roamd.ubus")

_SIGNATURE: dict[str, dict[str, int]] = {
    "status": {}, "uplinks": {}, "bindings": {}, "counters": {}, "reload": {}, "summary": {}, "history": {},
    "events": {"uplink": STRING, "level": STRING, "after": INT32, "seconds": INT32, "limit": INT32},
    "flows": {"all": BOOL, "limit": INT32},
    "explain": {"flow": STRING, "in_device": STRING, "mac": STRING, "dscp": STRING},
}  # fmt: skip
"""Methods and the types of their arguments."""
_PARTS = ("uplinks", "bindings", "counters")
"""Methods that give one part of the status."""
_HEARTBEAT = 10.0
"""Seconds; procd waits for three times as long by default."""
_WATCHDOG = "ROAMD_WATCHDOG"
"""Environment variable of the init script: `service/instance`, as procd knows us, where its watchdog is set."""


class Ubus:
    """`start()` and `close()` once each; `methods` are the control socket's, as they are at the time of a call."""

    def __init__(self, path: str, name: str, methods: Mapping[str, Method], roles: Roles) -> None:
        self._methods, self._roles = methods, roles
        self._client = UbusClient(path, name, _SIGNATURE, self._heard)
        self._path, self._name = path, name
        self._interfaces: dict[str, Mapping[str, Any]] = {}
        """The last that netifd told of each."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._beat: asyncio.TimerHandle | None = None

    @property
    def counters(self) -> dict[str, int]:
        return self._client.counters

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._client.start(loop)
        named = [uplink.name for uplink in self._roles.config.uplinks if uplink.network is not None]
        if named and not self._client.connected:
            _log.warning("%s is not there: no device for %s until it is", self._path, ", ".join(named))
        if "/" in os.environ.get(_WATCHDOG, ""):
            self._heartbeat()

    def close(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        for task in self._tasks:
            task.cancel()
        self._client.close()

    def event(self, event: Event) -> None:
        """Tell subscribers what the log tells."""
        self._client.notify("event", {"level": event.level, "kind": event.kind, "text": event.text})

    def introduce(self) -> None:
        """A mobile node has started, or has other uplinks: it hears what netifd told before."""
        if self._roles.mobile is not None:
            self._roles.mobile.watcher.interfaces(self._interfaces.values())

    def _heard(self, news: News) -> None:
        if isinstance(news, Called):
            task = asyncio.get_running_loop().create_task(self._serve(news))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif isinstance(news, Interfaces):
            self._interfaces |= {str(found.get("interface")): found for found in news.found}
            self.introduce()
        elif isinstance(news, Published):
            _log.info("object %s on ubus", self._name)
        elif isinstance(news, Problem):
            _log.warning("ubus: %s", news.text)

    async def _serve(self, called: Called) -> None:
        """What is wrong with the arguments is told as `error`, beside the status."""
        part = called.method in _PARTS
        method = self._methods.get("status" if part else called.method)
        if method is None:
            self._client.answer(called.caller, None, Status.NOT_SUPPORTED)
            return
        try:
            found = method(dict(called.arguments))
            result = await found if isinstance(found, Awaitable) else found
        except (ValueError, TypeError, KeyError) as error:
            self._client.answer(called.caller, {"error": str(error)}, Status.INVALID_ARGUMENT)
            return
        if part:
            result = {called.method: result.get(called.method, [])}
        self._client.answer(called.caller, result)

    def _heartbeat(self) -> None:
        """Tell procd that the loop turns."""
        service, _, instance = os.environ[_WATCHDOG].partition("/")
        self._client.call(
            "service", "watchdog", {"name": service, "instance": instance}, lambda reply: iter(())
        )
        self._beat = asyncio.get_running_loop().call_later(_HEARTBEAT, self._heartbeat)
