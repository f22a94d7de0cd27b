"""RFC 5177, requirement by requirement, where no other test shows it."""

import dataclasses
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.flow.home_plan import tunnel_name
from router.flow.mobile_plan import MobilePath, mobile_plan
from router.mip.auth import sign, verify
from router.mip.effect import Granted, Reply, Send
from router.mip.wire.authentication import Authentication
from router.mip.wire.message import decode
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement, MobileNetworkRequest
from router.mip.wire.multipath import Multipath
from router.mip.wire.registration import RegistrationReply, RegistrationRequest, T
from router.mip.wire.udp_tunnel import UdpTunnelRequest
from router.plane.model import Nexthop, Tunnel
from tests.mip.conformance.bench_home_plane import let_in, state_of
from tests.mip.home import test_agent as home
from tests.mip.mobile import test_registration as mobile

LAN, SECOND, FOREIGN = map(IPv4Network, ("10.50.0.0/24", "10.51.0.0/24", "10.66.0.0/24"))
ROUTER = dataclasses.replace(home.BUS, mobile_networks=(LAN, SECOND))


def wants(*prefixes):
    return [MobileNetworkRequest.of(prefix) for prefix in prefixes]


def acknowledged(reply):
    """Code and prefix of every acknowledgement."""
    return [(item.code, str(item.prefix)) for item in reply.all(MobileNetworkAcknowledgement)]


def plan(bench):
    """The kernel state that the bindings and mobile networks in force lead to."""
    return state_of(bench.agent, (bench.agent.node(home.HOME).mobile,))


def forwarded(bench):
    """Prefixes that lead into a tunnel now, but for the home address itself."""
    found = {route.prefix for route in plan(bench).routes if route.nexthops}
    return sorted(found - {IPv4Network(home.HOME)})


# 5: the mobile router


def test_a_mobile_router_asks_for_a_reverse_tunnel_in_whatever_it_sends_from_abroad():
    bench = mobile.Bench()
    bench.answered(1)
    bench.answered(2)
    bench.run(256)
    bench.down(1)
    bench.did(bench.node.stop(bench.now()))
    kinds = [(bool(request.lifetime), request.reverse_tunnel) for _, _, request in bench.sent]
    assert set(kinds) == {(True, True), (False, True)}


def test_after_148_no_request_names_a_mobile_network_any_more():
    bench = mobile.Bench(mobile_networks=(LAN, SECOND), delegated_length=28)
    refused = bench.up(1)
    assert len(refused.all(MobileNetworkRequest)) == 3
    bench.reply(refused, 148)
    before = len(bench.sent)
    bench.run(1.1)
    bench.reply(bench.last)
    bench.answered(2)
    bench.run(600)
    assert len(bench.sent) > before + 3
    assert not any(request.all(MobileNetworkRequest) for _, _, request in bench.sent[before:])
    assert bench.node.mobile_networks == ()


@pytest.mark.parametrize("code", [1, 2, 3, 0])
def test_after_147_the_prefixes_it_lists_are_asked_for_no_more(code):
    bench = mobile.Bench(mobile_networks=(LAN, SECOND))
    listed = MobileNetworkAcknowledgement(code, SECOND.prefixlen, SECOND.network_address)
    bench.reply(bench.up(1), 147, listed)
    before = len(bench.sent)
    bench.run(1.1)
    bench.reply(bench.last)
    bench.answered(2)
    bench.run(600)
    assert len(bench.sent) > before + 3
    for _, _, request in bench.sent[before:]:
        assert request.all(MobileNetworkRequest) == wants(LAN)


# 6: the home agent


def test_a_plain_mobile_node_is_served_as_ever():
    bench = home.Bench(dataclasses.replace(home.BUS, mobile_networks=()))
    assert bench.ask() == 0
    assert bench.reply.all(MobileNetworkAcknowledgement) == []
    assert [binding.care_of_address for binding in bench.agent.bindings.values()] == [home.WIFI]
    bench.time += 400
    assert bench.ask() == 0
    bench.time += 400
    bench.agent.tick(bench.now())
    assert bench.agent.bindings and forwarded(bench) == []
    assert bench.ask(lifetime=0) == 0
    assert not bench.agent.bindings


