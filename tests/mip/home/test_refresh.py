"""Refreshes answered from memory are answered as the long way would."""

import dataclasses
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.clock import Instant
from router.config.model import HomeAgent as Settings
from router.config.model import Mobile, SecurityAssociation
from router.mip.auth import sign
from router.mip.effect import Removed, Reply
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.revocation import timestamp
from router.mip.wire.mobile_network import MobileNetworkRequest
from router.mip.wire.multipath import Multipath
from router.mip.wire.registration import RegistrationRequest
from router.mip.wire.revocation import RevocationSupport
from router.mip.wire.udp_tunnel import UdpTunnelRequest

WALL = 1_800_000_000.0
HOME, AGENT = IPv4Address("10.99.0.2"), IPv4Address("198.51.100.2")
COA = {1: IPv4Address("192.0.2.10"), 2: IPv4Address("100.64.0.10")}
NATTED = IPv4Address("198.18.2.2")
LAN = IPv4Network("10.50.0.0/24")
KEY = SecurityAssociation(256, b"k" * 16)
BUS = Mobile("bus", HOME, KEY, (LAN,))


class Pair:
    """Two home agents that hear the same; the second one remembers nothing."""

    def __init__(self, key=KEY):
        self.time = 10.0
        mobile = dataclasses.replace(BUS, security=key)
        self.key = key
        self.quick = HomeAgent(Settings(AGENT), (mobile,), (), Instant(0.0, WALL))
        self.slow = HomeAgent(Settings(AGENT), (mobile,), (), Instant(0.0, WALL))
        self.remembered = 0

    def say(
        self, bid, *, age=0.0, lifetime=600, coa=None, source=None, bulk=False, flip=None, networks=False
    ):
        coa = coa or COA[bid]
        wall = WALL + self.time - age
        extensions = [UdpTunnelRequest()] if source is not None else []
        extensions += [MobileNetworkRequest.of(LAN)] if networks else []
        extensions += [Multipath(4, bid, bid, bulk=bulk), RevocationSupport(timestamp(wall))]
        request = RegistrationRequest(
            lifetime, HOME, AGENT, coa, from_wall(wall), extensions=tuple(extensions)
        )
        data = bytearray(sign(request.encode(), self.key))
        if flip is not None:
            data[flip % len(data)] ^= 1
        return self.hear(bytes(data), (source or coa, 40000 + bid))

    def hear(self, data, source):
        now = Instant(self.time, WALL + self.time)
        self.slow._refreshes._known.clear()
        effects = self.quick.receive(data, source, now)
        self.remembered += [type(effect) for effect in effects] == [Reply]
        replies = [
            [e for e in found if isinstance(e, Reply)]
            for found in (effects, self.slow.receive(data, source, now))
        ]
        assert replies[0] == replies[1]
        self.time += 0.01
        assert self.quick.bindings == self.slow.bindings
        return replies[0]

    def pass_time(self, seconds):
        self.time += seconds
        now = Instant(self.time, WALL + self.time)
        gone = [
            {effect.binding.bid for effect in agent.tick(now) if isinstance(effect, Removed)}
            for agent in (self.quick, self.slow)
        ]
        assert gone[0] == gone[1]


@pytest.mark.parametrize("algorithm", ["hmac-md5", "hmac-sha1", "hmac-sha256", "keyed-md5"])
def test_a_refresh_is_remembered_and_prolongs_the_binding(algorithm):
    pair = Pair(dataclasses.replace(KEY, algorithm=algorithm))
    pair.say(1)
    assert not pair.remembered
    pair.pass_time(500)
    pair.say(1)
    assert pair.remembered == 1
    pair.pass_time(500)
    assert len(pair.quick.bindings) == 1
    pair.pass_time(101)
    assert not pair.quick.bindings


def test_two_uplinks_do_not_forget_each_other():
    pair = Pair()
    for _ in range(3):
        pair.say(1)
        pair.say(2, source=NATTED)
    assert pair.remembered == 4


def test_an_old_care_of_address_is_not_answered_from_memory():
    pair = Pair()
    pair.say(1)
    pair.say(1, coa=COA[2])
    pair.say(1)
    assert pair.quick.bindings[HOME, 1].care_of_address == COA[1]
    assert not pair.remembered


def test_a_rebound_nat_is_not_answered_from_memory():
    pair = Pair()
    pair.say(1, source=NATTED)
    pair.say(1, source=IPv4Address("198.18.2.3"))
    assert pair.quick.bindings[HOME, 1].source == IPv4Address("198.18.2.3")
    assert not pair.remembered


def test_a_refresh_after_the_end_is_a_new_binding():
    pair = Pair()
    pair.say(1)
    pair.time += 601
    pair.say(1)
    assert not pair.remembered
    assert len(pair.quick.bindings) == 1


steps = st.lists(
    st.tuples(
        st.sampled_from((1, 2)),
        st.sampled_from((0.0, 0.0, 0.0, 5.0, 20.0)),
        st.sampled_from((600, 600, 600, 300, 0)),
        st.sampled_from((None, None, NATTED)),
        st.booleans(),
        st.sampled_from((None, None, None, 1, 20, 30, 50)),
        st.sampled_from((0.0, 1.0, 200.0, 700.0)),
    ),
    max_size=12,
)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_whatever_is_said_both_answer_the_same(script):
    pair = Pair()
    for bid, age, lifetime, source, bulk, flip, pause in script:
        pair.say(bid, age=age, lifetime=lifetime, source=source, bulk=bulk, flip=flip)
        pair.pass_time(pause)
