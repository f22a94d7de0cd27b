"""A reload of a mobile router under a stream of packets: what is unrelated loses none."""

import json
import os
import signal
import sys

import pytest

from router.control.client import request
from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, Topology
from tests.daemon.test_daemon_lab import AGENT, NODE

pytestmark = pytest.mark.lab

RATE, SECONDS = int(os.environ.get("RELOAD_RATE", "1000")), 6
"""Packets a second, and for how long."""
RECEIVER = """
import json, socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
sock.bind((sys.argv[1], 7000))
print("ready", flush=True)
seen = set()
while True:
    data = sock.recv(64)
    if data == b"end":
        break
    seen.add(int(data))
print(json.dumps(sorted(seen)), flush=True)
"""
SENDER = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect((sys.argv[1], 7000))
rate, seconds = int(sys.argv[2]), int(sys.argv[3])
begin = time.monotonic()
for number in range(rate * seconds):
    sock.send(str(number).encode())
    time.sleep(max(0.0, begin + number / rate - time.monotonic()))
print(number + 1, flush=True)
time.sleep(0.5)
for _ in range(5):
    sock.send(b"end")
    time.sleep(0.1)
"""


class Lab:
    def __init__(self, directory):
        self.topology = Topology(f"rtrl{os.getpid()}", 50, 50)
        self.cast = Cast(self.topology, str(directory), 50, 50)
        self.topology.build()

    def drive(self):
        self.cast.start_daemon("ha", AGENT)
        self.cast.start_daemon("mr", NODE)
        self.cast.wait("both bindings", lambda: {"wifi", "cell"} <= set(self.cast.bound()), 15)

    @property
    def file(self):
        return os.path.join(self.cast.directory, "mr.conf")

    def rewrite(self, old, new):
        with open(self.file) as file:
            text = file.read()
        assert old in text
        with open(self.file, "w") as file:
            file.write(text.replace(old, new))

    def reload(self):
        return request(os.path.join(self.cast.directory, "mr.sock"), "reload", timeout=30)

    def start(self, role, code, *words):
        command = [sys.executable, "-c", code, *map(str, words)]
        return self.topology.start(role, command, self.cast.log("stream"))


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()


def test_unrelated_options_lose_no_packet_and_no_binding(lab):
    lab.drive()
    receiver = lab.start("corr", RECEIVER, CORRESPONDENT)
    assert receiver.stdout.readline().strip() == "ready"
    before = lab.cast.status("mr")
    sender = lab.start("lan", SENDER, CORRESPONDENT, RATE, SECONDS)
    lab.cast.wait("the stream", lambda: moved(lab.cast.status("mr"), before) > 100, 5)
    for old, new, name in (
        ("config mobile_node", "\toption log_level debug\nconfig mobile_node", "log_level"),
        ("option dest_port 80", "option dest_port 8080", "flow web.dest_ports"),
        ("option device eth7", "option device eth7\n\toption label 9", "uplink cable.label"),
        ("option device wlan0", "option device wlan0\n\toption metered 0\n\toption label 3", "uplink wifi.label"),
        ("option device wwan0", "option device wwan0\n\toption probe_budget 5000000", "uplink cell.probe_budget"),
        ("config uplink 'cable'", "config uplink 'spare'\n\toption type ethernet\n\toption device eth8\nconfig uplink 'cable'", "uplink spare (new)"),
        ("option device eth7\n\toption label 9", "option device eth9", "uplink cable.device"),
    ):  # fmt: skip
        lab.rewrite(old, new)
        done = lab.reload()
        assert name in done["changed"]
        assert done["restarted"] == []
    assert sender.poll() is None, "the stream had ended before the last reload"
    sent = int(sender.communicate(timeout=60)[0])
    received = json.loads(receiver.communicate(timeout=30)[0])
    assert sorted(set(range(sent)) - set(received)) == []
    after = lab.cast.status("mr")
    for name in ("wifi", "cell"):
        assert row(after, name)["bid"] == row(before, name)["bid"]
        assert row(after, name)["care_of_address"] == row(before, name)["care_of_address"]
    assert after["counters"]["flows_moved"] == before["counters"]["flows_moved"]
    assert [uplink["name"] for uplink in after["uplinks"]] == ["wifi", "cell", "spare", "cable"]
    assert after["flows"]["policies"][0]["name"] == "web"
    assert lost(lab) == ""


def row(status, uplink):
    return next(found for found in status["bindings"] if found["uplink"] == uplink)


def moved(status, before):
    packets = [sum(tunnel["tx_packets"] for tunnel in item["tunnels"]) for item in (status, before)]
    return packets[0] - packets[1]


def test_an_uplink_goes_and_comes_back_and_the_other_keeps_its_binding(lab):
    lab.drive()
    lab.rewrite("option device wlan0", "option device wlan0\n\toption enabled 0")
    assert lab.reload()["restarted"] == []
    lab.cast.wait("the home agent to know", lambda: agent_bids(lab) == [2], 5)
    assert set(lab.cast.bound()) == {"cell"}
    assert [uplink["name"] for uplink in lab.cast.status("mr")["uplinks"]] == ["cell", "cable"]
    lab.rewrite("\n\toption enabled 0", "")
    assert "uplink wifi (new)" in lab.reload()["changed"]
    lab.cast.wait("both bindings", lambda: {"wifi", "cell"} <= set(lab.cast.bound()), 10)
    assert sorted(agent_bids(lab)) == [1, 2]
    assert "binding 2" not in lost(lab)


def agent_bids(lab):
    return [binding["bid"] for binding in lab.cast.status("ha")["bindings"]]


def lost(lab):
    return "".join(line for line in lab.cast.tail("mr", 500).splitlines() if "uplink lost" in line)


def test_errors_stand_in_status_until_the_file_is_good_again(lab):
    lab.drive()
    lab.rewrite("option bandwidth 50000", "option bandwidth fast")
    process = lab.cast._daemons["mr"]
    process.send_signal(signal.SIGHUP)
    lab.cast.wait("the problem", lambda: bool(lab.cast.status("mr")["config_problem"]), 5)
    problem = lab.cast.status("mr")["config_problem"][0]
    assert problem["section"] == "uplink 'wifi'"
    assert problem["option"] == "bandwidth"
    assert "1..10000000" in problem["message"]
    assert set(lab.cast.bound()) == {"wifi", "cell"}
    lab.rewrite("option bandwidth fast", "option bandwidth 40000")
    assert lab.reload()["restarted"] == []
    assert lab.cast.status("mr")["config_problem"] == []


def test_another_lifetime_starts_the_role_anew_and_says_so(lab):
    lab.drive()
    lab.rewrite("option home_address '10.99.0.2'", "option home_address '10.99.0.2'\n\toption lifetime 700")
    assert lab.reload()["restarted"] == ["mobile_node"]
    assert "mobile node ends: lifetime changed" in lab.cast.tail("mr", 100)
    lab.cast.wait("both bindings", lambda: {"wifi", "cell"} <= set(lab.cast.bound()), 15)


def test_a_home_agent_serves_another_mobile_node_and_nobody_loses_a_binding(lab):
    lab.drive()
    path = os.path.join(lab.cast.directory, "ha.conf")
    with open(path, "a") as file:
        file.write(
            "config mobile tram\n\toption home_address 10.99.0.7\n\toption spi 300\n\toption key 'another 16 octets'\n"
        )
    before = lab.cast.status("ha")["bindings"]
    done = request(os.path.join(lab.cast.directory, "ha.sock"), "reload", timeout=30)
    assert done == {"changed": ["mobile tram (new)"], "restarted": []}
    after = lab.cast.status("ha")["bindings"]
    assert [row["source"] for row in after] == [row["source"] for row in before]
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("10.99.0.2", "10.99.0.3"))
    request(os.path.join(lab.cast.directory, "ha.sock"), "reload", timeout=30)
    assert lab.cast.status("ha")["bindings"] == []
    lab.cast.wait("the mobile node to hear of it", lambda: lab.cast.bound() == {}, 10)
