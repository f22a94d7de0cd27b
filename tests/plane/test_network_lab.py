"""Routes, rules and addresses against a kernel; the diff alone without one."""

import struct
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.attributes import u32
from router.netlink import RTM_NEWROUTE, parse
from router.plane import messages
from router.plane.model import Nexthop, PlaneState, Route, Rule
from router.plane.network import missing, surplus
from router.plane.route_messages import route_deletion, route_message

DEFAULT = IPv4Network("0.0.0.0/0")
HOME = IPv4Address("10.99.0.2")

devices = st.sampled_from(["up0", "roam1", "roam0a630002.15"])
addresses = st.integers(1, 2**32 - 2).map(IPv4Address)
prefixes = st.tuples(addresses, st.integers(0, 32)).map(lambda pair: IPv4Network(pair, strict=False))
hops = st.builds(Nexthop, devices, st.none() | addresses, st.integers(1, 256))
routes = st.builds(
    Route, st.integers(7400, 7431), prefixes, st.lists(hops, max_size=3).map(tuple), st.none() | addresses
)
masks = st.integers(1, 2**32 - 1)
plain_rules = st.builds(
    Rule, st.integers(7400, 7463), st.integers(1, 7431), st.none() | prefixes.filter(lambda p: p.prefixlen)
)
mark_rules = st.builds(
    Rule,
    st.integers(7400, 7463),
    st.integers(1, 7431),
    mark=masks,
    mask=masks,
    suppress_prefixlength=st.just(0),
)
keyed = st.dictionaries(st.integers(0, 9), st.integers(0, 3))


def read(body):
    """A route message as pyroute2 reads it, behind a netlink header."""
    return parse(RTM_NEWROUTE, struct.pack("=IHHII", 16 + len(body), RTM_NEWROUTE, 0, 0, 0) + body)


def over_the_wire(message):
    message.reset()
    message.encode()
    again = type(message)(bytes(message.data))
    again.decode()
    return again


INDEX = {"up0": 2, "roam1": 7, "roam0a630002.15": 70000}
NAME = {index: name for name, index in INDEX.items()}


class TestDifference:
    @given(keyed, keyed)
    def test_putting_the_missing_and_dropping_the_surplus_gives_the_wanted(self, wanted, present):
        kernel = dict(present)
        kernel |= {key: value for key, value in wanted.items() if value in missing(wanted, present)}
        for key in surplus(wanted, present):
            del kernel[key]
        assert kernel == wanted

    @given(keyed)
    def test_nothing_to_do_when_equal(self, wanted):
        assert missing(wanted, wanted) == [] == surplus(wanted, wanted)


class TestMessages:
    @given(routes)
    def test_a_route_reads_back_as_the_kernel_would_say_it(self, route):
        message = read(route_message(route, INDEX.__getitem__))
        assert messages.is_ours(message)
        assert messages.route_of(message, NAME.__getitem__) == messages.canonical(route)

    @given(plain_rules | mark_rules)
    def test_a_rule_reads_back(self, rule):
        assert messages.rule_of(over_the_wire(messages.rule_message(rule))) == rule

    def test_a_gateway_needs_no_prefix_in_its_table(self):
        route = Route(7416, DEFAULT, (Nexthop("up0", IPv4Address("192.0.2.1")),))
        assert read(route_message(route, INDEX.__getitem__))["flags"] == 4

    @given(routes)
    def test_a_deletion_names_the_place_alone(self, route):
        message = read(route_deletion(route))
        assert messages.table_of(message) == route.table
        prefix = (message.get_attr("RTA_DST") or "0.0.0.0", message["dst_len"])
        assert IPv4Network(prefix) == route.prefix
        # Any scope, type and protocol: whatever stands there goes.
        assert (message["scope"], message["type"], message["proto"]) == (255, 0, 0)
        assert {name for name, _ in message["attrs"]} <= {"RTA_TABLE", "RTA_DST"}

    def test_a_mark_without_a_mask_is_the_whole_mark(self):
        message = over_the_wire(messages.rule_message(Rule(7400, 7401, mark=5)))
        assert messages.rule_of(message) == Rule(7400, 7401, mark=5, mask=0xFFFFFFFF)

    def test_others_routes_and_rules_are_not_taken_for_ours(self):
        metric = route_message(Route(7400, DEFAULT), INDEX.__getitem__) + u32(6, 10)
        assert messages.route_of(read(metric), NAME.__getitem__) is None
        by_port = messages.rule_message(Rule(7400, 7401))
        by_port["attrs"].append(["FRA_IP_PROTO", 17])
        assert messages.rule_of(over_the_wire(by_port)) is None

    def test_learned_path_mtus_are_no_routes(self):
        learned = read(route_message(Route(7400, DEFAULT), INDEX.__getitem__))
        learned["flags"] = 0x200
        assert messages.table_of(learned) == -1


