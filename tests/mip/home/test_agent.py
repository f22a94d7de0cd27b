"""The home agent, request by request, on a stepped clock."""

import dataclasses
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.clock import Instant
from router.config.model import Flow, Mobile, SecurityAssociation
from router.config.model import HomeAgent as Settings
from router.mip.auth import authenticator, sign, verify
from router.mip.effect import Event, Granted, Removed, Reply
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall, to_wall
from router.mip.wire.message import decode
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement, MobileNetworkRequest
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.registration import D, G, RegistrationRequest, S, T
from router.mip.wire.selector import TrafficSelector
from router.mip.wire.udp_tunnel import UdpTunnelReply, UdpTunnelRequest

WALL = 1_800_000_000.0
HOME, AGENT = IPv4Address("10.99.0.2"), IPv4Address("198.51.100.2")
WIFI, CELL, NATTED = map(IPv4Address, ("192.0.2.10", "100.64.0.10", "198.18.2.2"))
LAN = IPv4Network("10.50.0.0/24")
KEY = SecurityAssociation(256, b"k" * 16)
BUS = Mobile("bus", HOME, KEY, (LAN,))


class Bench:
    """A home agent, and a hand that writes requests for it."""

    def __init__(self, mobile=BUS, flows=(), **settings):
        self.time = 100.0
        self.agent = HomeAgent(Settings(AGENT, **settings), (mobile,), (), self.now(), flows)
        self.time += 10
        self.effects = []

    def now(self):
        return Instant(self.time, WALL + self.time)

    def request(self, *extensions, coa=WIFI, lifetime=600, at=None, **fields):
        identification = from_wall(WALL + (self.time if at is None else at))
        return RegistrationRequest(
            lifetime, HOME, AGENT, coa, identification, extensions=extensions, **fields
        )

    def ask(self, *extensions, source=None, key=KEY, **fields):
        """Step a millisecond, send a signed request, and give the code that came back (None: silence)."""
        self.time += 0.001
        return self.send(
            sign(self.request(*extensions, **fields).encode(), key), source or fields.get("coa", WIFI)
        )

    def send(self, data, source=WIFI, port=40000):
        self.effects = self.agent.receive(data, (source, port), self.now())
        replies = [effect for effect in self.effects if isinstance(effect, Reply)]
        assert len(replies) <= 1
        if not replies:
            return None
        assert (replies[0].address, replies[0].port) == (source, port)
        self.reply = decode(replies[0].data)
        assert verify(replies[0].data, self.reply.extensions, KEY)
        return self.reply.code

    def bids(self):
        return sorted(binding.bid for binding in self.agent.bindings.values())

    def both(self):
        assert self.ask(Multipath(4, 1, 1)) == 0
        assert self.ask(Multipath(8, 2, 2), coa=CELL) == 0


def test_two_uplinks_are_two_bindings():
    bench = Bench()
    bench.both()
    first, second = bench.agent.bindings[HOME, 1], bench.agent.bindings[HOME, 2]
    assert (first.care_of_address, second.care_of_address) == (WIFI, CELL)
    assert (first.slot, second.slot) == (1, 2)
    assert (second.label, second.access_technology) == (2, 8)


def test_lifetime_is_the_lesser_of_asked_and_allowed():
    bench = Bench(max_lifetime=300)
    bench.ask(Multipath(4, 1, 1))
    assert bench.reply.lifetime == 300
    bench.ask(Multipath(4, 1, 1), lifetime=60)
    assert bench.reply.lifetime == 60


def test_a_binding_expires_by_itself_and_no_other():
    bench = Bench()
    bench.ask(Multipath(4, 1, 1), lifetime=100)
    bench.ask(Multipath(8, 1, 2), coa=CELL, lifetime=200)
    bench.time += 101
    assert bench.agent.next_wake() <= bench.time
    effects = bench.agent.tick(bench.now())
    assert [effect.binding.bid for effect in effects if isinstance(effect, Removed)] == [1]
    assert bench.bids() == [2]