@pytest.mark.parametrize(
    ("asked", "said", "stored"),
    [
        ((), [(0, "10.50.0.0/24"), (0, "10.51.0.0/24")], (LAN, SECOND)),
        ((LAN,), [(0, "10.50.0.0/24")], (LAN,)),
        ((SECOND, LAN), [(0, "10.51.0.0/24"), (0, "10.50.0.0/24")], (SECOND, LAN)),
        ((LAN, FOREIGN), [(0, "10.50.0.0/24"), (2, "10.66.0.0/24")], (LAN,)),
        ((FOREIGN, LAN), [(2, "10.66.0.0/24"), (0, "10.50.0.0/24")], (LAN,)),
    ],
)
def test_each_prefix_is_checked_answered_stored_and_forwarded_by_itself(asked, said, stored):
    bench = home.Bench(ROUTER)
    assert bench.ask(Multipath(4, 1, 1), *wants(*asked)) == 0
    assert acknowledged(bench.reply) == said
    assert all(item.implicit is not bool(asked) for item in bench.reply.all(MobileNetworkAcknowledgement))
    assert bench.agent.node(home.HOME).networks == stored
    assert forwarded(bench) == sorted(stored)


@pytest.mark.parametrize("part", ["10.50.0.0/25", "10.50.0.0/16", "10.50.0.0/23"])
def test_a_part_or_a_whole_of_an_allowed_prefix_is_another_prefix(part):
    bench = home.Bench(ROUTER)
    assert bench.ask(Multipath(4, 1, 1), *wants(IPv4Network(part))) == 147
    assert acknowledged(bench.reply) == [(2, part)]
    assert not bench.agent.bindings


@pytest.mark.parametrize("length", [0, 33, 255])
def test_a_length_no_prefix_can_have_is_told_from_a_prefix_that_is_not_allowed(length):
    bench = home.Bench(ROUTER)
    wrong = MobileNetworkRequest(LAN.network_address, length)
    assert bench.ask(Multipath(4, 1, 1), wrong, *wants(LAN)) == 0
    said = [(item.code, item.prefix_length) for item in bench.reply.all(MobileNetworkAcknowledgement)]
    assert said == [(1, length), (0, 24)]
    assert bench.ask(Multipath(4, 1, 1), wrong) == 147
    assert [item.code for item in bench.reply.all(MobileNetworkAcknowledgement)] == [1]


INSIDE = IPv4Address("10.50.0.77")


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ((LAN,), 147, [(3, "10.50.0.0/24")]),
        ((LAN, SECOND), 0, [(3, "10.50.0.0/24"), (0, "10.51.0.0/24")]),
        ((), 0, [(3, "10.50.0.0/24"), (0, "10.51.0.0/24")]),
        ((SECOND,), 0, [(0, "10.51.0.0/24")]),
    ],
)
def test_a_prefix_whose_tunnel_would_end_inside_it_cannot_be_forwarded(asked, code, said):
    bench = home.Bench(ROUTER)
    assert bench.ask(Multipath(4, 1, 1), *wants(*asked), coa=INSIDE) == code
    assert acknowledged(bench.reply) == said
    assert bool(bench.agent.bindings) is (code == 0)
    assert code or forwarded(bench) == [SECOND]


def test_a_prefix_can_be_forwarded_while_one_tunnel_ends_elsewhere():
    bench = home.Bench(ROUTER)
    assert bench.ask(Multipath(4, 1, 1), *wants(LAN)) == 0
    assert bench.ask(Multipath(8, 2, 2), *wants(LAN), coa=INSIDE) == 0
    assert acknowledged(bench.reply) == [(0, "10.50.0.0/24")]
    # Behind NAT the tunnel ends at the translator, whatever the care-of address.
    natted = home.Bench(ROUTER)
    udp = UdpTunnelRequest()
    assert natted.ask(Multipath(4, 1, 1), udp, *wants(LAN), coa=INSIDE, source=home.NATTED) == 0
    assert forwarded(natted) == [LAN]


def test_a_prefix_named_twice_is_one():
    bench = home.Bench(ROUTER)
    assert bench.ask(Multipath(4, 1, 1), *wants(LAN, LAN)) == 0
    assert acknowledged(bench.reply) == [(0, "10.50.0.0/24")] * 2
    assert bench.agent.node(home.HOME).networks == (LAN,)


@pytest.mark.parametrize(
    ("networks", "code", "said"), [((LAN, SECOND), 147, [(2, "10.66.0.0/24")]), ((), 148, [])]
)
def test_who_may_not_have_its_prefixes_is_told_so_and_gets_nothing(networks, code, said):
    bench = home.Bench(dataclasses.replace(home.BUS, mobile_networks=networks))
    assert bench.ask(Multipath(4, 1, 1), *wants(FOREIGN)) == code
    assert acknowledged(bench.reply) == said
    assert not bench.agent.bindings and not plan(bench).tunnels
    assert not [effect for effect in bench.effects if isinstance(effect, Granted)]