@pytest.mark.lab
class TestKernel:
    @pytest.fixture
    def node(self, lone):
        for name in ("up0", "up1"):
            lone.ip("link", "add", name, "type", "veth", "peer", f"{name}x")
            lone.ip("link", "set", name, "up")
            lone.ip("link", "set", f"{name}x", "up")
        lone.run("await begin()")
        return lone

    def routes(self, node, table):
        return node.ip_json("route", "show", "table", str(table))

    def test_every_kind_of_route(self, node):
        node.apply(
            PlaneState(
                addresses=(("lo", HOME),),
                routes=(
                    Route(7400, DEFAULT, (Nexthop("up0", weight=100), Nexthop("up1", weight=25)), HOME),
                    Route(7401, IPv4Network("10.50.0.0/16"), (Nexthop("up1", weight=7),), HOME),
                    Route(7416, DEFAULT, (Nexthop("up0", IPv4Address("192.0.2.1")),)),
                    Route(7431, DEFAULT),
                ),
            )
        )
        [spread] = self.routes(node, 7400)
        assert [(hop["dev"], hop["weight"]) for hop in spread["nexthops"]] == [("up0", 100), ("up1", 25)]
        assert spread["prefsrc"] == str(HOME)
        [direct] = self.routes(node, 7401)
        assert (direct["dst"], direct["dev"], direct["scope"]) == ("10.50.0.0/16", "up1", "link")
        [gateway] = self.routes(node, 7416)
        assert (gateway["gateway"], gateway["flags"]) == ("192.0.2.1", ["onlink"])
        [none] = self.routes(node, 7431)
        assert none["type"] == "unreachable"
        assert node.run("plane.counters()")["plane_refused"] == 0

    def test_every_kind_of_rule(self, node):
        rules = (
            Rule(7400, 254, suppress_prefixlength=0),
            Rule(7401, 7416, source=IPv4Network("198.51.100.2/32")),
            Rule(7402, 7417, mark=0x02000000, mask=0x0F000000, iif="lo"),
            Rule(7421, 7401, mark=0x01000000, mask=0x0F000000),
            Rule(7440, 7400),
            Rule(7441, 7431, source=IPv4Network("10.50.0.0/24")),
        )
        node.apply(PlaneState(rules=rules))
        text = node.ip("rule")
        assert "7400:\tfrom all lookup main suppress_prefixlength 0" in text
        assert "7421:\tfrom all fwmark 0x1000000/0xf000000 lookup 7401" in text
        assert "7441:\tfrom 10.50.0.0/24 lookup 7431" in text
        node.apply(PlaneState(rules=rules[1:4]))
        assert [rule["priority"] for rule in node.ip_json("rule")] == [0, 7401, 7402, 7421, 32766, 32767]

    def test_applying_twice_changes_nothing(self, node):
        state = PlaneState(
            addresses=(("lo", HOME),),
            routes=(Route(7400, DEFAULT, (Nexthop("up0", weight=9), Nexthop("up1")), HOME),),
            rules=(Rule(7421, 7401, mark=0x01000000, mask=0x0F000000), Rule(7440, 7400)),
        )
        node.apply(state)
        before = node.snapshot()
        monitor = node.tool("monitor(0.5)")
        monitor.wait_ready()
        node.apply(state)
        assert monitor.result() == 0
        assert node.snapshot() == before

    def test_a_route_that_vanished_comes_back(self, node):
        state = PlaneState(routes=(Route(7401, DEFAULT, (Nexthop("up0"),)),), addresses=(("lo", HOME),))
        node.apply(state)
        node.ip("link", "set", "up0", "down")
        node.ip("link", "set", "up0", "up")
        node.ip("address", "del", f"{HOME}/32", "dev", "lo")
        assert self.routes(node, 7401) == []
        node.apply(state)
        assert self.routes(node, 7401)[0]["dev"] == "up0"
        assert f"{HOME}/32" in node.ip("address", "show", "dev", "lo")

    def test_a_refused_route_does_not_stop_the_others(self, node):
        node.apply(
            PlaneState(
                routes=(
                    Route(7401, DEFAULT, (Nexthop("gone0"),)),
                    Route(7402, DEFAULT, (Nexthop("up0"), Nexthop("gone0"))),
                    Route(7403, DEFAULT, (Nexthop("up0"),), IPv4Address("192.0.2.77")),
                    Route(7404, DEFAULT, (Nexthop("up1"),)),
                ),
                rules=(Rule(7424, 7404),),
            )
        )
        assert self.routes(node, 7404)[0]["dev"] == "up1"
        assert "7424" in node.ip("rule")
        assert node.run("plane.counters()")["plane_refused"] == 3
        assert any("gone0" in line for line in node.run("LOGGED"))

    def test_only_routes_that_exist_move_at_once(self, node):
        first = (Route(7401, DEFAULT, (Nexthop("up0"),)), Route(7402, DEFAULT, (Nexthop("up1"),)))
        node.apply(PlaneState(routes=first))
        after = PlaneState(
            routes=(
                Route(7401, DEFAULT, (Nexthop("up1"),)),
                Route(7402, DEFAULT, (Nexthop("notyet"),)),
                Route(7403, DEFAULT, (Nexthop("up1"),)),
            )
        )
        seconds = node.run(f"clock_routes({after!r})")
        assert seconds < 0.01
        assert self.routes(node, 7401)[0]["dev"] == "up1"
        assert self.routes(node, 7402)[0]["dev"] == "up1"
        assert "7403" not in node.ip("route", "show", "table", "all")

    def test_others_tables_rules_and_addresses_stay(self, node):
        node.ip("route", "add", "192.0.2.0/24", "dev", "up0", "table", "7399")
        node.ip("route", "add", "192.0.2.0/24", "dev", "up0", "table", "7432")
        node.ip("rule", "add", "priority", "7399", "lookup", "7399")
        node.ip("rule", "add", "priority", "7464", "lookup", "7432")
        node.ip("address", "add", f"{HOME}/32", "dev", "lo")
        before = node.snapshot()
        node.apply(
            PlaneState(addresses=(("lo", HOME),), routes=(Route(7400, DEFAULT),), rules=(Rule(7463, 7400),))
        )
        node.run("await plane.close()")
        assert node.snapshot() == before

    def test_strangers_in_our_blocks_are_left_alone(self, node):
        node.ip("route", "add", "blackhole", "192.0.2.0/24", "table", "7400")
        node.ip("rule", "add", "priority", "7440", "iif", "up0", "lookup", "7400")
        before = node.snapshot()
        node.apply(PlaneState(routes=(Route(7400, DEFAULT, (Nexthop("up1"),)),), rules=(Rule(7440, 7400),)))
        node.run("await plane.close()")
        assert node.snapshot() == before

    @pytest.mark.parametrize(
        ("words", "option"),
        [
            ("route add blackhole default table 7431", "table_base"),
            ("rule add priority 7463 iif lo lookup main", "rule_priority"),
            ("rule add priority 100 fwmark 0x8000000/0xf8000000 lookup main", "mark_mask"),
        ],
    )
    def test_who_is_in_our_place_is_named_at_the_start_and_what_to_change(self, lone, words, option):
        lone.ip(*words.split())
        before = lone.snapshot()
        with pytest.raises(Exception, match=f"PlaneError: the kernel has .*choose another {option}"):
            lone.run("await begin()")
        assert lone.snapshot() == before

    def test_the_rules_of_mwan3_and_pbr_are_no_hindrance(self, lone):
        for words in (
            "priority 2001 fwmark 0x100/0x3f00 lookup 1",
            "priority 30000 fwmark 0x10000/0xff0000 lookup 2",
        ):
            lone.ip("rule", "add", *words.split())
        lone.run("await begin()")
        # But it is said that what mwan3 marks goes its way.
        assert "mwan3's rule of priority 2001 for marks 0x3f00 comes before ours" in lone.run("plane.beside")

    def test_what_a_killed_process_left_is_removed(self, node):
        before = node.snapshot()
        node.apply(
            PlaneState(
                addresses=(("lo", HOME),),
                routes=(Route(7400, DEFAULT, (Nexthop("up0"), Nexthop("up1")), HOME), Route(7431, DEFAULT)),
                rules=(Rule(7400, 254, suppress_prefixlength=0), Rule(7440, 7400)),
                ruleset="  chain c { type filter hook forward priority 0; }\n",
            )
        )
        node.kill()
        assert node.snapshot() != before
        node.run("await begin()")
        node.apply(PlaneState())
        assert node.snapshot() == before

    @pytest.mark.parametrize(
        "words",
        [
            "ip route del default table 7401",
            "ip route replace blackhole default table 7401 proto 114",
            "ip rule del priority 7421",
            "ip address del 10.99.0.2/32 dev lo",
            "ip link set up0 down",
            "nft flush ruleset",
            "nft delete table ip roamd",
            "nft add rule ip roamd c drop",
        ],
    )
    def test_what_somebody_changes_is_noticed_and_mended(self, node, words):
        state = PlaneState(
            addresses=(("lo", HOME),),
            routes=(Route(7401, DEFAULT, (Nexthop("up0"),), HOME), Route(7402, DEFAULT, (Nexthop("up1"),))),
            rules=(Rule(7421, 7401, mark=0x01000000, mask=0x0F000000),),
            ruleset="  chain c { type filter hook forward priority 0; }\n",
        )
        node.apply(state)
        wanted = node.snapshot()
        assert node.run("len(DISTURBED)") == 0
        node.command(*words.split())
        node.run("await until(lambda: DISTURBED)")
        assert node.run("plane.counters()")["plane_disturbed"] == 1
        if "down" in words:
            node.ip("link", "set", "up0", "up")
        node.apply(state)
        after = node.snapshot()
        for view in ("ip -j rule", "nft list ruleset"):
            assert after[view] == wanted[view]
        assert self.routes(node, 7401)[0]["dev"] == "up0"
        assert f"{HOME}/32" in node.ip("address", "show", "dev", "lo")

    def test_a_message_that_the_kernel_did_not_send_is_not_believed(self, node):
        state = PlaneState(routes=(Route(7401, DEFAULT, (Nexthop("up0"),)),))
        node.apply(state)
        node.run("forge_route_deletion(plane._watch._events.port, 7401)")
        node.run("await until(lambda: plane.counters()['plane_foreign'])")
        assert node.run("len(DISTURBED)") == 0

    def test_multipath_spreads_by_ports_while_running(self, lone):
        name = "net/ipv4/fib_multipath_hash_policy"
        assert lone.sysctl(name) == "0"
        lone.run("await begin()")
        assert lone.sysctl(name) == "1"
        lone.run("await plane.close()")
        assert lone.sysctl(name) == "0"
