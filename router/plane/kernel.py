"""Tunnels in the kernel: `ipip` devices (RFC 2003)."""

from __future__ import annotations

import errno
import logging
from ipaddress import IPv4Address
from typing import Any

from router import netlink as nl
from router.netlink import Netlink, NetlinkError, ifinfmsg
from router.plane import link
from router.plane.errors import PlaneError
from router.plane.model import Tunnel

__all__ = ["KernelTunnels"]

_log = logging.getLogger("roamd.plane")
_PROBE = Tunnel("roamprobe", IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2"), "ipip")
_KIND = "ipip"
_OWNER = "roamd"
_TTL = 64


class KernelTunnels:
    """The `ipip` devices roamd made: those of this run, and those a killed predecessor left.

    Ours carry the alias `roamd`; one of a predecessor that is wanted again is
    changed in place and its packets go on.
    """

    def __init__(self) -> None:
        self._netlink = Netlink()
        self._indexes: dict[str, int] = {}
        """The devices that are ours, by name."""
        self._tunnels: dict[str, Tunnel] = {}
        """What they are known to be; an adopted one is not known."""

    @staticmethod
    def available() -> bool:
        """Whether this kernel makes ipip devices: tried with one that is removed at once."""
        kernel = KernelTunnels()
        try:
            kernel.put(_PROBE)
        except PlaneError as error:
            _log.info("tunnels go through user space: %s", error)
            return False
        finally:
            kernel.drop(_PROBE.device)
            kernel.close()
        return True

    def adopt(self) -> None:
        """Find the devices a predecessor left; those that no `put` names go with the next `drop`."""
        for message in self._netlink.dump(ifinfmsg(), nl.RTM_GETLINK):
            if message.get_attr("IFLA_IFALIAS") == _OWNER and _kind(message) == _KIND:
                self._indexes[message.get_attr("IFLA_IFNAME")] = message["index"]

    def put(self, tunnel: Tunnel) -> None:
        """Create the device, or change it in place.  Raises PlaneError."""
        name = tunnel.device
        index = link.index(name)
        known = bool(index) and self._indexes.get(name) == index
        if known and self._tunnels.get(name) == tunnel:
            return
        try:
            if known:
                self._netlink.request(_request(tunnel, index), nl.RTM_NEWLINK)
            else:
                self._netlink.request(_request(tunnel), nl.RTM_NEWLINK, nl.NLM_F_CREATE | nl.NLM_F_EXCL)
                self._indexes[name] = link.index(name)
                self._netlink.request(_alias(self._indexes[name]), nl.RTM_SETLINK)
        except NetlinkError as error:
            self._tunnels.pop(name, None)
            missing = error.errno == errno.EOPNOTSUPP
            reason = "this kernel makes no ipip devices: install kmod-ipip" if missing else error.strerror
            raise PlaneError(f"tunnel device {name}: {reason}") from None
        self._tunnels[name] = tunnel

    def drop(self, name: str) -> None:
        """Remove the device if it is ours and still there."""
        self._tunnels.pop(name, None)
        index = self._indexes.pop(name, 0)
        if not index or link.index(name) != index:
            return
        message = ifinfmsg()
        message["index"] = index
        try:
            self._netlink.request(message, nl.RTM_DELLINK)
        except NetlinkError as error:
            _log.warning("removing tunnel device %s: %s", name, error.strerror)

    def close(self) -> None:
        for name in self.names():
            self.drop(name)
        self._netlink.close()

    def names(self) -> set[str]:
        return set(self._indexes)


def _request(tunnel: Tunnel, index: int = 0) -> Any:
    """Attributes of an ipip device; with an index, of the one to change."""
    message = ifinfmsg()
    message["index"] = index
    data = [
        ["IFLA_IPIP_LOCAL", str(tunnel.local)],
        ["IFLA_IPIP_REMOTE", str(tunnel.remote)],
        ["IFLA_IPIP_TTL", _TTL],
        # The outer header then has DF when the inner one has (RFC 2003 section
        # 3.1), and the uplink may fragment the rest.
        ["IFLA_IPIP_PMTUDISC", 0],
        ["IFLA_IPIP_LINK", link.index(tunnel.link) if tunnel.link else 0],
    ]
    message["attrs"] = [
        ["IFLA_IFNAME", tunnel.device],
        ["IFLA_LINKINFO", {"attrs": [["IFLA_INFO_KIND", _KIND], ["IFLA_INFO_DATA", {"attrs": data}]]}],
    ]
    return message


def _alias(index: int) -> Any:
    message = ifinfmsg()
    message["index"] = index
    message["attrs"] = [["IFLA_IFALIAS", _OWNER]]
    return message


def _kind(message: Any) -> str | None:
    info = message.get_attr("IFLA_LINKINFO")
    kind: str | None = info.get_attr("IFLA_INFO_KIND") if info is not None else None
    return kind
