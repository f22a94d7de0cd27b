"""RFC 3519 at the mobile node and the foreign agent: requests, what is made of the answer, keepalives."""

import itertools
from ipaddress import IPv4Address

import pytest

from router.config.model import Peer, SecurityAssociation
from router.flow.mobile_plan import tunnel_mtu
from router.mip.auth import sign
from router.mip.effect import Event, Send
from router.mip.keepalive import IDENTIFIER
from router.mip.wire.authentication import Authentication
from router.mip.wire.checksum import checksum
from router.mip.wire.extension import Unknown
from router.mip.wire.message import decode
from router.mip.wire.registration import D, RegistrationReply, RegistrationRequest, T
from router.mip.wire.udp_tunnel import TunnelData, UdpTunnelReply, UdpTunnelRequest
from tests.mip.foreign.test_agent import OWN as COLOCATED
from tests.mip.foreign.test_agent import Link
from tests.mip.mobile.test_agents import AGENT, FIRST, HOME, KEY, OWN, Visit
from tests.mip.mobile.test_registration import Bench
from tests.mip.test_dialogue import World

SHARED = SecurityAssociation(300, b"f" * 16)
ELSEWHERE = IPv4Address("192.0.2.99")


class Tunnelled(Bench):
    """A mobile node whose keepalives are kept, with the hand of a home agent that answers them."""

    def __init__(self, **settings):
        super().__init__(lifetime=1800, **settings)
        self.echoes = []
        self.data = []

    def did(self, effects):
        super().did(effects)
        for effect in effects:
            if isinstance(effect, Send):
                self.data.append((self.time, effect))
                if effect.data[0] == 4:
                    self.echoes.append((self.time, effect))

    def behind_nat(self, keepalive=20, **more):
        self.answered(1, UdpTunnelReply(0, keepalive=keepalive), **more)
        return self.time

    def answer_echo(self, reserved=0, next_header=4):
        packet = bytearray(self.echoes[-1][1].data)
        packet[1], packet[2:4] = next_header, reserved.to_bytes(2, "big")
        packet[16:24] = AGENT.packed + HOME.packed
        packet[24] = 0
        self.did(self.node.receive(1, bytes(packet), self.now()))

    def lose_the_mapping(self):
        """Until it asks anew, after so many keepalives without an answer."""
        asked = len(self.sent)
        for _ in range(200):
            self.run(1)
            if len(self.sent) > asked:
                return
        raise AssertionError("nothing was asked")

    def next_echo(self, patience=200):
        """Seconds until the next keepalive leaves."""
        start, before = self.time, len(self.echoes)
        self.run(patience)
        return self.echoes[before][0] - start if len(self.echoes) > before else None


def accept(visit, *extensions):
    """The home agent's acceptance of the last request, through the agent that was asked."""
    asked = next(message for _, message in reversed(visit.sent) if isinstance(message, RegistrationRequest))
    reply = RegistrationReply(0, asked.lifetime, HOME, AGENT, asked.identification, extensions)
    visit.did(visit.node.receive(1, sign(reply.encode(), KEY), visit.now(), (FIRST, 434)))


def through_agent(mode="auto", *, udp_tunnel=True, **settings):
    """Registering through a foreign agent that demands it."""
    visit = Visit(mode, OWN, **settings)
    visit.run(2)
    visit.advertise(registration_required=True, udp_tunnel=udp_tunnel)
    visit.run(1.1)
    return visit


# What is asked for (3.1, 4.4)


@pytest.mark.parametrize(
    ("mode", "octets"), [("auto", "9006 0000 0000 0000"), ("force", "9006 0000 8000 0000")]
)
def test_the_request_is_written_with_its_reserved_fields_zero_ahead_of_the_authenticator(mode, octets):
    bench = Tunnelled(udp_tunnel=mode)
    request = bench.up(1)
    data = bench.data[-1][1].data
    assert 0 < data.find(bytes.fromhex(octets)) < data.find(bytes.fromhex("2014 00000100"))
    assert request.decapsulation and request.reverse_tunnel


@pytest.mark.parametrize(
    ("mode", "udp_tunnel", "wanted"),
    [
        ("auto", True, UdpTunnelRequest(via_foreign_agent=True)),
        ("auto", False, None),
        ("foreign", True, None),
        ("foreign", False, None),
    ],
)
def test_through_an_agent_udp_is_asked_for_only_with_an_own_address_and_u(mode, udp_tunnel, wanted):
    visit = through_agent(mode, udp_tunnel=udp_tunnel)
    effect, request = visit.sent[-1]
    assert effect.to == FIRST
    assert request.decapsulation is (mode == "auto")
    assert request.find(UdpTunnelRequest) == wanted


