"""Ways to the home agent, tried side by side.  Decides nothing."""

import select
import socket
import struct
import sys
import time

from modem.ports.micropython import Clock
from openwrt.rescue import netlink
from openwrt.rescue.links import dump
from openwrt.rescue.path import PathTest
from openwrt.rescue.registration import PORT, Association, packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from openwrt.rescue.uci import Section

    Facts = dict[str, Any]

_SO_BINDTODEVICE = 25
_IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE = 0, 10, 3
"""linux/in.h: never fragmented, whatever the kernel believes of the path."""
_ICMP = 1
_NATIVE = "<H" if sys.byteorder == "little" else ">H"
_REASONS = {1: "not allowed: root is needed", 90: "larger than this route takes", 19: "no such device", 99: "the address is not there", 101: "no route", 113: "no route to the home agent"}  # fmt: skip


def look(sections: "list[Section]", paths: "list[Facts]", dry: bool) -> "list[Facts]":
    """The paths with what came of each, or what would be sent.  Raises ValueError for a configuration that is wrong."""
    association = Association(sections)
    for path in paths:
        path["agent"], path["wanted"] = association.home_agent, association.wanted
        if dry:
            path["would"] = association.described(path["address"], time.time_ns())
    if not dry:
        _try(association, paths)
    return paths


def _try(association: Association, paths: "list[Facts]") -> None:
    ways = _ways(association, [(path["device"], path["address"], path["mtu"]) for path in paths])
    neighbours = dump(netlink.NEIGHBOURS)
    for path, way in zip(paths, ways):
        if isinstance(way, str):
            path["error"] = way
            continue
        test = way.test
        path["tried"], path["error"] = True, way.error or None
        path["echo"] = None if test.echo is None else round(test.echo * 1000)
        path["refused"], path["clock_off"] = test.refused, test.clock_off
        path["answer"], path["path_mtu"] = test.answer, test.path_mtu
        for neighbour in neighbours:
            if neighbour["address"] == path["gateway"]:
                path["neighbour"] = neighbour["state"]


class Way:
    """A path test and the sockets it goes by."""

    def __init__(
        self, association: "Association", device: str, address: str, mtu: int, number: int, now: float
    ) -> None:
        """Raises OSError."""
        self.test = PathTest(association, address, mtu, number, time.time_ns(), now)
        self.agent = packed(association.home_agent)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, _ICMP)
        self.error = ""
        for line in (self.udp, self.icmp):
            line.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, device.encode() + b"\0")
            line.bind(_place(packed(address), 0))
        self.icmp.setsockopt(_IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)

    def send(self, now: float) -> None:
        sized = [(self.icmp, data, 0) for data in self.test.sized_echoes(now)]
        for line, data, port in [
            (self.icmp, self.test.echo_request(now), 0),
            (self.udp, self.test.request(now), PORT),
        ] + sized:
            if data is not None:
                try:
                    line.sendto(data, _place(self.agent, port))
                except OSError as error:
                    self.error = _why(error)

    def receive(self, line: "Any", now: float) -> None:
        try:
            octets, source = line.recvfrom(2048)
        except OSError as error:
            self.error = _why(error)
            return
        if line is self.icmp:
            self.test.heard_icmp(octets, now)
        elif source[2:8] == PORT.to_bytes(2, "big") + self.agent:
            self.test.heard_udp(octets, now)

    def close(self) -> None:
        self.udp.close()
        self.icmp.close()


def _ways(association: "Association", wanted: "list[tuple[str, str, int]]") -> "list[Way | str]":
    """A test of each (device, address, MTU), side by side; or why there is none."""
    clock = Clock()
    ways: list[Way | str] = []
    poll = select.poll()
    owners: list[tuple[Any, Way]] = []
    for number, (device, address, mtu) in enumerate(wanted, 1):
        try:
            way = Way(association, device, address, mtu, number << 8 | time.time_ns() & 0xFF, clock.now())
        except OSError as error:
            ways.append(_why(error))
            continue
        ways.append(way)
        for line in (way.udp, way.icmp):
            poll.register(line, select.POLLIN)
            owners.append((line, way))
    running = [way for way in ways if isinstance(way, Way)]
    while True:
        now = clock.now()
        waiting = [way for way in running if not way.test.over(now)]
        if not waiting:
            break
        for way in waiting:
            way.send(now)
        wake = min([way.test.next_wake() for way in waiting])
        for ready in poll.poll(max(1, int((wake - now) * 1000))):
            for line, way in owners:
                if line is ready[0]:
                    way.receive(line, clock.now())
    for way in running:
        way.close()
    return ways


def _place(address: bytes, port: int) -> "Any":
    """struct sockaddr_in, which the unix port wants; the stubs know other ports' pairs."""
    return struct.pack(_NATIVE, socket.AF_INET) + port.to_bytes(2, "big") + address + bytes(8)


def _why(error: OSError) -> str:
    return _REASONS.get(error.args[0], "error %s" % error.args[0])
