"""The rescue tool's package under MicroPython on a router in namespaces, against roamd's own home agent."""

import json
import os
import subprocess

import pytest

from openwrt.packaging.tree import package, write_tree
from router.lab.cast import Cast
from router.lab.topology import HOME_AGENT, Topology
from tests.modem.test_micropython import ROOT, tool

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
config uplink 'wifi'
	option type wifi
	option device wlan0
	option bandwidth {wifi}
config uplink 'wwan'
	option type ethernet
	option device wwan0
	option bandwidth {cell}
"""
DROP = """table ip t {{
	chain c {{
		type filter hook forward priority 0;
		{0} drop
	}}
}}
"""


class Router:
    """The namespaces, and the rescue tool on their router."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.topology = Topology(f"rtrs{os.getpid()}", 20, 5)
        self.cast = Cast(self.topology, self.directory, 20, 5)
        self.topology.build()
        write_tree(package(ROOT, "roamd-rescue", 0), f"{self.directory}/root")
        # As a router has it; this machine's kernel may not.
        os.makedirs(f"{self.directory}/sys/module/ipip")

    def start_agent(self):
        self.cast.start_daemon("ha", AGENT)
        self.cast.wait("the home agent", lambda: bool(self.cast.status("ha")), 15)

    def rescue(self, *options, node=NODE):
        config = os.path.join(self.directory, "rescue.config")
        with open(config, "w") as file:
            file.write(node.format(directory=self.directory, home_agent=HOME_AGENT, wifi=20000, cell=5000))
        start = f"{self.directory}/root/usr/lib/roamd-rescue/start.py"
        words = [tool("micropython"), "-X", "heapsize=256k", start, "--json", "--config", config]
        inside = ["ip", "netns", "exec", self.topology.name("mr"), *words, "--root", self.directory, *options]
        done = subprocess.run(inside, capture_output=True, text=True, timeout=60)
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        facts = json.loads(done.stdout)
        assert facts["failed"] == []
        return facts


@pytest.fixture
def lab(tmp_path):
    tool("mpy-cross")
    lab = Router(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()


def faults(facts):
    return [(item["uplink"], item["code"]) for item in facts["summary"]["findings"]]


def answers(facts):
    return {
        path["device"]: path["answer"] and (path["answer"]["code"], path["answer"]["authentic"])
        for path in facts["paths"]
    }


def test_links_and_routes_are_those_that_ip_shows(lab):
    facts = lab.rescue("--dry-run")
    shown = json.loads(lab.topology.run("mr", "ip", "-j", "-4", "address"))
    wanted = {
        link["ifname"]: [f"{item['local']}/{item['prefixlen']}" for item in link["addr_info"]]
        for link in shown
        if link["ifname"] != "lo"
    }
    assert {link["name"]: link["addresses"] for link in facts["links"] if link["addresses"]} == wanted
    routes = json.loads(lab.topology.run("mr", "ip", "-j", "-4", "route"))
    assert {(item["dst"], item.get("gateway"), item["dev"]) for item in routes} == {
        (route["to"], route["gateway"], route["device"]) for route in facts["routes"]
    }
    # Nothing was sent, and what would be is said.
    assert [path["device"] for path in facts["paths"]] == ["wlan0", "wwan0"]
    assert all("lifetime 0, BID 254, SPI 256, hmac-sha256" in path["would"] for path in facts["paths"])
    assert not any(path["tried"] for path in facts["paths"])


def test_both_ways_are_answered_and_a_running_roamd_loses_nothing(lab):
    lab.start_agent()
    lab.cast.start_daemon("mr", NODE)
    lab.cast.wait("both bindings", lambda: {"wifi", "wwan"} <= set(lab.cast.bound()), 15)
    before = lab.cast.status("ha")["bindings"]
    facts = lab.rescue()
    assert answers(facts) == {"wlan0": (0, True), "wwan0": (0, True)}
    assert (faults(facts), facts["summary"]["verdict"]) == ([], "OK")
    assert all(path["echo"] is not None for path in facts["paths"])
    assert facts["roamd"] == "is running"
    after = lab.cast.status("ha")["bindings"]
    assert [item["care_of_address"] for item in after] == [item["care_of_address"] for item in before]
    assert {"wifi", "wwan"} <= set(lab.cast.bound())


def test_what_the_way_swallows_is_measured_and_named(lab):
    lab.start_agent()
    lab.topology.run("wifi", "nft", "-f", "-", text=DROP.format("meta length > 1410"))
    facts = lab.rescue()
    assert faults(facts) == [("wifi", "mtu_black_hole")]
    assert {path["device"]: path["path_mtu"] for path in facts["paths"]} == {"wlan0": 1400, "wwan0": 1500}
    os.rmdir(f"{lab.directory}/sys/module/ipip")
    assert {code for _, code in faults(lab.rescue())} & {"modules_missing", "no_tunnels"}


def test_each_fault_of_the_way_is_named(lab):
    lab.start_agent()
    lab.topology.run("inet", "nft", "-f", "-", text=DROP.format("udp dport 434"))
    assert set(faults(lab.rescue())) == {("wifi", "udp_blocked"), ("wwan", "udp_blocked")}
    lab.topology.run("inet", "nft", "flush", "ruleset")

    lab.topology.run("wifi", "nft", "-f", "-", text=DROP.format(""))
    facts = lab.rescue()
    assert faults(facts) == [("wifi", "no_way")]
    assert answers(facts)["wwan0"] == (0, True)
    lab.topology.run("wifi", "nft", "flush", "ruleset")

    lab.topology.run("wifi", "ip", "address", "flush", "dev", "ap0")
    lab.topology.run("mr", "ip", "neigh", "flush", "dev", "wlan0")
    assert faults(lab.rescue()) == [("wifi", "gateway_silent")]

    lab.topology.set_wifi(False)
    assert faults(lab.rescue()) == [("wifi", "no_carrier")]

    other = NODE.replace("sixteen octets!!", "another 16 octets")
    assert ("wwan", "wrong_key") in faults(lab.rescue(node=other))

    assert lab.cast.stop_daemon("ha") == 0
    assert ("wwan", "agent_refuses_port") in faults(lab.rescue())