def test_prefixes_a_newer_request_leaves_out_are_forgotten_and_lead_nowhere():
    bench = home.Bench(ROUTER)
    bench.ask(Multipath(4, 1, 1), *wants(LAN, SECOND))
    bench.ask(Multipath(8, 2, 2), *wants(LAN, SECOND), coa=home.CELL)
    assert forwarded(bench) == [LAN, SECOND]
    bench.ask(Multipath(4, 1, 1), *wants(SECOND))
    assert bench.agent.node(home.HOME).networks == (SECOND,)
    assert forwarded(bench) == [SECOND]
    # Both bindings are said again, or the kernel would go on as it was.
    assert {effect.binding.bid for effect in bench.effects if isinstance(effect, Granted)} == {1, 2}
    bench.ask(Multipath(4, 1, 1), *wants(SECOND))
    assert {effect.binding.bid for effect in bench.effects if isinstance(effect, Granted)} <= {1}


@pytest.mark.parametrize("asked", [(), (FOREIGN,), (LAN, FOREIGN)])
@pytest.mark.parametrize("networks", [(LAN,), ()])
def test_a_deregistration_ends_the_binding_whatever_networks_it_names(asked, networks):
    bench = home.Bench(dataclasses.replace(home.BUS, mobile_networks=networks))
    bench.ask(Multipath(4, 1, 1))
    assert bench.ask(Multipath(4, 1, 1), *wants(*asked), lifetime=0) == 0
    assert bench.reply.all(MobileNetworkAcknowledgement) == []
    assert bench.bids() == [] and bench.agent.node(home.HOME).networks == ()
    assert not plan(bench).tunnels


# 7: forwarding


def test_towards_a_co_located_router_one_tunnel_header_is_enough():
    bench = home.Bench(ROUTER)
    bench.ask(Multipath(4, 1, 1), *wants(LAN))
    state = plan(bench)
    assert [(tunnel.local, tunnel.remote) for tunnel in state.tunnels] == [(home.AGENT, home.WIFI)]
    ways = {route.nexthops for route in state.routes if route.prefix == LAN}
    assert {hop.device for way in ways for hop in way} == {tunnel_name(home.HOME, 1)}


def test_towards_a_router_behind_a_foreign_agent_its_networks_have_a_tunnel_in_the_tunnel():
    bench = home.Bench(ROUTER)
    assert bench.ask(Multipath(4, 1, 1), *wants(LAN), flags=T) == 0
    state = plan(bench)
    outer, inner = state.tunnels
    assert (outer.local, outer.remote) == (home.AGENT, home.WIFI)
    assert (inner.local, inner.remote, inner.link) == (home.AGENT, home.HOME, outer.device)
    assert inner.mtu == outer.mtu - 20
    ways = {(route.prefix, hop.device) for route in state.routes for hop in route.nexthops}
    assert ways == {(IPv4Network(home.HOME), outer.device), (LAN, inner.device)}
    # And what comes back through the inner one is let in, the router's own packets too.
    assert let_in(state, inner) == {IPv4Network(home.HOME): "goto pin_1", LAN: "goto pin_1"}
    assert let_in(state, outer) == {IPv4Network(home.HOME): "goto pin_1"}
    # Towards an address of its own there is but the one.
    assert bench.ask(Multipath(4, 1, 1), *wants(LAN)) == 0
    (single,) = plan(bench).tunnels
    assert (single.remote, single.link) == (home.WIFI, "")


def test_the_tunnel_takes_in_the_home_address_and_registered_prefixes_alone():
    bench = home.Bench(ROUTER)
    bench.ask(Multipath(4, 1, 1), *wants(LAN))
    state = plan(bench)
    (tunnel,) = state.tunnels
    assert let_in(state, tunnel) == {IPv4Network(home.HOME): "goto pin_1", LAN: "goto pin_1"}


# 10: security


def mobile_ruleset(networks):
    settings = dataclasses.replace(
        mobile.Settings(mobile.HOME, mobile.AGENT, mobile.KEY),
        mobile_networks=networks,
        lan_devices=("lan0",),
    )
    coa = IPv4Address("192.0.2.10")
    tunnel = Tunnel("roam1", coa, mobile.AGENT, "ipip")
    path = MobilePath(1, "wifi", "wlan0", coa, IPv4Address("192.0.2.1"), 1000, tunnel)
    assert path.way == Nexthop("roam1")
    return mobile_plan(settings, [path], [], {"": (1,)}).ruleset


