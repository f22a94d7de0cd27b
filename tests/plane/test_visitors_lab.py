"""A foreign agent's plane between a visitor and a home agent: what goes back through which tunnel."""

import struct
from ipaddress import IPv4Address

import pytest

from router.config.model import ForeignAgent
from router.flow.foreign_plan import foreign_plan
from router.mip.foreign.visitor import Visitor
from router.mip.wire.checksum import checksum

pytestmark = pytest.mark.lab

HOME, STRANGER, CORRESPONDENT = map(IPv4Address, ("10.99.0.2", "10.99.0.9", "198.18.0.9"))
# The care-of address is on another link than the visitors are.
ON_LINK, CARE_OF, AGENT = map(IPv4Address, ("198.51.100.1", "203.0.113.1", "203.0.113.2"))
SETTINGS = ForeignAgent("ha0", CARE_OF)
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
s.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[3], 0))
"""


def packet(source, destination, protocol=253, payload=b"to whom it may concern"):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
    ends = source.packed + destination.packed
    return head[:10] + checksum(head + ends).to_bytes(2, "big") + ends + payload


def wrapped(inner, destination=ON_LINK):
    return packet(HOME, destination, 4, inner)


def plan(delivery):
    visitor = Visitor(
        asked=None, home_address=HOME, nai=b"", home_agent=AGENT, care_of_address=CARE_OF, source=(HOME, 434),
        link=None, bid=1, lifetime=600, expires=1e9, colocated=False, reverse_tunnel=True, delivery=delivery,
    )  # fmt: skip
    return foreign_plan(SETTINGS, [visitor])


class Visit:
    """The first namespace is the visitor's on up0, and the home agent's on up1."""

    def __init__(self, outside, agent):
        self.outside = outside
        outside.ip("route", "add", f"{CORRESPONDENT}/32", "via", str(ON_LINK))
        agent.command("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        agent.ip("route", "add", f"{CORRESPONDENT}/32", "via", str(AGENT))
        agent.run("await begin()")
        self.agent, self.apply = agent, agent.apply

    def send(self, *packets, device="up0"):
        """What arrives first at the home agent's link, without what each router changes."""
        sniffer = self.outside.tool("sniff('up1', 5)")
        sniffer.wait_ready()
        for data in packets:
            to = str(IPv4Address(data[16:20]))
            self.outside.command("python3", "-c", SEND, device, data.hex(), to)
        found = bytes.fromhex(sniffer.result())
        return found[9], IPv4Address(found[12:16]), IPv4Address(found[16:20]), found[20:]


@pytest.fixture
def visit(pair):
    return Visit(*pair)


INNER = packet(HOME, CORRESPONDENT)


def inside(found):
    """Payload of a packet that came through the tunnel to the home agent."""
    protocol, source, destination, inner = found
    assert (protocol, source, destination) == (4, CARE_OF, AGENT)
    assert inner[12:20] == HOME.packed + CORRESPONDENT.packed
    return inner[20:]


def test_direct_delivery_is_tunnelled_as_it_comes(visit):
    visit.apply(plan("direct"))
    assert inside(visit.send(INNER)) == INNER[20:]


def test_encapsulating_delivery_is_tunnelled_on_and_plain_packets_are_routed(visit):
    visit.apply(plan("encapsulating"))
    for own in (ON_LINK, CARE_OF):
        assert inside(visit.send(wrapped(INNER, own))) == INNER[20:]
    assert visit.agent.run("plane.counters()")["tunnel_unmatched"] == 0
    assert visit.send(INNER) == (253, HOME, CORRESPONDENT, INNER[20:])


@pytest.mark.parametrize(
    ("data", "device"),
    [
        (wrapped(packet(STRANGER, CORRESPONDENT)), "up0"),
        (packet(STRANGER, ON_LINK, 4, INNER), "up0"),
        (wrapped(INNER, CARE_OF), "up1"),
    ],
    ids=["another source inside", "another source outside", "another link"],
)
def test_what_the_visitor_has_not_sent_is_dropped(visit, data, device):
    visit.apply(plan("encapsulating"))
    for number in range(2):
        visit.outside.command("python3", "-c", SEND, device, data.hex(), str(IPv4Address(data[16:20])))
        last = packet(HOME, CORRESPONDENT, payload=bytes([number]))
        assert inside(visit.send(wrapped(last))) == last[20:]


def test_the_tunnel_goes_with_the_visit_and_the_style_changes_in_place(visit):
    for delivery in ("direct", "encapsulating", "direct"):
        visit.apply(plan(delivery))
        sent = INNER if delivery == "direct" else wrapped(INNER)
        assert inside(visit.send(sent)) == INNER[20:]
    visit.apply(foreign_plan(SETTINGS, []))
    assert visit.send(INNER) == (253, HOME, CORRESPONDENT, INNER[20:])
