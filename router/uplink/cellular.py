"""Cellular uplinks: a modem on a serial port, and the network device beside it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from modem.port import ModemPort
from router.config.model import Uplink
from router.uplink.model import ModemInfo

__all__ = ["Modems", "network_device_of"]


class Modems:
    """The modems of all cellular uplinks that name a tty."""

    def __init__(self, uplinks: tuple[Uplink, ...], changed: Callable[[], None]) -> None:
        self._changed = changed
        self._info: dict[str, ModemInfo] = {}
        self._ports = [
            ModemPort(uplink.tty, partial(self._report, uplink.name))
            for uplink in uplinks
            if uplink.kind == "cellular" and uplink.tty is not None
        ]

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        for port in self._ports:
            port.start(loop)

    def close(self) -> None:
        for port in self._ports:
            port.close()

    def info(self, name: str) -> ModemInfo | None:
        return self._info.get(name)

    @staticmethod
    def device_by_sysfs(uplink: Uplink) -> str | None:
        return network_device_of(uplink.tty) if uplink.tty is not None else None

    def _report(self, name: str, snapshot: dict[str, Any]) -> None:
        self._info[name] = ModemInfo(**snapshot)
        self._changed()


def network_device_of(tty: str, sysfs: str = "/sys") -> str | None:
    """The network device of the same USB device as `tty`, or None.

    `/sys/class/tty/ttyUSB2/device` lies some levels below the USB device;
    the interfaces of that device are its children, and one has `net/`.
    """
    start = os.path.realpath(f"{sysfs}/class/tty/{os.path.basename(os.path.realpath(tty))}/device")
    while len(start) > len(sysfs) and not os.path.exists(f"{start}/idVendor"):
        start = os.path.dirname(start)
    if not os.path.exists(f"{start}/idVendor"):
        return None
    for interface in sorted(os.listdir(start)):
        net = f"{start}/{interface}/net"
        if os.path.isdir(net) and os.listdir(net):
            return sorted(os.listdir(net))[0]
    return None
