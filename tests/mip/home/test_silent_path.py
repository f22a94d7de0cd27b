"""What a mobile node says of silent paths, and where its flows go then."""

from ipaddress import IPv4Network

from router.config.model import Config
from router.config.model import HomeAgent as Settings
from router.flow.home_plan import tunnel_name
from router.flow.home_ways import HomeWays
from router.mip.effect import Granted
from router.mip.silent_path import silent_paths_extension
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.numbers import FlowAction
from router.mip.wire.registration import D
from router.mip.wire.selector import TrafficSelector
from tests.mip.home.test_agent import AGENT, HOME, Bench


class Both:
    """One mobile node with the bindings 1 and 2."""

    def __init__(self):
        self.bench, self.ways = Bench(), HomeWays(Settings(AGENT), Config())
        self.ask(1)
        self.ask(2)

    def ask(self, bid, *said):
        assert self.bench.ask(Multipath(4, 1, bid), *said, flags=D) == 0
        node = self.bench.agent.node(HOME)
        return [self.ways.granted(binding, node) for binding in node.bindings.values()]

    def hops(self, table):
        found = [
            route
            for route in self.ways[HOME].routes
            if (route.table, route.prefix) == (table, IPv4Network(HOME))
        ]
        return [hop.device for route in found for hop in route.nexthops]


def names(*numbers):
    return [tunnel_name(HOME, number) for number in numbers]


def test_flows_leave_a_silent_path_and_come_back():
    both = Both()
    assert both.hops(7401) == names(1) and both.hops(7400) == names(1, 2)
    assert any(both.ask(2, silent_paths_extension([1])))
    assert both.hops(7401) == both.hops(7400) == names(2)
    assert both.hops(7402) == names(2)
    assert any(both.ask(2))
    assert both.hops(7401) == names(1)


def test_the_tunnel_stays_and_what_proves_it_goes_by_it():
    both = Both()
    both.ask(2, silent_paths_extension([1]))
    assert {tunnel.device for tunnel in both.ways[HOME].tunnels} == set(names(1, 2))
    assert both.hops(7416) == names(1)
    assert both.hops(7417) == []


def test_a_refresh_like_one_of_before_tells_it_too():
    both = Both()
    both.ask(1)
    both.ask(2, silent_paths_extension([1]))
    both.ask(1)
    assert both.hops(7401) == names(1)


def test_it_is_urgent():
    bench = Bench()
    for bid in (1, 2):
        bench.ask(Multipath(4, 1, bid), flags=D)
    bench.ask(Multipath(4, 1, 2), silent_paths_extension([1]), flags=D)
    assert any(isinstance(effect, Granted) and effect.urgent for effect in bench.effects)


def test_where_none_is_left_or_known_nothing_changes():
    both = Both()
    both.ask(2, silent_paths_extension([1, 2]))
    assert both.hops(7401) == names(1)
    both.ask(2, silent_paths_extension([7, 255]))
    assert both.hops(7401) == names(1)


def test_a_flow_bound_to_a_silent_path_takes_its_next():
    both = Both()
    everything = FlowBinding(FlowAction.FORWARD, (1, 2), TrafficSelector(protocol=(6, 6)))
    both.ask(2, everything)
    assert "goto flow_1" in str(both.ways[HOME].chains)
    both.ask(2, silent_paths_extension([1]))
    assert "goto flow_2" in str(both.ways[HOME].chains)


def test_a_new_session_begins_without():
    both = Both()
    both.ask(2, silent_paths_extension([1]))
    node = both.bench.agent.node(HOME)
    both.bench.agent.revoke(HOME, None, both.bench.now())
    assert node.silent == frozenset()
