"""A home agent that serves others from now on: only who is gone or changed loses what he had."""

from dataclasses import replace
from ipaddress import IPv4Address

from router.config.model import Flow, Mobile, SecurityAssociation
from router.mip.auth import sign
from router.mip.effect import Removed
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.numbers import ReplyCode
from tests.mip.home.test_agent import BUS, KEY, WIFI, Bench

TRAM = Mobile("tram", IPv4Address("10.99.0.7"), SecurityAssociation(300, b"another 16 octets"))


def removed(effects):
    return [effect.binding.bid for effect in effects if isinstance(effect, Removed)]


def test_another_mobile_node_comes_and_the_first_keeps_its_bindings_and_its_fast_refresh():
    bench = Bench()
    bench.both()
    assert bench.agent.configure((BUS, TRAM), (), bench.now()) == []
    assert bench.bids() == [1, 2]
    assert bench.ask(Multipath(4, 1, 1)) == 0


def test_one_that_is_gone_is_revoked_and_then_unknown():
    bench = Bench()
    bench.both()
    effects = bench.agent.configure((TRAM,), (), bench.now())
    assert sorted(removed(effects)) == [1, 2]
    assert bench.bids() == []
    assert bench.ask(Multipath(4, 1, 1)) is None
    assert bench.agent.counters["dropped_unknown_mobile"] == 1


def test_another_key_ends_what_the_old_one_had_opened():
    bench = Bench()
    bench.both()
    security = SecurityAssociation(BUS.security.spi, b"the key of tomorrow", BUS.security.algorithm)
    assert sorted(removed(bench.agent.configure((replace(BUS, security=security),), (), bench.now()))) == [
        1,
        2,
    ]
    bench.time += 1
    old = sign(bench.request(Multipath(4, 1, 1)).encode(), KEY)
    bench.agent.receive(old, (WIFI, 40000), bench.now())
    assert bench.agent.bindings == {}


def test_a_request_from_before_the_change_opens_nothing_after_it():
    bench = Bench()
    bench.both()
    bench.agent.configure((), (), bench.now())
    before = bench.time
    bench.time += 1
    bench.agent.configure((BUS,), (), bench.now())
    assert bench.ask(Multipath(4, 1, 1), at=before) == ReplyCode.HA_IDENTIFICATION_MISMATCH
    assert bench.ask(Multipath(4, 1, 1)) == 0


def test_other_policies_are_told_with_the_next_reply():
    bench = Bench()
    bench.both()
    assert bench.ask(Multipath(4, 1, 1)) == 0
    assert bench.reply.find(FlowBinding) is None
    assert bench.agent.configure((BUS,), (Flow("voice", (), labels=(1,), proto="udp"),), bench.now()) == []
    assert bench.ask(Multipath(4, 1, 1)) == 0
    assert bench.reply.find(FlowBinding).bids == (1,)
