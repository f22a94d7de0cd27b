"""Mobile node and home agent in dialogue, over links that lose, repeat, delay and reorder."""

import dataclasses
import heapq
import itertools
import random
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from router.clock import Instant
from router.config.model import HomeAgent as AgentSettings
from router.config.model import Mobile, SecurityAssociation
from router.config.model import MobileNode as NodeSettings
from router.mip.effect import Bound, Event, Reply, Send, Unbound
from router.mip.home.agent import HomeAgent
from router.mip.keepalive import IDENTIFIER
from router.mip.mobile.node import MobileNode
from router.mip.wire.message import decode
from router.mip.wire.registration import RegistrationRequest

WALL = 1_800_000_000.0
HOME, AGENT = IPv4Address("10.99.0.2"), IPv4Address("198.51.100.2")
LAN = IPv4Network("10.50.0.0/24")
KEY = SecurityAssociation(256, b"k" * 16)
NAT = IPv4Address("198.18.2.2")
COA = {1: IPv4Address("192.0.2.10"), 2: IPv4Address("100.64.0.10"), 3: IPv4Address("192.0.2.30")}
NATTED = {2}


class World:
    """Both machines and the network between them, on one stepped clock."""

    def __init__(
        self,
        *,
        seed=0,
        loss=0.0,
        repeat=0.0,
        delay=(0.02, 0.03),
        skew=0.0,
        agent_skew=0.0,
        node=None,
        agent=None,
        mobile=None,
    ):
        self.time = 50.0
        self.agent_skew = agent_skew
        self.rng = random.Random(seed)
        self.loss, self.repeat, self.delay, self.skew = loss, repeat, delay, skew
        settings = {"mobile_networks": (LAN,), "lifetime": 300, **(node or {})}
        self.node = MobileNode(NodeSettings(HOME, AGENT, KEY, **settings), random.Random(seed))
        mobile = Mobile("bus", HOME, KEY, (LAN,), **(mobile or {}))
        self.agent = HomeAgent(AgentSettings(AGENT, **(agent or {})), (mobile,), (), self.instant(agent_skew))
        self.wire = []
        self.count = 0
        self.up = set()
        self.bound = {}
        self.sent = []
        self.heard = {"agent": [], "node": []}
        self.events = []
        self.agent_alive = True
        self.time += 1.0

    def instant(self, skew=0.0):
        return Instant(self.time, WALL + self.time + skew)

    def plug(self, bid):
        self.up.add(bid)
        self.node_did(self.node.uplink_up(bid, COA[bid], 4, 1, self.instant(self.skew)))

    def pull(self, bid):
        self.up.discard(bid)
        self.node_did(self.node.uplink_down(bid, self.instant(self.skew)))

    def node_did(self, effects):
        for effect in effects:
            if isinstance(effect, Send):
                self.sent.append((self.time, effect.bid, effect.data))
                source = (NAT, 40000 + effect.bid) if effect.bid in NATTED else (COA[effect.bid], 434)
                self.travel(effect.bid, ("agent", effect.data, source, effect.bid))
            elif isinstance(effect, Bound):
                self.bound[effect.binding.bid] = effect.binding
            elif isinstance(effect, Unbound):
                self.bound.pop(effect.bid, None)
            elif isinstance(effect, Event):
                self.events.append(effect.text)

    def agent_did(self, effects, bid):
        for effect in effects:
            if isinstance(effect, Reply):
                self.travel(bid, ("node", effect.data, None, bid))

    def travel(self, bid, parcel):
        copies = 2 if self.rng.random() < self.repeat else 1
        for _ in range(copies):
            if self.rng.random() >= self.loss and bid in self.up:
                self.count += 1
                heapq.heappush(self.wire, (self.time + self.rng.uniform(*self.delay), self.count, parcel))

    def run(self, seconds):
        """Let time pass, from event to event."""
        end = self.time + seconds
        for _ in range(10_000):
            moments = [self.wire[0][0]] if self.wire else []
            moments += [wake for wake in (self.node.next_wake(), self.agent.next_wake()) if wake is not None]
            if not moments or min(moments) > end:
                break
            soonest = min(moments)
            self.time = max(self.time, soonest)
            while self.wire and self.wire[0][0] <= self.time:
                self.arrive(heapq.heappop(self.wire)[2])
            self.node_did(self.node.tick(self.instant(self.skew)))
            self.agent_did(self.agent.tick(self.instant(self.agent_skew)), 0)
        else:
            raise AssertionError("time does not move")
        self.time = end

    def arrive(self, parcel):
        to, data, source, bid = parcel
        if bid not in self.up:
            return
        if to == "agent":
            if self.agent_alive:
                self.heard["agent"].append(data)
                self.agent_did(self.agent.receive(data, source, self.instant(self.agent_skew)), bid)
        else:
            self.heard["node"].append(data)
            self.node_did(self.node.receive(bid, data, self.instant(self.skew)))

    def check_pace(self):
        """A second at least between requests of one binding, but for farewells; no time stamp twice."""
        last, stamps = {}, set()
        for at, _, data in self.sent:
            message = decode(data)
            if not isinstance(message, RegistrationRequest):
                continue
            assert message.identification not in stamps
            stamps.add(message.identification)
            assert message.lifetime == 0 or at - last.get(message.care_of_address, 0) >= 1
            last[message.care_of_address] = at

    def agree(self):
        there = {bid: binding.care_of_address for (_, bid), binding in self.agent.bindings.items()}
        assert {bid: binding.care_of_address for bid, binding in self.bound.items()} == there
        return sorted(there)