def test_a_refresh_moves_the_expiry():
    bench = Bench()
    bench.ask(Multipath(4, 1, 1), lifetime=100)
    bench.time += 90
    bench.ask(Multipath(4, 1, 1), lifetime=100)
    bench.time += 20
    assert not [e for e in bench.agent.tick(bench.now()) if isinstance(e, Removed)]
    assert bench.bids() == [1]


def test_an_older_time_stamp_of_another_binding_is_no_replay():
    bench = Bench()
    slow = bench.request(Multipath(8, 1, 2), coa=CELL)
    bench.time += 0.5
    assert bench.ask(Multipath(4, 1, 1)) == 0
    assert bench.send(sign(slow.encode(), KEY), CELL) == 0
    assert bench.bids() == [1, 2]


def test_the_same_message_twice_is_a_replay():
    bench = Bench()
    data = sign(bench.request(Multipath(4, 1, 1)).encode(), KEY)
    assert bench.send(data) == 0
    assert bench.send(data) is None
    assert bench.agent.counters["replays"] == 1


def test_an_older_message_of_the_same_binding_is_a_replay():
    bench = Bench()
    old = sign(bench.request(Multipath(4, 1, 1)).encode(), KEY)
    assert bench.ask(Multipath(4, 1, 1)) == 0
    assert bench.send(old) == 133


def test_a_replay_after_deregistration_does_not_resurrect():
    bench = Bench()
    first = sign(bench.request(Multipath(4, 1, 1)).encode(), KEY)
    bench.send(first)
    assert bench.ask(Multipath(4, 1, 1), lifetime=0) == 0
    assert bench.send(first) == 133
    assert bench.bids() == []


def test_nothing_older_than_a_bulk_deregistration_is_accepted():
    bench = Bench()
    late = sign(bench.request(Multipath(8, 1, 2), coa=CELL).encode(), KEY)
    assert bench.ask(Multipath(4, 1, 1, bulk=True), lifetime=0) == 0
    assert bench.send(late, CELL) == 133


def test_a_message_from_before_the_start_is_refused():
    bench = Bench()
    assert bench.ask(Multipath(4, 1, 1), at=99.9) == 133


def test_a_clock_out_of_tolerance_gets_our_time_back():
    bench = Bench()
    assert bench.ask(Multipath(4, 1, 1), at=bench.time - 8) == 133
    assert abs(to_wall(bench.reply.identification) - (WALL + bench.time)) < 1
    assert (
        bench.reply.identification & 0xFFFFFFFF
        == bench.request(at=bench.time - 8.001).identification & 0xFFFFFFFF
    )
    assert bench.bids() == []


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (b"", "dropped_empty"),
        (b"\xff" * 50, "dropped_unknown_message"),
        (b"\x01\x22", "dropped_truncated"),
        (bytes.fromhex("03000258") + bytes(16), "dropped_unexpected_message"),
    ],
)
def test_garbage_is_counted_and_not_answered(data, counter):
    bench = Bench()
    assert bench.send(data) is None
    assert bench.agent.counters[counter] == 1


def test_a_wrong_key_is_told_now_and_then_and_a_stranger_gets_silence():
    bench = Bench()
    wrong = dataclasses.replace(KEY, key=b"x" * 16)
    asked = [bench.ask(Multipath(4, 1, 1), key=wrong) for _ in range(3)]
    assert asked == [131, None, None] and not bench.agent.bindings
    assert bench.agent.counters["dropped_bad_authenticator"] == 3
    stranger = bench.request()._replace(home_address=IPv4Address("10.99.0.77"))
    assert bench.send(sign(stranger.encode(), KEY)) is None
    assert bench.agent.counters["dropped_unknown_mobile"] == 1


