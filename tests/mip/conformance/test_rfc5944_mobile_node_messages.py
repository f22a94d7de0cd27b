"""RFC 5944 sections 3.1 to 3.5 and 3.6.1: whom registrations go to, what they say and who signs them."""

import asyncio
import socket
import struct
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from router.clock import Instant
from router.config import ConfigErrors, load
from router.config.model import HomeAgent as AgentSettings
from router.config.model import Peer
from router.daemon.transport import RegistrationSocket
from router.flow.foreign_plan import foreign_plan
from router.mip.auth import ALGORITHMS, append, authentications, sign, verify
from router.mip.effect import Reply
from router.mip.home.agent import HomeAgent
from router.mip.wire.advertisement import AgentAdvertisement, MobilityAgent
from router.mip.wire.checksum import checksum
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import RESERVED, B, D, G, M, RegistrationRequest, S, T
from tests.mip.conformance.bench_rfc5944_mobile_node import (
    HOME_BROADCAST,
    NOBODY,
    OTHER,
    WITH_FIRST,
    begun,
    direct,
    every_request,
    kinds_of,
    refreshing,
    through,
)
from tests.mip.foreign.test_agent import OURS, WITH_AGENT, WITH_MOBILE, Link
from tests.mip.home.test_agent import BUS, WIFI
from tests.mip.home.test_agent import Bench as AgentBench
from tests.mip.mobile.test_agents import AAA, AGENT, FIRST, HOME, KEY, OWN, SECOND, SHARED, WALL, Visit

EVERYBODY = IPv4Address("255.255.255.255")
NODE = """
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '198.51.100.2'
	option {}
config uplink 'wifi'
	option type 'wifi'
	option device 'wlan0'
"""


# Which way to register (3.1), and its datagrams


def test_the_agent_is_addressed_as_its_advertisement_came():
    visit = Visit()
    message = AgentAdvertisement(30, MobilityAgent(1, 300, (SECOND,), foreign_agent=True))
    visit.did(visit.node.advertised(1, message.encode(), FIRST, visit.now()))
    effect, request = visit.sent[-1]
    assert (effect.to, effect.port, request.care_of_address) == (FIRST, 434, SECOND)


@pytest.mark.parametrize("start", [direct, through])
def test_back_home_it_deregisters_everything_with_the_home_agent_itself(start):
    visit = start()
    visit.run(2)
    visit.advertise(AGENT, home=True)
    effect, request = visit.sent[-1]
    assert (effect.to, effect.as_home_address) == (AGENT, True)
    assert (request.lifetime, request.home_address, request.care_of_address) == (0, HOME, HOME)
    assert not request.decapsulation
    assert kinds_of(request) == [32]
    visit.reply(source=AGENT, lifetime=0)
    assert visit.node.registrations[1].state == "at home"
    assert "all bindings: de-registered" in visit.texts


def datagram(port, payload, checked):
    """UDP octets over loopback with a checksum that is right, wrong or left out."""
    length = 8 + len(payload)
    head = struct.pack("!HHH", 40000, port, length)
    pseudo = socket.inet_aton("127.0.0.1") * 2 + struct.pack("!BBH", 0, socket.IPPROTO_UDP, length)
    right = checksum(pseudo + head + bytes(2) + payload)
    return head + {"right": right, "wrong": right ^ 1, "none": 0}[checked].to_bytes(2, "big") + payload


async def arriving(*sent):
    """What a registration socket hears of these; the last must be right."""
    heard, done = [], asyncio.get_running_loop().create_future()

    def received(data, source):
        heard.append(data)
        if data == sent[-1][0]:
            done.set_result(None)

    sock = RegistrationSocket(IPv4Address("127.0.0.1"), 0, received)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
        for payload, checked in sent:
            raw.sendto(datagram(sock.port, payload, checked), ("127.0.0.1", 0))
    await asyncio.wait_for(done, 10)
    sock.close()
    return heard


@pytest.mark.lab
def test_a_wrong_udp_checksum_is_not_heard_and_none_at_all_is():
    assert asyncio.run(arriving((b"bad", "wrong"), (b"bare", "none"), (b"good", "right"))) == [
        b"bare",
        b"good",
    ]