def test_two_uplinks_register_within_a_moment():
    world = World()
    world.plug(1)
    world.plug(2)
    world.run(0.2)
    assert world.agree() == [1, 2]
    assert (world.bound[1].encapsulation, world.bound[1].nat) == ("ipip", False)
    assert (world.bound[2].encapsulation, world.bound[2].nat) == ("udp", True)
    assert world.bound[2].lifetime == 60


def test_bindings_are_refreshed_for_hours_without_a_gap():
    world = World()
    world.plug(1)
    world.plug(2)
    for _ in range(200):
        world.run(40)
        assert world.agree() == [1, 2]


def test_a_lost_uplink_is_deregistered_through_another_at_once():
    world = World()
    world.plug(1)
    world.plug(2)
    world.run(1)
    world.pull(1)
    assert 1 not in world.bound
    assert world.sent[-1][:2] == (world.time, 2)
    assert decode(world.sent[-1][2]).lifetime == 0
    world.run(0.1)
    assert world.agree() == [2]


def test_a_returning_uplink_is_bound_again_and_stays():
    world = World()
    world.plug(1)
    world.plug(2)
    world.run(1)
    world.pull(1)
    world.plug(1)
    world.run(30)
    assert world.agree() == [1, 2]


def test_the_last_uplink_lost_is_forgotten_by_expiry():
    world = World()
    world.plug(1)
    world.run(1)
    world.pull(1)
    world.run(301)
    assert world.agree() == []
    assert world.node.next_wake() is None


def test_stop_deregisters_everything():
    world = World()
    world.plug(1)
    world.plug(2)
    world.run(1)
    world.node_did(world.node.stop(world.instant()))
    world.run(0.2)
    assert world.node.stopped
    assert not world.agent.bindings


def test_stop_gives_up_when_nobody_answers():
    world = World()
    world.plug(1)
    world.run(1)
    world.agent_alive = False
    world.node_did(world.node.stop(world.instant()))
    world.run(30)
    assert world.node.stopped


@pytest.mark.parametrize("skew", [-3600.0, -5.0, -0.4, 0.4, 5.0, 86400.0])
def test_a_wrong_clock_is_put_right(skew):
    world = World(skew=skew)
    world.plug(1)
    world.plug(2)
    world.run(6)
    assert world.agree() == [1, 2]


