"""The mobile node, reply by reply, on a stepped clock; the home agent is written by hand."""

import itertools
import random
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.clock import Instant
from router.config.model import MobileNode as Settings
from router.config.model import SecurityAssociation
from router.mip.auth import sign, verify
from router.mip.effect import Bound, Event, Send, Unbound
from router.mip.identification import from_wall, to_wall, with_high_half
from router.mip.mobile.node import MobileNode
from router.mip.policy import agent_flows
from router.mip.wire.authentication import Authentication
from router.mip.wire.message import decode
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement, MobileNetworkRequest
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.registration import RegistrationReply, RegistrationRequest
from router.mip.wire.selector import TrafficSelector
from router.mip.wire.udp_tunnel import UdpTunnelReply, UdpTunnelRequest

WALL = 1_800_000_000.0
HOME, AGENT = IPv4Address("10.99.0.2"), IPv4Address("198.51.100.2")
LAN = IPv4Network("10.50.0.0/24")
COA = {bid: IPv4Address(f"192.0.2.{bid}0") for bid in (1, 2, 3)}
KEY = SecurityAssociation(256, b"k" * 16)


class Bench:
    """A mobile node, and a hand that answers its requests."""

    def __init__(self, **settings):
        self.time = 100.0
        settings = {"mobile_networks": (LAN,), "lifetime": 300, **settings}
        self.node = MobileNode(Settings(HOME, AGENT, KEY, **settings), random.Random(1))
        self.sent = []
        self.bound = {}
        self.texts = []

    def now(self):
        return Instant(self.time, WALL + self.time)

    def did(self, effects):
        self.effects = effects
        for effect in effects:
            if isinstance(effect, Send):
                message = decode(effect.data)
                if isinstance(message, RegistrationRequest):
                    assert verify(effect.data, message.extensions, KEY)
                    assert isinstance(message.extensions[-1], Authentication)
                    self.sent.append((self.time, effect.bid, message))
            elif isinstance(effect, Bound):
                self.bound[effect.binding.bid] = effect.binding
            elif isinstance(effect, Unbound):
                del self.bound[effect.bid]
            elif isinstance(effect, Event):
                self.texts.append(effect.text)

    def up(self, bid, coa=None, label=1):
        self.did(self.node.uplink_up(bid, coa or COA[bid], 4, label, self.now()))
        return self.last

    def down(self, bid):
        self.did(self.node.uplink_down(bid, self.now()))

    def run(self, seconds):
        end = self.time + seconds
        while (wake := self.node.next_wake()) is not None and wake <= end:
            self.time = max(self.time, wake)
            self.did(self.node.tick(self.now()))
        self.time = end

    @property
    def last(self):
        return self.sent[-1][2] if self.sent else None

    def reply(self, request, code=0, *extensions, lifetime=None, identification=None, key=KEY, tail=b""):
        answer = RegistrationReply(
            code,
            request.lifetime if lifetime is None else lifetime,
            HOME,
            AGENT,
            request.identification if identification is None else identification,
            extensions,
        )
        self.did(self.node.receive(1, sign(answer.encode(), key) + tail, self.now()))

    def answered(self, bid, *extensions, **more):
        self.reply(self.up(bid), 0, *extensions, **more)

    def state(self, bid=1):
        return self.node.registrations[bid].state


# What is sent


def test_a_request_says_all_the_home_agent_must_know():
    bench = Bench()
    request = bench.up(1, label=7)
    assert request.care_of_address == COA[1]
    assert (request.decapsulation, request.reverse_tunnel, request.simultaneous) == (True, True, False)
    assert request.find(Multipath) == Multipath(4, 7, 1)
    assert request.find(UdpTunnelRequest) == UdpTunnelRequest()
    assert request.all(MobileNetworkRequest) == [MobileNetworkRequest.of(LAN)]
    assert request.lifetime == 300


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [("auto", UdpTunnelRequest()), ("force", UdpTunnelRequest(force=True)), ("off", None)],
)
def test_udp_is_asked_for_as_configured(mode, wanted):
    assert Bench(udp_tunnel=mode).up(1).find(UdpTunnelRequest) == wanted


