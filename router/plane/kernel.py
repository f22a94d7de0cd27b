"""Tunnels in the kernel: `ipip` devices (RFC 2003)."""

from __future__ import annotations

import errno
import logging
import socket
from ipaddress import IPv4Address
from typing import Any

from router import netlink as nl
from router.netlink import Netlink, NetlinkError, ifinfmsg
from router.plane.errors import PlaneError
from router.plane.model import Tunnel

__all__ = ["KernelTunnels"]

_log = logging.getLogger("roamd.plane")
_PROBE = "roamprobe"
_TTL = 64
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENODEV, errno.EPERM)
_STATISTICS = ("rx_bytes", "tx_bytes", "rx_packets", "tx_packets")


class KernelTunnels:
    """The `ipip` devices roamd made."""

    def __init__(self) -> None:
        self._netlink = Netlink()
        self._tunnels: dict[str, Tunnel] = {}

    @staticmethod
    def available() -> bool:
        """Whether this kernel makes ipip devices: tried with one that is removed at once."""
        kernel = KernelTunnels()
        nowhere = IPv4Address("127.0.0.1")
        try:
            kernel.put(Tunnel(_PROBE, nowhere, IPv4Address("127.0.0.2"), "ipip"))
        except PlaneError:
            return False
        finally:
            kernel.close()
        return True

    def put(self, tunnel: Tunnel) -> None:
        """Create the device, or change it in place.  Raises PlaneError."""
        if self._tunnels.get(tunnel.device) == tunnel:
            return
        exists = _exists(tunnel.device)
        flags = 0 if exists else nl.NLM_F_CREATE | nl.NLM_F_EXCL
        try:
            self._netlink.request(_link(tunnel), nl.RTM_NEWLINK, flags)
        except NetlinkError as error:
            hint = ": needs kmod-ipip" if error.errno in _UNSUPPORTED else ""
            raise PlaneError(f"tunnel device {tunnel.device}: {error.strerror}{hint}") from None
        self._tunnels[tunnel.device] = tunnel

    def drop(self, name: str) -> None:
        if self._tunnels.pop(name, None) is None or not _exists(name):
            return
        message = ifinfmsg()
        message["index"] = socket.if_nametoindex(name)
        try:
            self._netlink.request(message, nl.RTM_DELLINK)
        except NetlinkError as error:
            _log.warning("removing tunnel device %s: %s", name, error.strerror)

    def close(self) -> None:
        for name in list(self._tunnels):
            self.drop(name)
        self._netlink.close()

    def names(self) -> set[str]:
        return set(self._tunnels)

    def statistics(self) -> dict[str, dict[str, int]]:
        return {name: _statistics(name) for name in self._tunnels if _exists(name)}


def _link(tunnel: Tunnel) -> Any:
    message = ifinfmsg()
    if _exists(tunnel.device):
        message["index"] = socket.if_nametoindex(tunnel.device)
    data = [
        ["IFLA_IPIP_LOCAL", str(tunnel.local)],
        ["IFLA_IPIP_REMOTE", str(tunnel.remote)],
        ["IFLA_IPIP_TTL", _TTL],
        ["IFLA_IPIP_PMTUDISC", 1],
    ]
    message["attrs"] = [
        ["IFLA_IFNAME", tunnel.device],
        ["IFLA_LINKINFO", {"attrs": [["IFLA_INFO_KIND", "ipip"], ["IFLA_INFO_DATA", {"attrs": data}]]}],
    ]
    return message


def _exists(name: str) -> bool:
    return any(known == name for _, known in socket.if_nameindex())


def _statistics(name: str) -> dict[str, int]:
    values = {}
    for counter in (*_STATISTICS, "tx_dropped"):
        with open(f"/sys/class/net/{name}/statistics/{counter}") as file:
            values[counter] = int(file.read())
    return {**{key: values[key] for key in _STATISTICS}, "dropped": values["tx_dropped"]}
