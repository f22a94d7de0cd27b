"""Which modem serves which uplink.  Pure: devices, probes and reports in, effects out.

An uplink names its modem by IMEI, by USB port, by tty, or not at all: then the first free modem in the order of
places is its own.  Once a modem has told its IMEI, the uplink keeps to it: after a reset the modem comes back
under other names and perhaps in another place, and goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from modem.ports.probe import Outcome
from modem.ports.roles import looks_like_modem, probed
from modem.ports.sysfs import Device
from router.config.model import Uplink

__all__ = ["PLUGGED", "Attach", "CancelProbe", "Detach", "Effect", "Poke", "Probe", "Roster"]

PROBE_AGAIN = (2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds after a probe without an answer: a modem may take a while until its ports are served."""
PROBE_SELDOM = 120.0
"""Seconds between further ones."""
REMEMBERED = 60.0
"""Seconds that an uplink waits for the modem it had before another one will do: a reset takes up to half of it."""
PLUGGED = re.compile(r"(ttyUSB|ttyACM|wwan)\d")
"""Names of ports that come and go with a device."""


@dataclass(frozen=True)
class Probe:
    """Find the AT port of `device` among `ports`, each with its role."""

    device: Device
    ports: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class CancelProbe:
    device: str


@dataclass(frozen=True)
class Attach:
    """Talk to the modem of `uplink` on `where`: the name of a port in /dev, a path, or a URL."""

    uplink: str
    where: str
    device: str | None
    """The device it belongs to, where sysfs knows one."""


@dataclass(frozen=True)
class Detach:
    uplink: str


@dataclass(frozen=True)
class Poke:
    """The port of `uplink` has come: open it now."""

    uplink: str


Effect = Probe | CancelProbe | Attach | Detach | Poke


@dataclass
class _Seat:
    """One cellular uplink, and the modem it has."""

    uplink: Uplink
    tty: str | None
    """Name of the port that the uplink's tty is now."""
    attached: Attach | None = None
    imei: str | None = None
    """Of the modem it had last."""
    vacant_since: float = 0.0

    @property
    def wanted(self) -> str | None:
        return self.uplink.imei or self.imei

    @property
    def device(self) -> str | None:
        return self.attached.device if self.attached is not None else None

    def settles(self, now: float) -> bool:
        """Whether another modem than the one it had will do."""
        return self.uplink.imei is None and (self.imei is None or now >= self.vacant_since + REMEMBERED)


@dataclass
class _Entry:
    """One device that is there, and what its probe told."""

    device: Device
    probing: bool = False
    port: str | None = None
    imei: str | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    misses: int = 0
    probe_at: float | None = 0.0

    @property
    def told(self) -> bool:
        return self.port is not None