def test_a_deregistration_names_its_binding_and_no_network():
    bench = Bench()
    bench.answered(1)
    bench.answered(2)
    bench.down(1)
    at, via, request = bench.sent[-1]
    assert (at, via, request.lifetime, request.care_of_address) == (bench.time, 2, 0, COA[1])
    assert request.find(Multipath) == Multipath(4, 1, 1)
    assert request.all(MobileNetworkRequest) == []


def test_time_stamps_increase_over_all_uplinks():
    bench = Bench()
    for bid in (1, 2, 3):
        bench.up(bid)
    bench.run(20)
    stamps = [request.identification for _, _, request in bench.sent]
    assert stamps == sorted(set(stamps))


# What an acceptance means


@pytest.mark.parametrize(
    ("extensions", "mode", "encapsulation", "nat", "keepalive"),
    [
        ((), "auto", "ipip", False, 110),
        ((UdpTunnelReply(64),), "auto", "ipip", False, 110),
        ((UdpTunnelReply(0),), "auto", "udp", True, 110),
        ((UdpTunnelReply(0, keepalive=30),), "auto", "udp", True, 30),
        ((UdpTunnelReply(0, keepalive=3),), "auto", "udp", True, 10),
        ((UdpTunnelReply(0, forced=True),), "force", "udp", False, 110),
        ((UdpTunnelReply(0),), "off", "ipip", False, 110),
    ],
)
def test_the_encapsulation_is_what_the_reply_says(extensions, mode, encapsulation, nat, keepalive):
    bench = Bench(udp_tunnel=mode)
    bench.answered(1, *extensions)
    binding = bench.bound[1]
    assert (binding.encapsulation, binding.nat, binding.keepalive) == (encapsulation, nat, keepalive)


def test_the_lifetime_runs_from_the_requests_departure():
    bench = Bench()
    request = bench.up(1)
    left = bench.time
    bench.time += 0.8
    bench.reply(request, lifetime=100)
    assert bench.bound[1].expires == pytest.approx(left + 100)
    assert bench.bound[1].lifetime == 100


def test_no_more_is_taken_than_was_asked_for():
    bench = Bench(lifetime=60)
    bench.answered(1, lifetime=600)
    assert bench.bound[1].lifetime == 60


def test_a_refresh_comes_before_the_end_and_not_long_before():
    bench = Bench()
    bench.answered(1, lifetime=100)
    start = bench.time
    bench.run(86)
    assert len(bench.sent) >= 2
    assert 80 <= bench.sent[1][0] - start <= 86
    assert 1 in bench.bound


def test_answers_find_their_requests_in_any_order():
    bench = Bench()
    first, second = bench.up(1), bench.up(2)
    bench.reply(second)
    assert sorted(bench.bound) == [2]
    bench.reply(first)
    assert sorted(bench.bound) == [1, 2]


def test_flow_bindings_in_a_reply_are_the_home_agents_policies_until_the_next_reply():
    bench = Bench()
    web = FlowBinding(1, (2, 1), TrafficSelector(source_port=(80, 80), protocol=(6, 6)))
    bench.answered(1, FlowBinding(0, (255,), TrafficSelector(protocol=(17, 17))), web)
    assert list(bench.bound) == [1]
    assert bench.last.all(FlowBinding) == []
    drop, follow = agent_flows(bench.node.agent_flows, {1: "wifi", 2: "lte"})
    assert (drop.drop, drop.proto) == (True, "udp")
    assert (follow.uplinks, follow.proto, follow.dest_ports) == (("lte", "wifi"), "tcp", ((80, 80),))
    bench.answered(2)
    assert bench.node.agent_flows == ()


def test_a_policy_for_uplinks_we_do_not_have_is_passed_over():
    said = [FlowBinding(1, (9,), TrafficSelector()), FlowBinding(1, (1,), TrafficSelector(protocol=(6, 17)))]
    assert agent_flows(said, {1: "wifi"}) == ()


def test_a_refused_mobile_network_is_warned_of_by_name():
    bench = Bench()
    bench.answered(1, MobileNetworkAcknowledgement(2, 24, LAN.network_address))
    assert 1 in bench.bound
    assert any("10.50.0.0/24" in text and "code 2" in text for text in bench.texts)


# What a denial means


