"""Tunnel devices as link messages: against what pyroute2 makes of the octets, and against each other."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from router.attributes import attributes
from router.plane.model import Tunnel
from router.plane.tunnel_messages import change, creation, kind_of, preparation, removal, rise

ENDS = (IPv4Address("192.0.2.10"), IPv4Address("198.51.100.2"))
IPIP = Tunnel("roam1", *ENDS, "ipip", mtu=1480, group=7401)
UDP = Tunnel("roam1", *ENDS, "udp", 4434, 434, 1468)
GRE = Tunnel("roam1", *ENDS, "gre", mtu=1472, key_in=0xCAFE0001, key_out=0xBEEF0002)
HEADER = 16


def read(body):
    """As pyroute2 reads it: behind a netlink header of its own."""
    message = ifinfmsg((HEADER + len(body)).to_bytes(4, "little") + bytes([16, 0]) + bytes(10) + body)
    message.decode()
    return message


def data(body):
    info = read(body).get_attr("IFLA_LINKINFO")
    return info.get_attr("IFLA_INFO_KIND"), dict(info.get_attr("IFLA_INFO_DATA")["attrs"])


def octets(body, *path):
    """The octets of a nested attribute."""
    body = body[HEADER:]
    for kind in path:
        body = dict(attributes(body))[kind]
    return body


def test_an_ipip_device():
    kind, found = data(creation(IPIP, 7))
    assert kind == "ipip"
    assert (found["IFLA_IPIP_LOCAL"], found["IFLA_IPIP_REMOTE"]) == tuple(map(str, ENDS))
    assert (found["IFLA_IPIP_LINK"], found["IFLA_IPIP_TTL"], found["IFLA_IPIP_TOS"]) == (7, 64, 1)
    assert found["IFLA_IPIP_PMTUDISC"] == 0
    message = read(creation(IPIP, 7))
    assert (message.get_attr("IFLA_IFNAME"), message.get_attr("IFLA_MTU")) == ("roam1", 1480)
    assert message.get_attr("IFLA_GROUP") == 7401
    assert (message["flags"], message["index"]) == (0, 0)
    assert read(creation(IPIP, 7, 70000))["index"] == 70000, "as it shall be"


@pytest.mark.parametrize(("tunnel", "kind", "source", "destination"), [
    (UDP, 2, 4434, 434), (IPIP, 0, 0, 0), (replace(UDP, encapsulation="ipip"), 0, 0, 0),
])  # fmt: skip
def test_encapsulation_in_udp_is_said_also_where_there_is_none(tunnel, kind, source, destination):
    """A device that changes from one to the other would otherwise keep it."""
    info = dict(attributes(octets(creation(tunnel, 0), 18, 2)))
    assert int.from_bytes(info[15], "little") == kind
    assert (int.from_bytes(info[17], "big"), int.from_bytes(info[18], "big")) == (source, destination)


def test_a_gre_device_with_keys_and_without():
    kind, found = data(creation(GRE, 0))
    assert kind == "gre"
    assert (found["IFLA_GRE_LOCAL"], found["IFLA_GRE_REMOTE"]) == tuple(map(str, ENDS))
    assert (found["IFLA_GRE_TTL"], found["IFLA_GRE_TOS"], found["IFLA_GRE_PMTUDISC"]) == (64, 1, 0)
    raw = dict(attributes(octets(creation(GRE, 0), 18, 2)))
    assert (raw[2], raw[3], raw[4], raw[5]) == (b"\x20\0", b"\x20\0", b"\xca\xfe\0\1", b"\xbe\xef\0\2")
    plain = dict(attributes(octets(creation(replace(GRE, key_in=None, key_out=None), 0), 18, 2)))
    assert (plain[2], plain[3]) == (b"\0\0", b"\0\0")
    # A key of nought is a key.
    nought = dict(attributes(octets(creation(replace(GRE, key_in=0), 0), 18, 2)))
    assert (nought[2], nought[4]) == (b"\x20\0", bytes(4))


def test_what_holds_before_the_device_goes_up():
    body = preparation(9, 2)
    message = read(body)
    assert (message["index"], message.get_attr("IFLA_IFALIAS")) == (9, "roamd")
    # With an index, a name would be a new one.
    assert message.get_attr("IFLA_IFNAME") is None
    families = dict(attributes(octets(body, 26)))
    assert dict(attributes(dict(attributes(families[2]))[1])) == {8: (2).to_bytes(4, "little")}
    assert message["change"] == 0, "not yet up"


def test_up_and_away():
    up = read(rise(9))
    assert (up["flags"], up["change"], up["index"]) == (1, 1, 9)
    assert read(removal(9))["index"] == 9


def test_a_change_says_all_again_and_keeps_the_device_up():
    body = change(GRE, 3, 9, 0)
    message = read(body)
    assert (message["index"], message["flags"], message["change"]) == (9, 1, 1)
    assert octets(body, 18) == octets(creation(GRE, 3), 18)
    assert message.get_attr("IFLA_MTU") == GRE.mtu
    # The kernel refuses the whole message where the device has no IPv6.
    assert list(dict(attributes(octets(body, 26)))) == [2]
    assert kind_of(UDP) == kind_of(IPIP) == "ipip" != kind_of(GRE)
