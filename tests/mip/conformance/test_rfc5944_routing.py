"""RFC 5944 section 4: who carries what, and who answers for whom, as values."""

import dataclasses
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.config.model import ForeignAgent, HomeAgent, HomeNetwork, MobileNode
from router.config.model import HomeAgent as Settings
from router.flow.foreign_plan import foreign_plan
from router.flow.home_plan import HomeMobile
from router.flow.mobile_plan import MobilePath, mobile_plan
from router.mip.auth import sign
from router.mip.effect import Granted, GratuitousArp, ProxyArp, Removed, Reply
from router.mip.home import agent as home
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.registration import B, D, G, T
from router.plane.model import Nexthop, Tunnel
from tests.mip.conformance.bench_home_plane import chain as rules_of
from tests.mip.conformance.bench_home_plane import state_of, state_with
from tests.mip.foreign.test_agent import Link
from tests.mip.home.test_agent import AGENT, BUS, CELL, HOME, KEY, LAN, WIFI, Bench

LINK = IPv4Network("10.99.0.0/24")
OURS, OTHER = IPv4Address("192.0.2.1"), IPv4Address("10.99.0.3")
EVERYWHERE = IPv4Network("0.0.0.0/0")
MAIN = 254


class HomeLink(Bench):
    """A home agent that has an interface on the home link."""

    def __init__(self, **settings):
        super().__init__()
        homes = (HomeNetwork("home", LINK),)
        self.agent = home.HomeAgent(Settings(AGENT, device="lan0", **settings), (BUS,), homes, self.now())
        self.time += 1

    def told(self):
        """What the last request made known, in order."""
        kinds = ProxyArp | GratuitousArp | Granted | Removed | Reply
        return [effect for effect in self.effects if isinstance(effect, kinds)]

    def arp(self):
        return [effect for effect in self.told() if isinstance(effect, ProxyArp | GratuitousArp)]


# 4.2.3 and 4.6: the home agent answers for who is away


def test_the_first_binding_and_no_other_makes_the_home_agent_answer_for_the_mobile_node():
    bench = HomeLink()
    bench.ask(Multipath(4, 1, 1))
    assert bench.arp() == [ProxyArp(HOME, True), GratuitousArp(HOME, returned=False)]
    assert isinstance(bench.told()[-1], Reply)
    bench.ask(Multipath(4, 1, 1))
    assert bench.arp() == []
    bench.ask(Multipath(8, 1, 2), coa=CELL)
    assert bench.arp() == []
    bench.ask()
    assert bench.arp() == []


@pytest.mark.parametrize(
    ("fields", "code"), [({"flags": D | T | G}, 139), ({"at": 0}, 133), ({"coa": HOME}, 134)]
)
def test_a_refused_request_changes_nothing_about_arp(fields, code):
    bench = HomeLink()
    assert bench.ask(**fields, source=WIFI) == code
    assert bench.arp() == []
    bench.ask()
    assert bench.ask(**fields, source=WIFI) == code
    assert bench.arp() == []


def test_a_refused_return_leaves_the_home_agent_answering():
    bench = HomeLink()
    bench.ask()
    assert bench.ask(lifetime=0, coa=HOME, source=HOME, at=0) == 133
    assert bench.arp() == []
    assert bench.agent.bindings


def test_the_home_agent_stops_answering_and_then_says_who_is_back():
    bench = HomeLink()
    bench.ask(Multipath(4, 1, 1))
    bench.ask(Multipath(8, 1, 2), coa=CELL)
    assert bench.ask(lifetime=0, coa=HOME, source=HOME) == 0
    assert bench.arp()[:2] == [ProxyArp(HOME, False), GratuitousArp(HOME, returned=True)]
    assert not any(isinstance(effect, GratuitousArp) for effect in bench.arp()[2:])
    assert not any(isinstance(effect, ProxyArp) and effect.on for effect in bench.arp())
    assert bench.told()[-1].on_link
    assert not bench.agent.bindings


def test_who_only_lets_a_binding_go_is_not_said_to_be_back():
    bench = HomeLink()
    bench.ask(Multipath(4, 1, 1))
    bench.ask(Multipath(8, 1, 2), coa=CELL)
    bench.ask(Multipath(4, 1, 1), lifetime=0)
    assert bench.arp() == []
    bench.ask(Multipath(8, 1, 2), coa=CELL, lifetime=0)
    assert bench.arp() == [ProxyArp(HOME, False)]


def test_an_expired_binding_goes_without_a_word_to_anybody_and_the_others_stay():
    bench = HomeLink()
    bench.ask(Multipath(4, 1, 1), lifetime=100)
    bench.ask(Multipath(8, 1, 2), coa=CELL, lifetime=200)
    bench.time += 100
    bench.effects = bench.agent.tick(bench.now())
    assert [type(effect) for effect in bench.told()] == [Removed]
    assert bench.bids() == [2]
    bench.time += 100
    bench.effects = bench.agent.tick(bench.now())
    assert [type(effect) for effect in bench.told()] == [Removed, ProxyArp]
    assert bench.arp() == [ProxyArp(HOME, False)]
    assert bench.bids() == []


