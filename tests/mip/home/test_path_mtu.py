"""What a mobile node says of its path's MTU, and what the home agent's tunnel makes of it."""

import pytest

from router.config.model import Config
from router.config.model import HomeAgent as Settings
from router.flow.home_ways import HomeWays
from router.mip.path_mtu import path_mtu_extension
from router.mip.wire.multipath import Multipath
from router.mip.wire.registration import D, T
from router.mip.wire.udp_tunnel import UdpTunnelRequest
from tests.mip.home.test_agent import AGENT, HOME, NATTED, Bench

WAYS = HomeWays(Settings(AGENT), Config())


def mtu(bench, bid=1):
    return WAYS.tunnel(bench.agent.bindings[HOME, bid]).mtu


def test_the_tunnel_becomes_as_thin_and_as_wide_again():
    bench = Bench()
    for said, expected in (((), 1480), ((path_mtu_extension(1300),), 1280), ((), 1480)):
        assert bench.ask(Multipath(4, 1, 1), *said, flags=D) == 0
        assert mtu(bench) == expected


def test_behind_nat():
    bench = Bench()
    request = (Multipath(4, 1, 1), UdpTunnelRequest(), path_mtu_extension(1300))
    assert bench.ask(*request, flags=D, source=NATTED) == 0
    assert mtu(bench) == 1300 - 32


@pytest.mark.parametrize(("said", "expected"), [(0, 556), (9000, 1480)])
def test_nonsense_does_no_harm(said, expected):
    bench = Bench()
    assert bench.ask(Multipath(4, 1, 1), path_mtu_extension(said), flags=D) == 0
    assert mtu(bench) == expected


def test_a_change_of_it_changes_the_plan():
    bench, ways = Bench(), HomeWays(Settings(AGENT), Config())
    changed = []
    for said in ((), (path_mtu_extension(1300),), (path_mtu_extension(1300),)):
        bench.ask(Multipath(4, 1, 1), *said, flags=D)
        changed.append(ways.granted(bench.agent.bindings[HOME, 1], bench.agent.node(HOME)))
    assert changed == [True, True, False]


def test_a_foreign_agents_tunnel_is_not_one_mobile_nodes_to_change():
    bench = Bench()
    assert bench.ask(path_mtu_extension(600), flags=T) == 0
    (binding,) = bench.agent.bindings.values()
    assert not binding.colocated
    assert WAYS.tunnel(binding).mtu == 1480
