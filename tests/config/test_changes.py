"""What a new configuration costs: nothing, one uplink's binding, or a role's start anew."""

import pytest

from router.config import load
from router.config.changes import compare

NODE = """
config roamd
	option log_level info
config mobile_node
	option home_address 10.99.0.2
	option home_agent 198.51.100.2
	option spi 256
	option key 'sixteen octets!!'
config uplink wifi
	option type wifi
	option device wlan0
config uplink lte
	option type cellular
	option device wwan0
config flow web
	option proto tcp
	list uplink wifi
"""
AGENT = """
config roamd
	option log_level info
config home_agent
	option address 198.51.100.2
config mobile bus
	option home_address 10.99.0.2
	option spi 256
	option key 'sixteen octets!!'
"""


def changed(before, *replacements):
    text = before
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    old = load(before, "x")
    return compare(old, load(text, "x", {uplink.name: uplink.bid for uplink in old.uplinks}))


@pytest.mark.parametrize(
    "old, new, name",
    [
        ("log_level info", "log_level debug", "log_level"),
        ("proto tcp", "proto udp", "flow web.proto"),
        ("device wlan0", "device wlan0\n\toption label 7", "uplink wifi.label"),
        ("device wlan0", "device wlan0\n\toption metered 1", "uplink wifi.metered"),
        ("device wlan0", "device wlan0\n\toption bandwidth_down 9", "uplink wifi.bandwidth_down"),
        ("option spi", "list lan_device br-lan\n\toption spi", "mobile_node.lan_devices"),
        ("option spi", "option damping 0\n\toption spi", "mobile_node.damping"),
    ],
)
def test_what_is_unrelated_costs_nothing(old, new, name):
    changes = changed(NODE, (old, new))
    assert (changes.restarts, changes.gone, changes.come) == ({}, (), ())
    assert changes.names == (name,)


def test_nothing_is_nothing():
    changes = changed(NODE)
    assert (changes.restarts, changes.altered, changes.names) == ({}, (), ())


@pytest.mark.parametrize(
    "old, new, reason",
    [
        ("198.51.100.2", "198.51.100.3", "home_agent"),
        ("10.99.0.2", "10.99.0.3", "home_address"),
        ("sixteen octets!!", "another 16 octets", "security"),
        ("option spi", "option table_base 8000\n\toption spi", "plane"),
        ("log_level info", "control /tmp/x", "control"),
        ("log_level info", "record /tmp/x", "record"),
    ],
)
def test_what_the_whole_role_rests_on_starts_it_anew(old, new, reason):
    changes = changed(NODE, (old, new))
    assert changes.restarts == {"mobile_node": (reason,)}
    assert "sixteen" not in repr((changes.restarts, changes.names))


def test_an_uplink_on_another_device_is_another_one_and_the_rest_stay():
    changes = changed(NODE, ("wlan0", "wlan1"))
    assert [uplink.device for uplink in changes.gone] == ["wlan0"]
    assert [uplink.device for uplink in changes.come] == ["wlan1"]
    assert changes.altered == ()
    assert changes.restarts == {}


def test_an_uplink_comes_before_the_others_and_takes_nobodys_number():
    more = "config uplink cable\n\toption type ethernet\n\toption device eth1\nconfig uplink wifi"
    changes = changed(NODE, ("config uplink wifi", more))
    assert [(uplink.name, uplink.bid) for uplink in changes.come] == [("cable", 3)]
    assert changes.gone == ()
    assert "uplink cable (new)" in changes.names


def test_an_uplink_goes_and_the_others_keep_their_numbers():
    changes = changed(NODE, ("option device wlan0", "option device wlan0\n\toption enabled 0"))
    assert [uplink.name for uplink in changes.gone] == ["wifi"]
    assert (changes.come, changes.altered, changes.restarts) == ((), (), {})


def test_a_number_that_somebody_claims_is_his():
    more = "config uplink cable\n\toption bid 1\n\toption type ethernet\n\toption device eth1\nconfig uplink wifi"
    changes = changed(NODE, ("config uplink wifi", more))
    assert {uplink.name: uplink.bid for uplink in changes.come} == {"cable": 1, "wifi": 3}
    assert [uplink.name for uplink in changes.gone] == ["wifi"]


def test_a_data_session_of_ours_wants_the_patience_of_a_stop():
    with_session = NODE.replace("device wwan0", "device wwan0\n\toption session at\n\toption apn internet")
    assert changed(with_session, ("apn internet", "apn fleet")).restarts == {
        "mobile_node": ("uplink lte, whose data session is roamd's",)
    }
    assert changed(with_session, ("device wwan0", "device wwan0\n\toption metered 1")).restarts == {}


def test_a_home_agent_takes_other_mobile_nodes_as_it_runs_while_it_lends_no_addresses():
    changes = changed(AGENT, ("10.99.0.2", "10.99.0.3"))
    assert (changes.restarts, changes.mobiles) == ({}, True)
    assert changes.names == ("mobile bus.home_address",)
    changes = changed(AGENT, ("log_level info", "log_level debug"))
    assert (changes.restarts, changes.mobiles) == ({}, False)
    pool = "config home_network n\n\toption prefix 10.99.0.0/24\n\toption pool 10.99.0.100-10.99.0.110\n"
    assert changed(AGENT + pool, ("10.99.0.2", "10.99.0.3")).restarts == {"home_agent": ("mobiles",)}


def test_a_role_comes():
    both = "config foreign_agent\n\toption device lan0\n\toption care_of_address 198.51.100.9\n\toption table_base 9000\n"
    old = load(AGENT, "x")
    changes = compare(old, load(AGENT + both, "x"))
    assert changes.restarts == {"foreign_agent": ("foreign_agent",)}