def test_behind_nat_with_the_request_the_tunnel_goes_in_udp():
    bench = Bench(nat_lifetime=60, keepalive=25)
    assert bench.ask(Multipath(8, 1, 2), UdpTunnelRequest(), coa=CELL, source=NATTED) == 0
    assert bench.reply.find(UdpTunnelReply) == UdpTunnelReply(0, keepalive=25)
    assert bench.reply.lifetime == 60
    binding = bench.agent.bindings[HOME, 2]
    assert (binding.nat, binding.encapsulation, binding.source, binding.source_port) == (
        True,
        "udp",
        NATTED,
        40000,
    )


def test_without_nat_udp_is_declined():
    bench = Bench()
    assert bench.ask(Multipath(4, 1, 1), UdpTunnelRequest()) == 0
    assert bench.reply.find(UdpTunnelReply).code == 64
    assert bench.agent.bindings[HOME, 1].encapsulation == "ipip"


@pytest.mark.parametrize(
    ("settings", "extensions", "source", "code"),
    [
        ({}, (), NATTED, 129),  # NAT, and no UDP asked for
        ({"udp_tunnel": "off"}, (UdpTunnelRequest(),), NATTED, 129),
        ({}, (UdpTunnelRequest(force=True),), WIFI, 129),
        ({"udp_tunnel": "force"}, (UdpTunnelRequest(force=True),), WIFI, 0),
        ({}, (UdpTunnelRequest(encapsulation=47),), NATTED, 142),
        ({}, (UdpTunnelRequest(reserved=1),), NATTED, 134),
    ],
)
def test_the_nat_table_of_rfc_3519(settings, extensions, source, code):
    assert Bench(**settings).ask(Multipath(4, 1, 1), *extensions, source=source) == code


def test_deregistration_may_come_through_another_uplink():
    bench = Bench()
    bench.both()
    assert bench.ask(Multipath(4, 1, 1), lifetime=0, source=CELL) == 0
    assert bench.bids() == [2]


@pytest.mark.parametrize(
    ("extensions", "fields", "left"),
    [
        ((Multipath(4, 1, 1),), {"lifetime": 0}, [2]),
        ((Multipath(4, 1, 1, bulk=True),), {"lifetime": 0}, []),
        ((), {"lifetime": 0, "coa": HOME}, []),
        ((), {"lifetime": 0, "coa": CELL}, [1]),
        ((Multipath(4, 1, 9),), {"lifetime": 0}, [1, 2]),
        ((Multipath(4, 1, 1, overwrite=True),), {}, [1]),
        ((), {}, [0]),
    ],
)
def test_what_a_request_leaves_of_two_bindings(extensions, fields, left):
    bench = Bench()
    bench.both()
    assert bench.ask(*extensions, source=WIFI, **fields) == 0
    assert bench.bids() == left


def test_bulk_refreshes_all_lifetimes():
    bench = Bench()
    bench.both()
    bench.time += 500
    bench.ask(Multipath(4, 1, 1, bulk=True))
    bench.time += 500
    bench.agent.tick(bench.now())
    assert bench.bids() == [1, 2]


@pytest.mark.parametrize(
    ("mobile", "extensions", "fields", "code"),
    [
        ({"multipath": False}, (Multipath(4, 1, 1),), {}, 152),
        ({}, (Multipath(4, 1, 1), Multipath(4, 1, 2)), {}, 134),
        ({}, (Multipath(4, 1, 1, overwrite=True),), {"lifetime": 0}, 134),
        ({}, (Multipath(4, 1, 1),), {"flags": D | T | G}, 139),
        ({"mobile_networks": ()}, (MobileNetworkRequest.of(LAN),), {}, 148),
        ({}, (MobileNetworkRequest.of(IPv4Network("10.51.0.0/24")),), {}, 147),
    ],
)
def test_denials(mobile, extensions, fields, code):
    bench = Bench(dataclasses.replace(BUS, **mobile))
    assert bench.ask(*extensions, **fields) == code
    assert bench.bids() == []
    assert not [effect for effect in bench.effects if isinstance(effect, (Granted, Removed))]


