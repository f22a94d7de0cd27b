"""The filter before the events: what it keeps from us, and what it must not."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from router.plane.model import Nexthop, Part, PlaneState, Route, Tunnel

pytestmark = pytest.mark.lab

NEWLINK, DELLINK, DELADDR, DELROUTE, DELRULE = 16, 17, 21, 25, 33
TUNNEL = Tunnel("roam1", IPv4Address("198.51.100.1"), IPv4Address("192.0.2.1"), "ipip", group=7401)
ROUTE = Route(7401, IPv4Network("10.99.0.1/32"), (Nexthop("roam1"),))
STATE = PlaneState(parts={"a": Part(tunnels=(TUNNEL,), routes=(ROUTE,))})


@pytest.fixture
def node(lone):
    lone.ip("address", "add", "198.51.100.1/32", "dev", "lo")
    lone.run("await begin()")
    return lone


def test_our_own_changes_are_not_heard(node):
    assert node.run(f"await heard({STATE!r})") == []
    assert "roam1" in node.ip("route", "show", "table", "7401")
    assert node.run("await heard(PlaneState())") == [NEWLINK, DELLINK], (
        "a device that falls and goes, but no routes"
    )


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("link", "set", "roam1", "down"), [NEWLINK]),
        (("link", "delete", "roam1"), [NEWLINK, DELLINK]),
        (("link", "set", "roam1", "alias", "x"), []),
        (("route", "delete", "10.99.0.1", "table", "7401"), [DELROUTE]),
        (("route", "add", "10.98.0.0/24", "dev", "roam1"), [24]),
        (("address", "delete", "198.51.100.1/32", "dev", "lo"), [DELADDR, DELROUTE]),
        (("rule", "delete", "priority", "32767"), [DELRULE]),
    ],
)
def test_others_are(node, words, kinds):
    node.apply(STATE)
    # A host route in the table `local` goes with its address; its order is the kernel's.
    assert sorted(node.run(f"await heard({STATE!r}, {words!r})")) == sorted(kinds)