@pytest.mark.parametrize("code", [128, 129, 130, 131, 134, 135, 136, 137, 138, 139, 144, 147, 191])
def test_a_denial_is_a_state_with_a_reason_and_waits_ever_longer(code):
    bench = Bench()
    bench.up(1)
    for _ in range(8):
        bench.reply(bench.last, code)
        assert bench.state() == "denied"
        assert bench.node.registrations[1].code == code
        assert bench.node.registrations[1].detail
        count = len(bench.sent)
        while len(bench.sent) == count:
            bench.run(1)
    gaps = [later - earlier for (earlier, _, _), (later, _, _) in itertools.pairwise(bench.sent)]
    assert 5 <= gaps[0] < 7
    assert gaps == sorted(gaps) or max(gaps) > 60
    assert 60 <= gaps[-1] <= 67
    assert any(f"code {code}" in text for text in bench.texts)


def test_a_denied_uplink_that_is_accepted_at_last_starts_afresh():
    bench = Bench()
    bench.reply(bench.up(1), 130)
    bench.run(6)
    bench.reply(bench.last)
    assert bench.state() == "registered"
    bench.run(300)
    bench.reply(bench.last, 130)
    count = len(bench.sent)
    bench.run(6)
    assert len(bench.sent) == count + 1


def test_a_denied_refresh_leaves_the_binding_until_its_end():
    bench = Bench()
    bench.answered(1, lifetime=100)
    bench.run(86)
    bench.reply(bench.last, 130)
    assert 1 in bench.bound
    bench.run(15)
    assert bench.bound == {}


def test_a_clock_mismatch_is_put_right_and_retried_within_a_second():
    bench = Bench()
    request = bench.up(1)
    theirs = WALL + bench.time + 5000
    bench.reply(request, 133, identification=with_high_half(from_wall(theirs), request.identification))
    bench.run(1.01)
    assert len(bench.sent) == 2
    assert abs(to_wall(bench.last.identification) - (theirs + 1)) <= 1
    bench.reply(bench.last)
    assert 1 in bench.bound


def test_mismatches_without_end_are_followed_ever_more_slowly_but_followed():
    bench = Bench()
    bench.up(1)
    for _ in range(20):
        theirs = from_wall(WALL + bench.time + 5000)
        bench.reply(bench.last, 133, identification=with_high_half(theirs, bench.last.identification))
        count = len(bench.sent)
        bench.run(65)
        assert len(bench.sent) > count
    assert abs(to_wall(bench.last.identification) - (WALL + bench.sent[-1][0] + 5000)) <= 1
    bench.reply(bench.last)
    assert 1 in bench.bound


def test_a_forged_mismatch_moves_no_clock():
    bench = Bench()
    request = bench.up(1)
    forged = with_high_half(from_wall(WALL + 99999), request.identification)
    bench.reply(request, 133, identification=forged, key=SecurityAssociation(256, b"x" * 16))
    bench.run(2)
    assert abs(to_wall(bench.last.identification) - (WALL + bench.sent[-1][0])) < 1
    assert bench.node.counters["dropped_bad_authenticator"] == 1


def test_a_home_agent_without_udp_is_asked_without_it():
    bench = Bench()
    bench.reply(bench.up(1), 142)
    bench.run(1.1)
    assert bench.last.find(UdpTunnelRequest) is None
    bench.reply(bench.last)
    assert bench.bound[1].encapsulation == "ipip"


def test_an_acceptance_for_no_time_is_a_denial():
    bench = Bench()
    bench.reply(bench.up(1), 0, lifetime=0)
    assert bench.bound == {}
    assert bench.state() == "denied"


# Several care-of addresses not allowed


def single():
    bench = Bench()
    first = bench.up(2)
    bench.up(3)
    bench.reply(first, 152)
    bench.run(1.1)
    return bench


def test_one_plain_registration_remains():
    bench = single()
    assert bench.last.find(Multipath) is None
    assert bench.last.care_of_address == COA[2]
    bench.reply(bench.last)
    count = len(bench.sent)
    bench.run(100)
    assert len(bench.sent) == count
    assert sorted(bench.bound) == [2]
    assert bench.state(3) == "idle"