def test_through_an_agent_the_request_stands_ahead_of_both_authenticators():
    visit = through_agent(foreign_agents=(Peer("fa", FIRST, SHARED),))
    effect, request = visit.sent[-1]
    assert bytes.fromhex("9006 0000 4000 0000") in effect.data
    kinds = [item.type for item in request.extensions if isinstance(item, Authentication)]
    first = next(at for at, item in enumerate(request.extensions) if isinstance(item, Authentication))
    assert kinds == [32, 33]
    assert request.find(UdpTunnelRequest) in request.extensions[:first]


# What the answer means (3.1.1, 3.2, 4.4, 4.6, 4.7)


def test_the_reserved_bits_of_the_reply_are_ignored():
    bench = Tunnelled()
    bench.answered(1, Unknown(44, bytes.fromhex("2c06 0000 7fff 0014")))
    binding = bench.bound[1]
    assert (binding.encapsulation, binding.nat, binding.keepalive) == ("udp", True, 20)


@pytest.mark.parametrize("later", [(), (UdpTunnelReply(64),)])
def test_each_reply_decides_anew_whatever_those_before_it_said(later):
    bench = Tunnelled()
    bench.behind_nat()
    bench.run(2)
    bench.up(1)
    bench.reply(bench.last, 0, *later)
    assert bench.bound[1].encapsulation == "ipip"
    assert bench.next_echo() is None
    bench.up(1)
    assert bench.last.find(UdpTunnelRequest) is not None
    bench.reply(bench.last, 0, UdpTunnelReply(0))
    assert bench.bound[1].encapsulation == "udp"


def test_a_tunnel_reply_without_a_request_for_it_makes_no_udp_tunnel():
    for visit in (through_agent("foreign"), through_agent("auto", udp_tunnel=False)):
        accept(visit, UdpTunnelReply(0, keepalive=20))
        assert visit.bound[1].encapsulation == "ipip"
        visit.run(100)
        assert not [message for _, message in visit.sent if isinstance(message, TunnelData)]


def test_bindings_with_and_without_nat_stand_side_by_side_and_both_ends_agree():
    world = World(agent={"keepalive": 20})
    world.plug(1)
    world.plug(2)
    world.run(300)
    theirs = {bid: binding.encapsulation for (_, bid), binding in world.agent.bindings.items()}
    assert theirs == {bid: binding.encapsulation for bid, binding in world.bound.items()}
    assert theirs == {1: "ipip", 2: "udp"}
    assert {bid for _, bid, data in world.sent if data[0] == 4} == {2}


def test_signalling_goes_bare_and_only_keepalives_are_put_into_the_tunnel():
    world = World(agent={"keepalive": 20})
    world.plug(2)
    world.run(300)
    world.node_did(world.node.stop(world.instant()))
    kinds = [decode(data) for _, _, data in world.sent]
    requests = [kind for kind in kinds if isinstance(kind, RegistrationRequest)]
    inside = [kind for kind in kinds if isinstance(kind, TunnelData)]
    assert len(requests) > 5 and requests[-1].lifetime == 0
    assert inside and len(requests) + len(inside) == len(kinds)
    assert {(kind.next_header, kind.payload[9]) for kind in inside} == {(4, 1)}


@pytest.mark.parametrize("next_header", [0, 17, 47, 55])
def test_tunnel_data_of_another_kind_is_no_answer_and_not_worth_a_line_in_the_log(next_header):
    bench = Tunnelled()
    bench.behind_nat()
    bench.run(20.5)
    for _ in range(50):
        bench.answer_echo(next_header=next_header)
        assert not [effect for effect in bench.effects if isinstance(effect, Event)]
    bench.run(1)
    assert len(bench.echoes) == 2


# Keepalives (3.2, 4.9)


def test_a_keepalive_is_an_echo_request_to_the_home_agent_inside_udp():
    bench = Tunnelled()
    bench.behind_nat()
    bench.run(20)
    effect = bench.echoes[-1][1]
    header, packet = effect.data[:4], effect.data[4:]
    assert header == bytes.fromhex("04 04 0000")
    assert packet[0] == 0x45 and packet[9] == 1 and int.from_bytes(packet[2:4], "big") == len(packet)
    assert packet[12:20] == HOME.packed + AGENT.packed
    assert packet[20:22] == b"\x08\0" and packet[24:26] == IDENTIFIER.to_bytes(2, "big")
    assert checksum(packet[:20]) == checksum(packet[20:]) == 0


@pytest.mark.parametrize(
    ("settings", "given", "interval"),
    [
        ({}, 20, 20),
        ({"keepalive": 40}, 20, 20),
        ({"keepalive": 40}, 0, 40),
        ({}, 0, 110),
        ({}, 3, 10),
        ({"keepalive": 5}, 0, 10),
    ],
)
def test_keepalives_come_at_the_home_agents_interval_else_at_the_configured_one(settings, given, interval):
    bench = Tunnelled(**settings)
    start = bench.behind_nat(given)
    bench.run(interval)
    assert [at for at, _ in bench.echoes] == [pytest.approx(start + interval)]
    bench.answer_echo()
    assert bench.next_echo() == pytest.approx(interval)


