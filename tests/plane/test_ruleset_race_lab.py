"""Connections keep their path while the ruleset is replaced under a flood of packets."""

import contextlib
import ipaddress
import os
import re
import subprocess
import sys

import pytest

from router.config.model import Flow
from router.plane.ruleset import TunnelPath, mobile_ruleset

pytestmark = pytest.mark.lab

_CHANGES = 150
_FLOOD = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect(("203.0.113.10", 5002))
print("ready", flush=True)
while True:
    sock.send(b"x")
"""
_WITNESS = """
table ip witness {
  chain seen {
    type filter hook postrouting priority 0; policy accept;
    udp dport 5002 ct mark & 0xf000000 == 0x1000000 counter
    udp dport 5002 ct mark & 0xf000000 != 0x1000000 counter
  }
}
"""


@pytest.fixture
def spaces():
    names = [f"rtrr{os.getpid()}{role}" for role in ("lan", "mr")]
    with contextlib.ExitStack() as stack:
        for name in names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=True)
        yield names


def ip(space, *words):
    subprocess.run(["ip", "-n", space, *words], check=True)


def nft(space, text):
    command = ["ip", "netns", "exec", space, "nft", "-f", "-"]
    subprocess.run(command, input=text, text=True, check=True)


def build(lan, router):
    """From `lan` through `router` and back to where nobody listens."""
    for device, peer in (("lan0", "eth0"), ("roam1", "sink0")):
        ip(router, "link", "add", device, "type", "veth", "peer", "name", peer, "netns", lan)
        ip(router, "link", "set", device, "up")
        ip(lan, "link", "set", peer, "up")
    ip(lan, "address", "add", "10.50.0.10/24", "dev", "eth0")
    ip(router, "address", "add", "10.50.0.1/24", "dev", "lan0")
    ip(lan, "route", "add", "default", "via", "10.50.0.1")
    ip(router, "route", "add", "203.0.113.0/24", "dev", "roam1")
    ip(router, "neighbour", "add", "203.0.113.10", "lladdr", "02:00:00:00:00:01", "dev", "roam1")
    subprocess.run(["ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)


def ruleset(best):
    body = mobile_ruleset(
        mask=0x0F000000,
        home_address=ipaddress.IPv4Address("10.99.0.2"),
        mobile_networks=[ipaddress.IPv4Network("10.50.0.0/24")],
        lan_devices=["lan0"],
        uplink_devices=["wlan0"],
        paths=[TunnelPath(1, "roam1"), TunnelPath(2, "roam2")],
        policies=[(Flow("all", ("wifi", "cell")), best)],
        size=64,
        mss=1420,
    )
    return f"add table ip roamd\ndelete table ip roamd\ntable ip roamd {{\n{body}}}\n"


def test_no_packet_of_a_pinned_connection_changes_its_path(spaces):
    lan, router = spaces
    build(lan, router)
    nft(router, ruleset(1))
    nft(router, _WITNESS)
    flood = subprocess.Popen(
        ["ip", "netns", "exec", lan, sys.executable, "-c", _FLOOD], stdout=subprocess.PIPE, text=True
    )
    try:
        assert flood.stdout.readline() == "ready\n"
        for number in range(_CHANGES):
            # The first uplink goes, and comes back.
            nft(router, ruleset(2 - number % 2))
        assert flood.poll() is None
    finally:
        flood.kill()
        flood.communicate()
    command = ["ip", "netns", "exec", router, "nft", "list", "table", "ip", "witness"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept, lost = map(int, re.findall(r"packets (\d+)", text))
    assert kept > 10_000
    assert lost == 0