class Roster:
    """Tell it of `devices` after every change, of what was `probed` and `reported`, and of time."""

    def __init__(self, uplinks: Iterable[Uplink]) -> None:
        self._seats: dict[str, _Seat] = {}
        self._entries: dict[str, _Entry] = {}
        self.configure(uplinks, 0.0)

    def configure(self, uplinks: Iterable[Uplink], now: float) -> list[Effect]:
        """These are the uplinks now; who names a modem as before keeps the one it has."""
        seats = {
            uplink.name: _Seat(uplink, _base(uplink.tty)) for uplink in uplinks if uplink.kind == "cellular"
        }
        effects: list[Effect] = []
        for name, seat in self._seats.items():
            fresh = seats.get(name)
            if fresh is not None and _names_the_same(seat.uplink, fresh.uplink):
                seat.uplink, seats[name] = fresh.uplink, seat
            elif seat.attached is not None:
                effects.append(self._leave(seat, now))
        self._seats = seats
        return effects

    def devices(self, found: Iterable[Device], ttys: Mapping[str, str], now: float) -> list[Effect]:
        """All devices that are there, and what port each uplink's tty is (a link may lead to `ttyUSB2`)."""
        effects: list[Effect] = []
        entries: dict[str, _Entry] = {}
        for device in found:
            old = self._entries.pop(device.name, None)
            if old is not None and _enumerated_anew(old.device, device):
                effects += self._gone(old, now)
                old = None
            if old is not None and device.ports != old.device.ports:
                effects += self._grown(old, now)
            entries[device.name] = old or _Entry(device)
            entries[device.name].device = device
        for entry in self._entries.values():
            effects += self._gone(entry, now)
        self._entries = entries
        for name, tty in ttys.items():
            if name in self._seats:
                self._seats[name].tty = tty
        return effects + self._came() + self._assign(now)

    def probed(self, device: str, outcome: Outcome, now: float) -> list[Effect]:
        """A probe came to its end."""
        entry = self._entries.get(device)
        if entry is None or not entry.probing:
            return []
        entry.probing = False
        entry.port, entry.imei, entry.reasons = outcome.port, outcome.imei, outcome.reasons
        if entry.told:
            entry.misses, entry.probe_at = 0, None
        else:
            entry.probe_at = now + (
                PROBE_AGAIN[entry.misses] if entry.misses < len(PROBE_AGAIN) else PROBE_SELDOM
            )
            entry.misses += 1
        return self._assign(now)

    def reported(self, uplink: str, imei: str, now: float) -> list[Effect]:
        """The modem of an uplink says who it is."""
        seat = self._seats.get(uplink)
        if seat is None or seat.attached is None:
            return []
        entry = self._entries.get(seat.device or "")
        if entry is not None:
            entry.imei = imei
            if seat.uplink.imei not in (None, imei):
                return [self._leave(seat, now), *self._assign(now)]
        seat.imei = imei
        return []

    def tick(self, now: float) -> list[Effect]:
        return self._assign(now)

    def next_wake(self, now: float) -> float | None:
        """When `tick` has something to do."""
        vacant = [seat for seat in self._seats.values() if seat.attached is None]
        if not vacant:
            return None
        moments = [entry.probe_at for entry in self._free() if not entry.probing and self._interests(entry)]
        moments += [
            seat.vacant_since + REMEMBERED
            for seat in vacant
            if seat.imei is not None and not seat.uplink.imei
        ]
        return min((moment for moment in moments if moment is not None and moment > now), default=None)

    def device_of(self, uplink: str) -> Device | None:
        """The device of the modem that serves the uplink, as it is now."""
        seat = self._seats.get(uplink)
        entry = self._entries.get(seat.device or "") if seat is not None else None
        return entry.device if entry is not None else None

    def state(self, uplink: str) -> str | None:
        """Why the uplink has no modem, for people; None when it has one, or names but a network device."""
        seat = self._seats.get(uplink)
        if seat is None or seat.attached is not None:
            return None
        mine = [entry for entry in self._free() if self._suits(seat, entry)]
        if any(entry.probing for entry in mine):
            return "looking for the AT port"
        silent = next((entry for entry in mine if not entry.told), None)
        return _no_answer(silent) if silent is not None else self._missing(seat)

    def _missing(self, seat: _Seat) -> str | None:
        uplink = seat.uplink
        if uplink.imei is not None:
            return f"no modem with IMEI {uplink.imei}"
        if uplink.usb is not None:
            return f"no modem at USB {uplink.usb}" + (
                ": it serves another uplink" if uplink.usb in self._entries else ""
            )
        if uplink.tty is not None:
            return f"no tty: {uplink.tty} is not there"
        if uplink.device is not None or uplink.network is not None:
            return None
        return "no modem left" if self._entries else "no modem"

    # Coming and going

    def _gone(self, entry: _Entry, now: float) -> list[Effect]:
        effects: list[Effect] = [CancelProbe(entry.device.name)] if entry.probing else []
        seats = [seat for seat in self._seats.values() if seat.device == entry.device.name]
        return effects + [self._leave(seat, now) for seat in seats]

    def _grown(self, entry: _Entry, now: float) -> list[Effect]:
        """Further ports have come, as drivers bind one by one: the AT port may be among them."""
        if entry.told:
            return []
        stale: list[Effect] = [CancelProbe(entry.device.name)] if entry.probing else []
        entry.probing, entry.misses, entry.probe_at = False, 0, now
        return stale

    def _leave(self, seat: _Seat, now: float) -> Detach:
        seat.attached = None
        seat.vacant_since = now
        return Detach(seat.uplink.name)

    def _came(self) -> list[Effect]:
        """Paths that nothing was known of have become ports of a device, through a link."""
        effects: list[Effect] = []
        for seat in self._seats.values():
            entry = self._holder(seat)
            if seat.attached is not None and seat.device is None and entry is not None:
                seat.attached = replace(seat.attached, device=entry.device.name)
                effects.append(Poke(seat.uplink.name))
        return effects

    # Who gets which

    def _assign(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for choose in (self._known, self._placed, self._any):
            for seat in self._seats.values():
                found = choose(seat, now) if seat.attached is None else None
                if found is not None:
                    seat.attached = found
                    effects.append(found)
        for entry in self._free():
            due = not entry.probing and entry.probe_at is not None and now >= entry.probe_at
            if due and self._interests(entry):
                entry.probing = True
                effects.append(Probe(entry.device, probed(entry.device)))
        return effects

    def _known(self, seat: _Seat, now: float) -> Attach | None:
        """The modem that the uplink names, or had."""
        for entry in self._free():
            same = entry.imei is not None and entry.imei == seat.wanted
            if same and entry.port is not None and seat.uplink.usb in (None, entry.device.name):
                return Attach(seat.uplink.name, entry.port, entry.device.name)
        return None

    def _placed(self, seat: _Seat, now: float) -> Attach | None:
        """The modem in the place that the uplink names."""
        uplink = seat.uplink
        if uplink.imei is not None and uplink.usb is not None:
            return None
        if uplink.usb is not None:
            there = self._entries.get(uplink.usb)
            free = there is not None and there in self._free()
            return Attach(uplink.name, there.port, uplink.usb) if free and there and there.port else None
        if uplink.tty is None:
            return None
        holder = self._holder(seat)
        if holder is None:
            # A far end, a pseudo-terminal, a port of the board: nothing to find out, and none goes elsewhere.
            plugged = seat.tty is not None and PLUGGED.match(seat.tty)
            return None if plugged else Attach(uplink.name, uplink.tty, None)
        # Somebody may be asking its ports who it is: two at one port would read each other's answers.
        if holder.probing:
            return None
        if holder in self._free() and (seat.settles(now) or (holder.told and uplink.imei is None)):
            return Attach(uplink.name, uplink.tty, holder.device.name)
        return None

    def _any(self, seat: _Seat, now: float) -> Attach | None:
        uplink = seat.uplink
        if uplink.usb is not None or uplink.tty is not None or not seat.settles(now):
            return None
        beside = self._beside(seat)
        if beside is not None:
            free = beside.port is not None and beside in self._free()
            return Attach(uplink.name, beside.port, beside.device.name) if free and beside.port else None
        for entry in self._free():
            if self._claimed(entry, seat) or not looks_like_modem(entry.device):
                continue
            if entry.port is not None:
                return Attach(uplink.name, entry.port, entry.device.name)
            if entry.probing or not entry.misses:
                # In the order of places, whichever answers first.
                return None
        return None

    def _claimed(self, entry: _Entry, but: _Seat) -> bool:
        """Whether another uplink without a modem names this one, or had it."""
        for seat in self._seats.values():
            if seat is but or seat.attached is not None:
                continue
            if seat.uplink.usb == entry.device.name or entry in (self._holder(seat), self._beside(seat)):
                return True
            if entry.imei is not None and entry.imei == seat.wanted:
                return True
        return False

    def _interests(self, entry: _Entry) -> bool:
        """Whether an uplink without a modem wants to know whose modem this is."""
        return any(seat.attached is None and self._suits(seat, entry) for seat in self._seats.values())

    def _suits(self, seat: _Seat, entry: _Entry) -> bool:
        """Whether the device may be the uplink's, as far as is known."""
        uplink = seat.uplink
        if uplink.usb is not None:
            return uplink.usb == entry.device.name
        if uplink.tty is not None and self._holder(seat) is entry:
            return True
        if uplink.tty is not None and seat.wanted is None:
            return False
        if uplink.imei is not None and entry.imei not in (None, uplink.imei):
            return False
        beside = self._beside(seat)
        if beside is not None and uplink.imei is None and seat.imei is None:
            return entry is beside
        return looks_like_modem(entry.device)

    def _holder(self, seat: _Seat) -> _Entry | None:
        """The device that has the port which the uplink's tty is."""
        for entry in self._entries.values() if seat.tty is not None else ():
            if entry.device.has(seat.tty):
                return entry
        return None

    def _beside(self, seat: _Seat) -> _Entry | None:
        """The device that has the uplink's network device too."""
        for entry in self._entries.values() if seat.uplink.device is not None else ():
            if seat.uplink.device in entry.device.networks:
                return entry
        return None

    def _free(self) -> list[_Entry]:
        taken = {seat.device for seat in self._seats.values()}
        return [entry for name, entry in self._entries.items() if name not in taken]


def _base(tty: str | None) -> str | None:
    return tty.rpartition("/")[2] if tty is not None else None


def _enumerated_anew(old: Device, new: Device) -> bool:
    # A device that brings up its interfaces one by one stays what it is.
    if (old.number, old.vendor, old.product) != (new.number, new.vendor, new.product):
        return True
    return any(not new.has(port.name) for port in old.ports)


def _names_the_same(one: Uplink, other: Uplink) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("device", "network", "tty", "usb", "imei", "modem", "bid")
    )


def _no_answer(entry: _Entry) -> str:
    reasons = "; ".join(f"{name}: {why}" for name, why in entry.reasons.items())
    return f"no AT port at {entry.device.bus} {entry.device.name}" + (f" ({reasons})" if reasons else "")
