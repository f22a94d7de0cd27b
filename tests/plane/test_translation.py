"""What nftables is told of tunnels in UDP, and which device each leads to."""

from ipaddress import IPv4Address

import pytest

from router.plane.model import Tunnel
from router.plane.translation import VIRTUAL, Translation, virtual_route

CARE_OF, AGENT, NAT = map(IPv4Address, ("192.0.2.10", "198.51.100.2", "203.0.113.7"))
PORT = 4434
OURS = Tunnel("roam1", CARE_OF, AGENT, "udp", 5000, 434, 1468)


def theirs(number=1, port=40001, remote=NAT):
    """The home agent's, to a mobile node that is hidden."""
    return Tunnel(f"roam{number}", AGENT, remote, "udp", 434, port, 1468, hidden=True)


@pytest.fixture
def translation():
    return Translation(PORT)


def elements(translation, tunnel):
    return {(item.set, item.key): item.data for item in translation.elements(tunnel)}


def test_only_tunnels_in_udp_are_translated(translation):
    for encapsulation in ("ipip", "gre"):
        tunnel = Tunnel("roam1", CARE_OF, AGENT, encapsulation)
        assert translation.device(tunnel) == tunnel
        assert elements(translation, tunnel) == {}


def test_the_mobile_nodes_device_leads_to_the_home_agent_from_the_listeners_port(translation):
    device = translation.device(OURS)
    assert (device.remote, device.local_port, device.remote_port) == (AGENT, PORT, 434)
    ends = "198.51.100.2 . 434 . 192.0.2.10 . 5000"
    assert elements(translation, OURS) == {("udp_tunnel", ends): "198.51.100.2", ("udp_keepalive", ends): ""}


def test_a_hidden_peer_has_a_virtual_address_that_outlives_its_real_one(translation):
    before = translation.device(theirs())
    assert before.remote in VIRTUAL and before.remote_port == 434
    assert elements(translation, theirs()) == {
        ("udp_tunnel", "203.0.113.7 . 40001 . 198.51.100.2 . 434"): str(before.remote),
        ("udp_peer_address", str(before.remote)): "203.0.113.7",
        ("udp_peer_port", str(before.remote)): "40001",
    }
    moved = theirs(port=50002, remote=IPv4Address("203.0.113.8"))
    assert translation.device(moved) == before
    assert elements(translation, moved)["udp_peer_port", str(before.remote)] == "50002"


def test_virtual_addresses_are_everybodys_own_and_given_out_again(translation):
    given = [translation.device(theirs(number)).remote for number in range(1, 6)]
    assert len(set(given)) == 5
    translation.release("roam2")
    translation.release("roam2")
    translation.release("never there")
    assert translation.device(theirs(9)).remote == given[1]
    assert translation.device(theirs(10)).remote not in given


def test_what_a_predecessor_gave_out_is_kept(translation):
    former = VIRTUAL.network_address + 2
    translation.adopt("roam7", former)
    translation.adopt("roam8", AGENT)
    new = [translation.device(theirs(number)).remote for number in (1, 2, 3)]
    assert former not in new and len(set(new)) == 3
    assert translation.device(theirs(7)).remote == former


def test_our_own_ends_are_those_of_tunnels_and_registrations(translation):
    translation.attach(CARE_OF, 434)
    translation.attach(CARE_OF, 5000)
    translation.detach(CARE_OF, 434)
    anywhere = Tunnel("roamv", IPv4Address(0), NAT, "ipip")
    nested = Tunnel("roam2", IPv4Address("10.99.0.2"), AGENT, "ipip")
    found = {(item.set, item.key): item.data for item in translation.ends([anywhere, nested], udp=True)}
    assert found == {
        ("tunnel_local", "10.99.0.2"): "",
        ("tunnel_local", "192.0.2.10"): "",
        ("udp_source_port", "192.0.2.10"): "5000",
        ("udp_registration", "192.0.2.10 . 5000"): "",
    }
    assert {item.set for item in translation.ends([], udp=False)} == {"tunnel_local"}
    translation.detach(CARE_OF, 5000)
    assert list(translation.ends([], udp=True)) == []


def test_the_text_depends_on_no_tunnel(translation):
    before = translation.text(udp=True)
    translation.attach(CARE_OF, 5000)
    list(translation.elements(theirs()))
    assert translation.text(udp=True) == before
    assert "udp" not in translation.text(udp=False)
    assert str(PORT) in before and str(PORT) not in Translation(999).text(udp=True)


@pytest.mark.parametrize("chain", ["udp_out", "udp_out_hidden", "udp_deliver"])
def test_the_checksum_is_cleared_last(translation, chain):
    """A payload written before, in a datagram without one, leaves a wrong checksum."""
    rules = translation.text(udp=True).partition(f"chain {chain} {{\n")[2].partition("  }")[0].split("\n")
    assert rules[-2].strip() == "udp checksum set 0"


def test_the_route_to_virtual_addresses_leads_nowhere_real():
    route = virtual_route(7400)
    assert (route.table, route.prefix) == (7400, VIRTUAL)
    assert [hop.device for hop in route.nexthops] == ["lo"]
