"""The tunnel of a binding: both ends, of every kind, must be each other's."""

import dataclasses
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.config.model import Config, ForeignAgent, HomeAgent, Mobile, SecurityAssociation
from router.flow.foreign_plan import foreign_plan
from router.flow.home_ways import HomeWays
from router.flow.mobile_plan import tunnel_mtu
from router.mip.home.binding import Binding
from router.mip.home.reply import gre_key
from router.mip.wire.registration import G, T
from tests.mip.foreign.test_agent import AGENT, HOME, OURS, Link

CARE_OF, NAT = IPv4Address("192.0.2.10"), IPv4Address("203.0.113.7")
SECURITY = SecurityAssociation(256, b"k" * 16)
BUS = Mobile("bus", HOME, SECURITY)
WAYS = HomeWays(HomeAgent(AGENT), Config())


def binding(encapsulation="ipip", **changes):
    fields = {
        "mobile": BUS, "home_address": HOME, "key": 2, "slot": 2, "label": 1, "access_technology": 4,
        "care_of_address": CARE_OF, "source": CARE_OF, "source_port": 5000, "encapsulation": encapsulation,
        "nat": False, "colocated": True, "reverse_tunnel": True, "granted": 600, "expires": 1e9,
    }  # fmt: skip
    return Binding(**{**fields, **changes})


@pytest.mark.parametrize(
    ("encapsulation", "keyed", "mtu"),
    [("ipip", False, 1480), ("gre", False, 1476), ("gre", True, 1472), ("udp", False, 1468)],
)
def test_the_outside_takes_its_room(encapsulation, keyed, mtu):
    assert tunnel_mtu(1500, encapsulation, keyed=keyed) == mtu
    assert tunnel_mtu(530, encapsulation, keyed=keyed) == 512


def test_plain_tunnels_lead_to_the_care_of_address():
    for encapsulation in ("ipip", "gre"):
        tunnel = WAYS.tunnel(binding(encapsulation))
        assert (tunnel.device, tunnel.local, tunnel.remote) == ("roam0a630002.2", AGENT, CARE_OF)
        assert (tunnel.encapsulation, tunnel.hidden, tunnel.key_in, tunnel.key_out) == (
            encapsulation, False, None, None,
        )  # fmt: skip


def test_in_udp_they_lead_to_whoever_registered_who_may_be_hidden():
    tunnel = WAYS.tunnel(binding("udp", source=NAT, source_port=40001, nat=True))
    assert (tunnel.remote, tunnel.remote_port, tunnel.local_port, tunnel.hidden) == (NAT, 40001, 434, True)


def test_with_keys_every_binding_has_a_tunnel_of_its_own():
    """RFC 6245 section 5: each side sends with the key that the other gave."""
    first = binding("gre", colocated=False, gre_key=7)
    second = dataclasses.replace(first, key=3, slot=3, gre_key=8)
    one, other = WAYS.tunnel(first), WAYS.tunnel(second)
    assert (one.key_out, other.key_out) == (7, 8)
    assert (one.key_in, other.key_in) == (gre_key(first), gre_key(second))
    assert one.key_in != other.key_in and one.device != other.device
    assert max(map(len, (one.device, other.device))) <= 15


def test_a_key_of_0_leaves_both_to_the_home_agent():
    tunnel = WAYS.tunnel(binding("gre", colocated=False, gre_key=0))
    assert tunnel.key_in == tunnel.key_out == gre_key(binding("gre", colocated=False, gre_key=0))


def test_without_keys_those_at_one_foreign_agent_share_a_tunnel_of_each_kind():
    names = {
        encapsulation: {
            WAYS.tunnel(binding(encapsulation, colocated=False, slot=slot)).device for slot in (1, 2)
        }
        for encapsulation in ("ipip", "gre")
    }
    assert all(len(name) == 1 for name in names.values())
    assert names["ipip"] != names["gre"]


def test_foreign_agent_and_home_agent_make_the_two_ends_of_one_tunnel():
    link = Link(gre=True, agent={"gre": True})
    assert link.ask(flags=T | G) == 0
    (there,) = foreign_plan(ForeignAgent("ap0", OURS), link.agent.visitors).tunnels
    here = WAYS.tunnel(link.home.bindings[HOME, 1])
    assert (here.local, here.remote) == (there.remote, there.local)
    assert (here.key_in, here.key_out) == (there.key_out, there.key_in)
    assert here.encapsulation == there.encapsulation == "gre"
    assert here.mtu == there.mtu


def test_a_renewal_changes_neither_end():
    link = Link(gre=True, agent={"gre": True})
    ends = []
    for _ in range(2):
        assert link.ask(flags=T | G) == 0
        ends.append(
            (
                foreign_plan(ForeignAgent("ap0", OURS), link.agent.visitors).tunnels,
                WAYS.tunnel(link.home.bindings[HOME, 1]),
            )
        )
    assert ends[0] == ends[1]


def test_a_foreign_agents_tunnel_with_keys_has_its_visitor_behind_it():
    link = Link(gre=True, agent={"gre": True})
    link.ask(flags=T | G)
    state = foreign_plan(ForeignAgent("ap0", OURS), link.agent.visitors)
    (tunnel,) = state.tunnels
    assert f'"{tunnel.device}" : goto in_1' in state.ruleset
    assert f"ip daddr != {{ {HOME} }} counter drop" in state.ruleset
    assert any(route.prefix == IPv4Network("0.0.0.0/0") for route in state.routes)
    # What fits through IP in IP would not fit.
    assert "maxseg size set 1432" in state.ruleset