def test_registrations_leave_with_a_udp_checksum():
    async def switched_off():
        sock = RegistrationSocket(IPv4Address("127.0.0.1"), 0, print)
        # SO_NO_CHECK, which the socket module has no name for.
        off = sock.socket.getsockopt(socket.SOL_SOCKET, 11)
        sock.close()
        return off

    assert asyncio.run(switched_off()) == 0


# Security associations (3.2, 3.5.1)


@pytest.mark.parametrize("wrong", [{"key": b"x" * 16}, {"spi": 257}])
def test_an_association_belongs_to_one_spi_and_one_address(wrong):
    mobiles = (BUS, replace(BUS, name="tram", home_address=OTHER, security=replace(KEY, **wrong)))
    peers = (Peer("a", OURS, WITH_AGENT), Peer("b", SECOND, replace(WITH_AGENT, **wrong)))
    bench = AgentBench()
    bench.agent = HomeAgent(AgentSettings(AGENT, peers=peers), mobiles, (), bench.now())

    def code(home, security, agent=None, shared=None):
        bench.time += 1
        coa, flags = (WIFI, D | T) if agent is None else (agent, T)
        octets = bench.request(coa=coa, flags=flags)._replace(home_address=home).encode()
        octets = sign(octets, security)
        octets = append(octets, 34, shared) if shared is not None else octets
        replies = [
            effect
            for effect in bench.agent.receive(octets, (coa, 434), bench.now())
            if isinstance(effect, Reply)
        ]
        return decode(replies[0].data).code if replies else None

    other = replace(KEY, **wrong)
    assert [code(HOME, KEY), code(OTHER, other), code(HOME, other), code(OTHER, KEY)] == [0, 0, 131, 131]
    theirs = replace(WITH_AGENT, **wrong)
    assert [code(HOME, KEY, OURS, WITH_AGENT), code(HOME, KEY, SECOND, theirs)] == [0, 0]
    assert [code(HOME, KEY, OURS, theirs), code(HOME, KEY, SECOND, WITH_AGENT)] == [132, 132]


@pytest.mark.parametrize("wrong", [{"key": b"x" * 16}, {"spi": 301}])
def test_a_mobile_node_holds_one_association_for_each_agent(wrong):
    other = replace(SHARED, **wrong)
    visit = Visit(foreign_agents=(WITH_FIRST, Peer("second", SECOND, other)))
    visit.advertise(SECOND)
    effect, request = visit.sent[-1]
    assert verify(effect.data, request.extensions, other, 33)
    visit.reply(source=SECOND, shared=SHARED)
    assert 1 not in visit.bound
    visit.reply(source=SECOND, shared=other)
    assert 1 in visit.bound


@pytest.mark.parametrize("wrong", [{"key": b"x" * 16}, {"spi": 401}])
def test_a_foreign_agent_knows_a_visitor_by_spi_and_home_address(wrong):
    link = Link(mobile_shared=True)
    octets = link.request()
    bare = octets[: authentications(decode(octets).extensions, 33)[0].offset]
    link.send(append(bare, 33, replace(WITH_MOBILE, **wrong)))
    assert link.answers[-1].code == 67 and not link.relayed


