"""The roles of one configuration: started, stopped, and led over to another one."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from router.config.changes import ROLES, Changes, compare
from router.config.model import Config
from router.control.server import Method
from router.daemon.agents import field_control, foreign_agent_role, home_agent_role, modem_methods
from router.daemon.flow_report import FlowReport
from router.daemon.journal import Journal
from router.daemon.mobile_node import MobileNodeRole
from router.daemon.status import foreign_agent_status, home_agent_status, merged, mobile_node_status

if TYPE_CHECKING:
    from router.daemon.field import FieldControl
    from router.daemon.foreign_agent import ForeignAgentRole
    from router.daemon.home_agent import HomeAgentRole

__all__ = ["Roles"]

_log = logging.getLogger("roamd")


class Roles:
    """`methods` are those of the control socket that the roles answer; they come and go with them."""

    def __init__(self, config: Config, journal: Journal) -> None:
        self.config = config
        self.methods: dict[str, Method] = {"revoke": self._revoke}
        self._journal = journal
        self._asked: dict[str, Method] = {}
        self._field: FieldControl | None = None
        self.mobile: MobileNodeRole | None = None
        self.home: HomeAgentRole | None = None
        self.foreign: ForeignAgentRole | None = None

    async def start(self) -> None:
        """Raises OSError and PlaneError."""
        for role in ROLES:
            await self._start(role)

    async def stop(self) -> None:
        for role in reversed(ROLES):
            await self._stop(role)

    async def change(self, config: Config) -> Changes:
        """Take `config` over: roles that cannot as they run start anew, and the log says why."""
        changes = compare(self.config, config)
        for role in reversed(ROLES):
            if role in changes.restarts and getattr(self.config, role) is not None:
                _log.info("%s ends: %s changed", _said(role), ", ".join(changes.restarts[role]))
                await self._stop(role)
        self.config = config
        if self.home is not None and changes.mobiles:
            self.home.configure(config)
        if self.mobile is not None:
            self.mobile.configure(config, changes)
            self._offer(self.mobile)
        for role in ROLES:
            if role in changes.restarts:
                await self._start(role)
        return changes

    async def _start(self, role: str) -> None:
        if getattr(self.config, role) is None:
            return
        if role == "home_agent":
            self.home = home_agent_role(self.config, self._journal)
            await self.home.start()
            _log.info("home agent at %s", self.home.settings.address)
        elif role == "foreign_agent":
            self.foreign = foreign_agent_role(self.config, self._journal)
            await self.foreign.start()
            _log.info("foreign agent at %s", self.foreign.settings.care_of_address)
        else:
            self.mobile = MobileNodeRole(self.config, self._journal)
            self._offer(self.mobile)
            await self.mobile.start()
            _log.info("mobile node %s", self.mobile.settings.home_address)

    async def _stop(self, role: str) -> None:
        if role == "mobile_node" and self.mobile is not None:
            await self.mobile.stop()
            self.mobile = None
            for name in self._asked:
                del self.methods[name]
            self._asked = {}
            if self._field is not None:
                self._field.close()
                self._field = None
        elif role == "foreign_agent" and self.foreign is not None:
            await self.foreign.stop()
            self.foreign = None
        elif role == "home_agent" and self.home is not None:
            await self.home.stop()
            self.home = None

    def _offer(self, mobile: MobileNodeRole) -> None:
        names = {uplink.bid: uplink.name for uplink in self.config.uplinks}
        if self._field is None:
            self._field = field_control(mobile, self.status)
        self._asked = {
            **modem_methods(self.config.uplinks, mobile.watcher.modems),
            **FlowReport(mobile.flows, names).methods(),
            "history": mobile.watch.history,
            **(self._field.methods() if self._field is not None else {}),
        }
        self.methods.update(self._asked)

    def status(self) -> dict[str, Any]:
        """What the roles that run tell, one after the other."""
        result: dict[str, Any] = {"role": []}
        if self.home is not None:
            result = merged(result, {"role": ["home_agent"], **home_agent_status(self.home)})
        if self.foreign is not None:
            result = merged(result, {"role": ["foreign_agent"], **foreign_agent_status(self.foreign)})
        if self.mobile is not None:
            result = merged(result, {"role": ["mobile_node"], **mobile_node_status(self.mobile)})
        return result

    def _revoke(self, params: dict[str, Any]) -> dict[str, Any]:
        """End bindings: of `home_address`, one (`bid`) or all.  Raises ValueError, which the caller is told."""
        home_address = IPv4Address(str(params.get("home_address", "")))
        bid = params.get("bid")
        if bid is not None and not (isinstance(bid, int) and 0 <= bid <= 254):
            raise ValueError(f"bid {bid}: expected 0..254")
        if self.home is None and self.foreign is None:
            raise ValueError("only a home agent or a foreign agent revokes bindings")
        count = self.home.revoke(home_address, bid) if self.home is not None else 0
        count += self.foreign.revoke(home_address) if self.foreign is not None else 0
        return {"revoked": count}


def _said(role: str) -> str:
    return role.replace("_", " ")
