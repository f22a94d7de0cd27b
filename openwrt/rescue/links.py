"""Links with their addresses, and routes, by netlink through MicroPython's `socket`.  Decides nothing."""

import socket
import struct
import sys

from openwrt.rescue import netlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AF_NETLINK = 16
_LARGEST = 8192
_PATIENCE = 2
_NATIVE = "<H" if sys.byteorder == "little" else ">H"


def look() -> "tuple[list[dict[str, Any]], list[dict[str, Any]]]":
    """Links (index, name, up, carrier, mtu, addresses) and routes (to, gateway, device, metric, table, protocol)."""
    links = dump(netlink.LINKS)
    named = {}
    for link in links:
        link["addresses"] = []
        named[link["index"]] = link
    for address in dump(netlink.ADDRESSES):
        if address["index"] in named:
            text = "%s/%d" % (address["address"], address["prefix_length"])
            named[address["index"]]["addresses"].append(text)
    routes = dump(netlink.ROUTES)
    for route in routes:
        index = route.pop("index")
        route["device"] = named[index]["name"] if index in named else None
    return links, routes


def dump(what: int) -> "list[dict[str, Any]]":
    """One of `netlink`'s dumps.  Raises OSError."""
    line = socket.socket(_AF_NETLINK, socket.SOCK_RAW, 0)
    try:
        # MicroPython takes addresses as the kernel's octets.
        line.bind(struct.pack(_NATIVE, _AF_NETLINK) + bytes(10))
        line.settimeout(_PATIENCE)
        line.send(netlink.request(what))
        found, last = [], False
        while not last:
            some, last = netlink.read(what, line.recv(_LARGEST))
            found += some
        return found
    finally:
        line.close()
