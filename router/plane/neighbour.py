"""The kernel's neighbour table on one link: whom to answer ARP for, and where visitors are.

Entries made here are taken back by `close()`.
"""

from __future__ import annotations

import errno
import logging
import socket
from ipaddress import IPv4Address
from typing import Any

from router import netlink as nl
from router.netlink import Netlink, ndmsg

__all__ = ["Neighbours"]

_log = logging.getLogger("roamd.plane")
_PERMANENT = 0x80
_PROXY = 0x08
_GONE = (errno.ENOENT, errno.ESRCH)


class Neighbours:
    """Raises OSError when there is no such device."""

    def __init__(self, device: str) -> None:
        self._index = socket.if_nametoindex(device)
        self._netlink = Netlink()
        self._proxied: set[IPv4Address] = set()
        self._placed: dict[IPv4Address, str] = {}

    def close(self) -> None:
        for address in list(self._proxied):
            self.proxy(address, False)
        for address in list(self._placed):
            self.place(address, None)
        self._netlink.close()

    def proxy(self, address: IPv4Address, on: bool) -> None:
        """Answer ARP for `address`, or stop (`ip neighbour add proxy`)."""
        if on is (address in self._proxied):
            return
        self._change(address, on, flags=_PROXY)
        (self._proxied.add if on else self._proxied.discard)(address)

    def place(self, address: IPv4Address, link_address: str | None) -> None:
        """`address` is at `link_address`, without ARP; None forgets it.

        Said again it is made again: the kernel forgets what was on a link that went down.
        """
        if link_address is None and address not in self._placed:
            return
        self._change(address, link_address is not None, state=_PERMANENT, link_address=link_address)
        if link_address is None:
            self._placed.pop(address, None)
        else:
            self._placed[address] = link_address

    def _change(
        self,
        address: IPv4Address,
        on: bool,
        *,
        flags: int = 0,
        state: int = 0,
        link_address: str | None = None,
    ) -> None:
        message: Any = ndmsg()
        message["family"], message["ifindex"] = socket.AF_INET, self._index
        message["flags"], message["state"] = flags, state
        message["attrs"] = [["NDA_DST", str(address)]]
        if link_address is not None:
            message["attrs"].append(["NDA_LLADDR", link_address])
        try:
            if on:
                self._netlink.request(message, nl.RTM_NEWNEIGH, nl.NLM_F_CREATE | nl.NLM_F_REPLACE)
            else:
                self._netlink.request(message, nl.RTM_DELNEIGH)
        except OSError as error:
            if on or error.errno not in _GONE:
                _log.warning("neighbour %s: %s", address, error.strerror)