def test_too_many_bindings_changes_nothing():
    bench = Bench(dataclasses.replace(BUS, max_bindings=2))
    bench.both()
    assert bench.ask(Multipath(3, 1, 3), coa=IPv4Address("192.0.2.99")) == 135
    assert bench.bids() == [1, 2]


def test_another_home_agents_address_is_told_ours():
    bench = Bench()
    foreign = bench.request()._replace(home_agent=IPv4Address("198.51.100.99"))
    assert bench.send(sign(foreign.encode(), KEY)) == 136
    assert bench.reply.home_agent == AGENT


def test_a_malformed_extension_is_134():
    bench = Bench()
    plain = bench.request().encode() + bytes.fromhex("9a 01 0004 04 00 03 00")
    header = bytes.fromhex("20 14 00000100")
    assert bench.send(plain + header + authenticator(KEY, plain + header)) == 134


def test_mobile_networks_are_acknowledged_explicitly_and_implicitly():
    bench = Bench()
    other = IPv4Network("10.51.0.0/24")
    bench.ask(Multipath(4, 1, 1), MobileNetworkRequest.of(LAN), MobileNetworkRequest.of(other))
    found = [(ack.code, ack.implicit) for ack in bench.reply.all(MobileNetworkAcknowledgement)]
    assert found == [(0, False), (2, False)]
    bench.ask(Multipath(4, 1, 1))
    assert [ack.implicit for ack in bench.reply.all(MobileNetworkAcknowledgement)] == [True]


def test_a_nat_that_rebinds_is_followed():
    bench = Bench()
    bench.ask(Multipath(8, 1, 2), UdpTunnelRequest(), coa=CELL, source=NATTED)
    bench.time += 1
    bench.send(
        sign(bench.request(Multipath(8, 1, 2), UdpTunnelRequest(), coa=CELL).encode(), KEY), NATTED, 50123
    )
    assert bench.agent.bindings[HOME, 2].source_port == 50123


@pytest.mark.parametrize(
    "tail",
    [
        Multipath(4, 1, 9, bulk=True).encode(),
        UdpTunnelRequest(force=True).encode(),
        MobileNetworkRequest.of(IPv4Network("10.51.0.0/24")).encode(),
        bytes.fromhex("9a 01 0004 04 00 03 00"),
    ],
)
def test_what_stands_behind_the_authenticator_is_nobodys_word(tail):
    bench = Bench()
    bench.both()
    bench.time += 1
    assert bench.send(sign(bench.request(lifetime=0).encode(), KEY) + tail) == 0
    assert bench.bids() == [2]
    bench.time += 1
    assert bench.send(sign(bench.request(Multipath(4, 1, 1)).encode(), KEY) + tail) == 0
    assert bench.reply.find(UdpTunnelReply) is None
    assert bench.bids() == [1, 2]


@pytest.mark.parametrize("coa", [HOME, AGENT, IPv4Address("0.0.0.0"), IPv4Address("224.0.0.5")])
def test_a_care_of_address_that_leads_nowhere_is_refused(coa):
    bench = Bench()
    assert bench.ask(Multipath(4, 1, 1), UdpTunnelRequest(), coa=coa) == 134
    assert bench.bids() == []


@pytest.mark.parametrize(
    ("action", "bids", "code"), [(1, (2, 1), 0), (1, (1, 9), 153), (0, (255,), 0), (1, (9,), 153)]
)
def test_a_flow_policy_must_name_bindings_that_exist(action, bids, code):
    bench = Bench()
    bench.ask(Multipath(8, 2, 2), coa=CELL)
    assert bench.ask(Multipath(4, 1, 1), FlowBinding(action, bids, TrafficSelector())) == code
    assert bench.bids() == ([1, 2] if code == 0 else [2])
    told = [effect for effect in bench.effects if isinstance(effect, Event) and effect.kind == "flow_binding"]
    assert bool(told) == (code == 0)


