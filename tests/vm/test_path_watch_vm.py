"""A real kernel's tunnels on a path that falls silent under a transfer, and comes back."""

import os

import pytest

from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, Topology
from tests.vm.test_daemons_vm import HOME_AGENT, MOBILE_NODE, wait_until_driving

pytestmark = pytest.mark.vm

NODE = (
    MOBILE_NODE.replace("\toption encapsulation gre\n", "")
    .replace("\tlist uplink wifi\n", "\tlist uplink wifi\n\tlist uplink cell\n")
    .replace(
        "config flow 'rest'\n\tlist uplink cell\n",
        "config flow 'rest'\n\tlist uplink cell\n\tlist uplink wifi\n",
    )
)
HOLE = """
table ip hole {
  chain forward {
    type filter hook forward priority filter; policy drop;
  }
}
"""
# By uplink: the port whose flows it carries, and its encapsulation: in UDP behind NAT.
WAYS = {"wifi": (80, "ipip"), "cell": (5001, "udp")}


@pytest.fixture
def drive(tmp_path):
    topology = Topology(f"rtpv{os.getpid()}", 20, 5)
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


def path(cast, name):
    return next(item["path"] for item in cast.status("mr")["uplinks"] if item["name"] == name)


def carried(cast, name):
    return cast.tunnel_octets()[cast.bound()[name]["bid"]][0]


@pytest.mark.parametrize("name", WAYS)
def test_a_silent_path_is_left_by_both_ends_and_returned_to(drive, name):
    port, encapsulation = WAYS[name]
    assert drive.bound()[name]["encapsulation"] == encapsulation
    drive.wait("round trips", lambda: all(path(drive, way)["rtt"] for way in WAYS), 30)
    client = drive.traffic("lan", "download", host=CORRESPONDENT, port=port, octets=5_000_000, seconds=120)
    drive.wait("octets", lambda: carried(drive, name) > 500_000, 60)
    assert path(drive, name)["liveness"] != "down"
    drive.lab.run(name, "nft", "-f", "-", text=HOLE)
    took = drive.wait("the hole to be noticed", lambda: not path(drive, name)["carries"], 20)
    result = drive.result(client, 180)
    assert not result["errors"]
    assert result["bytes"] >= 5_000_000
    print(f"{name}: noticed after {took:.1f} s, longest gap {result['longest_gap_ms'] / 1000:.1f} s")
    assert "silent paths:" in drive.tail("ha", 50)
    drive.lab.run(name, "nft", "delete", "table", "ip", "hole")
    drive.wait("the return", lambda: path(drive, name)["carries"], 60)
    drive.wait("the home agent", lambda: "none any more" in drive.tail("ha", 50), 20)
    bid = drive.bound()[name]["bid"]
    rules = ("nft", "list", "chain", "ip", "roamd", "assign")
    line = f"tcp dport 80 goto path_{bid}" if port == 80 else f"\t\tgoto path_{bid}\n"
    drive.wait("the policy", lambda: line in drive.lab.run("mr", *rules), 30)
    before = carried(drive, name)
    again = drive.traffic("lan", "download", host=CORRESPONDENT, port=port, octets=300_000, seconds=60)
    assert drive.result(again, 90)["bytes"] >= 300_000
    assert carried(drive, name) - before > 250_000
    assert drive.status("mr")["counters"]["plane_refused"] == 0