SINCE_1970 = -1_800_000_000.0


@pytest.mark.parametrize("steps", [(SINCE_1970, 0.0), (0.0, SINCE_1970, 0.0), (3e7, 0.0), (0.0, 3600.0, 0.0)])
@pytest.mark.parametrize("whose", ["node", "agent", "both"])
def test_bindings_outlive_the_steps_of_a_clock(whose, steps):
    """A router without a clock starts in 1970, hears of the time, and loses it again; so may a home agent."""
    worlds = {"node": {"skew": steps[0]}, "agent": {"agent_skew": steps[0]}}
    worlds["both"] = worlds["node"] | worlds["agent"]
    world = World(**worlds[whose])
    world.plug(1)
    world.plug(2)
    world.run(10)
    assert world.agree() == [1, 2]
    for step in steps[1:]:
        if whose != "agent":
            world.skew = step
        if whose != "node":
            world.agent_skew = step
        bound, world.events = set(world.bound), []
        world.run(290)
        # Refreshed once more by then, each at the price of one denial at most.
        assert world.agree() == [1, 2] and bound == set(world.bound)
        assert sum("133" in text for text in world.events) <= 2 * len(bound), world.events


def test_a_silent_home_agent_is_a_named_state_and_asked_with_back_off():
    world = World()
    world.agent_alive = False
    world.plug(1)
    world.run(60)
    assert world.node.registrations[1].state == "no reply"
    times = [at for at, _, _ in world.sent]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(later >= 2 * earlier for earlier, later in itertools.pairwise(gaps))
    assert gaps[0] >= 1
    world.agent_alive = True
    world.run(65)
    assert world.agree() == [1]


def test_a_bound_uplink_whose_home_agent_falls_silent_is_unbound():
    world = World()
    world.plug(1)
    world.run(1)
    world.agent_alive = False
    world.run(299)
    assert world.bound == {}
    assert world.node.registrations[1].state == "no reply"


def test_an_uplink_that_fails_leaves_the_others_alone():
    world = World()
    world.plug(1)
    world.plug(2)
    world.up.discard(1)
    world.run(100)
    assert sorted(world.bound) == [2]
    assert world.node.registrations[1].state == "no reply"


def test_without_leave_for_several_paths_one_is_registered_plainly():
    world = World(mobile={"multipath": False})
    world.plug(1)
    world.plug(2)
    world.run(10)
    assert list(world.bound) == [1]
    assert [binding.bid for binding in world.agent.bindings.values()] == [0]


def test_a_denial_is_not_hammered():
    world = World(mobile={"max_bindings": 1})
    world.plug(1)
    world.run(1)
    world.plug(2)
    world.run(100)
    assert world.node.registrations[2].state == "denied"
    assert world.node.registrations[2].code == 135
    assert len(world.sent) < 12


def test_a_refused_mobile_network_is_asked_for_no_more():
    stranger = IPv4Network("10.51.0.0/24")
    world = World(node={"mobile_networks": (stranger,)})
    world.plug(1)
    world.run(100)
    assert world.node.registrations[1].state == "registered"
    assert stranger not in world.node.mobile_networks
    assert any("10.51.0.0/24" in text for text in world.events)


def test_keepalives_go_out_in_the_tunnel_and_silence_leads_to_a_registration():
    world = World(agent={"keepalive": 20, "nat_lifetime": 600})
    world.plug(2)
    world.run(19)
    before = len(world.sent)
    world.run(10)
    kinds = [decode(data) for _, _, data in world.sent[before:]]
    echoes = [kind for kind in kinds if not isinstance(kind, RegistrationRequest)]
    assert len(echoes) == 3
    assert echoes[0].payload[12:20] == HOME.packed + AGENT.packed
    assert int.from_bytes(echoes[0].payload[24:26], "big") == IDENTIFIER
    assert any(isinstance(kind, RegistrationRequest) for kind in kinds)


