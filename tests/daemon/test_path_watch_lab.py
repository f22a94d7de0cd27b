"""A network on the way that swallows everything without a word, and daemons that carry TCP around it."""

import pytest

from router.lab.topology import CORRESPONDENT
from tests.daemon import test_daemon_lab as daemon_lab
from tests.daemon.test_daemon_lab import AGENT, NODE

pytestmark = pytest.mark.lab

# The carrier behind the access point: link, address and gateway are as ever, and nothing passes.
BLACK_HOLE = """
add table ip hole
delete table ip hole
table ip hole {
  chain forward {
    type filter hook forward priority filter; policy drop;
    counter drop
  }
}
"""
UP, DOWN = "upload", "download"
# By name, so that the transfer under test is on the path under test.
NODE = NODE.replace("\tlist uplink wifi\n", "\tlist uplink wifi\n\tlist uplink cell\n")


class Lab(daemon_lab.Lab):
    def hole(self, there):
        text = BLACK_HOLE if there else "delete table ip hole"
        self.topology.run("wifi", "nft", "-f", "-", text=text)

    def path(self, name="wifi"):
        return self.uplink(name)["path"]

    def liveness(self, *expected, seconds=10, name="wifi"):
        what = f"{name} to be {' or '.join(expected)}"
        return self.cast.wait(what, lambda: self.path(name)["liveness"] in expected, seconds)

    def measured(self):
        self.cast.wait("a round trip", lambda: self.path()["rtt"] is not None, 5)

    def transfer(self, mode, seconds):
        octets = 0 if mode == DOWN else 12_000_000
        client = self.cast.traffic("lan", mode, host=CORRESPONDENT, port=80, octets=octets, seconds=seconds)
        column = 0 if mode == DOWN else 1
        self.cast.wait("octets on wifi", lambda: self.cast.tunnel_octets()[1][column] > 500_000, 5)
        return client


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()


@pytest.mark.parametrize("mode", [DOWN, UP])
def test_a_silent_black_hole_under_a_transfer_and_its_end(lab, mode):
    lab.drive(NODE, AGENT)
    lab.measured()
    client = lab.transfer(mode, 6)
    lab.hole(True)
    lab.liveness("down", seconds=3)
    found = lab.cast.result(client, 30)
    assert not found["errors"]
    print(f"{mode}: longest gap {found['longest_gap_ms']} ms")
    assert found["longest_gap_ms"] < 3000
    assert lab.path()["penalty"] > 0
    assert not lab.path()["carries"] and lab.path("cell")["carries"]
    line = "path wifi is silent"
    assert line in lab.cast.tail("mr", 50)
    assert "silent paths: 1" in lab.cast.tail("ha", 50)
    lab.hole(False)
    lab.liveness("probation", "up", seconds=20)
    assert lab.path()["carries"]
    rules = ("nft", "list", "chain", "ip", "roamd", "assign")
    lab.cast.wait("the policy", lambda: "dport 80 goto path_1" in lab.topology.run("mr", *rules), 5)
    before = lab.cast.tunnel_octets()[1][0]
    got = lab.cast.result(lab.cast.traffic("lan", DOWN, host=CORRESPONDENT, port=80, octets=200_000), 10)
    assert got["bytes"] >= 200_000
    assert lab.cast.tunnel_octets()[1][0] - before > 150_000, "flows are home again, in both directions"


def test_an_idle_path_is_watched_cheaply_and_steady_traffic_needs_no_probe(lab):
    lab.drive(
        NODE.replace("option proto tcp", "option proto udp").replace("dest_port 80", "dest_port 5002"), AGENT
    )
    lab.measured()
    assert lab.path()["probe_octets_today"] < 2_000
    assert lab.path()["rtt"] < 100
    started = [
        lab.topology.start(role, ["python3", "-c", script, CORRESPONDENT], lab.cast.log("talk"))
        for role, script in (("corr", _ECHO), ("lan", _TALK))
    ]
    try:
        lab.cast.wait("two-way traffic", lambda: lab.cast.tunnel_octets()[1][0] > 20_000, 8)
        before = lab.path()["probe_octets_today"]
        lab.cast.wait("more", lambda: lab.cast.tunnel_octets()[1][0] > 150_000, 30)
        assert lab.path()["probe_octets_today"] == before
        assert lab.path()["liveness"] == "up"
    finally:
        for process in started:
            process.terminate()
            process.wait(5)


_ECHO = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], 5002))
while True:
    data, peer = sock.recvfrom(2048)
    sock.sendto(data, peer)
"""
# As a voice call: fifty packets a second each way.
_TALK = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    sock.sendto(bytes(172), (sys.argv[1], 5002))
    time.sleep(0.02)
"""


def test_under_load_the_home_agents_reflector_is_asked(lab):
    lab.drive(NODE, AGENT)
    client = lab.transfer(UP, 5)
    lab.cast.wait("reflections", lambda: lab.cast.status("mr")["counters"]["stamps_answered"] >= 5, 8)
    lab.cast.result(client, 30)
    assert lab.cast.status("ha")["counters"]["reflected"] >= 5
    path = lab.path()
    # 20 Mbit/s are configured, and delivered less the headers.
    assert 14_000 < path["up"] < 22_000
    assert path["loss"] < 0.5


def test_a_home_agent_without_a_reflector_is_measured_by_echoes(lab):
    lab.drive(NODE, AGENT.replace("config home_agent", "config home_agent\n\toption reflector 0"))
    client = lab.transfer(DOWN, 5)
    lab.cast.result(client, 15)
    counters = lab.cast.status("mr")["counters"]
    assert counters["stamps_answered"] == 0
    assert counters["probes_answered"] >= 8
    assert lab.path()["liveness"] == "up"


def test_a_home_agent_that_answers_no_echo_loses_no_path(lab):
    lab.topology.run("ha", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    lab.drive(NODE, AGENT.replace("config home_agent", "config home_agent\n\toption reflector 0"))
    client = lab.transfer(DOWN, 4)
    found = lab.cast.result(client, 15)
    assert found["longest_gap_ms"] < 1000
    assert {lab.path(name)["liveness"] for name in ("wifi", "cell")} == {"up"}


def test_nothing_is_left_behind(lab):
    lab.drive(NODE, AGENT)
    lab.measured()
    lab.hole(True)
    lab.liveness("down", seconds=20)
    for role in ("mr", "ha"):
        assert lab.cast.stop_daemon(role) == 0
        after = lab.topology.snapshot(role)
        for what in ("addresses", "routes", "rules", "nftables"):
            assert after[what] == lab.clean[role][what], (role, what)
