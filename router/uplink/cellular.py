"""Cellular uplinks: finds their modems, talks to them, and knows the network device beside each."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from modem.ports import sysfs
from modem.ports.line import Line
from modem.ports.modem_port import ModemPort
from modem.ports.probe import Outcome
from modem.ports.prober import Prober
from modem.ports.roles import MODEM, doubt, role_of
from router.config.model import Uplink
from router.uplink.model import ModemInfo
from router.uplink.modem_memory import ModemMemory
from router.uplink.ppp import ppp_device
from router.uplink.roster import PLUGGED, Attach, CancelProbe, Detach, Effect, Poke, Probe, Roster
from router.uplink.uevents import UeventWatcher
from router.uplink.upkeep import Upkeep

__all__ = ["Modems"]

_log = logging.getLogger("roamd.uplink")
_LOOK_EVERY = 5.0
"""Seconds between looks into sysfs where the kernel gives no events."""
_LINKS = 8
_STOP_WAIT = 3.0
_USB_OFF = 2.0
"""Seconds that a modem is taken from its drivers to be reset."""


class Modems:
    """The modems of all cellular uplinks; `changed()` is called when anything about one of them differs."""

    def __init__(
        self,
        uplinks: tuple[Uplink, ...],
        changed: Callable[[], None],
        sysfs_root: str = "/sys",
        device_folder: str = "/dev",
        memory_path: str | None = None,
    ) -> None:
        self._changed = changed
        self._sysfs = sysfs_root
        self._folder = device_folder
        self._uplinks = tuple(uplink for uplink in uplinks if uplink.kind == "cellular")
        self._roster = Roster(self._uplinks)
        self._upkeep = Upkeep(ModemMemory(memory_path), self.device_by_sysfs, self._restate)
        self._snapshots: dict[str, dict[str, Any]] = {}
        self._info: dict[str, ModemInfo | None] = {}
        self._ports: dict[str, ModemPort] = {}
        self._probers: dict[str, Prober] = {}
        self._found: dict[tuple[str, str], Line] = {}
        """Lines that probes left open, by device and port."""
        self._off: dict[str, tuple[sysfs.Device, asyncio.TimerHandle]] = {}
        """Devices taken from their drivers for a moment."""
        self._events = UeventWatcher(self.look)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._poll: asyncio.TimerHandle | None = None
        self.counters = self._events.counters

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._uplinks:
            return
        self._loop = loop
        try:
            self._events.start(loop)
        except OSError as error:
            _log.warning("no device events (%s): looking every %.0f s", error.strerror, _LOOK_EVERY)
            self._poll = loop.call_later(_LOOK_EVERY, self._look_again)
        self.look()

    def configure(self, uplinks: tuple[Uplink, ...], loop: asyncio.AbstractEventLoop | None) -> None:
        """These are the uplinks now.  One whose modem or session is given otherwise than before is another one.

        Data sessions that are ours are not ended: that takes patience, as `stop` has it.
        """
        self._uplinks = tuple(uplink for uplink in uplinks if uplink.kind == "cellular")
        effects = self._roster.configure(self._uplinks, loop.time() if loop is not None else 0.0)
        for name in self._info.keys() - {uplink.name for uplink in self._uplinks}:
            self._info.pop(name, None)
            self._snapshots.pop(name, None)
        if self._loop is not None:
            self._act(effects)
            self.look()
        elif loop is not None:
            self.start(loop)

    async def stop(self) -> None:
        """End the data sessions that are ours, with as much patience as a modem may ask for, and close."""
        if self._loop is not None:
            now = self._loop.time()
            for port in self._ports.values():
                port.modem.stop(now)
                port.poke()
            while not all(port.rests() for port in self._ports.values()):
                if self._loop.time() - now >= _STOP_WAIT:
                    _log.warning("a modem has not ended its data session in %.0f s", _STOP_WAIT)
                    break
                await asyncio.sleep(0.02)
        self.close()
        await self._upkeep.ended()

    def close(self) -> None:
        """At once: what stands at the modems goes on."""
        self._events.close()
        for timer in (self._timer, self._poll):
            if timer is not None:
                timer.cancel()
        for prober in self._probers.values():
            prober.cancel()
        for name, port in self._ports.items():
            port.close()
            self._upkeep.detached(name)
        for device, _ in list(self._off.values()):
            self._put_back(device)
        self._drop_lines()
        self._probers.clear()
        self._ports.clear()
        self._loop = None

    def info(self, name: str) -> ModemInfo | None:
        return self._info.get(name)

    def port(self, name: str) -> ModemPort | None:
        """Where the modem of an uplink is talked to now."""
        return self._ports.get(name)

    def hurry(self, name: str) -> None:
        """Ask the uplink's modem quickly for a while; an uplink without one has none to ask."""
        port = self._ports.get(name)
        if port is not None:
            port.hurry()

    def devices(self) -> tuple[sysfs.Device, ...]:
        """All devices with ports of a modem's kind, used or not."""
        return sysfs.devices(self._sysfs)

    def device_by_sysfs(self, uplink: Uplink) -> str | None:
        """The network device of the uplink's modem, or None."""
        if uplink.modem.session == "ppp":
            return ppp_device(uplink)
        device = self._roster.device_of(uplink.name)
        return device.networks[0] if device is not None and device.networks else None

    def reset_usb(self, name: str) -> None:
        """Take the uplink's modem off its USB port, and put it back a while later."""
        device = self._roster.device_of(name)
        if device is None or self._loop is None or device.name in self._off:
            _log.warning("uplink %s: no USB device to reset", name)
            return
        _log.warning("uplink %s: resetting USB device %s", name, device.name)
        try:
            sysfs.reset_usb(device, False)
        except OSError as error:
            _log.warning("uplink %s: USB device %s cannot be reset: %s", name, device.name, error)
            return
        self._off[device.name] = (device, self._loop.call_later(_USB_OFF, self._put_back, device))

    def _put_back(self, device: sysfs.Device) -> None:
        self._off.pop(device.name)[1].cancel()
        try:
            sysfs.reset_usb(device, True)
        except OSError as error:
            _log.warning("USB device %s does not come back: %s", device.name, error)

    def _look_again(self) -> None:
        assert self._loop is not None
        self._poll = self._loop.call_later(_LOOK_EVERY, self._look_again)
        self.look()

    def look(self) -> None:
        """Devices may have come or gone."""
        if self._loop is None:
            return
        ttys = {
            uplink.name: _port_name(uplink.tty)
            for uplink in self._uplinks
            if uplink.tty is not None and "://" not in uplink.tty
        }
        self._act(self._roster.devices(self.devices(), ttys, self._loop.time()))

    def _tick(self) -> None:
        if self._loop is not None:
            self._act(self._roster.tick(self._loop.time()))

    def _act(self, effects: list[Effect]) -> None:
        """Carry out what the roster wants, and tell how things stand."""
        assert self._loop is not None
        for effect in effects:
            if isinstance(effect, Probe):
                done = partial(self._probed, effect.device.name)
                self._probers[effect.device.name] = Prober(effect.ports, self._loop, done, self._folder)
            elif isinstance(effect, CancelProbe):
                self._probers.pop(effect.device).cancel()
            elif isinstance(effect, Attach):
                self._attach(effect)
            elif isinstance(effect, Detach):
                self._ports.pop(effect.uplink).close()
                self._upkeep.detached(effect.uplink)
            elif isinstance(effect, Poke):
                self._ports[effect.uplink].poke()
        self._drop_lines()
        if self._timer is not None:
            self._timer.cancel()
        wake = self._roster.next_wake(self._loop.time())
        self._timer = self._loop.call_at(wake + 0.001, self._tick) if wake is not None else None
        self._tell()

    def _attach(self, effect: Attach) -> None:
        assert self._loop is not None
        name = effect.uplink
        where = effect.where if "/" in effect.where else f"{self._folder}/{effect.where}"
        _log.info("uplink %s: modem on %s", name, where)
        device = self._roster.device_of(name)
        warning = doubt(device, _port_name(where)) if device is not None else None
        if warning is not None:
            _log.warning("uplink %s: %s", name, warning)
        uplink = next(uplink for uplink in self._uplinks if uplink.name == name)
        port = ModemPort(
            where,
            partial(self._report, name),
            partial(self._effect, uplink),
            self._upkeep.modem(uplink, where, self._loop.time()),
        )
        self._ports[name] = port
        self._info.pop(name, None)
        self._snapshots.pop(name, None)
        port.start(self._loop, self._found.pop((effect.device or "", effect.where), None))
        self._upkeep.attached(uplink, self._data_port(name), self._loop)

    def _data_port(self, name: str) -> str | None:
        """The port of the uplink's modem that PPP may have."""
        device = self._roster.device_of(name)
        for port in device.ports if device is not None else ():
            if device is not None and role_of(device, port) == MODEM:
                return f"{self._folder}/{port.name}"
        return None

    def _probed(self, device: str, outcome: Outcome, line: Line | None) -> None:
        assert self._loop is not None
        self._probers.pop(device, None)
        if line is not None and outcome.port is not None:
            self._found[device, outcome.port] = line
        self._act(self._roster.probed(device, outcome, self._loop.time()))

    def _drop_lines(self) -> None:
        """Of modems that nobody wants."""
        for line in self._found.values():
            line.close()
        self._found.clear()

    def _report(self, name: str, snapshot: dict[str, Any]) -> None:
        self._snapshots[name] = snapshot
        imei = snapshot.get("imei")
        if imei is not None and self._loop is not None:
            # Not at once: the port is in the middle of its own work, and may have to go.
            self._loop.call_soon(self._reported, name, self._ports.get(name), imei)
        self._restate(name)

    def _restate(self, name: str) -> None:
        """From what the modem told, and what became of its network device."""
        snapshot = self._snapshots.get(name)
        if snapshot is None or self._loop is None:
            return
        note, session = self._upkeep.note(name), snapshot.get("session")
        if note is not None and session is not None:
            snapshot = {**snapshot, "session": f"{session}, but {note}"}
        self._info[name] = ModemInfo.of(snapshot)
        self._changed()

    def _reported(self, name: str, port: ModemPort | None, imei: str) -> None:
        if self._loop is not None and self._ports.get(name) is port:
            effects = self._roster.reported(name, imei, self._loop.time())
            if effects:
                self._act(effects)

    def _effect(self, uplink: Uplink, effect: tuple[Any, ...]) -> None:
        if effect[0] == "usb_reset":
            self.reset_usb(uplink.name)
        else:
            self._upkeep.perform(uplink, effect)

    def _tell(self) -> None:
        """The states of uplinks without a modem."""
        before = dict(self._info)
        for uplink in self._uplinks:
            if uplink.name not in self._ports:
                state = self._roster.state(uplink.name)
                self._info[uplink.name] = ModemInfo(state) if state is not None else None
        for name, info in self._info.items():
            if info is not None and before.get(name) != info:
                _log.info("uplink %s: %s", name, info.state)
        if before != self._info:
            self._changed()


def _port_name(path: str) -> str:
    """The port behind a path that may be a link to it (`/dev/modem0`)."""
    for _ in range(_LINKS):
        if PLUGGED.match(os.path.basename(path)) or not os.path.islink(path):
            break
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    return os.path.basename(path)
