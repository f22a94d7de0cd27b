"""How long until a flow goes on by another tunnel when its link loses the carrier."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import struct
import subprocess
import sys
import tempfile
import time
from functools import partial

from pyroute2 import IPRoute, netns

from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, Topology
from tests.bench.figures import Figure
from tests.bench.internet import percentile

__all__ = ["MOBILE_NODE", "carrier"]

MOBILE_NODE = """
config roamd
	option control '{directory}/mr.sock'
	option state '{directory}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '{home_agent}'
	option spi 256
	option key 'the demo shares this key'
	list mobile_network '10.50.0.0/24'
	list lan_device lan0
	# The same path is cut a hundred times.
	option damping 0
config uplink 'wifi'
	option type ethernet
	option device wlan0
	option bandwidth {wifi}
config uplink 'cell'
	option type ethernet
	option device wwan0
	option bandwidth {cell}
config flow 'all'
	list uplink wifi
	list uplink cell
"""
# A thousand datagrams a second, each at its time.
_STREAM = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
due = time.monotonic()
while True:
    sock.sendto(bytes(64), (sys.argv[1], 5002))
    due += 0.001
    time.sleep(max(0, due - time.monotonic()))
"""
_QUIET, _GLANCE, _PATIENCE = 0.3, 0.02, 30.0
# Namespace and link, the router's device, the device at the other end.
_LINKS = (("wifi", "wlan0", "ap0"), ("cell", "wwan0", "enb0"))
_SO_TIMESTAMPNS = 35
_OUTER = 20 + 8


def carrier(cuts: int = 100) -> list[Figure]:
    """Milliseconds from the cut to the first packet of the flow that leaves by the other tunnel."""
    lab = Topology(f"rtbc{os.getpid()}", 20, 5)
    with tempfile.TemporaryDirectory(prefix="roamd-bench-") as directory:
        cast = Cast(lab, directory, 20, 5)
        try:
            lab.build()
            cast.start_servers()
            cast.start_daemon("ha")
            cast.start_daemon("mr", MOBILE_NODE)
            cast.wait("both bindings", lambda: set(cast.bound()) == {"wifi", "cell"}, _PATIENCE)
            # A connection keeps the path that it is given at its start.
            rules = ("nft", "list", "table", "ip", "roamd")
            cast.wait("the policy", lambda: "\t\tgoto path_1\n" in lab.run("mr", *rules), _PATIENCE)
            plane = sorted({tunnel["plane"] for tunnel in cast.status("mr")["tunnels"]})
            stream = lab.start("lan", [sys.executable, "-c", _STREAM, CORRESPONDENT], cast.log("clients"))
            took = _cut(cast, cuts, stream)
        finally:
            lab.destroy()
    print(f"{len(took)} cuts, tunnels of the {' and '.join(plane)} plane")
    return [
        Figure(f"carrier loss to first packet on the other tunnel, {cuts} cuts, p50", percentile(took, 0.5), "ms", 20, at_most=True),
        Figure("the same, p99", percentile(took, 0.99), "ms", 50, at_most=True),
    ]  # fmt: skip


def _cut(cast: Cast, cuts: int, stream: subprocess.Popen[str]) -> list[float]:
    """Each time the link that the flow is on: one that has come back is on probation for a while, and the other has the flow."""
    took = []
    mr = cast.lab.name("mr")
    with contextlib.ExitStack() as stack:
        taps = {name: stack.enter_context(_inside(mr, partial(_tap, device))) for name, device, _ in _LINKS}
        links = {name: stack.enter_context(_inside(cast.lab.name(name), IPRoute)) for name, _, _ in _LINKS}
        ports = {name: links[name].link_lookup(ifname=port)[0] for name, _, port in _LINKS}
        for _ in range(cuts):
            cast.wait("both bindings", lambda: set(cast.bound()) == set(taps), _PATIENCE)
            on = _settled(taps)
            if stream.poll() is not None:
                raise SystemExit("the stream ended")
            (other,) = set(taps) - {on}
            began = time.time()
            links[on].link("set", index=ports[on], state="down")
            took.append(1000 * (_first_after(taps[other], began) - began))
            links[on].link("set", index=ports[on], state="up")
    return took


def _inside(namespace: str, make):
    """A socket of another network namespace: it stays there, whoever uses it."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        netns.setns(namespace)
        return make()
    finally:
        netns.setns(here)
        os.close(here)


def _tap(device: str) -> socket.socket:
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
    tap.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    tap.bind((device, 0x0003))
    return tap


def _first_after(tap: socket.socket, began: float) -> float:
    """The kernel's time of the first data packet after `began`."""
    deadline = time.monotonic() + _PATIENCE
    while (left := deadline - time.monotonic()) > 0:
        found = _data(tap, left)
        if found is not None and found >= began:
            return found
    raise SystemExit("no packet by the other tunnel")


def _settled(taps: dict[str, socket.socket]) -> str:
    """The link that alone has had the flow for a while; what the taps have heard up to now is forgotten."""
    deadline, last = time.monotonic() + _PATIENCE, dict.fromkeys(taps, 0.0)
    began = time.time()
    while time.monotonic() < deadline:
        for name, tap in taps.items():
            last[name] = max(last[name], *_heard(tap))
        for name in taps:
            others = max(last[other] for other in taps if other != name)
            if last[name] - max(others, began) > _QUIET:
                return name
        time.sleep(_GLANCE)
    raise SystemExit("the flow does not settle on a link")


def _heard(tap: socket.socket) -> list[float]:
    """When the packets of the flow left that the tap has not told of yet."""
    heard = [0.0]
    while (found := _data(tap, 0)) is not None:
        heard.append(found)
    return heard


def _data(tap: socket.socket, seconds: float) -> float | None:
    """When the next packet of the flow left, in an IP in IP or UDP tunnel; None when none did, or another."""
    with selectors.DefaultSelector() as selector:
        selector.register(tap, selectors.EVENT_READ)
        if not selector.select(seconds):
            return None
    packet, ancillary, _, sender = tap.recvmsg(2048, 64)
    stamp = struct.unpack("=qq", ancillary[0][2][:16])
    inner = packet[_OUTER + 4 :] if packet[9] == socket.IPPROTO_UDP and packet[_OUTER] == 4 else packet[20:]
    ours = (
        sender[2] == socket.PACKET_OUTGOING
        and inner[9:10] == b"\x11"
        and inner[16:20] == socket.inet_aton(CORRESPONDENT)
    )
    return stamp[0] + stamp[1] / 1e9 if ours else None