def test_without_a_home_link_there_is_no_arp():
    bench = Bench()
    bench.ask()
    assert not any(isinstance(effect, ProxyArp | GratuitousArp) for effect in bench.effects)


# 4.1 to 4.3: what the home agent tunnels


def bound(*remotes, encapsulation="ipip"):
    tunnels = tuple(
        (n, Tunnel(f"roam{n}", AGENT, IPv4Address(remote), encapsulation, group=7400 + n))
        for n, remote in enumerate(remotes, 1)
    )
    return HomeMobile(HOME, (LAN,), tunnels, tuple(n for n, _ in tunnels))


def tunnelled(state, address):
    """Devices of the routes that `address` would take, whatever its mark."""
    return {
        hop.device for route in state.routes if IPv4Address(address) in route.prefix for hop in route.nexthops
    }


@pytest.mark.parametrize("device", [None, "lan0"])
def test_everything_for_who_is_away_is_tunnelled_to_where_it_is(device):
    state = state_with(HomeAgent(AGENT, device=device), (), [bound("192.0.2.10", "100.64.0.10")])
    assert [tunnel.encapsulation for tunnel in state.tunnels] == ["ipip", "ipip"]
    assert [str(tunnel.remote) for tunnel in state.tunnels] == ["192.0.2.10", "100.64.0.10"]
    for address in (HOME, LAN.network_address + 9):
        assert tunnelled(state, address) == {"roam1", "roam2"}
    assert min(rule.priority for rule in state.rules if rule.table == 7400) < 32766


def test_who_has_no_binding_is_at_home_where_there_is_a_home_link():
    other = dataclasses.replace(bound(), home_address=OTHER, networks=())
    state = state_with(HomeAgent(AGENT, device="lan0"), (), [bound(), other])
    assert not [route for route in state.routes if HOME in route.prefix or OTHER in route.prefix]
    virtual = state_with(HomeAgent(AGENT), (LINK,), [bound()])
    assert [route.nexthops for route in virtual.routes if HOME in route.prefix] == [(), ()]


def test_a_tunnelled_packet_that_comes_back_from_where_it_was_sent_is_dropped_in_silence():
    other = dataclasses.replace(bound(), home_address=OTHER, networks=())
    state = state_with(HomeAgent(AGENT), (), [bound("192.0.2.10", "100.64.0.10"), other])
    ends = "ip saddr . ip daddr . @th,128,32"
    assert rules_of(state, "prerouting")[-1] == "goto assign"
    assert rules_of(state, "assign")[0] == f"ip protocol 4 {ends} @looping counter drop"
    assert f"set looping {{\n    typeof {ends};\n  }}" in state.ruleset
    # Outer source one of the care-of addresses, outer and inner destination the home address.
    assert {element.key for element in state.elements if element.set == "looping"} == {
        f"{remote} . 10.99.0.2 . {int(HOME)}" for remote in ("192.0.2.10", "100.64.0.10")
    }


@pytest.mark.parametrize("flags", [D | T, D | T | B])
def test_no_broadcast_is_forwarded(flags):
    bench = HomeLink()
    assert bench.ask(flags=flags) == 0
    (binding,) = bench.agent.bindings.values()
    assert binding.encapsulation == "ipip"
    state = state_of(bench.agent, (BUS,))
    assert tunnelled(state, HOME)
    for address in ("255.255.255.255", "10.99.0.255", "224.0.0.5", "239.1.2.3"):
        assert tunnelled(state, address) == set()


def test_the_home_agent_of_a_reply_is_where_its_tunnels_begin():
    bench = Bench()
    foreign = bench.request()._replace(home_agent=IPv4Address("255.255.255.255"))
    (reply,) = [
        e
        for e in bench.agent.receive(sign(foreign.encode(), KEY), (WIFI, 1), bench.now())
        if isinstance(e, Reply)
    ]
    assert decode(reply.data).home_agent == bench.agent.settings.address


# 4.2.2: what a foreign agent carries


def visitor(**changes):
    link = Link()
    assert link.ask() == 0
    (known,) = link.agent.visitors
    return dataclasses.replace(known, **changes)


def agent_plan(*visitors):
    return foreign_plan(ForeignAgent("ap0", OURS), visitors)


def chain(ruleset, name):
    return ruleset.partition(f"chain {name} {{\n")[2].partition("\n  }")[0]


