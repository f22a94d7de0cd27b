"""Gives a modem's network device what the network has given the data session, and takes it back."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from router import netlink as nl
from router.netlink import Netlink, NetlinkError, ifaddrmsg, ifinfmsg, rtmsg

__all__ = ["SessionLink", "plan"]

_log = logging.getLogger("roamd.uplink")
_IFF_UP, _IFF_NOARP, _IFF_POINTOPOINT = 0x1, 0x80, 0x10
_MAIN, _STATIC, _UNICAST, _LINK, _UNIVERSE = 254, 4, 1, 253, 0
_ONLINK = 4
_METRIC = 7400


class SessionLink:
    """One network device.  All methods are quick and raise OSError where the kernel refuses."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._given: tuple[IPv4Address, int] | None = None

    def bring_up(self, mtu: int | None) -> None:
        """So that a DHCP client may ask over it."""
        with contextlib.closing(Netlink()) as netlink:
            _bring_up(netlink, _index(self.device), mtu)

    def configure(self, wanted: Mapping[str, Any], metric: int = 0) -> None:
        """`wanted` as of the ("configure", ...) effect; `metric` tells the default routes of several modems apart."""
        self.clear()
        index = _index(self.device)
        with contextlib.closing(Netlink()) as netlink:
            flags = _flags(netlink, index)
            address, length, gateway = plan(wanted, bool(flags & (_IFF_NOARP | _IFF_POINTOPOINT)))
            _bring_up(netlink, index, wanted.get("mtu"))
            netlink.request(
                _address(index, address, length), nl.RTM_NEWADDR, nl.NLM_F_CREATE | nl.NLM_F_REPLACE
            )
            self._given = address, length
            netlink.request(
                _default(index, gateway, _METRIC + metric),
                nl.RTM_NEWROUTE,
                nl.NLM_F_CREATE | nl.NLM_F_REPLACE,
            )
        _log.info("device %s: %s/%d%s", self.device, address, length, f" by {gateway}" if gateway else "")

    def clear(self) -> None:
        """Take the address back; the kernel drops the routes over it."""
        given, self._given = self._given, None
        if given is None:
            return
        try:
            index = _index(self.device)
            with contextlib.closing(Netlink()) as netlink:
                netlink.request(_address(index, *given), nl.RTM_DELADDR)
        except OSError as error:
            # Gone with its modem.
            if error.errno not in (errno.ENODEV, errno.ENXIO, errno.EADDRNOTAVAIL):
                raise


def plan(wanted: Mapping[str, Any], alone: bool) -> tuple[IPv4Address, int, IPv4Address | None]:
    """(address, prefix length, gateway or None) for the device; `alone` where it is a link without neighbours.

    A network often tells neither mask nor gateway.  Modems behind a device that looks like Ethernet answer ARP for any
    address, so that the other address of a /31 will do.
    """
    address = IPv4Address(wanted["address"])
    length = wanted.get("prefix_length") or 32
    if alone:
        return address, 32, None
    gateway = IPv4Address(wanted["gateway"]) if wanted.get("gateway") else None
    if gateway is None or gateway == address:
        return address, min(length, 31), IPv4Address(int(address) ^ 1)
    return address, length, gateway


def _index(device: str) -> int:
    try:
        return socket.if_nametoindex(device)
    except OSError as error:
        # It comes without its number.
        raise NetlinkError(errno.ENODEV, str(error)) from None


def _flags(netlink: Netlink, index: int) -> int:
    found = [item for item in netlink.dump(ifinfmsg(), nl.RTM_GETLINK) if item["index"] == index]
    if not found:
        raise NetlinkError(errno.ENODEV, "No such device")
    return int(found[0]["flags"])


def _bring_up(netlink: Netlink, index: int, mtu: Any) -> None:
    message = ifinfmsg()
    message["index"], message["flags"], message["change"] = index, _IFF_UP, _IFF_UP
    if isinstance(mtu, int):
        message["attrs"] = [("IFLA_MTU", mtu)]
    netlink.request(message, nl.RTM_SETLINK)


def _address(index: int, address: IPv4Address, length: int) -> Any:
    message = ifaddrmsg()
    message["family"], message["index"], message["prefixlen"] = socket.AF_INET, index, length
    message["attrs"] = [("IFA_LOCAL", str(address)), ("IFA_ADDRESS", str(address))]
    return message


def _default(index: int, gateway: IPv4Address | None, metric: int) -> Any:
    message = rtmsg()
    message["family"], message["table"], message["proto"] = socket.AF_INET, _MAIN, _STATIC
    message["type"] = _UNICAST
    message["scope"] = _UNIVERSE if gateway is not None else _LINK
    attributes: list[tuple[str, Any]] = [("RTA_OIF", index), ("RTA_PRIORITY", metric)]
    if gateway is not None:
        message["flags"] = _ONLINK
        attributes.append(("RTA_GATEWAY", str(gateway)))
    message["attrs"] = attributes
    return message
