"""Whole daemons in a real kernel: what they agree on, what they survive, and what they leave."""

import json
import os
import signal

import pytest

from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, Topology
from tests.daemon import test_foreign_agent_lab as foreign
from tests.vm.conntrack import FORGET

pytestmark = pytest.mark.vm

HOME_AGENT = """
config roamd
	option control '{directory}/ha.sock'
	option state '{directory}/ha'
config home_agent
	option address '{home_agent}'
	option plane kernel
	option gre 1
	option keepalive 10
config home_network
	option prefix '10.99.0.0/24'
config mobile 'bus'
	option home_address '10.99.0.2'
	option spi 256
	option key 'sixteen octets!!'
	list mobile_network '10.50.0.0/24'
"""
MOBILE_NODE = """
config roamd
	option control '{directory}/mr.sock'
	option state '{directory}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '{home_agent}'
	option spi 256
	option key 'sixteen octets!!'
	option plane kernel
	list mobile_network '10.50.0.0/24'
	list lan_device lan0
config uplink 'wifi'
	option type wifi
	option device wlan0
	option encapsulation gre
	option bandwidth {wifi}
config uplink 'cell'
	option type ethernet
	option device wwan0
	option bandwidth {cell}
config flow 'web'
	list uplink wifi
	option proto tcp
	option dest_port 80
config flow 'rest'
	list uplink cell
"""
OTHER_MAPPING = """
add table ip cgnat
delete table ip cgnat
table ip cgnat {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan0" meta l4proto udp snat to 198.18.2.2:42000-42999 random
  }
}
"""


@pytest.fixture
def drive(tmp_path):
    topology = Topology(f"rttv{os.getpid()}", 20, 5)
    try:
        topology.build()
        yield Cast(topology, str(tmp_path), 20, 5)
    finally:
        topology.destroy()


def wait_until_driving(cast):
    cast.wait("both bindings", lambda: set(cast.bound()) == {"wifi", "cell"}, 90)
    # A connection keeps the path that it is given at its start: the policy must be in force by then.
    cast.wait("the policy", lambda: "tcp dport 80 goto path_1" in ruleset(cast), 60)


def tunnels(cast, role):
    """(encapsulation, plane) of the tunnels of a daemon by BID."""
    return {item["bid"]: (item["encapsulation"], item["plane"]) for item in cast.status(role)["tunnels"]}


def carries(cast, name):
    """Whether flows are given to an uplink's path."""
    return next(item["path"]["carries"] for item in cast.status("mr")["uplinks"] if item["name"] == name)


def carried(cast, port):
    """A transfer from the internet to the LAN, and which tunnels it came by."""
    before = cast.tunnel_octets()
    got = cast.result(cast.traffic("lan", "download", host=CORRESPONDENT, port=port, octets=300_000), 60)
    assert got["bytes"] >= 300_000
    return {bid for bid, (octets, _) in cast.tunnel_octets().items() if octets - before[bid][0] > 250_000}


def test_both_daemons_and_a_mapping_that_is_lost(drive):
    drive.start_servers()
    drive.start_daemon("ha", HOME_AGENT)
    drive.start_daemon("mr", MOBILE_NODE)
    wait_until_driving(drive)
    expected = {1: ("gre", "kernel"), 2: ("udp", "kernel")}
    assert tunnels(drive, "mr") == tunnels(drive, "ha") == expected
    assert carried(drive, 80) == {1}
    assert carried(drive, 5001) == {2}

    def source():
        return next(item["source"] for item in drive.status("ha")["bindings"] if item["bid"] == 2)

    before = source()
    drive.wait("keepalives", lambda: drive.status("mr")["counters"].get("keepalives_sent", 0) >= 2, 60)
    assert "keepalives unanswered" not in drive.tail("mr", 50)
    devices = drive.lab.run("ha", "ip", "-d", "-o", "link", "show", "type", "ipip")
    drive.lab.run("cell", "nft", "-f", "-", text=OTHER_MAPPING)
    drive.lab.run("cell", "python3", "-c", FORGET)
    drive.wait("the new mapping to be found out", lambda: source() != before, 90)
    assert "keepalives unanswered" in drive.tail("mr", 50)
    assert source().rpartition(":")[2].startswith("42")
    assert drive.lab.run("ha", "ip", "-d", "-o", "link", "show", "type", "ipip") == devices
    # The path was silent meanwhile, and its flows had left it.
    drive.wait("the path to carry again", lambda: carries(drive, "cell"), 60)
    assert carried(drive, 5001) == {2}
    counters = drive.status("mr")["counters"]
    assert counters["tunnel_unmatched"] == counters["plane_refused"] == 0
    for role in ("mr", "ha"):
        assert drive.stop_daemon(role) == 0, drive.tail(role)
        assert drive.lab.run(role, "ip", "fou", "show").strip() == ""


