"""Home and foreign agent, loaded where they are wanted.

A mobile node has no use for them: they cost it memory, and are a package of their own on OpenWrt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from router.config.model import Config
from router.daemon.journal import Journal
from router.plane.errors import PlaneError

if TYPE_CHECKING:
    from router.daemon.foreign_agent import ForeignAgentRole
    from router.daemon.home_agent import HomeAgentRole

__all__ = ["foreign_agent_role", "home_agent_role"]


def home_agent_role(config: Config, journal: Journal) -> HomeAgentRole:
    """Raises PlaneError where it is not installed."""
    role: HomeAgentRole = _loaded("home_agent").HomeAgentRole(config, journal)
    return role


def foreign_agent_role(config: Config, journal: Journal) -> ForeignAgentRole:
    """Raises PlaneError where it is not installed."""
    role: ForeignAgentRole = _loaded("foreign_agent").ForeignAgentRole(config, journal)
    return role


def _loaded(name: str) -> Any:
    try:
        return import_module(f"router.daemon.{name}")
    except ModuleNotFoundError as error:
        raise PlaneError(f"no {name.replace('_', ' ')} here ({error}): install roamd-agent") from None
