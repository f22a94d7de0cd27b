"""Tunnels in the kernel: `ipip` devices (RFC 2003), those in UDP (RFC 3519) included, and `gre` ones (RFC 2784)."""

from __future__ import annotations

import errno
import logging
import os
import socket
import struct
from collections.abc import Collection, Iterable, Sequence
from ipaddress import IPv4Address
from typing import NamedTuple

from router import netlink as nl
from router.attributes import attributes
from router.netlink import Netlink, NetlinkError, Request
from router.plane import link
from router.plane.fou import FouListener
from router.plane.model import Encapsulation, Tunnel
from router.plane.sysctl import read_sysctl, write_sysctl
from router.plane.tunnel_messages import (
    OWNER,
    change,
    creation,
    group_removal,
    kind_of,
    move,
    preparation,
    removal,
    rise,
)

__all__ = ["KernelTunnels"]

_log = logging.getLogger("roamd.plane")
_PROBES: tuple[tuple[Encapsulation, str], ...] = (("ipip", "kmod-ipip"), ("gre", "kmod-gre"))
_ENDS = (IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2"))
_NEW = nl.NLM_F_CREATE | nl.NLM_F_EXCL
_GONE = (errno.ENODEV, errno.ESRCH)
_IPV6_LEAST_MTU = 1280
_LOOSE, _OFF = 2, 0
_MANY = 8
_FIRST_INDEX, _LAST_INDEX = 1 << 20, 1 << 30
"""Of the devices we make: who chooses need not ask for it, nor go by a name that may be somebody else's.

The kernel's own choice counts from 1.
"""
_GOING = 0x726F616D
"""The group of devices that are about to go: `roam`, a number that nobody else will think of."""


class _Device(NamedTuple):
    ifindex: int
    kind: str
    tunnel: Tunnel | None
    """What it is known to be; an adopted one is not known."""


class KernelTunnels:
    """The tunnel devices roamd made: those of this run, and those a killed predecessor left.

    Ours carry the alias `roamd`; one of a predecessor that is wanted again is
    changed in place and its packets go on.
    """

    def __init__(self) -> None:
        self._netlink = Netlink()
        self._devices: dict[str, _Device] = {}
        self._next = _FIRST_INDEX
        self._fou: FouListener | None = None
        self.kinds: frozenset[Encapsulation] = frozenset()
        """The encapsulations that this kernel has."""
        self.lacking: dict[Encapsulation, str] = {}
        """The others, and which package brings each."""
        self.remotes: dict[str, IPv4Address] = {}
        """Where the tunnels of a predecessor lead, by device."""

    async def start(self, fou_port: int) -> None:
        """Try what this kernel can, and listen for tunnels in UDP.  Raises PlaneError when that port is taken."""
        kinds: list[Encapsulation] = []
        for encapsulation, package in _PROBES:
            if self._makes(encapsulation):
                kinds.append(encapsulation)
            else:
                self.lacking[encapsulation] = package
        if "ipip" in kinds:
            self._fou = await FouListener.open(fou_port)
        if self._fou is not None:
            kinds.append("udp")
        else:
            self.lacking["udp"] = "kmod-fou"
        self.kinds = frozenset(kinds)
        for encapsulation, package in self.lacking.items():
            _log.info("the kernel makes no %s tunnels: install %s", encapsulation, package)

    def adopt(self) -> None:
        """Find the devices a predecessor left; those that no `put` names go with the next `drop`."""
        for octets in self._netlink.dump_octets(_ANY, nl.RTM_GETLINK):
            found = _found(octets)
            if found is not None:
                name, device, remote = found
                self._devices[name] = device
                self._next = max(self._next, device.ifindex + 1)
                if remote is not None:
                    self.remotes[name] = remote

    def index(self, name: str) -> int:
        """The interface index of a device of ours, as it was made; 0 for any other."""
        device = self._devices.get(name)
        return device.ifindex if device is not None else 0

    def put(self, tunnels: Iterable[Tunnel]) -> dict[str, str]:
        """Create the devices and take them up, or change them in place.  What was amiss, by device."""
        amiss: dict[str, str] = {}
        new: dict[str, Tunnel] = {}
        for tunnel in tunnels:
            if tunnel.link in new:
                # It leaves by one that must be there first.
                amiss |= self._create(new.values())
                new.clear()
            if tunnel.device in self._devices:
                amiss |= self._put_known(tunnel)
            else:
                new[tunnel.device] = tunnel
        return amiss | self._create(new.values())

    def _put_known(self, tunnel: Tunnel) -> dict[str, str]:
        name, device = tunnel.device, self._known(tunnel.device)
        if device is not None and device.kind != kind_of(tunnel):
            self.drop(name)
            device = None
        if device is None:
            self._devices.pop(name, None)
            return self._create([tunnel])
        if device.tunnel == tunnel and link.is_ready(name, tunnel.mtu):
            return {}
        try:
            self._change(tunnel, device)
        except NetlinkError as error:
            self._devices[name] = device._replace(tunnel=None)
            return {name: self._reason(tunnel, error.errno, error.strerror)}
        return {}

    def _reason(self, tunnel: Tunnel, code: int | None, text: str | None = None) -> str:
        if code == errno.EOPNOTSUPP and tunnel.encapsulation in self.lacking:
            return f"install {self.lacking[tunnel.encapsulation]}"
        return text or os.strerror(code or 0)

    def drop(self, name: str) -> None:
        """Remove the device if it is ours and still there."""
        device = self._known(name)
        self._devices.pop(name, None)
        if device is None:
            return
        try:
            self._netlink.batch([(removal(device.ifindex), nl.RTM_DELLINK, 0)])
        except NetlinkError as error:
            if error.errno not in _GONE:
                _log.warning("removing tunnel device %s: %s", name, error.strerror)

    def drop_all(self, names: Collection[str]) -> None:
        """Remove these together: the kernel then waits once, and not for each."""
        if len(names) >= _MANY:
            known = [device for name in names if (device := self._known(name)) is not None]
            moves = [(move(device.ifindex, _GOING), nl.RTM_SETLINK, 0) for device in known]
            try:
                self._netlink.batch(moves)
                self._netlink.batch([(group_removal(_GOING), nl.RTM_DELLINK, 0)])
            except NetlinkError as error:
                _log.warning("removing tunnel devices together: %s", error.strerror)
        for name in names:
            self.drop(name)

    def close(self) -> None:
        self.drop_all(self.names())
        if self._fou is not None:
            self._fou.close()
        self._netlink.close()

    def names(self) -> set[str]:
        return set(self._devices)

    def _makes(self, encapsulation: Encapsulation) -> bool:
        """Tried with a device that is removed at once."""
        probe = Tunnel("roamprobe", *_ENDS, encapsulation)
        try:
            self._netlink.batch([(creation(probe, 0), nl.RTM_NEWLINK, _NEW)])
        except NetlinkError as error:
            return error.errno == errno.EEXIST
        self._netlink.batch([(removal(link.index(probe.device)), nl.RTM_DELLINK, 0)])
        return True

    def _known(self, name: str) -> _Device | None:
        """The device, if it is ours and has not been replaced by somebody."""
        device = self._devices.get(name)
        return device if device is not None and device.ifindex == link.index(name) else None

    def _create(self, tunnels: Collection[Tunnel]) -> dict[str, str]:
        """Make devices that are not there yet.  What was amiss, by device."""
        if not tunnels:
            return {}
        amiss = self._make(tunnels)
        made = {tunnel: self._devices[tunnel.device] for tunnel in tunnels if tunnel.device not in amiss}
        rp_filter = _rp_filter()
        amiss |= self._set([
            (tunnel, preparation(device.ifindex, rp_filter)) for tunnel, device in made.items()
        ])  # fmt: skip
        for tunnel in made:
            # GRE carries any protocol: none but IPv4 shall come out of it.  And in all
            # of them, each route of IPv6's makes the next device slower to go up.
            if tunnel.mtu >= _IPV6_LEAST_MTU:
                write_sysctl(f"net/ipv6/conf/{tunnel.device}/disable_ipv6", "1")
        ready = [(tunnel, rise(made[tunnel].ifindex)) for tunnel in made if tunnel.device not in amiss]
        amiss |= self._set(ready)
        for tunnel in made:
            if tunnel.device in amiss:
                self.drop(tunnel.device)
        return amiss

    def _set(self, messages: Sequence[tuple[Tunnel, bytes]]) -> dict[str, str]:
        refused = self._netlink.attempt([(body, nl.RTM_SETLINK, 0) for _, body in messages])
        return {
            messages[place][0].device: self._reason(messages[place][0], code)
            for place, code in refused.items()
        }

    def _make(self, tunnels: Iterable[Tunnel]) -> dict[str, str]:
        """Devices that are still down, each with an index of our choice, and known by it."""
        amiss: dict[str, str] = {}
        sent: list[Tunnel] = []
        requests: list[Request] = []
        if self._next > _LAST_INDEX:
            self._next = _FIRST_INDEX
        first = self._next
        for tunnel in tunnels:
            try:
                body = creation(tunnel, _index(tunnel.link), first + len(sent))
            except NetlinkError as error:
                amiss[tunnel.device] = str(error.strerror)
                continue
            sent.append(tunnel)
            requests.append((body, nl.RTM_NEWLINK, _NEW))
        self._next += len(sent)
        refused = self._netlink.attempt(requests)
        for place, tunnel in enumerate(sent):
            name, kind = tunnel.device, kind_of(tunnel)
            if place not in refused:
                self._devices[name] = _Device(first + place, kind, tunnel)
            elif refused[place] != errno.EEXIST:
                amiss[name] = self._reason(tunnel, refused[place])
            elif link.index(name):
                amiss[name] = "a device of this name is there, and is not ours"
            else:
                # It is the index that somebody else has.
                try:
                    self._netlink.batch([(creation(tunnel, _index(tunnel.link)), nl.RTM_NEWLINK, _NEW)])
                    self._devices[name] = _Device(link.index(name), kind, tunnel)
                except NetlinkError as error:
                    amiss[name] = self._reason(tunnel, error.errno, error.strerror)
        return amiss

    def _change(self, tunnel: Tunnel, device: _Device) -> None:
        message = change(tunnel, _index(tunnel.link), device.ifindex, _rp_filter())
        self._netlink.batch([(message, nl.RTM_NEWLINK, 0)])
        before, self._devices[tunnel.device] = device.tunnel, device._replace(tunnel=tunnel)
        if tunnel.mtu >= _IPV6_LEAST_MTU and (before is None or before.mtu < _IPV6_LEAST_MTU):
            # Too thin for IPv6 it had none; the kernel has just given it some.
            write_sysctl(f"net/ipv6/conf/{tunnel.device}/disable_ipv6", "1")


_LINK = struct.Struct("=BxHiII")
_ANY = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
_IFNAME, _LINKINFO, _IFALIAS, _KIND, _DATA = 3, 18, 20, 1, 2
_REMOTE = {"ipip": 3, "gre": 7}


def _found(octets: bytes) -> tuple[str, _Device, IPv4Address | None] | None:
    """Name, device and far end, where an RTM_NEWLINK tells of a tunnel device of ours."""
    found = dict(attributes(octets[_LINK.size :]))
    if _text(found.get(_IFALIAS)) != OWNER:
        return None
    info = dict(attributes(found.get(_LINKINFO, b"")))
    kind = _text(info.get(_KIND))
    if kind not in _REMOTE:
        return None
    remote = dict(attributes(info.get(_DATA, b""))).get(_REMOTE[kind])
    device = _Device(_LINK.unpack_from(octets)[2], kind, None)
    return _text(found.get(_IFNAME)), device, IPv4Address(remote) if remote is not None else None


def _text(value: bytes | None) -> str:
    return (value or b"").rstrip(b"\0").decode(errors="replace")


def _index(device: str) -> int:
    """Raises NetlinkError when a device to leave by is wanted and is not there."""
    index = link.index(device) if device else 0
    if device and not index:
        raise NetlinkError(errno.ENODEV, f"no device {device} to leave by")
    return index


def _rp_filter() -> int:
    """An answer may come through another tunnel than the question left by.

    The kernel takes the stricter of "all" and the device, where loose counts as
    the laxer one: it is the way out when "all" is strict.
    """
    return _LOOSE if read_sysctl("net/ipv4/conf/all/rp_filter") not in ("0", None) else _OFF
