"""From text to configuration: what is good, and what is said of the rest."""

import os
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config import ConfigErrors, load
from router.config.schema import SECTIONS

NODE = """
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '198.51.100.2'
	option spi '256'
	option key '0x000102030405060708090a0b0c0d0e0f'
"""
WIFI = """
config uplink 'wifi'
	option type 'wifi'
	option device 'wlan0'
"""
AGENT = """
config home_agent
	option address '198.51.100.2'
"""
MOBILE = """
config mobile 'bus'
	option home_address '10.99.0.2'
	option spi '256'
	option key 'sixteen octets!!'
	list mobile_network '10.50.0.0/24'
"""


def errors(text):
    with pytest.raises(ConfigErrors) as caught:
        load(text, "roamd")
    return [str(error) for error in caught.value.errors]


def test_defaults():
    config = load(NODE + WIFI, "roamd")
    assert config.mobile_node.home_address == IPv4Address("10.99.0.2")
    assert config.mobile_node.security.key == bytes(range(16))
    assert config.mobile_node.security.algorithm == "hmac-md5"
    assert config.mobile_node.plane.mark_mask == 0x0F000000
    assert config.uplinks[0].bid == 1
    assert config.control == "/var/run/roamd.sock"


def test_bids_are_given_out_around_the_chosen_ones():
    text = (
        NODE
        + WIFI
        + "\toption bid 2\n"
        + "".join(f"config uplink 'u{n}'\n\toption type ethernet\n\toption device eth{n}\n" for n in range(3))
    )
    assert [uplink.bid for uplink in load(text, "f").uplinks] == [2, 1, 3, 4]


def test_a_disabled_section_is_left_out():
    lte = "config uplink 'lte'\n\toption type cellular\n\toption tty /dev/ttyUSB2\n\toption enabled 0\n"
    assert [uplink.name for uplink in load(NODE + WIFI + lte, "f").uplinks] == ["wifi"]


def test_a_flow_with_everything():
    flow = """
config flow 'voice'
	list uplink 'wifi'
	option proto 'udp'
	list dest_port '5060'
	list dest_port '10000-20000'
	list dscp 'ef'
	list dscp '10'
	list src_prefix '10.50.0.0/25'
	list in_device 'br-lan'
"""
    found = load(NODE + WIFI + flow, "f").flows[0]
    assert found.dest_ports == ((5060, 5060), (10000, 20000))
    assert found.dscp == (46, 10)
    assert found.src_prefixes == (IPv4Network("10.50.0.0/25"),)


def test_days_and_hours_of_a_flow():
    flow = """
config flow 'late'
	option action 'balance'
	list day 'fri-sun'
	list day 'mon'
	list hours '22:30-06:00'
	option set 'video'
	list mac '02:00:5E:10:00:01'
"""
    found = load(NODE + WIFI + flow, "f").flows[0]
    assert (found.action, found.uplinks, found.dest_set) == ("balance", (), "video")
    assert found.days == (0, 4, 5, 6)
    assert found.hours == ((22 * 60 + 30, 6 * 60),)
    assert found.macs == ("02:00:5e:10:00:01",)


def test_what_an_uplink_may_cost():
    lte = "config uplink 'lte'\n\toption type cellular\n\toption metered 1\n\toption roaming 0\n\toption cap 5000\n"
    found = load(NODE + WIFI + lte, "f").uplinks
    assert [(one.metered, one.roaming, one.cap, one.cap_day) for one in found] == [
        (False, True, None, 1),
        (True, False, 5000, 1),
    ]


def test_home_agent_with_mobiles():
    config = load(AGENT + MOBILE + "config home_network\n\toption prefix 10.99.0.0/24\n", "f")
    assert config.mobiles[0].mobile_networks == (IPv4Network("10.50.0.0/24"),)
    assert config.home_networks[0].prefix == IPv4Network("10.99.0.0/24")


def test_the_example_file_is_good():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, "openwrt", "files", "roamd.config"), "rb") as file:
        text = file.read()
    config = load(text, "roamd.config")
    assert config.mobile_node is not None
    assert len(config.uplinks) >= 2


