"""Every kind of tunnel in a real kernel: what carries, what is on the wire, and what NAT does to it."""

import contextlib
import itertools
import json
import struct
import subprocess
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.mip.keepalive import echo_request
from router.mip.wire.checksum import checksum
from router.plane.model import Nexthop, PlaneState, Route, Rule, Tunnel
from router.plane.translation import virtual_route
from tests.plane.conftest import Namespace

pytestmark = pytest.mark.vm

HOME, ANCHOR, SECOND = map(IPv4Address, ("10.99.0.2", "10.99.0.1", "10.99.0.3"))
MOBILE, AGENT = IPv4Address("192.0.2.2"), IPv4Address("198.51.100.2")
PRIVATE, PUBLIC, OTHER_PUBLIC = map(IPv4Address, ("192.168.1.2", "198.51.100.1", "198.51.100.3"))
TABLE = 7400
RULE = Rule(7440, TABLE)
PORT = 434
GUE_PORT = 4434
KEYS = (0xCAFE0001, 0xBEEF0002)
DATA = b"\x04\x04\x00\x00"

KINDS = {
    "ipip": {"encapsulation": "ipip", "mtu": 1480},
    "gre": {"encapsulation": "gre", "mtu": 1476},
    "keyed": {"encapsulation": "gre", "mtu": 1472},
    "udp": {"encapsulation": "udp", "mtu": 1468},
}

_SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for packet in sys.argv[1:]:
    data = bytes.fromhex(packet)
    s.sendto(data, (socket.inet_ntoa(data[16:20]), 0))
"""


def both_ends(kind, mobile=MOBILE, port=5000):
    """The tunnel as the mobile node and as the home agent have it."""
    options = KINDS[kind]
    ours, theirs = {}, {"hidden": kind == "udp"}
    if kind == "udp":
        ours, theirs = {"local_port": port, "remote_port": PORT}, {
            "local_port": PORT, "remote_port": port, "hidden": True,
        }  # fmt: skip
    if kind == "keyed":
        ours = {"key_in": KEYS[0], "key_out": KEYS[1]}
        theirs = {"key_in": KEYS[1], "key_out": KEYS[0]}
    return (
        Tunnel("roam1", mobile, AGENT, **options, **ours),
        Tunnel("roam1", AGENT, mobile, **options, **theirs),
    )


def end(own, *pairs):
    """One end's state: its address, and others' addresses each through a tunnel."""
    routes = (Route(TABLE, IPv4Network(other), (Nexthop(tunnel.device),), own) for other, tunnel in pairs)
    tunnels = tuple(tunnel for _, tunnel in pairs)
    lo = (virtual_route(TABLE),) if any(tunnel.hidden for tunnel in tunnels) else ()
    return PlaneState(tunnels, (("lo", own),), (*routes, *lo), (RULE,))


class Net:
    """Mobile nodes, a router between, and the home agent."""

    def __init__(self, stack, mobiles, private):
        self.router = stack.enter_context(Namespace("r"))
        self.home = stack.enter_context(Namespace("h"))
        self.mobiles = [stack.enter_context(Namespace(f"m{number}")) for number in range(mobiles)]
        self.mobile = self.mobiles[0]
        self.router.command("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._link(self.home, "ha0", f"{AGENT}/24", "wan0", f"{PUBLIC}/24")
        self.home.ip("route", "add", "192.0.2.0/24", "via", str(PUBLIC))
        network = "192.168" if private else "192.0"
        for number, mobile in enumerate(self.mobiles):
            subnet = f"{network}.{number + 1 if private else number + 2}"
            self._link(mobile, "up0", f"{subnet}.2/24", f"lan{number}", f"{subnet}.1/24")
            mobile.ip("route", "add", "default", "via", f"{subnet}.1")

    def _link(self, side, device, address, peer, peer_address):
        side.ip("link", "add", device, "type", "veth", "peer", peer, "netns", self.router.name)
        for one, name, own in ((side, device, address), (self.router, peer, peer_address)):
            one.ip("address", "add", own, "dev", name)
            one.ip("link", "set", name, "up")

    def translate(self, address=PUBLIC, ports="40000-40999"):
        """Masquerade what comes from inside, as this address and these ports; former mappings are forgotten."""
        rules = f"""
            add table ip nat
            delete table ip nat
            table ip nat {{
              chain post {{
                type nat hook postrouting priority srcnat; policy accept;
                oifname "wan0" meta l4proto udp snat to {address}:{ports} random
              }}
            }}
        """
        self.router.command("nft", "-f", "-", input=rules)
        self.router.command("conntrack", "-F", check=False)

    def tunnel(self, kind, mobile=MOBILE, port=5000):
        """Both planes, with one tunnel between them."""
        for side in (self.mobile, self.home):
            side.run("await begin('kernel')")
        ours, theirs = both_ends(kind, mobile, port)
        if kind == "udp":
            self.mobile.run(f"open_udp('{mobile}', {port})")
            self.home.run(f"open_udp('{AGENT}', {PORT})")
        self.mobile.apply(end(HOME, (ANCHOR, ours)))
        self.home.apply(end(ANCHOR, (HOME, theirs)))
        return ours, theirs


@pytest.fixture
def net():
    with contextlib.ExitStack() as stack:
        yield Net(stack, 1, private=False)


def ping(side, address=ANCHOR, **options):
    words = "".join(f", {key}={value!r}" for key, value in options.items())
    return side.tool(f"ping('{address}'{words})").result()


def inner(source, destination, *, tos=0, fragment=0, payload=b"to whom it may concern", protocol=253):
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), 7, fragment, 64, protocol, 0)
    ends = source.packed + destination.packed
    return head[:10] + checksum(head + ends).to_bytes(2, "big") + ends + payload


def send(side, *packets):
    side.command("python3", "-c", _SEND, *(packet.hex() for packet in packets))


def capture(receiver, device, act, seconds=10):
    sniffer = receiver.tool(f"sniff({device!r}, {seconds})")
    sniffer.wait_ready()
    act()
    return bytes.fromhex(sniffer.result())


def outer(packet, protocol, source, destination, *, tos=0, fragment=0):
    """What the outer header should be; the identification is anybody's."""
    identification = packet[4:6]
    head = struct.pack("!BBH2sHBBH", 0x45, tos, len(packet), identification, fragment, 63, protocol, 0)
    ends = source.packed + destination.packed
    return head[:10] + checksum(head + ends).to_bytes(2, "big") + ends


@pytest.mark.parametrize("kind", KINDS)
def test_traffic_both_ways(net, kind):
    net.tunnel(kind)
    assert ping(net.mobile, count=5)["answered"] == 5
    for side in (net.mobile, net.home):
        counters = side.run("plane.statistics()")["roam1"]
        assert counters["rx_packets"] == counters["tx_packets"] == 5
        assert counters["dropped"] == 0
    for source, sink, own, other in (
        (net.mobile, net.home, HOME, ANCHOR),
        (net.home, net.mobile, ANCHOR, HOME),
    ):
        server = sink.tool(f"tcp_sink('{other}', 5001)")
        server.wait_ready()
        client = source.tool(f"tcp_source('{other}', 5001, {1 << 20}, '{own}')")
        assert server.result()["octets"] == 1 << 20
        client.result()