def test_the_next_takes_over_when_the_one_is_lost():
    bench = single()
    bench.reply(bench.last)
    bench.down(2)
    assert (bench.last.care_of_address, bench.last.lifetime) == (COA[3], 300)
    bench.reply(bench.last)
    assert sorted(bench.bound) == [3]


def test_a_lower_one_takes_over_once_it_is_accepted():
    bench = single()
    bench.reply(bench.last)
    lower = bench.up(1)
    assert sorted(bench.bound) == [2]
    bench.reply(lower)
    assert sorted(bench.bound) == [1]
    count = len(bench.sent)
    bench.run(200)
    assert len(bench.sent) == count


def test_a_silent_one_does_not_keep_the_others_from_trying():
    bench = single()
    bench.run(10)
    assert bench.state(2) == "no reply"
    request = next(item for _, bid, item in reversed(bench.sent) if bid == 3)
    assert request.find(Multipath) is None
    bench.reply(request)
    assert sorted(bench.bound) == [3]


# Silence


def test_three_unanswered_refreshes_unbind_and_an_answer_binds_again():
    bench = Bench()
    bench.answered(1, lifetime=100)
    bench.run(99)
    assert bench.state() == "no reply"
    assert bench.bound == {}
    bench.run(30)
    bench.reply(bench.last)
    assert bench.state() == "registered"
    assert 1 in bench.bound


def test_after_a_day_of_silence_an_old_answer_is_none():
    bench = Bench()
    bench.up(1)
    bench.run(86400)
    assert len(bench.sent) > 1000
    bench.reply(bench.sent[10][2])
    assert bench.bound == {}
    assert bench.node.counters["dropped_unmatched_reply"] == 1
    bench.reply(bench.last)
    assert 1 in bench.bound


def test_a_slow_path_is_given_its_round_trip():
    bench = Bench(lifetime=60)
    request = bench.up(1)
    bench.time += 0.9
    bench.reply(request)
    bench.run(70)
    refresh = [at for at, _, _ in bench.sent[1:]]
    assert refresh[1] - refresh[0] >= 2 * 0.9 + 0.1


# Pace


def test_an_uplink_that_flaps_never_asks_twice_within_a_second():
    bench = Bench()
    bench.answered(2)
    for _ in range(30):
        bench.up(1)
        bench.run(0.13)
        bench.down(1)
        bench.run(0.05)
    asked = [at for at, _, item in bench.sent if item.care_of_address == COA[1] and item.lifetime]
    assert len(asked) >= 2
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(asked))


# Uplinks that come and go


def test_a_new_address_of_a_known_uplink_ends_the_old_binding_at_once():
    bench = Bench()
    bench.answered(1)
    bench.run(2)
    moved = bench.up(1, IPv4Address("192.0.2.99"))
    assert bench.bound == {}
    assert moved.care_of_address == IPv4Address("192.0.2.99")
    bench.reply(moved)
    assert bench.bound[1].care_of_address == IPv4Address("192.0.2.99")


def test_the_same_address_again_is_a_refresh():
    bench = Bench()
    bench.answered(1)
    bench.run(2)
    bench.up(1)
    assert 1 in bench.bound
    assert len(bench.sent) == 2


def lose_one_of_three():
    """Uplinks 1 to 3 registered, 3 answering faster than 2; then 1 is lost."""
    bench = Bench()
    for bid, rtt in ((1, 0.01), (2, 0.2), (3, 0.1)):
        request = bench.up(bid)
        bench.time += rtt
        bench.reply(request)
    bench.run(1)
    bench.down(1)
    return bench


def test_the_fastest_uplink_tells_of_a_lost_one():
    bench = lose_one_of_three()
    assert bench.sent[-1][:2] == (bench.time, 3)
    assert bench.state(1) == "deregistering"
    bench.reply(bench.last)
    assert 1 not in bench.node.registrations
    assert any("binding 1: de-registered" in text for text in bench.texts)


def test_unanswered_it_is_told_four_times_through_one_and_the_other():
    bench = lose_one_of_three()
    start = bench.time
    bench.run(30)
    told = [(at - start, via) for at, via, item in bench.sent if item.lifetime == 0]
    assert [via for _, via in told] == [3, 2, 3, 2]
    assert [at for at, _ in told] == pytest.approx([0, 1, 3, 7])
    assert any("unanswered" in text for text in bench.texts)


