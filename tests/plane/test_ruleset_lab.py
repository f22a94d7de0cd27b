"""nft itself judges the rulesets: it must accept each, and say back what was meant."""

import os
import subprocess
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.config.model import Flow
from router.mip.wire.selector import TrafficSelector
from router.plane.home_ruleset import home_agent_ruleset, policy
from router.plane.ruleset import TunnelPath, mobile_ruleset
from router.plane.words import mark_of

pytestmark = pytest.mark.lab

HOME = IPv4Address("10.99.0.2")
LAN = IPv4Network("10.50.0.0/24")
BOTH = [TunnelPath(1, "roam1"), TunnelPath(2, "roam2")]
EVERYTHING = Flow(
    "all",
    ("wifi",),
    proto="tcp",
    src_prefixes=(LAN, IPv4Network("10.51.0.0/16")),
    dest_prefixes=(IPv4Network("203.0.113.0/24"),),
    src_ports=((1024, 65535),),
    dest_ports=((80, 80), (8000, 8100)),
    dscp=(46, 10),
    in_devices=("lan0", "lan1"),
)


@pytest.fixture
def load():
    name = f"rtrs-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)

    def run(body):
        text = f"table ip roamd {{\n{body}}}\n"
        nft = ["ip", "netns", "exec", name, "nft"]
        done = subprocess.run([*nft, "-f", "-"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return subprocess.run([*nft, "list", "ruleset"], check=True, capture_output=True, text=True).stdout

    yield run
    subprocess.run(["ip", "netns", "del", name], check=True)


def mobile(**changes):
    arguments = {
        "mask": 0x0F000000,
        "home_address": HOME,
        "mobile_networks": [LAN],
        "lan_devices": ["lan0"],
        "uplink_devices": ["wlan0", "wwan0"],
        "paths": BOTH,
        "policies": [(EVERYTHING, 1), (Flow("rest", ("cell",)), 2)],
        "size": 64,
        "mss": 1428,
    }
    return mobile_ruleset(**{**arguments, **changes})


def test_every_match_of_a_policy(load):
    text = load(mobile())
    assert "tcp dport { 80, 8000-8100 }" in text
    assert "ip dscp { af11, ef }" in text
    assert "mod 64 seed 0x7629 vmap @buckets" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 256},
        {"policies": [(Flow("tv", ("wifi", "cell"), "balance", proto="udp"), ("tv", 64))]},
        {"policies": [(Flow("never", (), proto="udp", drop=True), "drop")]},
        {"policies": [(Flow("set", ("wifi",), dest_set="streaming"), 1)], "sets": {"streaming"}},
        {"sets": {"streaming"}},
        {"policies": [(Flow("host", ("wifi",), macs=("02:00:00:00:00:01",)), 1)]},
        {"lan_devices": [], "mobile_networks": []},
        {"lan_devices": [], "uplink_devices": []},
        {"mask": 0x00000F00},
        {"policies": [(Flow("dns", ("wifi",), proto="udp", dest_ports=((53, 53),)), 1)]},
        {"policies": [(Flow("ping", ("wifi",), proto="icmp"), 1)]},
    ],
)
def test_every_shape_of_the_mobile_ruleset(load, changes):
    assert "chain prerouting" in load(mobile(**changes))


def test_the_home_agents_ruleset_is_the_same_whoever_is_bound(load):
    text = load(
        home_agent_ruleset(mask=0x0F000000, group=lambda number: 7400 + number, shared=7400, mss=1420)
    )
    assert "7415 : goto in_15" in text and "7400 : goto in_shared" in text
    assert "fib saddr . mark . iif oif missing goto in_shared" in text
    assert "iifname . ip saddr vmap @shared" in text


def test_every_flow_binding_is_a_rule_of_its_mobile_nodes_chain(load):
    selectors = [
        (TrafficSelector(source_port=(80, 90), protocol=(6, 6)), 2),
        (TrafficSelector(destination_port=(53, 53)), None),
        (TrafficSelector(source=(1, 5), spi=(256, 300), dscp=(46, 46)), 1),
    ]
    chain, elements = policy(HOME, [LAN], selectors)
    body = home_agent_ruleset(mask=0x0F000000, group=lambda number: 7400 + number, shared=7400, mss=1420)
    rules = "".join(f"    {rule}\n" for rule in chain.rules)
    text = load(f"{body}  chain {chain.name} {{\n{rules}  }}\n")
    assert "tcp sport 80-90 goto flow_2" in text
    assert {element.key for element in elements} == {str(HOME), str(LAN)}


def test_marks_fit_their_mask():
    assert mark_of(1, 0x0F000000) == 0x01000000
    assert mark_of(15, 0x00000F00) == 0x00000F00
