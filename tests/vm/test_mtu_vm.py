"""A real kernel's tunnels on a path that turns thin in silence, under a transfer."""

import os

import pytest

from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, Topology
from tests.vm.test_daemons_vm import HOME_AGENT, MOBILE_NODE, wait_until_driving

pytestmark = pytest.mark.vm

NODE = MOBILE_NODE.replace("\toption encapsulation gre\n", "")
THIN = 1300
OVERHEAD = {"ipip": 20, "udp": 32}
FILTERED = """
table ip deaf {
  chain output {
    type filter hook output priority filter; policy accept;
    icmp type destination-unreachable icmp code frag-needed counter drop
  }
}
"""
# By uplink: the port whose flows it carries, its encapsulation, and its thin place.
WAYS = {"wifi": (80, "ipip"), "cell": (5001, "udp")}


@pytest.fixture
def drive(tmp_path):
    topology = Topology(f"rtmv{os.getpid()}", 20, 5)
    try:
        topology.build()
        cast = Cast(topology, str(tmp_path), 20, 5)
        cast.start_servers()
        cast.start_daemon("ha", HOME_AGENT)
        cast.start_daemon("mr", NODE)
        wait_until_driving(cast)
        yield cast
    finally:
        topology.destroy()


def make_thin(cast, name):
    """Behind the access network only so much fits, and nobody says so."""
    for role in (name, "inet"):
        cast.lab.run(role, "nft", "-f", "-", text=FILTERED)
    for role, device in ((name, "wan0"), ("inet", f"{name}0")):
        cast.lab.run(role, "ip", "link", "set", device, "mtu", str(THIN))


def path_mtu(cast, name):
    return next(item["path_mtu"] for item in cast.status("mr")["uplinks"] if item["name"] == name)


def device_mtu(cast, role, name):
    """The tunnel's, as the kernel has it."""
    bid = cast.bound()[name]["bid"]
    device = next(item["device"] for item in cast.status(role)["tunnels"] if item["bid"] == bid)
    return int(cast.lab.run(role, "cat", f"/sys/class/net/{device}/mtu"))


def carried(cast, name, mode):
    bid, column = cast.bound()[name]["bid"], 0 if mode == "download" else 1
    return cast.tunnel_octets()[bid][column]


@pytest.mark.parametrize("mode", ["upload", "download"])
@pytest.mark.parametrize("name", WAYS)
def test_a_black_hole_that_appears_under_a_transfer(drive, name, mode):
    port, encapsulation = WAYS[name]
    drive.wait("the full size", lambda: path_mtu(drive, name) == 1500, 60)
    client = drive.traffic("lan", mode, host=CORRESPONDENT, port=port, octets=6_000_000, seconds=150)
    drive.wait("octets", lambda: carried(drive, name, mode) > 500_000, 60)
    make_thin(drive, name)
    found = drive.wait("the black hole to be found", lambda: path_mtu(drive, name) == THIN, 120)
    result = drive.result(client, 180)
    assert not result["errors"]
    assert result["bytes"] >= 6_000_000
    print(f"{name} {mode}: found after {found:.1f} s, longest gap {result['longest_gap_ms'] / 1000:.1f} s")
    expected = THIN - OVERHEAD[encapsulation]
    for role in ("mr", "ha"):
        what = f"the device of {role}"
        drive.wait(what, lambda role=role: device_mtu(drive, role, name) == expected, 30)
    counters = drive.status("mr")["counters"]
    assert counters["mtu_black_holes"] == 1
    assert counters["plane_refused"] == 0
    # What begins now fits from its first packet on.
    for direction in ("upload", "download"):
        again = drive.traffic("lan", direction, host=CORRESPONDENT, port=port, octets=300_000, seconds=60)
        assert drive.result(again, 90)["bytes"] >= 300_000
