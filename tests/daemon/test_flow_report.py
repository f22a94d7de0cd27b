"""What is told of flows: true to the decisions, and clear about what cannot be known."""

import asyncio
from types import SimpleNamespace

import pytest

from router.attributes import attribute, nest, u8, u16_be
from router.config.model import Flow
from router.control import flow_render
from router.daemon.flow_control import traits_of
from router.daemon.flow_report import FlowReport
from router.daemon.now import now
from router.flow.assigner import Assigner
from router.flow.policy import Way
from router.flow.track import Tracker
from router.path.quality import Quality

NAMES = {1: "wifi", 2: "lte"}
NODE = """
config mobile_node
	option home_address 10.99.0.2
	option home_agent 198.51.100.2
	option spi 256
	option key 'sixteen octets!!'
config uplink 'wifi'
	option type wifi
	option device wlan0
config uplink 'lte'
	option type cellular
"""


def key(port, destination_port=443, protocol=6):
    """As the kernel says a connection of 10.50.0.10 with 203.0.113.10."""
    ends = nest(1, attribute(1, bytes((10, 50, 0, 10))), attribute(2, bytes((203, 0, 113, 10))))
    return ends + nest(2, u8(1, protocol), u16_be(2, port), u16_be(3, destination_port))


class Control:
    """Two looks, one second apart: flows by key are (path, octets down in that second)."""

    def __init__(self, flows, *policies, inbound=()):
        self.tracker = Tracker(lambda found: found in inbound)
        self.assigner = Assigner(policies, traits_of)
        ways = [Way(1, "wifi"), Way(2, "lte")]
        qualities = {
            1: Quality(1, "up", 40_000.0, 40_000.0, 0.9, "test"),
            2: Quality(2, "up", 10_000.0, 10_000.0, 0.9, "test"),
        }
        at = now().monotonic - 1
        self.tracker.begin(at)
        self.tracker.end(at)
        self.assigner.look(at, (0, 0), ways, qualities, self.tracker, 1.0)
        self.first = self.assigner.decision
        self.tracker.begin(at + 1)
        self.tracker.see([(one, path, 0, octets, False) for one, (path, octets) in flows.items()], at + 1)
        self.tracker.end(at + 1)
        self.assigner.look(at + 1, (0, 0), ways, qualities, self.tracker, 1.0)

    def decided_at(self, when):
        return self.first

    def ask(self, method, **params):
        found = FlowReport(self, NAMES).methods()[method](params)
        return asyncio.run(found) if asyncio.iscoroutine(found) else found


def test_the_busiest_first_and_no_more_than_asked_for():
    control = Control({key(port): (1, 1_000 * port) for port in range(100, 110)})
    rows = control.ask("flows", limit=3)["flows"]
    assert [row["source"] for row in rows] == ["10.50.0.10:109", "10.50.0.10:108", "10.50.0.10:107"]
    assert rows[0]["down"] > rows[1]["down"]
    with pytest.raises(ValueError, match=r"limit 0: expected 1\.\."):
        control.ask("flows", limit=0)


def test_a_policy_a_bucket_and_the_other_side_are_told_apart():
    web = Flow("web", ("lte",), proto="tcp", dest_ports=((443, 443),))
    flows = {key(1): (2, 9000), key(2, 25): (1, 9000), key(3, 26): (1, 9000)}
    control = Control(flows, web, inbound=(key(3, 26),))
    found = {row["destination"]: row["why"] for row in control.ask("flows")["flows"]}
    assert found["203.0.113.10:443"] == "policy web"
    assert found["203.0.113.10:25"].startswith("bucket ")
    assert found["203.0.113.10:26"] == "begun outside"