def test_out_of_a_tunnel_packets_reach_its_visitors_and_nobody_else():
    second = IPv4Address("198.51.100.9")
    state = agent_plan(visitor(), visitor(home_address=OTHER, home_agent=second))
    assert {(str(item.local), str(item.remote), item.encapsulation) for item in state.tunnels} == {
        ("192.0.2.1", "198.51.100.2", "ipip"),
        ("192.0.2.1", "198.51.100.9", "ipip"),
    }
    assert chain(state.ruleset, "in_1").strip() == "ip daddr != { 10.99.0.2 } counter drop"
    assert chain(state.ruleset, "in_2").strip() == "ip daddr != { 10.99.0.3 } counter drop"
    names = ", ".join(f'"{tunnel.device}"' for tunnel in state.tunnels)
    assert f'iifname {{ {names} }} oifname != "ap0" counter drop' in chain(state.ruleset, "forward")
    for tunnel in state.tunnels:
        assert f'"{tunnel.device}" : goto in_' in chain(state.ruleset, "prerouting")


@pytest.mark.parametrize("visits", [[], [{}], [{"colocated": True}]])
def test_for_what_cannot_be_delivered_no_unreachable_is_sent(visits):
    silence = chain(agent_plan(*(visitor(**changes) for changes in visits)).ruleset, "silence")
    assert "hook output" in silence
    # Octet 17 of the ICMP message: the protocol of the packet it is about.
    assert "icmp type destination-unreachable @th,136,8 { 4, 47 } counter drop" in silence


def test_visitors_are_known_to_our_own_tables_alone():
    state = agent_plan(visitor(), visitor(home_address=OTHER, reverse_tunnel=False))
    hosts = [route for route in state.routes if route.prefix != EVERYWHERE]
    assert {route.prefix for route in hosts} == {IPv4Network(HOME), IPv4Network(OTHER)}
    assert {route.nexthops for route in hosts} == {(Nexthop("ap0"),)}
    assert all(7400 <= route.table <= 7431 for route in state.routes)
    assert state.addresses == ()


def test_a_visitors_packets_go_into_its_reverse_tunnel_or_as_any_others():
    state = agent_plan(visitor(), visitor(home_address=OTHER, reverse_tunnel=False))
    lines = [line for line in chain(state.ruleset, "prerouting").splitlines() if "saddr" in line]
    assert lines == ['    iifname "ap0" fib daddr type unicast ip saddr vmap { 10.99.0.2 : goto use_1 }']
    (marked,) = [rule for rule in state.rules if rule.mark is not None]
    (default,) = [route for route in state.routes if route.table == marked.table]
    assert default.nexthops == (Nexthop(state.tunnels[0].device),)
    # Nothing of ours is in the way of the others: main routes them.
    assert not [route for route in state.routes if route.table == 7400 and route.prefix == EVERYWHERE]


# 4.2.1, 4.4 and 4.6: the mobile node


def mobile(at_home=False, agent=None):
    tunnel = None if agent else Tunnel("roam1", WIFI, AGENT, "ipip")
    path = MobilePath(1, "wifi", "wlan0", None if agent else WIFI, None, 1000, tunnel, agent)
    idle = MobilePath(2, "cell", "wwan0", None, None, 1000)
    return mobile_plan(MobileNode(HOME, AGENT, KEY, (LAN,)), [path, idle], [], {"": (1,)}, at_home=at_home)


def test_away_a_mobile_node_answers_no_arp_for_its_home_address_and_follows_no_redirects():
    assert mobile().foreign_links == ("wlan0", "wwan0")
    assert mobile(agent=OURS).foreign_links == ("wlan0", "wwan0")
    homeless = mobile_plan(
        MobileNode(IPv4Address(0), AGENT, KEY), [MobilePath(1, "a", "eth0", WIFI, None, 1)], [], {"": ()}
    )
    assert homeless.foreign_links == ("eth0",)
    assert mobile(at_home=True).foreign_links == ()


@pytest.mark.parametrize(("agent", "device"), [(None, "roam1"), (OURS, "wlan0")])
def test_multicast_leaves_neither_bare_from_the_home_address_nor_in_a_tunnel(agent, device):
    lines = chain(mobile(agent=agent).ruleset, "end").splitlines()
    assert "hook postrouting" in lines[0]
    own = f'ip saddr {{ 10.99.0.2, 10.50.0.0/24 }} oifname {{ "{device}", "roam2" }}'
    assert lines[1].strip() == f"ip daddr 224.0.1.0-239.255.255.255 {own} counter drop"


def test_through_a_foreign_agent_the_agent_is_the_first_hop_of_everything():
    state = mobile(agent=OURS)
    ways = {route.nexthops for route in state.routes if route.table in (7400, 7401)}
    assert {(hop.device, hop.gateway) for hops in ways for hop in hops} == {("wlan0", OURS)}
    assert not [rule for rule in state.rules if rule.table == MAIN and rule.suppress_prefixlength is None]
