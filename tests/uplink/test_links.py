"""Netlink messages in any order, and what follows for an uplink."""

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.model import Uplink
from router.uplink.links import LinkTable
from router.uplink.model import UplinkState
from router.uplink.wireless import parse_ssid, parse_station

WIFI = Uplink("wifi", 1, "wifi", "wlan0")
UP, LOWER, P2P = 0x1, 0x10000, 0x10


class Message(dict):
    """As pyroute2 gives them: fields by key, attributes by name."""

    def __init__(self, kind, attributes, **fields):
        super().__init__(fields, header={"type": kind})
        self.attributes = attributes

    def get_attr(self, name):
        return self.attributes.get(name)


def link(flags=UP | LOWER, carrier=1, index=3, name="wlan0", new=True):
    return Message(
        16 if new else 17,
        {"IFLA_IFNAME": name, "IFLA_CARRIER": carrier, "IFLA_MTU": 1400},
        index=index,
        flags=flags,
    )


def address(local="192.0.2.10", peer=None, index=3, new=True, scope=0):
    attributes = {"IFA_LOCAL": local, "IFA_ADDRESS": peer or local}
    return Message(20 if new else 21, attributes, family=2, index=index, scope=scope)


def default(gateway="192.0.2.1", index=3, new=True, metric=0, table=254):
    attributes = {"RTA_OIF": index, "RTA_GATEWAY": gateway, "RTA_TABLE": table, "RTA_PRIORITY": metric}
    return Message(24 if new else 25, attributes, family=2, dst_len=0, type=1, table=table)


def view(*messages, uplink=WIFI):
    table = LinkTable((7400, 7432))
    for message in messages:
        table.apply(message)
    return table.view(uplink, uplink.device, None, None)


@pytest.mark.parametrize(
    ("messages", "state"),
    [
        ((), UplinkState.NO_DEVICE),
        ((link(flags=0),), UplinkState.DOWN),
        ((link(flags=UP, carrier=0),), UplinkState.NO_CARRIER),
        ((link(flags=UP | LOWER, carrier=0),), UplinkState.NO_CARRIER),
        ((link(),), UplinkState.NO_ADDRESS),
        ((link(), address(scope=253)), UplinkState.NO_ADDRESS),
        ((link(), address()), UplinkState.NO_GATEWAY),
        ((link(), address(), default()), UplinkState.USABLE),
        ((default(), address(), link()), UplinkState.USABLE),
        ((link(flags=UP | LOWER | P2P), address()), UplinkState.USABLE),
        ((link(), address(peer="10.64.64.64")), UplinkState.USABLE),
        ((link(), address(), default(), default(new=False)), UplinkState.NO_GATEWAY),
        ((link(), address(), default(), address(new=False)), UplinkState.NO_ADDRESS),
        ((link(), address(), default(), link(flags=0), link()), UplinkState.NO_GATEWAY),
        ((link(), address(), default(), link(new=False)), UplinkState.NO_DEVICE),
        ((link(), address(), default(), link(new=False), link(index=9)), UplinkState.NO_ADDRESS),
        ((link(), address(), default(table=7401)), UplinkState.NO_GATEWAY),
        ((link(), address(), default(index=4)), UplinkState.NO_GATEWAY),
        ((link(), address(), default(gateway=None)), UplinkState.NO_GATEWAY),
    ],
)
def test_state(messages, state):
    assert view(*messages).state is state


def test_the_gateway_of_the_lowest_metric_counts():
    found = view(link(), address(), default("192.0.2.9", metric=50), default("192.0.2.1", metric=10))
    assert found.gateway == IPv4Address("192.0.2.1")
    assert found.mtu == 1400


def test_a_configured_gateway_needs_no_route():
    fixed = Uplink("wifi", 1, "wifi", "wlan0", gateway=IPv4Address("192.0.2.7"))
    found = view(link(), address(), uplink=fixed)
    assert (found.state, found.gateway) == (UplinkState.USABLE, IPv4Address("192.0.2.7"))


def test_a_renamed_device_is_followed():
    assert view(link(name="eth9"), address(), default(), link(name="wlan0")).usable


def test_the_device_of_an_address():
    table = LinkTable()
    table.apply(link(name="wwan0"))
    table.apply(address("100.64.0.10"))
    assert table.device_with(IPv4Address("100.64.0.10")) == "wwan0"
    assert table.device_with(IPv4Address("100.64.0.11")) is None


@given(
    st.lists(
        st.sampled_from(
            [
                link(),
                link(flags=0),
                link(new=False),
                address(),
                address(new=False),
                default(),
                default(new=False),
            ]
        ),
        max_size=12,
    )
)
def test_every_order_gives_a_view(messages):
    assert view(*messages).state in UplinkState


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def test_station_info_of_nl80211():
    # NL80211_STA_INFO_SIGNAL 7, TX_BITRATE 8, RX_BITRATE 14; NL80211_RATE_INFO_BITRATE 1 (100 kbit/s).
    info = (
        attribute(7, b"\xc4")
        + attribute(8 | 0x8000, attribute(1, b"\x86\x02"))
        + attribute(14, attribute(5, b"\x68\x01\0\0"))
    )
    found = parse_station(info, "bus")
    assert (found.ssid, found.signal, found.tx_bitrate, found.rx_bitrate) == ("bus", -60, 64_600, 36_000)


@pytest.mark.parametrize(
    ("elements", "ssid"),
    [
        (b"\0\3bus\1\1\x82", "bus"),
        (b"\1\1\x82\0\3bus", "bus"),
        # Hidden: none, or zeros as long as the name.
        (b"\0\0\1\1\x82", None),
        (b"\0\3\0\0\0", None),
        (b"\1\1\x82", None),
        (b"\0\3b\xffs", "b\ufffds"),
    ],
)
def test_ssid_of_information_elements(elements, ssid):
    assert parse_ssid(elements) == ssid


@given(st.binary(max_size=60))
def test_what_nl80211_says_is_parsed_without_an_exception(data):
    parse_station(data, None)
    parse_ssid(data)