@pytest.mark.parametrize("kind", [32, 33, 34])
def test_an_authenticator_covers_all_that_precedes_it_and_its_own_header(kind):
    asked = RegistrationRequest(600, HOME, AGENT, OWN, 7 << 32, extensions=(Nai(b"bus"), Multipath(4, 1, 1)))
    octets = asked.encode() if kind == 32 else sign(asked.encode(), KEY)
    data = append(octets, kind, SHARED)
    assert verify(data, decode(data).extensions, SHARED, kind)
    for bit in range(8 * (len(octets) + 6)):
        forged = bytearray(data)
        forged[bit // 8] ^= 1 << bit % 8
        message = decode(bytes(forged))
        believed = isinstance(message, RegistrationRequest) and verify(
            bytes(forged), message.extensions, SHARED, kind
        )
        assert not believed, bit


@pytest.mark.parametrize("spi", [256, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_any_spi_goes_with_any_algorithm(spi, algorithm):
    text = NODE.format(f"spi {spi}\n\toption key 'sixteen octets!!'\n\toption algorithm {algorithm}")
    security = load(text, "roamd").mobile_node.security
    assert (security.spi, security.algorithm) == (spi, algorithm)
    bench = AgentBench()
    mobile = replace(BUS, security=security)
    agent = HomeAgent(AgentSettings(AGENT), (mobile,), (), Instant(0, WALL))
    effects = agent.receive(sign(bench.request().encode(), security), (WIFI, 434), bench.now())
    (data,) = [effect.data for effect in effects if isinstance(effect, Reply)]
    assert decode(data).code == 0
    assert verify(data, decode(data).extensions, security)
    assert authentications(decode(data).extensions, 32)[0].spi == spi


@pytest.mark.parametrize("given", ["spi 256", "key 'sixteen octets!!'"])
def test_a_mobile_node_without_a_security_association_is_no_configuration(given):
    with pytest.raises(ConfigErrors, match="missing"):
        load(NODE.format(given), "roamd")


# What messages look like (3.3, 3.4, 3.5, 3.6.1)


def test_every_request_carries_one_valid_mobile_home_authenticator_ahead_of_any_other():
    for effect, request in every_request():
        assert verify(effect.data, request.extensions, KEY)
        assert next(kind for kind in kinds_of(request) if kind in (32, 33, 34, 36)) == 32


def test_every_reply_of_a_home_agent_is_authenticated():
    # The bench looks at the authenticator of each.
    one = AgentBench(replace(BUS, max_bindings=1))
    assert one.ask(Multipath(4, 1, 1)) == 0
    assert one.ask(Multipath(4, 1, 1), lifetime=0) == 0
    assert one.ask(flags=S | D | T) == 1
    assert one.ask(Multipath(4, 1, 1), at=one.time - 60) == 133
    assert one.ask(Multipath(4, 1, 1), Multipath(4, 1, 2)) == 134
    assert one.ask(Multipath(4, 1, 1)) == 0
    assert one.ask(Multipath(4, 1, 2), coa=OTHER) == 135
    assert one.ask(Multipath(4, 1, 1), flags=D | T | M) == 139
    one.time += 1
    foreign = one.request()._replace(home_agent=OTHER)
    assert one.send(sign(foreign.encode(), KEY)) == 136


def relayed(bench, lifetime=600, shared=WITH_AGENT):
    """A request through the agent at OURS, and the home agent's reply."""
    bench.time += 1
    octets = sign(bench.request(coa=OURS, flags=T, lifetime=lifetime).encode(), KEY)
    octets = append(octets, 34, shared) if shared is not None else octets
    effects = bench.agent.receive(octets, (OURS, 434), bench.now())
    (reply,) = [effect for effect in effects if isinstance(effect, Reply)]
    return reply, decode(reply.data)


@pytest.mark.parametrize("wrong", [False, True])
def test_a_reply_under_the_foreign_agents_key_goes_to_the_foreign_agent(wrong):
    bench = AgentBench(peers=(Peer("fa", OURS, WITH_AGENT),))
    reply, message = relayed(bench, shared=replace(WITH_AGENT, key=b"x" * 16) if wrong else WITH_AGENT)
    assert message.code == (132 if wrong else 0)
    assert (reply.address, reply.port) == (OURS, 434)
    assert [kind for kind in kinds_of(message) if kind in (32, 34)] == [32, 34]
    assert verify(reply.data, message.extensions, KEY)
    assert verify(reply.data, message.extensions, WITH_AGENT, 34)


def test_a_deregistration_needs_no_foreign_home_authenticator():
    bench = AgentBench(peers=(Peer("fa", OURS, WITH_AGENT),))
    relayed(bench)
    assert bench.agent.bindings
    assert relayed(bench, lifetime=0, shared=None)[1].code == 0
    assert not bench.agent.bindings


def test_extensions_stand_before_or_behind_the_authenticator_by_whom_they_are_for():
    visit = Visit(foreign_agents=(WITH_FIRST,), aaa=AAA, nai="bus@example.org")
    visit.advertise(challenge=b"challenge")
    assert kinds_of(visit.last) == [131, 154, 32, 132, 36, 33]


def test_no_request_asks_for_what_we_cannot_take():
    for _, request in every_request():
        assert not request.flags & (S | B | M | G | RESERVED)


def test_the_bits_that_are_no_flags_are_not_looked_at():
    for bit in (0x04, 0x01):
        agent = AgentBench()
        assert agent.ask(Multipath(4, 1, 1), flags=D | T | bit) == 0
        link = Link()
        assert link.ask(flags=T | bit) == 0
        plain = Link()
        assert plain.ask(flags=T) == 0
        assert link.agent.visitors[0].encapsulation == plain.agent.visitors[0].encapsulation


@pytest.mark.parametrize(
    ("mode", "own", "flags", "colocated"),
    [
        ("colocated", OWN, {}, True),
        ("auto", OWN, {"registration_required": True}, True),
        ("auto", None, {}, False),
        ("foreign", None, {}, False),
        ("foreign", OWN, {}, False),
    ],
)
def test_requests_come_from_a_care_of_address_of_our_own_and_else_from_the_home_address(
    mode, own, flags, colocated
):
    visit = Visit(mode, own)
    visit.advertise(**flags)
    visit.run(1.1)
    effect, request = visit.sent[-1]
    assert effect.as_home_address is not colocated
    assert request.decapsulation is colocated
    assert (request.home_address, request.home_agent) == (HOME, AGENT)
    assert request.care_of_address == (OWN if colocated else FIRST)
    assert effect.to == (AGENT if mode == "colocated" else FIRST)
    assert request.lifetime == (600 if mode == "colocated" else 300)


def test_without_a_home_address_the_nai_asks_for_one_and_it_is_used_from_the_reply_on():
    visit = begun(home=NOBODY, mode="foreign", own=None, nai="bus@example.org")
    visit.advertise(lifetime=9000)
    effect, request = visit.sent[-1]
    assert (request.home_address, request.find(Nai)) == (NOBODY, Nai(b"bus@example.org"))
    assert effect.as_home_address and visit.node.home_address == NOBODY
    visit.reply()
    assert visit.node.home_address == HOME
    assert visit.bound[1].home_address == HOME
    refreshing(visit)
    assert visit.last.home_address == HOME


def test_a_home_agent_is_looked_for_by_broadcast_only_without_a_foreign_agent():
    far = begun(agent=HOME_BROADCAST)
    assert (far.sent[-1][0].to, far.last.home_agent) == (HOME_BROADCAST, HOME_BROADCAST)
    near = begun(agent=HOME_BROADCAST, mode="foreign", own=None)
    near.advertise()
    assert (near.sent[-1][0].to, near.last.home_agent) == (FIRST, HOME_BROADCAST)


@pytest.mark.parametrize("named", [HOME_BROADCAST, EVERYBODY, NOBODY, AGENT])
def test_a_request_by_broadcast_is_refused_with_the_home_agents_own_address(named):
    bench = AgentBench()
    data = sign(bench.request()._replace(home_agent=named).encode(), KEY)
    effects = bench.agent.receive(data, (WIFI, 434), bench.now(), broadcast=True)
    (reply,) = [decode(effect.data) for effect in effects if isinstance(effect, Reply)]
    assert (reply.code, reply.home_agent) == (136, AGENT)
    assert not bench.agent.bindings


def test_a_foreign_agent_opens_no_packet_that_is_for_a_visitor_itself():
    link = Link()
    assert link.ask() == 0
    state = foreign_plan(link.agent.settings, link.agent.visitors)
    assert {tunnel.local for tunnel in state.tunnels} == {OURS}
    (route,) = [route for route in state.routes if HOME in route.prefix and route.prefix.prefixlen]
    assert route.prefix.prefixlen == 32
    assert [hop.device for hop in route.nexthops] == ["lan0"]