def test_when_the_carrier_is_lost_too_the_next_one_tells_of_both():
    bench = lose_one_of_three()
    bench.run(0.1)
    bench.down(3)
    told = [(via, item.care_of_address) for at, via, item in bench.sent if at == bench.time]
    assert sorted(told) == [(2, COA[1]), (2, COA[3])]


def test_what_none_could_tell_is_told_by_the_next_that_comes():
    bench = Bench()
    bench.answered(1)
    bench.run(1)
    bench.down(1)
    assert bench.last.lifetime > 0
    bench.run(20)
    bench.answered(2)
    bench.run(0)
    assert (bench.sent[-1][1], bench.last.lifetime, bench.last.care_of_address) == (2, 0, COA[1])


def test_a_returning_uplink_abandons_the_deregistration():
    bench = lose_one_of_three()
    told = bench.last
    bench.run(0.2)
    bench.up(1)
    bench.run(1)
    assert (bench.last.care_of_address, bench.last.lifetime) == (COA[1], 300)
    assert bench.last.identification > told.identification
    bench.reply(bench.last)
    bench.reply(told)
    assert sorted(bench.bound) == [1, 2, 3]


@pytest.mark.parametrize("code", [133, 134])
def test_a_denied_deregistration_is_retried_only_for_the_clock(code):
    bench = lose_one_of_three()
    count = len(bench.sent)
    bench.reply(bench.last, code)
    bench.run(1.1)
    assert len(bench.sent) == count + (code == 133)


def test_stop_tells_through_each_uplink_and_has_little_patience():
    bench = Bench()
    bench.answered(1)
    bench.answered(2)
    count = len(bench.sent)
    bench.did(bench.node.stop(bench.now()))
    assert [(via, item.lifetime) for _, via, item in bench.sent[count:]] == [(1, 0), (2, 0)]
    assert not bench.node.stopped
    bench.run(2.01)
    assert bench.node.stopped
    assert len(bench.sent) == count + 4
    assert bench.node.next_wake() is None


def test_stop_before_anything_was_registered_is_done_at_once():
    bench = Bench()
    bench.did(bench.node.stop(bench.now()))
    assert bench.node.stopped
    assert bench.up(1) is None


# Whom to believe


def test_an_answer_counts_once():
    bench = Bench()
    request = bench.up(1)
    bench.reply(request)
    bench.reply(request, 133)
    assert 1 in bench.bound
    assert bench.node.counters["dropped_unmatched_reply"] == 1


def test_an_old_acceptance_does_not_pass_for_a_new_one():
    bench = Bench()
    request = bench.up(1)
    older = with_high_half(request.identification - (1 << 40), request.identification)
    bench.reply(request, 0, identification=older)
    assert bench.bound == {}


def test_two_authenticators_are_none():
    bench = Bench()
    request = bench.up(1)
    bench.reply(request, tail=bytes.fromhex("2014 00000100") + bytes(16))
    assert bench.bound == {}


def test_what_stands_behind_the_authenticator_is_nobodys_word():
    bench = Bench()
    request = bench.up(1)
    bench.reply(request, tail=UdpTunnelReply(0).encode())
    assert bench.bound[1].encapsulation == "ipip"


@given(code=st.integers(0, 255), lifetime=st.integers(0, 0xFFFF), identification=st.integers(0, 2**64 - 1))
def test_any_authentic_reply_is_digested(code, lifetime, identification):
    bench = Bench()
    request = bench.up(1)
    bench.up(2)
    if code not in (0, 1):
        identification = with_high_half(identification, request.identification)
        bench.reply(request, code, lifetime=lifetime, identification=identification)
    else:
        bench.reply(request, code, lifetime=lifetime)
    bench.run(10)
    assert bench.node.next_wake() is not None
    assert (1 in bench.bound) == (code in (0, 1) and lifetime > 10)


def test_an_uplink_over_which_something_is_sent_again_is_in_doubt():
    bench = Bench()
    bench.up(1)
    assert bench.node.doubted == []
    bench.run(1.5)
    assert bench.node.doubted == [1]
    bench.up(2)
    assert bench.node.doubted == [1]
    bench.down(1)
    assert bench.node.doubted == []
