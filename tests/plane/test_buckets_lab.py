"""Buckets change their path in place: new connections follow, those under way stay, and the table is the same."""

import ipaddress
import json
import re

import pytest

from router.plane.model import Part, PlaneState
from router.plane.ruleset import TunnelPath, bucket_elements, mobile_ruleset

pytestmark = pytest.mark.lab

HOME = "10.99.0.2"
_CHANGES = 200
_FLOOD = f"""
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("{HOME}", 5001))
sock.connect(("203.0.113.10", 5002))
print("ready", flush=True)
while True:
    sock.send(b"x")
"""
_ONE = f"""
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("{HOME}", 0))
sock.sendto(b"x", ("203.0.113.10", 5003))
"""
_WITNESS = """
table ip witness {
  chain seen {
    type filter hook postrouting priority 0; policy accept;
    udp dport 5002 ct mark & 0xf000000 == 0x1000000 counter
    udp dport 5002 ct mark & 0xf000000 != 0x1000000 counter
    udp dport 5003 ct mark & 0xf000000 == 0x2000000 counter
    udp dport 5003 ct mark & 0xf000000 != 0x2000000 counter
  }
}
"""


def state(path):
    body = mobile_ruleset(
        mask=0x0F000000,
        home_address=ipaddress.IPv4Address(HOME),
        mobile_networks=[],
        lan_devices=["lan0"],
        uplink_devices=[],
        paths=[TunnelPath(1, "roam1"), TunnelPath(2, "roam2")],
        policies=[],
        size=64,
        mss=1420,
    )
    return PlaneState(
        ruleset=body, parts={"buckets": Part(elements=tuple(bucket_elements("", (path,) * 64)))}
    )


def counted(node):
    return [
        int(found)
        for found in re.findall(r"packets (\d+)", node.command("nft", "list", "table", "ip", "witness"))
    ]


def handle(node):
    listing = json.loads(node.command("nft", "-j", "list", "tables"))["nftables"]
    return next(item["table"]["handle"] for item in listing if item.get("table", {}).get("name") == "roamd")


def test_connections_under_way_stay_and_new_ones_follow(lone):
    lone.ip("link", "add", "name", "roam1", "type", "veth", "peer", "name", "sink1")
    for device in ("roam1", "sink1"):
        lone.ip("link", "set", device, "up")
    lone.ip("address", "add", f"{HOME}/32", "dev", "lo")
    lone.ip("route", "add", "203.0.113.0/24", "dev", "roam1", "src", HOME)
    lone.ip("neighbour", "add", "203.0.113.10", "lladdr", "02:00:00:00:00:01", "dev", "roam1")
    lone.run("await begin()")
    lone.apply(state(1))
    lone.command("nft", "-f", "-", input=_WITNESS)
    # By hand, or not at all.
    lone.run("setattr(plane._nft, '_load', None)")
    before = handle(lone)
    flood = lone.popen(f"exec({_FLOOD!r})")
    try:
        assert flood.stdout.readline() == "ready\n"
        for number in range(_CHANGES):
            lone.run(f"await plane.apply({state(2 - number % 2)!r}, {{'buckets'}})")
        assert flood.poll() is None
    finally:
        flood.kill()
        flood.communicate()
    lone.run(f"await plane.apply({state(2)!r}, {{'buckets'}})")
    lone.command("python3", "-c", _ONE)
    kept, lost, right, wrong = counted(lone)
    assert kept > 1000
    assert (lost, right, wrong) == (0, 1, 0)
    assert handle(lone) == before
    assert lone.run("len(DISTURBED)") == 0
