"""What must outlive a ruleset that is replaced: the paths of connections under a flood of packets, and what others
add to their sets."""

import contextlib
import ipaddress
import json
import os
import re
import subprocess
import sys

import pytest

from router.config.model import Flow
from router.plane.nft import elements_of
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
_REPLACE = """
import asyncio, json, sys
from router.plane.nft import Nft
async def main():
    nft = Nft()
    await nft.adopt()
    bodies = json.load(sys.stdin)
    for number in range(int(sys.argv[1])):
        await nft.apply(bodies[number % 2])
        if not number:
            print("ready", flush=True)
asyncio.run(main())
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


def ruleset(best, dest_set=None):
    return mobile_ruleset(
        mask=0x0F000000,
        home_address=ipaddress.IPv4Address("10.99.0.2"),
        mobile_networks=[ipaddress.IPv4Network("10.50.0.0/24")],
        lan_devices=["lan0"],
        uplink_devices=["wlan0"],
        paths=[TunnelPath(1, "roam1"), TunnelPath(2, "roam2")],
        policies=[(Flow("all", ("wifi", "cell"), dest_set=dest_set), best)],
        sets=[dest_set] if dest_set is not None else [],
        size=64,
        mss=1420,
    )


def replace(space, count, **more):
    """Replace the ruleset so often, as the daemon does: the first uplink goes, and comes back."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", space, sys.executable, "-c", _REPLACE, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(json.dumps([ruleset(1, **more), ruleset(2, **more)]))
    process.stdin.close()
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process):
    with process.stdout:
        return process.wait(60)


@pytest.mark.parametrize("dest_set", [None, "video"])
def test_no_packet_of_a_pinned_connection_changes_its_path(spaces, dest_set):
    lan, router = spaces
    build(lan, router)
    nft(router, _WITNESS)
    assert ended(replace(router, 1, dest_set=dest_set)) == 0
    if dest_set is not None:
        # With a set that others fill the table itself stays.
        nft(router, "add element ip roamd set_video { 203.0.113.10 }")
    flood = subprocess.Popen(
        ["ip", "netns", "exec", lan, sys.executable, "-c", _FLOOD], stdout=subprocess.PIPE, text=True
    )
    try:
        assert flood.stdout.readline() == "ready\n"
        assert ended(replace(router, _CHANGES, dest_set=dest_set)) == 0
        assert flood.poll() is None
    finally:
        flood.kill()
        flood.communicate()
    command = ["ip", "netns", "exec", router, "nft", "list", "table", "ip", "witness"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept, lost = map(int, re.findall(r"packets (\d+)", text))
    assert kept > 10_000
    assert lost == 0


def test_what_others_add_to_their_set_meanwhile_stays(spaces):
    _, router = spaces
    process = replace(router, _CHANGES, dest_set="video")
    added = []
    for number in range(1, 255):
        if process.poll() is not None:
            break
        added.append(f"192.0.2.{number}")
        nft(router, f"add element ip roamd set_video {{ {added[-1]} }}")
    assert ended(process) == 0
    command = ["ip", "netns", "exec", router, "nft", "-j", "list", "set", "ip", "roamd", "set_video"]
    listing = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = {
        ipaddress.ip_address(address)
        for item in elements_of(listing["nftables"])
        for address in span(item.key)
    }
    assert len(added) > 20
    assert found == {ipaddress.ip_address(address) for address in added}


def span(key):
    """The addresses of an element: neighbours are merged."""
    if "-" in key:
        first, last = map(ipaddress.ip_address, key.split("-"))
        return [first + offset for offset in range(int(last) - int(first) + 1)]
    return list(ipaddress.ip_network(key))