def test_a_registration_counts_as_traffic():
    bench = Tunnelled()
    bench.behind_nat()
    bench.run(15)
    bench.up(1)
    bench.reply(bench.last, 0, UdpTunnelReply(0, keepalive=20))
    assert bench.next_echo() == pytest.approx(20)


def test_keepalives_leave_as_the_registrations_do():
    bench = Tunnelled()
    bench.up(2)
    bench.behind_nat()
    bench.run(20)
    bench.answer_echo()
    bench.up(1)
    bench.reply(bench.last, 0, UdpTunnelReply(0, keepalive=20))
    bench.run(20)
    ours = [effect for _, effect in bench.data if effect.bid == 1]
    assert [effect.data[0] for effect in ours] == [1, 4, 1, 4]
    assert {(effect.to, effect.port, effect.as_home_address) for effect in ours} == {(AGENT, 434, False)}


def test_an_echo_reply_counts_whatever_is_in_the_reserved_field():
    bench = Tunnelled()
    bench.behind_nat()
    bench.run(20)
    bench.answer_echo(reserved=0xFFFF)
    assert bench.next_echo() == pytest.approx(20)


def test_an_accepted_registration_through_an_agent_is_followed_by_a_keepalive_at_once():
    visit = through_agent()
    for _ in range(2):
        accept(visit, UdpTunnelReply(0, keepalive=20))
        assert visit.bound[1].encapsulation == "udp"
        sent = len(visit.sent)
        visit.run(0)
        ((effect, message),) = visit.sent[sent:]
        assert isinstance(message, TunnelData)
        assert (effect.to, effect.port, effect.as_home_address) == (AGENT, 434, False)
        assert message.payload[12:20] == HOME.packed + AGENT.packed
        visit.run(2)
        visit.advertise(sequence=0, registration_required=True, udp_tunnel=True)
        visit.run(1)


# Lost mappings (4.10)


def test_a_lost_mapping_is_registered_anew_at_the_same_interval():
    bench = Tunnelled()
    bench.behind_nat()
    for _ in range(3):
        bench.lose_the_mapping()
        bench.reply(bench.last, 0, UdpTunnelReply(0, keepalive=20))
        assert bench.bound[1].keepalive == 20
        assert bench.next_echo(21) == pytest.approx(20)


def test_in_a_new_place_the_interval_is_what_the_home_agent_says_there():
    bench = Tunnelled()
    bench.behind_nat()
    bench.lose_the_mapping()
    bench.up(1, ELSEWHERE)
    bench.run(1)
    assert bench.last.care_of_address == ELSEWHERE
    bench.reply(bench.last, 0, UdpTunnelReply(0, keepalive=50))
    assert bench.next_echo() == pytest.approx(50)


def test_keepalives_go_on_where_the_new_registration_is_denied():
    bench = Tunnelled()
    bench.behind_nat()
    bench.lose_the_mapping()
    answered = 0
    for _ in range(300):
        if len(bench.sent) > answered:
            answered = len(bench.sent)
            bench.reply(bench.last, 130)
        bench.run(0.5)
    assert 1 in bench.bound
    assert len(bench.echoes) > 12
    times = [at for at, _ in bench.data]
    assert all(later - earlier <= 20 for earlier, later in itertools.pairwise(times))
    assert bench.time - times[-1] <= 20


# The foreign agent (3.4, 4.5)


@pytest.mark.parametrize("required", [True, False])
def test_a_foreign_agent_that_is_not_behind_nat_does_not_advertise_u(required):
    link = Link(registration_required=required)
    link.run(30)
    assert len(link.advertised) > 1
    for _, advertisement in link.advertised:
        assert advertisement.agent.registration_required is required
        assert not advertisement.agent.udp_tunnel


def test_a_foreign_agent_adds_no_udp_tunnel_request_to_what_it_relays():
    link = Link(registration_required=True)
    data = link.request(coa=COLOCATED, flags=T | D)
    link.send(data, source=COLOCATED)
    assert decode(link.relayed[-1]).find(UdpTunnelRequest) is None
    assert link.relayed[-1].startswith(data)
    link.ask()
    assert decode(link.relayed[-1]).find(UdpTunnelRequest) is None


# The path (4.8)


def test_what_fits_the_tunnel_fits_the_link_with_all_outer_headers():
    outer = 20 + 8 + len(TunnelData(4, b"").encode())
    for mtu in (1280, 1492, 1500):
        assert tunnel_mtu(mtu, "udp") + outer == mtu
