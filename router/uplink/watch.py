"""Watches the uplinks: kernel events in, a call for every change out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from ipaddress import IPv4Address
from typing import Any

from router import netlink as nl
from router.config.model import Uplink
from router.netlink import Netlink, ifaddrmsg, ifinfmsg, rtmsg
from router.uplink.links import LinkTable
from router.uplink.model import UplinkView, WifiInfo
from router.uplink.modems import NoModems, modems_of
from router.uplink.netifd import devices
from router.uplink.wireless import Wireless

__all__ = ["UplinkWatcher"]

_log = logging.getLogger("roamd.uplink")
_WIFI_EVERY = 5.0
_TABLES = 32


class UplinkWatcher:
    """Calls `changed(view)` for every uplink at start, and whenever its view differs from the last."""

    def __init__(
        self,
        uplinks: tuple[Uplink, ...],
        changed: Callable[[UplinkView], None],
        table_base: int = 7400,
        memory_path: str | None = None,
    ) -> None:
        self._uplinks = uplinks
        self._changed = changed
        self._table = LinkTable((table_base, table_base + _TABLES))
        self._memory_path = memory_path
        self.modems = modems_of(uplinks, self._refresh, memory_path)
        self._wireless = Wireless()
        self._wifi: dict[str, WifiInfo | None] = {}
        self.networks: dict[str, str] = {}
        """Interfaces of netifd, and the device of each."""
        self._events: Netlink | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.views: dict[str, UplinkView] = {}
        self.counters = {"netlink_events": 0, "netlink_foreign": 0, "netlink_overruns": 0}

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events = Netlink(nl.GROUP_LINK | nl.GROUP_IPV4_IFADDR | nl.GROUP_IPV4_ROUTE)
        loop.add_reader(self._events.socket, self._readable)
        self.modems.start(loop)
        self._resync()
        self._watch_wifi()

    def configure(self, uplinks: tuple[Uplink, ...], anew: Collection[str]) -> None:
        """These are the uplinks now; `changed` is called for those `anew`, whatever was said of them before."""
        self._uplinks = uplinks
        known = {uplink.name for uplink in uplinks} - set(anew)
        for table in (self.views, self._wifi):
            for name in table.keys() - known:
                del table[name]
        if not isinstance(self.modems, NoModems):
            self.modems.configure(uplinks, self._loop)
        else:
            self.modems = modems_of(uplinks, self._refresh, self._memory_path)
            if self._loop is not None:
                self.modems.start(self._loop)
        self._read_wifi()
        self._refresh()

    def interfaces(self, found: Iterable[Mapping[str, Any]]) -> None:
        """netifd tells how interfaces stand; which device one has is taken from it, all else from netlink."""
        before, self.networks = self.networks, devices(self.networks, found)
        if self.networks != before:
            self._read_wifi()
            self._refresh()

    def _device(self, uplink: Uplink) -> str | None:
        """As configured."""
        return uplink.device or self.networks.get(uplink.network or "")

    def close(self) -> None:
        """No change is told any more.  The modems go on until `modems.stop`: what is said last goes through them."""
        if self._loop is None or self._events is None:
            return
        self._loop.remove_reader(self._events.socket)
        self._events.close()
        if self._timer is not None:
            self._timer.cancel()
        self._loop = self._events = None

    def _readable(self) -> None:
        assert self._events is not None
        try:
            messages = self._events.events()
        except OSError as error:
            self.counters["netlink_overruns"] += 1
            _log.warning("netlink events lost (%s): reading everything anew", error.strerror)
            self._resync()
            return
        self.counters["netlink_foreign"] = self._events.foreign_messages
        self.counters["netlink_events"] += len(messages)
        for message in messages:
            self._table.apply(message)
        self._refresh()

    def _resync(self) -> None:
        self._table.clear()
        reader = Netlink()
        try:
            for message in (
                *reader.dump(ifinfmsg(), nl.RTM_GETLINK),
                *reader.dump(ifaddrmsg(), nl.RTM_GETADDR),
                *reader.dump(rtmsg(), nl.RTM_GETROUTE),
            ):
                self._table.apply(message)
        finally:
            reader.close()
        self._refresh()

    def _watch_wifi(self) -> None:
        assert self._loop is not None
        self._read_wifi()
        self._refresh()
        self._timer = self._loop.call_later(_WIFI_EVERY, self._watch_wifi)

    def _read_wifi(self) -> None:
        for uplink in self._uplinks:
            device = self._device(uplink)
            if uplink.kind == "wifi" and device is not None:
                self._wifi[uplink.name] = self._wireless.read(device)

    def _refresh(self) -> None:
        if self._loop is None:
            return
        for uplink in self._uplinks:
            view = self._view(uplink)
            if self.views.get(uplink.name) != view:
                self.views[uplink.name] = view
                self._changed(view)

    def _view(self, uplink: Uplink) -> UplinkView:
        modem = self.modems.info(uplink.name)
        address: IPv4Address | None = modem.address if modem is not None else None
        device = self._device(uplink) or self.modems.device_by_sysfs(uplink)
        if device is None and address is not None:
            device = self._table.device_with(address)
        return self._table.view(uplink, device, self._wifi.get(uplink.name), modem)