def test_a_registration_with_flow_bindings_replaces_the_whole_policy():
    bench = Bench()
    bench.both()
    web, voice = TrafficSelector(source_port=(80, 80)), TrafficSelector(dscp=(46, 46))
    bench.ask(Multipath(4, 1, 1), FlowBinding(1, (1,), web), FlowBinding(0, (255,), voice))
    assert [said.selector for said in bench.agent.node(HOME).flow_bindings] == [web, voice]
    bench.ask(Multipath(4, 1, 1))
    assert len(bench.agent.node(HOME).flow_bindings) == 2
    bench.ask(Multipath(4, 1, 1), FlowBinding(1, (2, 1), voice))
    assert bench.agent.node(HOME).flow_bindings == (FlowBinding(1, (2, 1), voice),)
    bench.ask(lifetime=0, coa=HOME)
    bench.both()
    assert bench.agent.node(HOME).flow_bindings == ()


WEB = Flow("web", (), proto="tcp", dest_ports=((80, 80),), labels=(2, 1))
SPAM = Flow("spam", (), proto="tcp", dest_ports=((25, 25),), drop=True)
OTHERS = Flow("others", (), labels=(1,), mobiles=("tram",))


def test_the_administrators_policies_are_told_in_terms_of_the_bindings_there_are():
    bench = Bench(flows=(WEB, OTHERS, SPAM))
    bench.ask(Multipath(4, 1, 1))
    said = bench.reply.all(FlowBinding)
    assert [(item.action, item.bids) for item in said] == [(1, (1,)), (0, (255,))]
    assert said[0].selector == TrafficSelector(source_port=(80, 80), protocol=(6, 6))
    bench.ask(Multipath(8, 2, 2), coa=CELL)
    assert bench.reply.all(FlowBinding)[0].bids == (2, 1)
    # Also a refresh says what holds now, not what held when it was answered first.
    bench.ask(Multipath(4, 1, 1))
    assert bench.reply.all(FlowBinding)[0].bids == (2, 1)


def test_who_knows_no_multipath_or_shall_not_follow_is_told_no_policies():
    bench = Bench(flows=(WEB,))
    assert bench.ask() == 0
    assert not bench.reply.all(FlowBinding)
    bench = Bench(dataclasses.replace(BUS, flow_bindings=False), flows=(WEB,))
    assert bench.ask(Multipath(4, 1, 1)) == 0
    assert not bench.reply.all(FlowBinding)


def test_more_flow_bindings_than_allowed_are_refused_whole():
    bench = Bench(dataclasses.replace(BUS, max_flow_bindings=1))
    two = [FlowBinding(1, (1,), TrafficSelector(source_port=(port, port))) for port in (80, 443)]
    assert bench.ask(Multipath(4, 1, 1), *two) == 130
    assert not bench.agent.bindings


def test_a_mobile_nodes_policy_is_passed_over_where_the_administrator_says_so():
    bench = Bench(dataclasses.replace(BUS, flow_bindings=False))
    assert bench.ask(Multipath(4, 1, 1), FlowBinding(1, (1,), TrafficSelector())) == 0
    assert bench.agent.node(HOME).flow_bindings == ()


def test_reserved_flags_are_refused_only_on_demand():
    for strict, code in ((False, 0), (True, 134)):
        for bit in (0x04, 0x01):
            assert Bench(strict_reserved=strict).ask(Multipath(4, 1, 1), flags=D | T | bit) == code


def test_a_plain_binding_becomes_one_with_a_bid():
    bench = Bench()
    assert bench.ask() == 0
    assert bench.ask(Multipath(4, 1, 1)) == 0
    assert bench.bids() == [1]


def test_simultaneous_plain_bindings_are_declined_politely():
    bench = Bench()
    assert bench.ask(flags=S | D | T) == 1
    assert bench.ask(Multipath(4, 1, 1), flags=S | D | T) == 0


