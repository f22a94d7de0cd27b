"""Which policy a connection falls under, as far as that can be seen."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from router.config.model import Flow
from router.flow.assigner import ruling
from router.flow.match import Traits, judge
from router.flow.policy import Way, choose

WEB = Traits(6, IPv4Address("10.50.0.10"), IPv4Address("203.0.113.10"), 40000, 443)
BOTH = (Way(1, "wifi"), Way(2, "lte"))


@pytest.mark.parametrize(
    ("matches", "flow"),
    [
        (True, Flow("any", ("wifi",))),
        (True, Flow("f", ("wifi",), proto="tcp", dest_ports=((80, 80), (443, 443)))),
        (False, Flow("f", ("wifi",), proto="udp")),
        (False, Flow("f", ("wifi",), proto="tcp", dest_ports=((80, 80),))),
        (True, Flow("f", ("wifi",), src_prefixes=(IPv4Network("10.50.0.0/24"),))),
        (False, Flow("f", ("wifi",), dest_prefixes=(IPv4Network("10.50.0.0/24"),))),
        (False, Flow("f", ("wifi",), proto="tcp", src_ports=((1, 1023),))),
        (False, Flow("f", ("wifi",), spis=((1, 2),))),
        (None, Flow("f", ("wifi",), dscp=(46,))),
        (None, Flow("f", ("wifi",), in_devices=("lan0",))),
        (None, Flow("f", ("wifi",), macs=("02:00:00:00:00:01",))),
        (None, Flow("f", ("wifi",), dest_set="video")),
        (False, Flow("f", ("wifi",), proto="udp", dscp=(46,))),
    ],
)
def test_what_is_seen_and_what_is_not(matches, flow):
    assert judge(flow, WEB).matches is matches


def test_what_the_asker_adds_decides():
    told = Traits(*(getattr(WEB, name) for name in WEB.__dataclass_fields__ if name not in ("dscp", "in_device", "mac", "sets")),
                  dscp=46, in_device="lan1", sets={"video"})  # fmt: skip
    assert judge(Flow("f", ("wifi",), dscp=(46,), dest_set="video"), told).matches
    assert judge(Flow("f", ("wifi",), in_devices=("lan0",)), told).matches is False


def test_the_first_policy_with_a_living_path_counts():
    flows = [Flow("gone", ("sat",)), Flow("web", ("lte",), proto="tcp"), Flow("rest", ("wifi",))]
    assert ruling(WEB, choose(flows, BOTH)).choice.flow.name == "web"


def test_a_policy_that_names_other_paths_was_not_the_one():
    choices = choose([Flow("voice", ("lte",), dscp=(46,)), Flow("rest", ("wifi",))], BOTH)
    assert ruling(WEB, choices, path=1).certain
    doubtful = ruling(WEB, choices, path=2)
    assert not doubtful.certain
    assert doubtful.unseen == "voice: dscp"
