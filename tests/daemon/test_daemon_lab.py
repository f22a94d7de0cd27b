"""Both daemons as processes, in the demo's small internet, where things go wrong."""

import json
import os
import signal

import pytest

from router.control.client import ControlError
from router.lab.cast import Cast, Failure
from router.lab.topology import CORRESPONDENT, Topology

pytestmark = pytest.mark.lab

AGENT = """
config roamd
	option control '{directory}/ha.sock'
	option state '{directory}/ha'
config home_agent
	option address '{home_agent}'
config mobile 'bus'
	option home_address '10.99.0.2'
	option spi 256
	option key 'sixteen octets!!'
	option algorithm hmac-sha256
"""

# No mobile network: LAN hosts share the home address.  Two of the uplinks cannot work.
NODE = """
config roamd
	option control '{directory}/mr.sock'
	option state '{directory}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '{home_agent}'
	option spi 256
	option key 'sixteen octets!!'
	option algorithm hmac-sha256
	list lan_device lan0
config uplink 'wifi'
	option type wifi
	option device wlan0
	option bandwidth {wifi}
config uplink 'cell'
	option type cellular
	option device wwan0
	option tty '{directory}/nowhere'
	option bandwidth {cell}
config uplink 'cable'
	option type ethernet
	option device eth7
config flow 'web'
	list uplink wifi
	option proto tcp
	option dest_port 80
"""


class Lab:
    def __init__(self, directory):
        self.topology = Topology(f"rtdm{os.getpid()}", 20, 5)
        self.cast = Cast(self.topology, str(directory), 20, 5)
        self.topology.build()
        self.clean = {role: self.topology.snapshot(role) for role in ("mr", "ha")}

    def drive(self, node=NODE, agent=AGENT):
        self.cast.start_servers()
        self.cast.start_daemon("ha", agent)
        self.cast.start_daemon("mr", node)
        self.cast.wait("both bindings", lambda: {"wifi", "cell"} <= set(self.cast.bound()), 15)

    def uplink(self, name):
        return next(uplink for uplink in self.cast.status("mr")["uplinks"] if uplink["name"] == name)


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()


def test_a_router_without_a_prefix_shares_its_home_address_and_flows_survive(lab):
    lab.drive()
    client = lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=4)
    lab.cast.wait("octets on wifi", lambda: lab.cast.tunnel_octets()[1][0] > 500_000, 5)
    peers = lab.topology.run("corr", "ss", "-tnH", "state", "established")
    assert "10.99.0.2:" in peers
    assert "10.50.0.10" not in peers
    lab.topology.set_wifi(False)
    found = lab.cast.result(client, 15)
    assert found["open_at_end"] == 1
    assert not found["errors"]
    assert found["longest_gap_ms"] < 1000
    assert found["bins"][-2] > 0
    # What could not work is named, and did not hurt the rest.
    assert lab.uplink("cable")["state"] == "no device"
    assert lab.uplink("cell")["modem"]["state"].startswith("no tty: ")
    assert lab.uplink("wifi")["state"] == "no carrier"


def test_a_reload_keeps_what_is_in_force_when_the_file_is_bad(lab):
    lab.drive()
    path = os.path.join(lab.cast.directory, "mr.conf")
    with open(path) as file:
        good = file.read()
    with open(path, "w") as file:
        file.write(good + "config uplnk 'x'\n")
    process = lab.cast._daemons["mr"]
    process.send_signal(signal.SIGHUP)
    lab.cast.wait("the error in the log", lambda: "did you mean uplink?" in lab.cast.tail("mr", 50), 5)
    assert set(lab.cast.bound()) == {"wifi", "cell"}
    with open(path, "w") as file:
        file.write(good.replace("option dest_port 80", "option dest_port 8080").replace("'web'", "'proxy'"))
    process.send_signal(signal.SIGHUP)

    def changed():
        try:
            status = lab.cast.status("mr")
        except (Failure, ControlError):
            return False
        return status["flows"]["policies"][0]["name"] == "proxy" and len(status["bindings"]) == 2

    lab.cast.wait("the new policy", changed, 10)


def test_killed_daemons_are_followed_by_new_ones_that_clean_up(lab):
    lab.drive()
    for role in ("mr", "ha"):
        process = lab.cast._daemons.pop(role)
        process.kill()
        process.wait(5)
    lab.cast.start_daemon("ha", AGENT)
    lab.cast.start_daemon("mr", NODE)
    lab.cast.wait("both bindings", lambda: {"wifi", "cell"} <= set(lab.cast.bound()), 15)
    got = lab.cast.result(lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=80, octets=5000), 10)
    assert got["bytes"] > 5000
    for role in ("mr", "ha"):
        assert lab.cast.stop_daemon(role) == 0
        after = lab.topology.snapshot(role)
        for what in ("addresses", "routes", "rules", "nftables"):
            assert after[what] == lab.clean[role][what], (role, what)


def test_a_wrong_key_is_silence_a_named_state_and_a_counter(lab):
    lab.cast.start_daemon("ha", AGENT)
    lab.cast.start_daemon("mr", NODE.replace("sixteen octets!!", "another 16 octets"))
    lab.cast.wait("the uplinks to give up", lambda: lab.uplink("wifi")["registration"] == "no reply", 15)
    assert "does not answer" in lab.uplink("wifi")["detail"]
    assert lab.cast.status("ha")["counters"]["dropped_bad_authenticator"] >= 3
    assert lab.cast.status("ha")["bindings"] == []


def test_an_uplink_without_gateway_leaves_the_other_alone(lab):
    lab.topology.run("mr", "ip", "route", "del", "default", "dev", "wlan0")
    lab.cast.start_daemon("ha", AGENT)
    lab.cast.start_daemon("mr", NODE)
    lab.cast.wait("the cellular binding", lambda: set(lab.cast.bound()) == {"cell"}, 10)
    assert lab.uplink("wifi")["state"] == "no gateway"
    lab.topology.run("mr", "ip", "route", "add", "default", "via", "192.0.2.1", "dev", "wlan0")
    lab.cast.wait("the Wi-Fi binding", lambda: set(lab.cast.bound()) == {"wifi", "cell"}, 5)
    assert json.dumps(lab.cast.status("mr"))