def chain(ruleset, name):
    body = ruleset.partition(f"chain {name} {{")[2].partition("\n  }")[0]
    return [line.strip() for line in body.split("\n") if line.strip()]


def test_no_source_outside_the_mobile_network_is_forwarded_into_a_tunnel():
    filtered = chain(mobile_ruleset((LAN, SECOND)), "ingress")
    assert filtered[0].startswith("type filter hook forward ")
    no_own = f"ip saddr != {mobile.HOME} ip saddr != {LAN} ip saddr != {SECOND}"
    assert filtered[1] == f'{no_own} oifname {{ "roam1" }} counter drop'
    # Without a network of its own every source becomes the home address instead.
    assert chain(mobile_ruleset(()), "ingress") == []
    assert any("snat" in line for line in chain(mobile_ruleset(()), "postrouting"))


@pytest.mark.parametrize("networks", [(LAN,), ()])
def test_nobody_on_the_mobile_network_speaks_with_an_address_of_the_routers_own(networks):
    lines = chain(mobile_ruleset(networks), "prerouting")
    assert lines[-2:] == ["fib saddr type local counter drop", "goto assign"]
    # What is for the router itself, loopback above all, has left the chain before.
    assert "fib daddr type != unicast return" in lines[:-2]


def test_prefixes_stand_before_the_mobile_home_authenticator_which_covers_them():
    bench = mobile.Bench(mobile_networks=(LAN, SECOND))
    effects = bench.node.uplink_up(1, mobile.COA[1], 4, 1, bench.now())
    (data,) = (effect.data for effect in effects if isinstance(effect, Send))
    request = decode(data)
    kinds = [type(item) for item in request.extensions]
    last = max(index for index, kind in enumerate(kinds) if kind is MobileNetworkRequest)
    assert kinds.count(MobileNetworkRequest) == 2 and last < kinds.index(Authentication)
    assert verify(data, request.extensions, mobile.KEY)
    forged = data.replace(SECOND.network_address.packed, FOREIGN.network_address.packed)
    assert forged != data and not verify(forged, decode(forged).extensions, mobile.KEY)


def test_a_home_agent_believes_no_prefix_that_is_not_covered():
    bench = home.Bench(ROUTER)
    signed = sign(bench.request(Multipath(4, 1, 1), *wants(LAN)).encode(), home.KEY)
    forged = signed.replace(LAN.network_address.packed, SECOND.network_address.packed)
    assert forged != signed and bench.send(forged) in (None, 131)
    assert bench.send(signed + wants(SECOND)[0].encode()) == 0
    assert bench.agent.node(home.HOME).networks == (LAN,)


def test_a_mobile_router_believes_no_acknowledgement_that_is_not_covered():
    bench = mobile.Bench(mobile_networks=(LAN, SECOND))
    request = bench.up(1)
    said = tuple(MobileNetworkAcknowledgement(0, 24, item.network_address) for item in (LAN, SECOND))
    answer = RegistrationReply(0, 300, mobile.HOME, mobile.AGENT, request.identification, said)
    signed = sign(answer.encode(), mobile.KEY)
    forged = signed.replace(SECOND.network_address.packed, FOREIGN.network_address.packed)
    bench.did(bench.node.receive(1, forged, bench.now()))
    assert bench.bound == {}
    behind = MobileNetworkAcknowledgement(0, 24, FOREIGN.network_address).encode()
    bench.did(bench.node.receive(1, signed + behind, bench.now()))
    assert 1 in bench.bound and bench.node.mobile_networks == (LAN, SECOND)


def test_requests_and_replies_without_a_mobile_home_authenticator_count_for_nothing():
    agent, router = home.Bench(ROUTER), mobile.Bench()
    assert agent.send(agent.request(Multipath(4, 1, 1), *wants(LAN)).encode()) is None
    assert agent.agent.counters["dropped_missing_authenticator"] == 1
    request = router.up(1)
    bare = RegistrationReply(0, 300, mobile.HOME, mobile.AGENT, request.identification).encode()
    router.did(router.node.receive(1, bare, router.now()))
    assert router.bound == {}
    # And both sign what they send themselves, denials too.
    agent.time += 1
    asked = sign(agent.request(Multipath(4, 1, 1), *wants(FOREIGN)).encode(), home.KEY)
    effects = agent.agent.receive(asked, (home.WIFI, 434), agent.now())
    (denied,) = (effect.data for effect in effects if isinstance(effect, Reply))
    assert decode(denied).code == 147 and verify(denied, decode(denied).extensions, home.KEY)
    assert isinstance(request, RegistrationRequest) and isinstance(request.extensions[-1], Authentication)
