"""Flows are placed, moved and explained under real daemons and real queues."""

import json
import os

import pytest

from router.control import flow_render
from router.control.client import ControlError, request
from router.lab.topology import CORRESPONDENT
from tests.daemon.test_daemon_lab import AGENT, NODE, Lab

pytestmark = pytest.mark.lab

ROUTED = NODE.replace(
    "	list lan_device lan0", "	list lan_device lan0\n	list mobile_network '10.50.0.0/24'"
)
SERVED = AGENT + "	list mobile_network '10.50.0.0/24'\n"


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()


def ask(lab, method, **params):
    return request(os.path.join(lab.cast.directory, "mr.sock"), method, params)


def table_handle(lab):
    """Of the first chain: it is another with every ruleset."""
    listing = json.loads(lab.topology.run("mr", "nft", "-j", "list", "table", "ip", "roamd"))["nftables"]
    return next(item["chain"]["handle"] for item in listing if "chain" in item)


def test_a_flow_is_moved_in_both_directions_and_goes_on(lab):
    lab.drive(ROUTED, SERVED)
    lab.topology.run("cell", "ip", "link", "set", "enb0", "down")
    lab.cast.wait("one path", lambda: set(lab.cast.bound()) == {"wifi"}, 15)
    client = lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=5001, flows=8, seconds=30)
    lab.cast.wait("the flows", lambda: ask(lab, "flows")["active"] == 8, 5)
    assert {row["path"] for row in ask(lab, "flows")["flows"]} == {"wifi"}
    lab.topology.run("cell", "ip", "link", "set", "enb0", "up")

    def moved():
        return [row for row in ask(lab, "flows")["flows"] if row["moves"]]

    # New flows come first: the old ones wait until the path has proved itself.
    lab.cast.wait("a move", moved, 25)
    (row,) = moved()
    assert row["path"] == "cell"
    before, handle = lab.cast.tunnel_octets()[2], table_handle(lab)
    changes = lab.cast.status("mr")["counters"]["bucket_changes"]
    told = ask(lab, "explain", flow=row["id"])
    assert told["reasons"][0].startswith("moved here")
    assert told["path"] == "cell"
    assert [other["path"] for other in told["alternatives"]] == ["wifi", "cable"]
    assert "because\n  - moved here" in flow_render.explained(told)
    found = lab.cast.result(client, 40)
    assert found["open_at_end"] == 8 and not found["errors"]
    after = lab.cast.tunnel_octets()[2]
    # What comes down and what is acknowledged, both by the thin link.
    assert after[0] - before[0] > 500_000
    assert after[1] - before[1] > 5_000
    lab.cast.wait("the end", lambda: not ask(lab, "flows")["active"], 10)
    assert lab.cast.status("mr")["counters"]["bucket_changes"] > changes
    # By elements: the table is still the same.
    assert table_handle(lab) == handle


def test_what_is_said_of_a_flow_is_what_happens(lab):
    lab.drive(ROUTED, SERVED)
    web = lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=4)
    rest = lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=5001, seconds=4)
    lab.cast.wait("both flows", lambda: ask(lab, "flows")["active"] >= 2, 5)
    rows = {row["destination"].rpartition(":")[2]: row for row in ask(lab, "flows")["flows"]}
    assert (rows["80"]["why"], rows["80"]["path"]) == ("policy web", "wifi")
    assert rows["5001"]["why"].startswith("bucket ")
    for row in rows.values():
        told = ask(lab, "explain", flow=f"{row['protocol']} {row['source']} {row['destination']}")
        assert told["path"] == row["path"]
        assert len(told["alternatives"]) == 2
    hypothetical = ask(lab, "explain", flow=f"tcp 10.50.0.10:1234 {CORRESPONDENT}:80")
    assert (hypothetical["path"], hypothetical["flow"]["why"]) == ("wifi", "policy web")
    text = flow_render.flows(ask(lab, "flows"))
    assert "policy web" in text and "ONE MORE GETS" in text
    with pytest.raises(ControlError, match="such as tcp"):
        ask(lab, "explain", flow="tcp nonsense")
    with open(os.path.join(lab.cast.directory, "mr.conf")) as file:
        changed = file.read().replace("list uplink wifi", "list uplink cell")
    dry = ask(lab, "policy_check", text=changed, file="new")
    assert {"policy": "web", "from": "wifi", "to": "cell", "flows": 1} in dry["moves"]
    assert "go from wifi to cell (policy web)" in flow_render.policy_check(dry)
    with pytest.raises(ControlError, match="did you mean uplink"):
        ask(lab, "policy_check", text=changed + "\nconfig uplnk 'x'\n")
    for client in (web, rest):
        assert not lab.cast.result(client, 10)["errors"]
    for role in ("mr", "ha"):
        assert lab.cast.stop_daemon(role) == 0
        assert lab.topology.snapshot(role) == lab.clean[role]


def test_the_home_agents_policy_comes_first_both_ways(lab):
    agent = SERVED + "config flow 'web'\n\tlist label 2\n\toption proto tcp\n\tlist dest_port 80\n"
    node = ROUTED.replace("	option tty", "	option label 2\n	option tty")
    lab.drive(node, agent)
    lab.cast.wait("the policy", lambda: "home_agent_1" in str(lab.cast.status("mr")["flows"]["policies"]), 5)
    before = lab.cast.tunnel_octets()[2]
    got = lab.cast.result(
        lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=80, octets=300_000), 10
    )
    assert got["bytes"] >= 300_000
    after = lab.cast.tunnel_octets()[2]
    assert after[0] - before[0] > 300_000
    assert after[1] - before[1] > 2_000


def test_a_set_that_others_fill_outlives_the_table_and_is_nobodys_disturbance(lab):
    node = ROUTED + "config flow 'video'\n\tlist uplink cell\n\toption set video\n"
    lab.drive(node.replace("	option dest_port 80", "	option dest_port 8080"), SERVED)
    lab.cast.wait("the table", lambda: "set_video" in lab.topology.run("mr", "nft", "list", "sets"), 5)
    add = ("nft", "add", "element", "ip", "roamd", "set_video", f"{{ {CORRESPONDENT} }}")
    lab.topology.run("mr", *add)
    assert lab.cast.status("mr")["counters"]["plane_disturbed"] == 0
    handle = table_handle(lab)
    # Another path for the policy of the web: that is another table.
    lab.topology.set_wifi(False)
    lab.cast.wait("another table", lambda: table_handle(lab) != handle, 10)
    assert CORRESPONDENT in lab.topology.run("mr", "nft", "list", "set", "ip", "roamd", "set_video")
    lab.topology.set_wifi(True)
    lab.cast.wait("both bindings", lambda: {"wifi", "cell"} <= set(lab.cast.bound()), 15)
    before = lab.cast.tunnel_octets()[2][0]
    lab.cast.result(lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=5001, octets=300_000), 10)
    assert lab.cast.tunnel_octets()[2][0] - before > 300_000