def test_a_bulk_refresh_does_not_outlive_the_cap_behind_nat():
    bench = Bench(nat_lifetime=60)
    bench.ask(Multipath(8, 1, 2), UdpTunnelRequest(), coa=CELL, source=NATTED)
    bench.ask(Multipath(4, 1, 1, bulk=True))
    assert bench.agent.bindings[HOME, 1].granted == 600
    assert bench.agent.bindings[HOME, 2].granted == 60


def test_a_bulk_registration_makes_its_own_binding_too():
    bench = Bench()
    bench.ask(Multipath(8, 1, 2), coa=CELL)
    assert bench.ask(Multipath(4, 1, 1, bulk=True)) == 0
    assert bench.bids() == [1, 2]


@pytest.mark.parametrize("address", ["0.0.0.0", "255.255.255.255"])
def test_who_asks_for_any_home_agent_learns_ours(address):
    bench = Bench()
    asked = bench.request(Multipath(4, 1, 1))._replace(home_agent=IPv4Address(address))
    assert bench.send(sign(asked.encode(), KEY)) == 0
    assert bench.reply.home_agent == AGENT


def test_slots_are_small_never_shared_and_used_again():
    bench = Bench(dataclasses.replace(BUS, max_bindings=15))
    for bid in range(240, 255):
        assert bench.ask(Multipath(4, 1, bid)) == 0
    slots = [binding.slot for binding in bench.agent.bindings.values()]
    assert sorted(slots) == list(range(1, 16))
    free = bench.agent.bindings[HOME, 245].slot
    bench.ask(Multipath(4, 1, 245), lifetime=0)
    bench.ask(Multipath(4, 1, 7))
    assert bench.agent.bindings[HOME, 7].slot == free
    bench.ask(Multipath(4, 1, 240, overwrite=True))
    assert [binding.slot for binding in bench.agent.bindings.values()] == [
        bench.agent.bindings[HOME, 240].slot
    ]


def test_a_small_bid_is_its_own_slot_in_whichever_order_they_come():
    bench = Bench()
    assert bench.ask(Multipath(8, 2, 2), coa=CELL) == 0
    assert bench.ask(Multipath(4, 1, 1)) == 0
    assert {bid: binding.slot for (_, bid), binding in bench.agent.bindings.items()} == {1: 1, 2: 2}


def test_what_is_removed_for_another_is_said_first():
    bench = Bench()
    bench.both()
    bench.ask()
    told = [type(effect) for effect in bench.effects if isinstance(effect, (Granted, Removed))]
    assert told == [Removed, Removed, Granted]


def test_a_late_duplicate_of_a_denied_request_is_not_accepted():
    bench = Bench(dataclasses.replace(BUS, max_bindings=1))
    bench.ask(Multipath(8, 1, 2), coa=CELL)
    bench.time += 0.001
    denied = sign(bench.request(Multipath(4, 1, 1)).encode(), KEY)
    assert bench.send(denied) == 135
    bench.ask(Multipath(8, 1, 2), coa=CELL, lifetime=0)
    assert bench.send(denied) is None
    assert bench.bids() == []


@given(st.data())
def test_one_flipped_bit_and_it_is_not_believed(data):
    bench = Bench()
    bench.both()
    before = bench.agent.bindings
    bench.time += 1
    whole = bytearray(sign(bench.request(Multipath(4, 1, 1), lifetime=0).encode(), KEY))
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    assert bench.send(bytes(whole)) in (None, 131)
    assert bench.agent.bindings == before


@given(st.lists(st.binary(max_size=120), max_size=5))
def test_no_octets_raise_or_change_a_binding(datagrams):
    bench = Bench()
    bench.both()
    before = bench.agent.bindings
    whole = sign(bench.request(Multipath(4, 1, 1), lifetime=0).encode(), KEY)
    for data in datagrams:
        bench.send(data)
        bench.send(b"\x01" + data)
        bench.send(whole[: len(data)] + data)
    assert bench.agent.bindings == before
