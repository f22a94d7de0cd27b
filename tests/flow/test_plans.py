"""The kernel state wanted for a given set of bindings."""

from ipaddress import IPv4Address, IPv4Network

from router.config.model import Flow, HomeAgent, MobileNode, SecurityAssociation
from router.flow.home_plan import HomeMobile, home_part, home_plan, shared_tunnel_name, tunnel_name
from router.flow.mobile_plan import MobilePath, mobile_plan
from router.flow.policy import Way, choose
from router.mip.wire.selector import TrafficSelector
from router.plane.model import Element, Nexthop, Tunnel

HOME = IPv4Address("10.99.0.2")
AGENT = IPv4Address("198.51.100.1")
LAN = IPv4Network("10.50.0.0/24")
NODE = MobileNode(HOME, AGENT, SecurityAssociation(256, b"k" * 16), (LAN,), ("lan0",))
EVERYWHERE = IPv4Network("0.0.0.0/0")
WEB = Flow("web", ("wifi", "cell"), proto="tcp", dest_ports=((80, 80),))


def path(bid, name, *, bound):
    coa = IPv4Address(f"192.0.2.{bid}")
    tunnel = Tunnel(f"roam{bid}", coa, AGENT, "ipip") if bound else None
    return MobilePath(bid, name, f"dev{bid}", coa, IPv4Address("192.0.2.254"), 20_000 // bid, tunnel)


def chosen(flow, paths):
    return choose([flow], [Way(item.bid, item.name, alive=item.way is not None) for item in paths])


def routes(state):
    return {(route.table, route.prefix): route for route in state.routes}


def test_each_path_has_its_own_table_while_all_live():
    state = mobile_plan(NODE, [path(1, "wifi", bound=True), path(2, "cell", bound=True)], [], {"": (1, 2)})
    table = routes(state)
    assert table[7401, EVERYWHERE].nexthops == (Nexthop("roam1"),)
    assert table[7402, EVERYWHERE].nexthops == (Nexthop("roam2"),)
    assert [hop.weight for hop in table[7400, EVERYWHERE].nexthops] == [100, 50]
    assert table[7401, EVERYWHERE].source == HOME


def test_a_dead_paths_table_is_filled_with_the_living():
    state = mobile_plan(NODE, [path(1, "wifi", bound=False), path(2, "cell", bound=True)], [], {"": (2,)})
    assert [hop.device for hop in routes(state)[7401, EVERYWHERE].nexthops] == ["roam2"]


def test_nothing_of_ours_leaves_bare_when_nothing_is_bound():
    state = mobile_plan(NODE, [path(1, "wifi", bound=False)], [], {"": ()})
    assert routes(state)[7431, EVERYWHERE].nexthops == ()
    last = {rule.source for rule in state.rules if rule.table == 7431}
    assert last == {IPv4Network(HOME), LAN}
    assert (7400, EVERYWHERE) not in routes(state)


def test_a_care_of_address_is_routed_by_its_own_uplink():
    state = mobile_plan(NODE, [path(1, "wifi", bound=False)], [], {"": ()})
    (rule,) = [rule for rule in state.rules if rule.source == IPv4Network("192.0.2.1/32")]
    assert routes(state)[rule.table, EVERYWHERE].nexthops == (Nexthop("dev1", IPv4Address("192.0.2.254")),)


def test_rules_have_distinct_priorities_main_first():
    state = mobile_plan(NODE, [path(1, "wifi", bound=True), path(2, "cell", bound=True)], [], {"": (1, 2)})
    priorities = [rule.priority for rule in state.rules]
    assert len(set(priorities)) == len(priorities)
    first = min(state.rules, key=lambda rule: rule.priority)
    assert (first.table, first.suppress_prefixlength) == (254, 0)


def test_a_policy_follows_its_preference_list():
    both = [path(1, "wifi", bound=True), path(2, "cell", bound=True)]
    assert "th dport { 80 } goto path_1" in mobile_plan(NODE, both, chosen(WEB, both), {"": (1, 2)}).ruleset
    cut = [path(1, "wifi", bound=False), path(2, "cell", bound=True)]
    assert "th dport { 80 } goto path_2" in mobile_plan(NODE, cut, chosen(WEB, cut), {"": (2,)}).ruleset


def test_a_policy_without_a_living_uplink_spreads():
    only_cell = [path(1, "wifi", bound=False), path(2, "cell", bound=True)]
    wifi_only = Flow("w", ("wifi",), proto="tcp", dest_ports=((80, 80),))
    assert (
        "dport { 80 }" not in mobile_plan(NODE, only_cell, chosen(wifi_only, only_cell), {"": (2,)}).ruleset
    )


def test_lan_without_a_prefix_is_translated_to_the_home_address_never_masqueraded():
    node = MobileNode(HOME, AGENT, NODE.security)
    ruleset = mobile_plan(node, [path(1, "wifi", bound=True)], [], {"": (1,)}).ruleset
    assert f"snat to {HOME}" in ruleset
    assert "masquerade" not in ruleset


def tunnel(number, *, remote=None, **more):
    remote = remote or IPv4Address(f"192.0.2.{number}")
    return Tunnel(tunnel_name(HOME, number), AGENT, remote, "ipip", group=7400 + number, **more)


def mobile(*bound, numbers=(1, 2), **more):
    return HomeMobile(HOME, (LAN,), tuple((n, tunnel(n)) for n in bound), numbers, **more)


def test_home_agent_moves_a_lost_bindings_flows_to_the_living():
    part = home_part(HomeAgent(AGENT), mobile(2))
    for prefix in (IPv4Network(HOME), LAN):
        assert [hop.device for hop in routes(part)[7401, prefix].nexthops] == [tunnel_name(HOME, 2)]


def test_home_network_without_a_binding_is_unreachable_not_a_loop():
    network = IPv4Network("10.99.0.0/24")
    assert routes(home_plan(HomeAgent(AGENT), (network,), {}))[7400, network].nexthops == ()
    part = home_part(HomeAgent(AGENT), mobile(numbers=()))
    for prefix in (LAN, IPv4Network(HOME)):
        assert routes(part)[7400, prefix].nexthops == ()
    assert (part.tunnels, part.chains, part.elements) == ((), (), ())


def test_a_binding_changes_no_rule_and_no_other_mobile_nodes_part():
    bare, full = (
        home_plan(HomeAgent(AGENT), (), parts)
        for parts in ({}, {HOME: home_part(HomeAgent(AGENT), mobile(1, 2))})
    )
    assert (bare.ruleset, bare.rules, bare.routes) == (full.ruleset, full.rules, full.routes)


def test_a_flow_nobody_spoke_of_is_spread_over_what_lives():
    part = home_part(HomeAgent(AGENT), mobile(1, 2))
    hops = routes(part)[7400, LAN].nexthops
    assert [(hop.device, hop.weight) for hop in hops] == [
        (tunnel_name(HOME, 1), 100),
        (tunnel_name(HOME, 2), 100),
    ]


def test_home_agent_accepts_only_the_mobiles_own_sources_from_its_tunnel():
    ruleset = home_plan(HomeAgent(AGENT), (), {}).ruleset
    door = ruleset.partition("chain in_2 {")[2].partition("}\n  }")[0]
    assert door.index("| 0x2000000") < door.index("fib saddr . mark . iif oif missing goto in_shared")
    assert door.index("goto in_shared") < door.index("goto pin_2")
    rest = ruleset.partition("chain in_shared {")[2].partition("\n  }")[0]
    assert rest.rstrip().endswith("counter drop")
    part = home_part(HomeAgent(AGENT), mobile(1, 2))
    assert {found.group for found in part.tunnels} == {7401, 7402}
    assert [hop.device for hop in routes(part)[7402, LAN].nexthops] == [tunnel_name(HOME, 2)]


def test_tunnel_names_fit_the_kernel_and_differ():
    names = {tunnel_name(IPv4Address("255.255.255.255"), n) for n in range(1, 16)}
    assert len(names) == 15
    assert max(map(len, names)) <= 15


def test_two_mobiles_at_one_foreign_agent_share_its_tunnel():
    agent = IPv4Address("192.0.2.1")
    shared = Tunnel(shared_tunnel_name(agent), AGENT, agent, "ipip", group=7400)
    for home in (HOME, IPv4Address("10.99.0.3")):
        part = home_part(HomeAgent(AGENT), HomeMobile(home, (), ((1, shared),), (1,)))
        assert part.tunnels == (shared,)
        assert Element("shared", f'"{shared.device}" . {home}', "goto pin_1") in part.elements


def test_a_home_agents_flow_bindings_come_before_the_way_a_flow_came():
    web = TrafficSelector(source_port=(80, 80), protocol=(6, 6))
    part = home_part(HomeAgent(AGENT), mobile(1, 2, policies=((web, 2), (TrafficSelector(), None))))
    (chain,) = part.chains
    assert chain.rules == ("meta l4proto 6 th sport 80 goto flow_2", "counter drop")
    jumps = {element.key: element.data for element in part.elements if element.set.startswith("policy_")}
    assert jumps == {str(HOME): f"jump {chain.name}", str(LAN): f"jump {chain.name}"}
    assign = home_plan(HomeAgent(AGENT), (), {}).ruleset.partition("chain assign {")[2]
    assert assign.index("@policy_address") < assign.index("ct mark")


def test_signalling_is_nobodys_flow():
    paths = [path(1, "wifi", bound=True)]
    ruleset = mobile_plan(NODE, paths, chosen(WEB, paths), {"": (1,)}).ruleset
    output = ruleset.partition("chain output {")[2]
    assert output.index("udp dport 434 return") < output.index("goto assign")


def test_through_a_foreign_agent_packets_go_bare_to_it():
    through = MobilePath(1, "wifi", "dev1", None, None, 1000, None, IPv4Address("192.0.2.1"))
    state = mobile_plan(NODE, [through], [], {"": (1,)})
    assert state.tunnels == ()
    assert routes(state)[7401, EVERYWHERE].nexthops == (Nexthop("dev1", IPv4Address("192.0.2.1")),)


def test_mobile_networks_behind_a_foreign_agent_go_in_a_tunnel_of_their_own_inside_its():
    agent = IPv4Address("192.0.2.1")
    inner = Tunnel("roam1", HOME, AGENT, "ipip", link="dev1")
    state = mobile_plan(NODE, [MobilePath(1, "wifi", "dev1", None, None, 1000, inner, agent)], [], {"": (1,)})
    assert routes(state)[7401, EVERYWHERE].nexthops == (Nexthop("roam1"),)
    (rule,) = [rule for rule in state.rules if rule.oif == "dev1"]
    assert rule.source == IPv4Network(HOME)
    assert routes(state)[rule.table, EVERYWHERE].nexthops == (Nexthop("dev1", agent),)


def test_the_home_agent_nests_a_tunnel_for_mobile_networks_behind_a_foreign_agent():
    agent = IPv4Address("192.0.2.1")
    outer = Tunnel(shared_tunnel_name(agent), AGENT, agent, "ipip", group=7400)
    inner, own = tunnel(1, remote=HOME, link=outer.device), tunnel(2)
    part = home_part(
        HomeAgent(AGENT), HomeMobile(HOME, (LAN,), ((1, outer), (2, own)), (1, 2), ((1, inner),))
    )
    assert set(part.tunnels) == {outer, inner, own}
    ways = {prefix: routes(part)[7401, prefix].nexthops for prefix in (IPv4Network(HOME), LAN)}
    assert ways == {IPv4Network(HOME): (Nexthop(outer.device),), LAN: (Nexthop(inner.device),)}
    assert [hop.device for hop in routes(part)[7400, LAN].nexthops] == [inner.device, own.device]


def test_at_home_nothing_is_tunnelled_or_marked():
    state = mobile_plan(NODE, [path(1, "wifi", bound=False)], chosen(WEB, []), {}, at_home=True)
    assert (state.tunnels, state.routes, state.rules, state.ruleset) == ((), (), (), "")
    assert state.addresses == (("lo", HOME),)
