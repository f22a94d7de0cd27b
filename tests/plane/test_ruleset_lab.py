"""nft itself judges the rulesets: it must accept each, and say back what was meant."""

import os
import subprocess
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.config.model import Flow
from router.plane.ruleset import AnchoredMobile, TunnelPath, home_agent_ruleset, mark_of, mobile_ruleset

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
        "buckets": (1,) * 51 + (2,) * 13,
        "mss": 1428,
    }
    return mobile_ruleset(**{**arguments, **changes})


def test_every_match_of_a_policy(load):
    text = load(mobile())
    assert "tcp dport { 80, 8000-8100 }" in text
    assert "ip dscp { af11, ef }" in text
    assert "0-50 : goto path_1, 51-63 : goto path_2" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"buckets": ()},
        {"buckets": (2,) * 64},
        {"lan_devices": [], "mobile_networks": []},
        {"lan_devices": [], "uplink_devices": []},
        {"mask": 0x00000F00},
        {"policies": [(Flow("dns", ("wifi",), proto="udp", dest_ports=((53, 53),)), 1)]},
        {"policies": [(Flow("ping", ("wifi",), proto="icmp"), 1)]},
    ],
)
def test_every_shape_of_the_mobile_ruleset(load, changes):
    assert "chain prerouting" in load(mobile(**changes))


def test_home_agent_ruleset_with_two_mobiles(load):
    def anchored(name, address, net, number):
        prefixes = (IPv4Network(address), IPv4Network(net))
        return AnchoredMobile(name, prefixes, (TunnelPath(number, f"{name}.{number}"),), (number,) * 64)

    mobiles = [anchored("a", "10.99.0.2", "10.50.0.0/24", 1), anchored("b", "10.99.0.3", "10.51.0.0/24", 2)]
    text = load(home_agent_ruleset(mask=0x0F000000, mobiles=mobiles, mss=1428))
    assert "ip saddr vmap { 10.50.0.0/24 : goto pin_1, 10.99.0.2 : goto pin_1 }" in text
    assert "counter packets 0 bytes 0 drop" in text
    assert "goto to_b" in text


def test_marks_fit_their_mask():
    assert mark_of(1, 0x0F000000) == 0x01000000
    assert mark_of(15, 0x00000F00) == 0x00000F00