def test_killed_daemons_come_back_under_a_running_transfer(drive):
    """First the mobile router's, then the home agent's: one connection, no octet lost, no device made anew."""
    drive.start_servers()
    clean = {role: drive.lab.snapshot(role) for role in ("mr", "ha")}
    drive.start_daemon("ha", HOME_AGENT)
    drive.start_daemon("mr", MOBILE_NODE)
    wait_until_driving(drive)
    drive.wait("the tunnels", lambda: len(indexes(drive, "mr")) == len(indexes(drive, "ha")) == 2, 60)
    devices = {role: indexes(drive, role) for role in ("mr", "ha")}
    client = drive.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=600)
    for role in ("mr", "ha"):
        drive.wait("octets", flowing(drive), 60)
        drive.kill_daemon(role)
        before = octets_of(drive)
        drive.wait("octets without a daemon", lambda before=before: octets_of(drive) > before + 200_000, 60)
        drive.start_daemon(role, HOME_AGENT if role == "ha" else MOBILE_NODE)
        # Nobody tells the mobile node that its home agent has forgotten it: what is renewed each
        # minute, behind NAT, is bound anew, and the other tunnel is held meanwhile.
        again = {1, 2} if role == "mr" else {2}
        drive.wait("bindings", lambda again=again: bids(drive) >= again, 120)
    drive.wait("octets", flowing(drive), 60)
    client.send_signal(signal.SIGTERM)
    found = drive.result(client, 60)
    assert not found["errors"] and found["open_at_end"] == 1
    assert found["longest_gap_ms"] < 2000
    assert {role: indexes(drive, role) for role in ("mr", "ha")} == devices
    for role in ("mr", "ha"):
        assert drive.stop_daemon(role) == 0, drive.tail(role)
        assert drive.lab.snapshot(role) == clean[role]


def ruleset(cast):
    return cast.lab.run("mr", "nft", "list", "ruleset")


def indexes(cast, role):
    """The tunnel devices, each with its interface index."""
    links = json.loads(cast.lab.run(role, "ip", "-j", "link"))
    return {link["ifname"]: link["ifindex"] for link in links if link.get("ifalias") == "roamd"}


def octets_of(cast):
    """What the access link has carried to the mobile router: known also when no daemon lives."""
    found = json.loads(cast.lab.run("mr", "ip", "-j", "-s", "link", "show", "dev", "wlan0"))
    return found[0]["stats64"]["rx"]["bytes"]


def flowing(cast):
    before = octets_of(cast)
    return lambda: octets_of(cast) > before + 200_000


def bids(cast):
    """Of the bindings that both ends have."""
    return set.intersection(
        *({binding["bid"] for binding in cast.status(role)["bindings"]} for role in ("mr", "ha"))
    )


def test_a_mobile_network_through_a_foreign_agent_in_gre_with_keys(tmp_path):
    visit = foreign.Visit(tmp_path)
    try:
        agent = foreign.AGENT.replace("config home_network", "\toption gre 1\nconfig home_network")
        visiting = foreign.FOREIGN_AGENT.replace("option challenge 1", "option challenge 1\n\toption gre 1")
        node = foreign.NODE.replace(
            "option care_of foreign", "option care_of foreign\n\toption encapsulation gre"
        )
        for role, text in (("ha", agent), ("wifi", visiting), ("mr", node)):
            visit.cast.start_daemon(role, text)
        wait_until_driving(visit.cast)
        found = [
            json.loads(visit.topology.run(role, "ip", "-j", "-d", "link", "show", "type", "gre"))
            for role in ("ha", "wifi")
        ]
        ends = [
            item["linkinfo"]["info_data"]
            for items in found
            for item in items
            if item.get("ifalias") == "roamd"
        ]
        assert len(ends) == 2
        assert (ends[0]["ikey"], ends[0]["okey"]) == (ends[1]["okey"], ends[1]["ikey"])
        assert (ends[0]["local"], ends[0]["remote"]) == (ends[1]["remote"], ends[1]["local"])
        assert carried(visit.cast, 80) == {1}
        assert tunnels(visit.cast, "wifi") == {0: ("gre", "kernel")}
    finally:
        visit.topology.destroy()