def test_an_answered_keepalive_is_enough():
    world = World(agent={"keepalive": 20, "nat_lifetime": 600})
    world.plug(2)
    world.run(21)
    echo = world.sent[-1][2]
    answer = bytearray(echo)
    answer[4 + 12 : 4 + 20] = AGENT.packed + HOME.packed
    answer[4 + 20] = 0
    world.node_did(world.node.receive(2, bytes(answer), world.instant()))
    before = len(world.sent)
    world.run(18)
    assert len(world.sent) == before


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0, 0.4),
    repeat=st.floats(0, 0.5),
    slow=st.floats(0.03, 1.5),
    script=st.lists(
        st.tuples(st.sampled_from(["plug", "pull"]), st.sampled_from([1, 2, 3]), st.floats(0.01, 20)),
        max_size=12,
    ),
)
def test_both_sides_agree_when_the_network_is_quiet(seed, loss, repeat, slow, script):
    world = World(seed=seed, loss=loss, repeat=repeat, delay=(0.01, slow))
    for verb, bid, pause in script:
        if (verb == "plug") != (bid in world.up):
            getattr(world, verb)(bid)
        world.run(pause)
        for (_, _), binding in world.agent.bindings.items():
            assert binding.expires <= world.time + binding.granted
        for binding in world.bound.values():
            assert binding.expires <= world.time + binding.lifetime
    world.check_pace()
    # Quiet: nothing lost or late any more, and time for what was under way to expire.
    world.loss, world.repeat, world.delay = 0.0, 0.0, (0.01, 0.02)
    world.run(700)
    assert world.agree() == sorted(world.up)
    world.check_pace()


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32),
    script=st.lists(
        st.tuples(st.sampled_from([1, 2, 3]), st.floats(0.01, 5)),
        max_size=8,
    ),
    pause=st.floats(0, 400),
)
def test_whoever_repeats_all_he_heard_changes_nothing(seed, script, pause):
    world = World(seed=seed, loss=0.1, delay=(0.01, 0.3))
    for bid, wait in script:
        world.pull(bid) if bid in world.up else world.plug(bid)
        world.run(wait)
    world.loss = 0.0
    world.run(pause)
    there = {key: dataclasses.replace(item) for key, item in world.agent.bindings.items()}
    here = dict(world.bound)
    views = world.node.registrations
    for data in world.heard["agent"]:
        effects = world.agent.receive(data, (IPv4Address("203.0.113.66"), 6666), world.instant())
        assert all(isinstance(effect, (Reply, Event)) for effect in effects)
    for data in world.heard["node"]:
        world.node_did(world.node.receive(1, data, world.instant()))
    assert world.agent.bindings == there
    assert world.bound == here
    assert world.node.registrations == views


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=100), st.sampled_from([b"", b"\x03", b"\x04", b"\x04\x04\x00\x00E"]))
def test_no_octets_raise_or_unbind(data, head):
    world = World()
    world.plug(1)
    world.plug(2)
    world.run(1)
    world.node_did(world.node.receive(1, head + data, world.instant()))
    world.node_did(world.node.receive(9, head + data, world.instant()))
    assert world.agree() == [1, 2]


def test_a_forged_reply_is_dropped():
    world = World()
    world.up.add(1)
    world.node_did(world.node.uplink_up(1, COA[1], 4, 1, world.instant()))
    asked = decode(world.sent[-1][2])
    forged = bytes([3, 0]) + (600).to_bytes(2, "big") + HOME.packed + AGENT.packed
    forged += asked.identification.to_bytes(8, "big") + bytes.fromhex("2014 00000100") + bytes(16)
    world.node_did(world.node.receive(1, forged, world.instant()))
    assert world.bound == {}
    assert world.node.counters["dropped_bad_authenticator"] == 1