def test_every_other_path_has_a_reason():
    web = Flow("web", ("lte", "wifi"), proto="tcp", dest_ports=((443, 443),))
    told = Control({key(1): (2, 9000)}, web).ask("explain", flow="tcp 10.50.0.10:1 203.0.113.10:443")
    assert told["path"] == "lte"
    assert told["alternatives"] == [{"path": "wifi", "reason": "policy web prefers lte"}]
    told = Control({key(1, 25): (1, 9000)}).ask("explain", flow="tcp 10.50.0.10:1 203.0.113.10:25")
    assert "compete for 10.0 Mbit/s" in told["alternatives"][0]["reason"]
    text = flow_render.explained(told)
    assert "path wifi, because" in text and "The paths when it began" in text


def test_a_flow_is_found_by_what_the_table_calls_it():
    control = Control({key(1): (1, 9000), key(2): (1, 9000)})
    for row in control.ask("flows")["flows"]:
        assert control.ask("explain", flow=row["id"])["flow"]["source"] == row["source"]


def test_what_cannot_be_seen_is_said_and_may_be_told():
    voice = Flow("voice", ("lte",), dscp=(46,))
    control = Control({}, voice)
    told = control.ask("explain", flow="udp 10.50.0.10:1 203.0.113.10:5060")
    assert any("not known is voice: dscp" in reason for reason in told["reasons"])
    told = control.ask("explain", flow="udp 10.50.0.10:1 203.0.113.10:5060", dscp="ef")
    assert told["path"] == "lte"
    with pytest.raises(ValueError, match=r"dscp loud: expected 0\.\.63"):
        control.ask("explain", flow="udp 10.50.0.10:1 203.0.113.10:5060", dscp="loud")


@pytest.mark.parametrize(
    "flow",
    [
        "",
        "abcdef",
        "tcp 10.50.0.10",
        "tcp 10.50.0.10:x 203.0.113.10",
        "bgp 1.2.3.4 5.6.7.8",
        "tcp 1.2.3.4:70000 5.6.7.8:1",
    ],
)
def test_a_wrong_question_is_told_what_is_right(flow):
    with pytest.raises(ValueError, match=r"such as tcp|roamctl flows --all"):
        Control({}).ask("explain", flow=flow)


def test_a_dry_run_says_how_many_would_go_where():
    flows = {key(port, 443): (1, 9000) for port in range(1, 6)} | {
        key(9, 25): (1, 9000),
        key(10, 26): (1, 9000),
    }
    web = "config flow 'web'\n\tlist uplink lte\n\toption proto tcp\n\tlist dest_port 443\n"
    spam = "config flow 'spam'\n\toption drop 1\n\toption proto tcp\n\tlist dest_port 25\n"
    voice = "config flow 'voice'\n\tlist uplink wifi\n\tlist dscp ef\n"
    found = Control(flows).ask("policy_check", text=NODE + web + spam + voice, file="new.conf")
    assert {"policy": "web", "from": "wifi", "to": "lte", "flows": 5} in found["moves"]
    assert {"policy": "spam", "from": "wifi", "to": "dropped", "flows": 1} in found["moves"]
    assert found["unclear"] == [{"unseen": "voice: dscp", "flows": 1}]
    assert (found["flows"], found["stay"]) == (7, 0)
    text = flow_render.policy_check(found)
    assert "5 flows go from wifi to lte (policy web)" in text
    with pytest.raises(ValueError, match=r"new\.conf:.*did you mean uplink"):
        Control(flows).ask("policy_check", text=NODE + "config uplnk 'x'\n", file="new.conf")


def test_nothing_known_yet_is_no_error():
    control = SimpleNamespace(
        tracker=Tracker(lambda found: False), assigner=Assigner((), traits_of), decided_at=lambda when: None
    )
    report = FlowReport(control, NAMES).methods()
    assert flow_render.flows(report["flows"]({})).startswith("no path lives")
    told = report["explain"]({"flow": "tcp 10.50.0.10:1 203.0.113.10:443"})
    assert told["path"] is None
    assert "path none" in flow_render.explained(told)
