"""The modems of cellular uplinks, loaded with the first configuration that has such an uplink.

They cost memory that others need not spend, and are a package of their own on OpenWrt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from importlib import import_module, invalidate_caches
from typing import TYPE_CHECKING, Any

from router.config.model import Uplink
from router.uplink.model import ModemInfo

if TYPE_CHECKING:
    from router.uplink.cellular import Modems

__all__ = ["MISSING", "NoModems", "modems_of"]

MISSING = "cannot talk to modems: install roamd-modem"
_log = logging.getLogger("roamd.uplink")


def modems_of(
    uplinks: tuple[Uplink, ...], changed: Callable[[], None], memory_path: str | None
) -> Modems | NoModems:
    """`NoModems` where no uplink is cellular, or what talks to modems is not installed, which is said."""
    if not any(uplink.kind == "cellular" for uplink in uplinks):
        return NoModems(())
    invalidate_caches()
    try:
        found: Modems = import_module("router.uplink.cellular").Modems(
            uplinks, changed, memory_path=memory_path
        )
        return found
    except ModuleNotFoundError as error:
        _log.error("cellular uplinks: %s (%s)", MISSING, error)
        return NoModems(uplinks)


class NoModems:
    """In the place of `Modems`: cellular uplinks go on as far as the kernel alone knows them."""

    def __init__(self, uplinks: tuple[Uplink, ...]) -> None:
        self._info = {uplink.name: ModemInfo(MISSING) for uplink in uplinks if uplink.kind == "cellular"}
        self.counters: dict[str, int] = {}

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        pass

    async def stop(self) -> None:
        pass

    def info(self, name: str) -> ModemInfo | None:
        return self._info.get(name)

    def port(self, name: str) -> Any:
        return None

    def hurry(self, name: str) -> None:
        pass

    def device_by_sysfs(self, uplink: Uplink) -> str | None:
        return None