def test_the_example_file_names_every_option_of_the_router():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, "openwrt", "files", "roamd.config")) as file:
        text = file.read()
    for kind in ("roamd", "mobile_node", "uplink", "flow"):
        for option in SECTIONS[kind].options:
            assert f" {option.name} " in text, (kind, option.name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WIFI, "no role"),
        (NODE, "without any uplink"),
        (NODE + NODE + WIFI, "only one mobile_node"),
        (NODE.replace("256", "255") + WIFI, "option spi '255': expected a whole number, 256.."),
        (NODE.replace("0x0001", "0x") + WIFI, "option key '<hidden>': expected 16 octets"),
        (NODE + "\toption mark_mask 0x5\n" + WIFI, "adjacent bits"),
        (NODE + "\toption mark_mask 0x3000\n" + WIFI + "\toption bid 9\n", "path numbers up to 3"),
        (NODE + "\toption home_agnet 1\n" + WIFI, "did you mean home_agent?"),
        (NODE + "config uplnk 'x'\n" + WIFI, "did you mean uplink?"),
        (NODE + WIFI + WIFI.replace("'wifi'\n\toption type", "'two'\n\toption type"), "has it already"),
        (NODE + "config uplink\n\toption type wifi\n\toption device w\n", "wants a name"),
        (NODE + WIFI.replace("wlan0", "a/b"), "network device name"),
        (NODE + WIFI + "\toption bandwidth '20 Mbit'\n", "kbit/s, 1..10000000"),
        (NODE + WIFI + "\tlist bandwidth 20\n", "write option, not list"),
        (NODE + WIFI + "config flow 'f'\n\tlist uplink wiffi\n", "did you mean wifi?"),
        (NODE + WIFI + "config flow 'f'\n\tlist uplink wifi\n\toption dest_port 80\n", "want proto"),
        (NODE + WIFI + "config flow 'f'\n\toption action faster\n", "expected one of prefer, balance"),
        (NODE + WIFI + "config flow 'f'\n\toption proto udp\n", "says not where to"),
        (NODE + WIFI + "config flow 'f'\n\tlist uplink wifi\n\toption drop 1\n", "leave one of them out"),
        (
            NODE + WIFI + "config flow 'f'\n\tlist uplink wifi\n\tlist mac 02:00\n",
            "such as 02:00:5e:10:00:01",
        ),
        (NODE + WIFI + "config flow 'f'\n\tlist uplink wifi\n\tlist day monday\n", "such as mon-fri"),
        (NODE + WIFI + "config flow 'f'\n\tlist uplink wifi\n\tlist hours 8-18\n", "such as 08:00-18:30"),
        (NODE + WIFI + "config flow 'f'\n\tlist uplink wifi\n\toption set 4you\n", "no digit first"),
        (AGENT + MOBILE + "config flow 'f'\n\tlist label 1\n\toption set tv\n", "a home agent's has none"),
        (NODE + WIFI + "\toption roaming 0\n", "only a cellular uplink roams"),
        (NODE + WIFI + "\toption cap_day 3\n", "wants option cap"),
        (NODE + WIFI + "\toption cap 5GB\n", "whole number of MB"),
        (AGENT + MOBILE + "config home_network\n\toption prefix 10.98.0.0/24\n", "lies in no home_network"),
        (AGENT + MOBILE + MOBILE.replace("'bus'", "'b2'"), "overlaps 10.50.0.0/24 of mobile 'bus'"),
        (AGENT + MOBILE.replace("/24", "/8"), "host bits zero"),
    ],
)
def test_errors_name_the_thing_and_what_is_allowed(text, expected):
    found = errors(text)
    assert any(expected in error for error in found), found
    assert all(error.startswith("roamd:") for error in found)


def test_all_errors_come_at_once_in_file_order():
    found = errors(
        NODE.replace("10.99.0.2", "10.99") + WIFI + "\toption bid 99\n\toption label 0\nnonsense\n"
    )
    assert len(found) == 4
    lines = [int(error.split(":")[1]) for error in found]
    assert lines == sorted(lines)


@given(st.text(max_size=200))
def test_nothing_else_is_raised(text):
    for head in ("", NODE, NODE + WIFI, AGENT + MOBILE):
        try:
            load(head + text, "f")
        except ConfigErrors as error:
            assert error.errors


def test_how_an_uplink_tunnels():
    config = load(NODE + WIFI + "\toption encapsulation gre\n", "roamd")
    assert config.uplinks[0].encapsulation == "gre"
    assert load(NODE + WIFI, "roamd").uplinks[0].encapsulation == "auto"
    (error,) = errors(NODE + "\toption udp_tunnel off\n" + WIFI + "\toption encapsulation udp\n")
    assert "encapsulation" in error and "udp_tunnel of the mobile_node is off" in error


def test_mtu_is_a_number_or_found_out():
    assert load(NODE + WIFI, "roamd").uplinks[0].mtu is None
    assert load(NODE + WIFI + "\toption mtu auto\n", "roamd").uplinks[0].mtu is None
    assert load(NODE + WIFI + "\toption mtu 1400\n", "roamd").uplinks[0].mtu == 1400
    for wrong in ("575", "65536", "none", "-1"):
        (error,) = errors(NODE + WIFI + f"\toption mtu '{wrong}'\n")
        assert "576..65535, or auto" in error


def test_gre_and_the_listeners_port():
    agent = load(AGENT + "\toption gre 1\n\toption fou_port 5555\n" + MOBILE, "roamd").home_agent
    assert agent.gre and agent.plane.fou_port == 5555
    assert not load(AGENT + MOBILE, "roamd").home_agent.gre
    assert errors(AGENT + "\toption fou_port 0\n" + MOBILE)
