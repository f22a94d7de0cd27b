"""A home agent that does not know RFC 7629 says nothing to its extensions."""

import random
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import HomeAgent as AgentSettings
from router.config.model import Mobile, SecurityAssociation
from router.config.model import MobileNode as Settings
from router.mip.effect import Bound, Event, Reply, Send, Unbound
from router.mip.home.agent import HomeAgent
from router.mip.mobile.node import MobileNode
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath

WALL = 1_800_000_000.0
HOME, AGENT = IPv4Address("10.99.0.2"), IPv4Address("198.51.100.2")
COA = {1: IPv4Address("192.0.2.10"), 2: IPv4Address("100.64.0.10")}
KEY = SecurityAssociation(256, b"k" * 16)


class Old:
    """A mobile node before a home agent that drops what it does not know, until it is brought up to date."""

    def __init__(self, *, alive=True, knows=False):
        self.time = 100.0
        self.node = MobileNode(Settings(HOME, AGENT, KEY, lifetime=300), random.Random(1))
        self.agent = HomeAgent(AgentSettings(AGENT), (Mobile("bus", HOME, KEY),), (), Instant(0.0, WALL))
        self.alive, self.knows = alive, knows
        self.sent, self.bound, self.texts = [], {}, []
        for bid in COA:
            self.did(self.node.uplink_up(bid, COA[bid], 4, 1, self.now()))

    def now(self):
        return Instant(self.time, WALL + self.time)

    def did(self, effects):
        for effect in effects:
            if isinstance(effect, Send):
                request = decode(effect.data)
                with_extension = request.find(Multipath) is not None
                self.sent.append((self.time, effect.bid, with_extension))
                if self.alive and (self.knows or not with_extension):
                    answers = self.agent.receive(effect.data, (COA[effect.bid], 434), self.now())
                    for answer in [item for item in answers if isinstance(item, Reply)]:
                        self.did(self.node.receive(effect.bid, answer.data, self.now()))
            elif isinstance(effect, Bound):
                self.bound[effect.binding.bid] = effect.binding
            elif isinstance(effect, Unbound):
                self.bound.pop(effect.bid, None)
            elif isinstance(effect, Event):
                self.texts.append(effect.text)

    def run(self, seconds):
        end = self.time + seconds
        while (wake := self.node.next_wake()) is not None and wake <= end:
            self.time = max(self.time, wake)
            self.did(self.node.tick(self.now()))
        self.time = end


def test_after_three_unanswered_requests_one_goes_without_and_binds_one_uplink():
    old = Old()
    old.run(30)
    assert list(old.bound) == [1]
    assert [with_extension for _, bid, with_extension in old.sent if bid == 1][:4] == [
        True,
        True,
        True,
        False,
    ]
    assert "RFC 7629" in old.node.registrations[2].detail


def test_the_one_binding_lasts_while_the_extension_is_tried_ever_more_rarely():
    old = Old()
    old.run(30)
    gaps = []
    for _ in range(40):
        old.run(300)
        gaps.append(1 in old.bound)
    assert all(gaps)
    tried = [at for at, _, with_extension in old.sent if with_extension and at > 140]
    assert 3 <= len(tried) <= 15


def test_once_it_is_brought_up_to_date_every_uplink_is_bound():
    old = Old()
    old.run(30)
    old.knows = True
    old.run(200)
    assert sorted(old.bound) == [1, 2]


def test_a_home_agent_that_was_only_down_is_not_taken_for_an_old_one_for_long():
    old = Old(alive=False, knows=True)
    old.run(20)
    old.alive = True
    old.run(120)
    assert sorted(old.bound) == [1, 2]


def test_one_that_has_answered_the_extension_is_never_doubted():
    old = Old(knows=True)
    old.run(5)
    old.alive = False
    old.run(900)
    assert all(with_extension for _, _, with_extension in old.sent)
