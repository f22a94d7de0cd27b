"""The daemon process: roles, control socket, signals."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from ipaddress import IPv4Address
from typing import Any

from router import __version__
from router.config import ConfigErrors, load
from router.config.model import Config
from router.control.server import ControlServer, Method
from router.daemon.flow_report import FlowReport
from router.daemon.foreign_agent import ForeignAgentRole
from router.daemon.home_agent import HomeAgentRole
from router.daemon.journal import Journal
from router.daemon.mobile_node import MobileNodeRole
from router.daemon.modems import ModemControl
from router.daemon.status import foreign_agent_status, home_agent_status, merged, mobile_node_status

__all__ = ["Process", "read_config"]

_log = logging.getLogger("roamd")
_FORWARDING = "/proc/sys/net/ipv4/ip_forward"


def read_config(filename: str) -> Config:
    """Load a configuration file; raises OSError and ConfigErrors."""
    with open(filename, "rb") as file:
        return load(file.read(), filename)


class Process:
    """All roles of one configuration, from start to a clean stop."""

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._config = read_config(filename)
        self._started = time.monotonic()
        self._mobile: MobileNodeRole | None = None
        self._home: HomeAgentRole | None = None
        self._foreign: ForeignAgentRole | None = None
        self._control: ControlServer | None = None

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
        loop = asyncio.get_running_loop()
        stop, reload = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, reload.set)
        try:
            await self._start()
            while not stop.is_set():
                await _first(stop, reload)
                if reload.is_set() and not stop.is_set():
                    reload.clear()
                    await self._reload()
        finally:
            await self._stop()

    async def _start(self) -> None:
        journal = Journal()
        logging.getLogger("roamd").setLevel(self._config.log_level.upper())
        _warn_without_forwarding()
        methods: dict[str, Method] = {"status": self._status, "revoke": self._revoke}
        mobile = MobileNodeRole(self._config, journal) if self._config.mobile_node is not None else None
        if mobile is not None:
            methods.update(ModemControl(self._config.uplinks, mobile.watcher.modems).methods())
            names = {uplink.bid: uplink.name for uplink in self._config.uplinks}
            methods.update(FlowReport(mobile.flows, names).methods())
        self._control = ControlServer(self._config.control, methods)
        await self._control.start()
        if self._config.home_agent is not None:
            self._home = HomeAgentRole(self._config, journal)
            await self._home.start()
            _log.info("home agent at %s", self._config.home_agent.address)
        if self._config.foreign_agent is not None:
            self._foreign = ForeignAgentRole(self._config, journal)
            await self._foreign.start()
            _log.info("foreign agent at %s", self._config.foreign_agent.care_of_address)
        if mobile is not None:
            self._mobile = mobile
            await mobile.start()
            _log.info("mobile node %s", mobile.settings.home_address)

    async def _stop(self) -> None:
        if self._mobile is not None:
            await self._mobile.stop()
        if self._foreign is not None:
            await self._foreign.stop()
        if self._home is not None:
            await self._home.stop()
        if self._control is not None:
            await self._control.close()
        self._mobile = self._home = self._foreign = self._control = None

    async def _reload(self) -> None:
        """Change over to the file's new content, or keep all as it is when it has errors."""
        try:
            config = read_config(self._filename)
        except (OSError, ConfigErrors) as error:
            _log.error("keeping the configuration in force: %s", error)
            return
        if config == self._config:
            _log.info("configuration unchanged")
            return
        await self._stop()
        self._config = config
        await self._start()

    def _status(self, params: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {
            "version": __version__,
            "role": [],
            "uptime": round(time.monotonic() - self._started, 1),
        }
        if self._home is not None:
            result = merged(result, {"role": ["home_agent"], **home_agent_status(self._home)})
        if self._foreign is not None:
            result = merged(result, {"role": ["foreign_agent"], **foreign_agent_status(self._foreign)})
        if self._mobile is not None:
            result = merged(result, {"role": ["mobile_node"], **mobile_node_status(self._mobile)})
        return result

    def _revoke(self, params: dict[str, Any]) -> dict[str, Any]:
        """End bindings: of `home_address`, one (`bid`) or all.  Raises ValueError, which the caller is told."""
        home_address = IPv4Address(str(params.get("home_address", "")))
        bid = params.get("bid")
        if bid is not None and not (isinstance(bid, int) and 0 <= bid <= 254):
            raise ValueError(f"bid {bid}: expected 0..254")
        if self._home is None and self._foreign is None:
            raise ValueError("only a home agent or a foreign agent revokes bindings")
        count = self._home.revoke(home_address, bid) if self._home is not None else 0
        count += self._foreign.revoke(home_address) if self._foreign is not None else 0
        return {"revoked": count}


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
