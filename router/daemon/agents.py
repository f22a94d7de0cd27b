"""Home and foreign agent, and what modems and technicians are asked by, loaded where they are wanted.

Who has no use for them need not spend memory on them, and on OpenWrt they are packages of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from router.config.model import Config, Uplink
from router.control.server import Method
from router.daemon.journal import Journal
from router.plane.errors import PlaneError
from router.uplink.modems import MISSING, NoModems

if TYPE_CHECKING:
    from router.daemon.field import FieldControl
    from router.daemon.foreign_agent import ForeignAgentRole
    from router.daemon.home_agent import HomeAgentRole
    from router.daemon.mobile_node import MobileNodeRole
    from router.daemon.recorder import Recorder
    from router.uplink.cellular import Modems

__all__ = ["field_control", "foreign_agent_role", "home_agent_role", "modem_methods", "recorder"]

_log = logging.getLogger("roamd")


def home_agent_role(config: Config, journal: Journal) -> HomeAgentRole:
    """Raises PlaneError where it is not installed."""
    role: HomeAgentRole = _loaded("home_agent").HomeAgentRole(config, journal)
    return role


def foreign_agent_role(config: Config, journal: Journal) -> ForeignAgentRole:
    """Raises PlaneError where it is not installed."""
    role: ForeignAgentRole = _loaded("foreign_agent").ForeignAgentRole(config, journal)
    return role


def field_control(role: MobileNodeRole, status: Callable[[], dict[str, Any]]) -> FieldControl | None:
    """What a technician asks; None where it is not installed, as `roamctl` says that is not either."""
    try:
        control: FieldControl = import_module("router.daemon.field").FieldControl(role, status)
    except ModuleNotFoundError:
        return None
    return control


def recorder(config: Config) -> Recorder | None:
    """None where nothing is to be recorded; nor can it where that is not installed, which the log says."""
    if not config.record:
        return None
    try:
        module = import_module("router.daemon.recorder")
    except ModuleNotFoundError:
        _log.warning("option record: nothing is recorded here: install roamd-console")
        return None
    found: Recorder = module.Recorder(config.record, config.record_size * 1_000_000)
    return found


def modem_methods(uplinks: tuple[Uplink, ...], modems: Modems | NoModems) -> dict[str, Method]:
    """Methods of the control socket; of modems that nobody talks to there is none to ask."""
    if isinstance(modems, NoModems):
        return _refusals(uplinks)
    methods: dict[str, Method] = _loaded("modems").ModemControl(uplinks, modems).methods()
    return methods


def _refusals(uplinks: tuple[Uplink, ...]) -> dict[str, Method]:
    cellular = any(uplink.kind == "cellular" for uplink in uplinks)

    def refuse(params: dict[str, Any]) -> list[Any]:
        raise ValueError(MISSING if cellular else "no uplink is cellular")

    def none(params: dict[str, Any]) -> list[Any]:
        return []

    refused = {f"modem_{name}": refuse for name in ("show", "signal", "at", "reset", "record")}
    return {**refused, "modem_list": refuse if cellular else none}


def _loaded(name: str) -> Any:
    try:
        return import_module(f"router.daemon.{name}")
    except ModuleNotFoundError as error:
        raise PlaneError(f"no {name.replace('_', ' ')} here ({error}): install roamd-agent") from None
