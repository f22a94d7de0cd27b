"""The daemon process: roles, control socket, signals, reloads."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Mapping
from typing import Any

from router import __version__
from router.clock import clock_state
from router.config import ConfigError, ConfigErrors, load
from router.config.model import Config
from router.config.secrets import without_secrets
from router.control.server import ControlServer, Method
from router.daemon.agents import judged
from router.daemon.events import EventRing
from router.daemon.journal import Journal
from router.daemon.machine import machine, version
from router.daemon.roles import Roles
from router.daemon.ubus import Ubus
from router.files import troubles

__all__ = ["Process", "read_config"]

_log = logging.getLogger("roamd")
_FORWARDING = "/proc/sys/net/ipv4/ip_forward"

Answer = asyncio.Future[dict[str, Any]]


def read_config(filename: str, bids: Mapping[str, int] | None = None) -> Config:
    """Load a configuration file; raises OSError and ConfigErrors.  Uplinks keep the `bids` they have."""
    with open(filename, "rb") as file:
        return load(file.read(), filename, bids)


class Process:
    """All roles of one configuration, from start to a clean stop."""

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._config = read_config(filename)
        self._started = time.monotonic()
        self._journal = Journal()
        self._events = EventRing(self._config.events)
        self._roles = Roles(self._config, self._journal)
        self._ubus: Ubus | None = None
        self._control: ControlServer | None = None
        self._reload_wanted = asyncio.Event()
        self._waiting: list[Answer] = []
        """Who has asked for a reload, and waits to hear what came of it."""
        self._problems: tuple[ConfigError, ...] = ()
        """Why the file is not what is in force."""
        self._own: dict[str, Method] = {
            "status": self._status, "reload": self._reload_asked, "events": self._found, "summary": self._summary,
            "config": self._config_text, "version": lambda params: version(), "machine": lambda params: machine(),
        }  # fmt: skip

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_wanted.set)
        self._events.begin()
        try:
            await self._start()
            while not stop.is_set():
                await _first(stop, self._reload_wanted)
                if self._reload_wanted.is_set() and not stop.is_set():
                    self._reload_wanted.clear()
                    await self._reload_and_tell()
        finally:
            await self._roles.stop()
            self._end_ubus()
            await self._end_control()
            self._events.end()

    async def _start(self) -> None:
        _set_level(self._config.log_level)
        _warn_without_forwarding()
        self._roles.methods.update(self._own)
        await self._begin_control()
        self._begin_ubus()
        await self._roles.start()
        self._introduce()

    async def _begin_control(self) -> None:
        self._control = ControlServer(self._config.control, self._roles.methods)
        await self._control.start()

    async def _end_control(self) -> None:
        if self._control is not None:
            await self._control.close()
            self._control = None

    def _begin_ubus(self) -> None:
        name = "roamd" if self._config.mobile_node is not None else "roamd-agent"
        self._ubus = Ubus(self._config.ubus, name, self._roles.methods, self._roles)
        self._journal.heard = self._ubus.event
        self._ubus.start()

    def _end_ubus(self) -> None:
        self._journal.heard = None
        if self._ubus is not None:
            self._ubus.close()
            self._ubus = None

    def _introduce(self) -> None:
        if self._ubus is not None:
            self._ubus.introduce()

    # Reloads

    async def _reload_asked(self, params: dict[str, Any]) -> dict[str, Any]:
        """Read the file again.  Raises ValueError with what is wrong in it."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._reload_wanted.set()
        return await answer

    async def _reload_and_tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        result = await self._reload()
        for answer in waiting:
            if answer.done():
                continue
            if self._problems:
                answer.set_exception(ValueError("\n".join(map(str, self._problems))))
            else:
                answer.set_result(result)

    async def _reload(self) -> dict[str, Any]:
        """Change over to the file's new content, or keep all as it is when it has errors."""
        before = self._config
        try:
            config = read_config(self._filename, {uplink.name: uplink.bid for uplink in before.uplinks})
        except (OSError, ConfigErrors) as error:
            self._problems = _problems(self._filename, error)
            for problem in self._problems:
                _log.error("keeping the configuration in force: %s", problem)
            return {}
        self._problems = ()
        if config == before:
            _log.info("configuration unchanged")
            return {"changed": [], "restarted": []}
        self._config = config
        _set_level(config.log_level)
        if config.events != before.events:
            self._events.keep(config.events)
        if config.control != before.control:
            await self._end_control()
            await self._begin_control()
        # Packets of tunnels in user space wait as long as the loop is held: not for both in one go.
        await asyncio.sleep(0)
        changes = await self._roles.change(config)
        if config.ubus != before.ubus or (config.mobile_node is None) != (before.mobile_node is None):
            self._end_ubus()
            self._begin_ubus()
        self._introduce()
        _log.info("configuration changed: %s", ", ".join(changes.names))
        return {"changed": list(changes.names), "restarted": list(changes.restarts)}

    def _found(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._events.found(params)

    def _summary(self, params: dict[str, Any]) -> dict[str, Any]:
        """What works, what does not, and what to try.  Raises ValueError where who judges is not installed."""
        events = [
            {**event, "clock": time.strftime("%H:%M:%S", time.localtime(event["wall"]))}
            for event in self._events.found({"limit": 3})["events"]
        ]
        return judged({**self._status({}), "clock": time.strftime("%H:%M:%S")}, events)

    def _config_text(self, params: dict[str, Any]) -> dict[str, Any]:
        """The file, without its secrets.  Raises ValueError where it cannot be read."""
        try:
            with open(self._filename, encoding="utf-8", errors="replace") as file:
                return {"file": self._filename, "text": without_secrets(file.read())}
        except OSError as error:
            raise ValueError(f"{self._filename}: {error.strerror}") from None

    def _status(self, params: dict[str, Any]) -> dict[str, Any]:
        told = self._roles.status()
        if self._ubus is not None and "counters" in told:
            told["counters"] |= self._ubus.counters
        return {
            "version": __version__,
            "uptime": round(time.monotonic() - self._started, 1),
            **told,
            "states": [*clock_state(time.time()), *troubles(), *told.get("states", ())],
            "config_problem": [_plain(problem) for problem in self._problems],
        }


def _problems(filename: str, error: OSError | ConfigErrors) -> tuple[ConfigError, ...]:
    if isinstance(error, ConfigErrors):
        return error.errors
    return (ConfigError(filename, 1, None, None, None, error.strerror or str(error)),)


def _plain(problem: ConfigError) -> dict[str, Any]:
    """For status; `text` is what the log says."""
    return {
        "line": problem.line,
        "section": problem.section,
        "option": problem.option,
        "message": problem.message,
        "text": str(problem),
    }


def _set_level(name: str) -> None:
    """Of the log; what has happened is told on request from INFO on, whatever is logged."""
    level = logging.getLevelNamesMapping()[name.upper()]
    logging.getLogger("roamd").setLevel(min(level, logging.INFO))
    for handler in logging.getLogger().handlers:
        handler.setLevel(level)


def _warn_without_forwarding() -> None:
    with open(_FORWARDING) as file:
        if file.read().strip() == "0":
            _log.warning("this kernel forwards no packets: sysctl -w net.ipv4.ip_forward=1")


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
