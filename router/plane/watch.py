"""Notices what others do to that which is ours: devices, routes, rules, addresses, the nftables table.

The kernel says who caused an event: our own netlink sockets by their port, our
own nft by its process.  Routes that vanish with a device or an address are not
told of at all, so these events count too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable, Iterator

from router import netlink as nl
from router.attributes import attributes
from router.netlink import Netlink, fibmsg, ifaddrmsg, parse, rtmsg
from router.plane import link, messages
from router.plane.event_filter import skip_own_events
from router.plane.network import Network
from router.plane.nft import Nft
from router.plane.words import OPEN_SET

__all__ = ["PlaneWatch"]

_log = logging.getLogger("roamd.plane")
_GROUPS = nl.GROUP_LINK | nl.GROUP_IPV4_IFADDR | nl.GROUP_IPV4_ROUTE | nl.GROUP_IPV4_RULE
_IFF_UP = 0x1
_NETLINK_NETFILTER, _ADD_MEMBERSHIP, _SOL_NETLINK, _GROUP_NFTABLES = 12, 1, 270, 7
_SUBSYSTEM_NFTABLES, _NEW_GENERATION = 10, 15
_HEADER, _GENERIC = struct.Struct("=IHHII"), 4
_NAME, _PROCESS, _SET = 1, 2, 2
_ELEMENTS = (12, 14)
"""Kinds of messages that tell of elements put and taken away."""
_TABLE = b"roamd\0"
_RECEIVE = 1 << 18
# struct ifinfomsg of <linux/rtnetlink.h>.
_IFINFOMSG, _FLAGS, _IFNAME = 16, 8, 3


class PlaneWatch:
    """Calls `disturbed()` when what is ours has to be looked at again; `network` and `nft` know by then."""

    def __init__(
        self, network: Network, nft: Nft, owns: Callable[[str], bool], disturbed: Callable[[], None]
    ) -> None:
        self._network, self._nft = network, nft
        self._owns = owns
        self._disturbed = disturbed
        self._events = Netlink(_GROUPS)
        skip_own_events(self._events.socket, network.port)
        self._tables = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_NETFILTER
        )
        self._tables.bind((0, 0))
        self._tables.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTABLES)
        self._touched = False
        self.counters = {"plane_disturbed": 0, "plane_overruns": 0, "plane_foreign": 0}
        loop = asyncio.get_running_loop()
        loop.add_reader(self._events.socket, self._routing)
        loop.add_reader(self._tables, self._ruleset)

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in (self._events.socket, self._tables):
            loop.remove_reader(sock)
            sock.close()

    def drain(self) -> None:
        """Take in what our own changes have brought about, before there is more of it than fits."""
        self._routing()
        self._ruleset()

    def _routing(self) -> None:
        try:
            found = self._events.raw_events()
        except OSError as error:
            self._overrun(error)
            self._network.stale = True
            self._disturbed()
            return
        self.counters["plane_foreign"] = self._events.foreign_messages
        disturbing = [what for kind, octets in found if (what := self._what(kind, octets))]
        if disturbing:
            self._network.stale = True
            self._tell(disturbing[0])

    def _what(self, kind: int, octets: bytes) -> str | None:
        """What of ours somebody else has changed."""
        if kind in (nl.RTM_NEWLINK, nl.RTM_DELLINK):
            return self._device(kind, octets)
        *_, port = _HEADER.unpack_from(octets)
        message = parse(kind, octets) if port != self._network.port else None
        if isinstance(message, ifaddrmsg):
            return "address" if kind == nl.RTM_DELADDR and messages.owned(message) else None
        if not isinstance(message, rtmsg | fibmsg):
            return None
        ours = messages.is_ours(message) and self._network.has_place_for(message)
        return ("route" if isinstance(message, rtmsg) else "rule") if ours else None

    def _device(self, kind: int, octets: bytes) -> str | None:
        """Its routes go without a word when a device goes, or goes down."""
        (flags,) = struct.unpack_from("=I", octets, _HEADER.size + _FLAGS)
        if kind == nl.RTM_NEWLINK and flags & _IFF_UP:
            return None
        found = dict(attributes(octets[_HEADER.size + _IFINFOMSG :]))
        name = found.get(_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
        if not (self._owns(name) or self._network.uses(name)):
            return None
        # Our own changes are told of late: only what is still so counts.
        return f"device {name}" if not link.is_up(name) else None

    def _ruleset(self) -> None:
        while True:
            try:
                data, (port, _) = self._tables.recvfrom(_RECEIVE)
            except BlockingIOError:
                return
            except OSError as error:
                self._overrun(error)
                self._nft.forget()
                self._disturbed()
                return
            if port:
                self.counters["plane_foreign"] += 1
                continue
            for kind, body in _messages(data):
                self._transaction(kind, body)

    def _transaction(self, kind: int, body: bytes) -> None:
        """All messages of a transaction come before the one that says whose it was."""
        if kind >> 8 != _SUBSYSTEM_NFTABLES:
            return
        if kind & 0xFF != _NEW_GENERATION:
            self._touched = self._touched or _is_ours(kind & 0xFF, dict(attributes(body)))
            return
        touched, self._touched = self._touched, False
        process = int.from_bytes(dict(attributes(body)).get(_PROCESS, b""), "big")
        if touched and not self._nft.is_ours(process):
            self._nft.forget()
            self._tell("nftables table")

    def _tell(self, what: str) -> None:
        self.counters["plane_disturbed"] += 1
        _log.warning("somebody changed our %s: mending it", what)
        self._disturbed()

    def _overrun(self, error: OSError) -> None:
        self.counters["plane_overruns"] += 1
        _log.warning("netlink events lost (%s): reading everything anew", os.strerror(error.errno or 0))


def _is_ours(kind: int, found: dict[int, bytes]) -> bool:
    """Elements of a set that is there for others to fill are theirs."""
    theirs = kind in _ELEMENTS and found.get(_SET, b"").startswith(OPEN_SET.encode())
    return found.get(_NAME) == _TABLE and not theirs


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        yield kind, data[offset + _HEADER.size + _GENERIC : offset + length]
        offset += (length + 3) & ~3
