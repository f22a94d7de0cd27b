"""RFC 3519 at the home agent: what it grants, what it refuses, and where its tunnels go."""

import dataclasses
from ipaddress import IPv4Address

import pytest

from router.config.model import Config, Peer, SecurityAssociation
from router.config.model import HomeAgent as Settings
from router.daemon.home_agent import HomeAgentRole
from router.daemon.journal import Journal
from router.flow.home_policy import home_policies
from router.mip.auth import append, authentications, sign, verify
from router.mip.effect import Granted, Removed, Reply
from router.mip.keepalive import echo_request
from router.mip.wire.extension import Unknown
from router.mip.wire.message import decode
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.registration import D, G, M, T
from router.mip.wire.selector import TrafficSelector
from router.mip.wire.udp_tunnel import TunnelData, UdpTunnelReply, UdpTunnelRequest
from tests.mip.home.test_agent import AGENT, CELL, HOME, KEY, NATTED, WIFI, Bench

FOREIGN_AGENT = IPv4Address("10.0.0.1")
STRANGER = IPv4Address("203.0.113.66")
WITH_AGENT = SecurityAssociation(300, b"f" * 16)
KNOWN = {"peers": (Peer("fa", FOREIGN_AGENT, WITH_AGENT),)}
VIA_AGENT = UdpTunnelRequest(via_foreign_agent=True)
FIRST, SECOND = Multipath(4, 1, 1), Multipath(8, 2, 2)


def by_hand(octets):
    """An extension as it stands on the wire, whatever it says."""
    data = bytes.fromhex(octets)
    return Unknown(data[0], data)


def terms(bench, bid=1):
    binding = bench.agent.bindings[HOME, bid]
    return binding.encapsulation, binding.source, binding.source_port


def tunnel(bench, bid=1):
    """The tunnel that the daemon puts up for a binding."""
    role = HomeAgentRole(Config(home_agent=Settings(AGENT)), Journal())
    return role.ways.tunnel(bench.agent.bindings[HOME, bid])


# The two extensions (3.1, 3.2)


@pytest.mark.parametrize("octets", ["9006 00ff 0000 0000", "9006 0000 3f00 0000"])
def test_the_first_two_reserved_fields_of_a_request_are_ignored(octets):
    bench = Bench()
    assert bench.ask(FIRST, by_hand(octets), source=NATTED) == 0
    assert bench.reply.find(UdpTunnelReply).granted
    assert terms(bench) == ("udp", NATTED, 40000)


def test_with_the_third_reserved_field_set_a_request_counts_as_one_without_the_extension():
    bench = Bench(udp_tunnel="force")
    assert bench.ask(FIRST, by_hand("9006 0000 8000 0001")) == 0
    assert bench.reply.find(UdpTunnelReply) is None
    assert terms(bench)[0] == "ipip"
    # Only where nothing else is left to grant, it is a refusal.
    assert Bench().ask(FIRST, by_hand("9006 0000 0000 0001"), source=NATTED) == 134


@pytest.mark.parametrize(
    ("settings", "request_octets", "source", "octets"),
    [
        ({"keepalive": 25}, "9006 0000 0000 0000", NATTED, "2c06 0000 0000 0019"),
        ({}, "9006 0000 8000 0000", NATTED, "2c06 0000 0000 0000"),
        ({"udp_tunnel": "force", "keepalive": 25}, "9006 0000 8000 0000", WIFI, "2c06 0000 8000 0019"),
        ({}, "9006 0000 0000 0000", WIFI, "2c06 0040 0000 0000"),
    ],
)
def test_the_reply_is_written_with_its_reserved_bits_zero(settings, request_octets, source, octets):
    bench = Bench(**settings)
    assert bench.ask(FIRST, by_hand(request_octets), source=source) == 0
    assert bytes.fromhex(octets) in next(item.data for item in bench.effects if isinstance(item, Reply))


@pytest.mark.parametrize(
    ("mode", "source", "code", "granted"),
    [
        ("auto", NATTED, 0, UdpTunnelReply(0)),
        ("force", NATTED, 0, UdpTunnelReply(0)),
        ("force", WIFI, 0, UdpTunnelReply(0, forced=True)),
        ("auto", WIFI, 129, None),
        ("off", WIFI, 129, None),
        ("off", NATTED, 129, None),
    ],
)
def test_who_forces_gets_a_tunnel_or_a_refusal(mode, source, code, granted):
    bench = Bench(udp_tunnel=mode)
    assert bench.ask(FIRST, UdpTunnelRequest(force=True), source=source) == code
    assert bench.reply.find(UdpTunnelReply) == granted
    assert bool(bench.agent.bindings) == (code == 0)


# Encapsulation (3.1.4, 4.1)


@pytest.mark.parametrize("gre", [True, False])
@pytest.mark.parametrize(
    ("encapsulation", "flags", "code"),
    [
        (0, D | T, 0),
        (4, D | T, 0),
        (4, D | T | G, 0),
        (4, D | T | M, 0),
        (0, D | T | G, 142),
        (0, D | T | M, 142),
        (47, D | T, 142),
        (47, D | T | G, 142),
        (55, D | T, 142),
        (50, D | T, 142),
    ],
)
def test_what_shall_be_in_udp_is_granted_as_asked_or_refused(gre, encapsulation, flags, code):
    bench = Bench(gre=gre)
    wanted = UdpTunnelRequest(encapsulation=encapsulation)
    assert bench.ask(FIRST, wanted, flags=flags, source=NATTED) == code
    assert [item.encapsulation for item in bench.agent.bindings.values()] == (["udp"] if code == 0 else [])


@pytest.mark.parametrize(("flags", "encapsulation"), [(D | T, "ipip"), (D | T | G, "gre")])
def test_without_nat_the_flags_decide_and_not_the_field(flags, encapsulation):
    bench = Bench(gre=True)
    for field in (0, 4, 47, 55):
        assert bench.ask(FIRST, UdpTunnelRequest(encapsulation=field), flags=flags) == 0
        assert not bench.reply.find(UdpTunnelReply).granted
        assert terms(bench)[0] == encapsulation


# Detection and what follows from it (4.6)


@pytest.mark.parametrize(
    ("source", "said", "encapsulation"),
    [(NATTED, UdpTunnelReply(0, keepalive=25), "udp"), (WIFI, UdpTunnelReply(64), "ipip")],
)
def test_the_answer_follows_from_the_source_address_and_stays_the_same(source, said, encapsulation):
    bench = Bench(keepalive=25)
    for _ in range(3):
        assert bench.ask(FIRST, UdpTunnelRequest(), source=source) == 0
        assert bench.reply.find(UdpTunnelReply) == said
        assert terms(bench)[0] == encapsulation
        bench.time += 30


def test_who_comes_again_from_another_port_is_given_the_same_interval():
    bench = Bench(keepalive=25)
    for port in range(40000, 40010):
        bench.time += 20
        data = sign(bench.request(FIRST, UdpTunnelRequest()).encode(), KEY)
        assert bench.send(data, NATTED, port) == 0
        assert bench.reply.find(UdpTunnelReply).keepalive == 25
        assert terms(bench) == ("udp", NATTED, port)


def test_the_tunnel_leads_to_where_the_request_came_from_and_not_to_the_care_of_address():
    bench = Bench()
    bench.ask(FIRST, UdpTunnelRequest(), source=NATTED)
    bench.ask(SECOND, UdpTunnelRequest(), coa=CELL)
    assert bench.agent.bindings[HOME, 1].care_of_address == WIFI
    behind, plain = tunnel(bench, 1), tunnel(bench, 2)
    assert (behind.encapsulation, behind.local, behind.local_port) == ("udp", AGENT, 434)
    assert (behind.remote, behind.remote_port) == (NATTED, 40000)
    assert (plain.encapsulation, plain.remote, plain.remote_port) == ("ipip", CELL, 0)


def test_lifetimes_behind_nat_are_short_unless_set_otherwise():
    for extension in (UdpTunnelRequest(), VIA_AGENT):
        bench = Bench()
        bench.ask(FIRST, extension, source=NATTED, lifetime=3600)
        assert bench.reply.lifetime == bench.agent.bindings[HOME, 1].granted == 60


def test_a_mobile_node_without_d_may_not_ask_for_udp():
    for source in (NATTED, WIFI):
        bench = Bench()
        assert bench.ask(FIRST, UdpTunnelRequest(), source=source, flags=T) == 134
        assert not bench.agent.bindings


# A UDP Tunnel Request added by a foreign agent (4.5, 4.6.1)


def relayed(bench, *added, key=WITH_AGENT, flags=T, source=NATTED):
    """The code for a request to which a foreign agent has added something, under its `key` if it has one."""
    bench.time += 0.001
    octets = sign(bench.request(FIRST, coa=FOREIGN_AGENT, flags=flags).encode(), KEY)
    octets += b"".join(item.encode() for item in added)
    return bench.send(octets if key is None else append(octets, 34, key), source, 434)


def test_a_foreign_agent_behind_nat_gets_its_tunnel_and_its_answer():
    bench = Bench(**KNOWN)
    assert relayed(bench, UdpTunnelRequest()) == 0
    assert terms(bench) == ("udp", NATTED, 434)
    data = next(item.data for item in bench.effects if isinstance(item, Reply))
    assert verify(data, bench.reply.extensions, WITH_AGENT, 34)
    # The mobile node may not know it, and must not skip it: its part of the reply goes without.
    order = list(bench.reply.extensions)
    mobile, foreign = (authentications(order, kind)[0] for kind in (32, 34))
    answer = bench.reply.find(UdpTunnelReply)
    assert answer.granted and order.index(mobile) < order.index(answer) < order.index(foreign)


@pytest.mark.parametrize(
    ("settings", "key", "source", "code"),
    [
        (KNOWN, SecurityAssociation(300, b"x" * 16), NATTED, 132),
        (KNOWN, None, NATTED, 132),
        ({}, None, NATTED, 129),
        ({}, None, FOREIGN_AGENT, 0),
    ],
)
def test_what_a_foreign_agent_adds_counts_only_under_its_authenticator(settings, key, source, code):
    bench = Bench(udp_tunnel="force", **settings)
    assert relayed(bench, UdpTunnelRequest(force=True), key=key, source=source) == code
    assert bench.reply.find(UdpTunnelReply) is None
    assert [item.encapsulation for item in bench.agent.bindings.values()] == (["ipip"] if code == 0 else [])


def test_a_foreign_agent_may_not_ask_for_udp_in_a_request_with_d():
    bench = Bench(**KNOWN)
    assert relayed(bench, UdpTunnelRequest(), flags=D | T) == 134
    assert not bench.agent.bindings


# Registered through a foreign agent with a care-of address of its own: half bound (4.6, 6.1.2)


def keepalive(bench, source=(NATTED, 50123), home=HOME, agent=AGENT, reserved=0, **changes):
    """Deliver a keepalive, perhaps not quite right, and give what it led to."""
    data = decode(echo_request(home, agent, 1))._replace(**changes).encode()
    data = data[:2] + reserved.to_bytes(2, "big") + data[4:]
    return bench.agent.receive(data, source, bench.now())


def half_bound(**settings):
    bench = Bench(**settings)
    assert bench.ask(FIRST, VIA_AGENT, source=NATTED) == 0
    return bench


def changes(effects):
    return [effect for effect in effects if isinstance(effect, (Granted, Removed))]


def test_through_an_agent_udp_is_granted_and_nothing_sent_before_the_first_keepalive():
    bench = half_bound()
    assert bench.reply.find(UdpTunnelReply).granted
    assert not changes(bench.effects)
    (granted,) = keepalive(bench)
    assert isinstance(granted, Granted)
    assert terms(bench) == ("udp", NATTED, 50123)
    assert (tunnel(bench).remote, tunnel(bench).remote_port) == (NATTED, 50123)


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": (STRANGER, 50123)},
        {"source": (WIFI, 50123)},
        {"home": IPv4Address("10.99.0.3")},
        {"agent": STRANGER},
        {"next_header": 47},
        {"payload": b""},
    ],
)
def test_a_keepalive_that_is_not_quite_right_opens_nothing(wrong):
    bench = half_bound()
    assert keepalive(bench, **wrong) == []
    assert bench.agent.bindings[HOME, 1].half_bound
    assert changes(keepalive(bench))


def test_the_reserved_field_of_a_keepalive_is_ignored():
    assert changes(keepalive(half_bound(), reserved=0xFFFF))


def test_only_an_echo_request_is_a_keepalive():
    bench = half_bound()
    payload = bytearray(decode(echo_request(HOME, AGENT, 1)).payload)
    payload[20] = 0
    assert keepalive(bench, payload=bytes(payload)) == []
    assert bench.agent.bindings[HOME, 1].half_bound


def test_udp_through_an_agent_is_refused_where_it_is_not_permitted():
    assert Bench(udp_tunnel="off").ask(FIRST, VIA_AGENT, source=NATTED) == 129


def test_registered_again_it_goes_on_at_the_old_port_until_a_keepalive_tells_another():
    bench = half_bound()
    keepalive(bench)
    for _ in range(2):
        assert bench.ask(FIRST, VIA_AGENT, source=NATTED) == 0
        assert terms(bench) == ("udp", NATTED, 50123)
        assert changes(keepalive(bench)) == []
    bench.ask(FIRST, VIA_AGENT, source=NATTED)
    assert changes(keepalive(bench, (NATTED, 50999)))
    assert terms(bench) == ("udp", NATTED, 50999)
    assert keepalive(bench, (NATTED, 51000)) == []


def test_registered_again_before_its_keepalive_it_waits_on():
    bench = half_bound()
    bench.ask(FIRST, VIA_AGENT, source=NATTED)
    assert not changes(bench.effects)
    assert changes(keepalive(bench))


def test_from_another_address_it_is_half_bound_anew_and_the_old_tunnel_gone():
    bench = half_bound()
    keepalive(bench)
    bench.ask(FIRST, VIA_AGENT, source=STRANGER)
    (removed,) = changes(bench.effects)
    assert isinstance(removed, Removed) and removed.binding.source == NATTED
    assert keepalive(bench) == []


def test_the_port_of_a_tunnel_that_was_none_is_not_taken_over():
    bench = Bench()
    bench.ask(FIRST, coa=NATTED, flags=T, source=NATTED)
    bench.ask(FIRST, VIA_AGENT, source=NATTED)
    assert [type(effect) for effect in changes(bench.effects)] == [Removed]
    assert changes(keepalive(bench))


def test_each_of_two_half_bound_bindings_has_a_keepalive_of_its_own():
    bench = half_bound()
    bench.ask(SECOND, VIA_AGENT, coa=CELL, source=NATTED)
    assert changes(keepalive(bench))
    assert changes(keepalive(bench)) == []
    assert bench.agent.bindings[HOME, 2].half_bound
    assert changes(keepalive(bench, (NATTED, 50999)))
    assert {terms(bench, bid)[2] for bid in (1, 2)} == {50123, 50999}


def test_a_keepalive_from_a_new_port_is_for_the_binding_that_has_none():
    bench = half_bound()
    keepalive(bench)
    bench.ask(FIRST, VIA_AGENT, source=NATTED)
    bench.ask(SECOND, VIA_AGENT, coa=CELL, source=NATTED)
    keepalive(bench, (NATTED, 50999))
    assert (terms(bench, 1)[2], terms(bench, 2)[2]) == (50123, 50999)


def test_what_changes_for_all_bindings_puts_up_no_half_bound_tunnel():
    bench = half_bound()
    bench.ask(SECOND, FlowBinding(1, (1, 2), TrafficSelector()), coa=CELL)
    assert [effect.binding.bid for effect in changes(bench.effects)] == [2]
    policies = home_policies((), bench.agent.node(HOME))
    assert policies == ((TrafficSelector(), bench.agent.bindings[HOME, 2].slot),)
    bench.ask(dataclasses.replace(SECOND, bulk=True), coa=CELL)
    assert {effect.binding.bid for effect in changes(bench.effects)} == {2}


# Signalling and data (3.3, 4.2, 4.7)


def test_a_request_inside_the_tunnel_is_not_heard():
    bench = Bench()
    bench.ask(FIRST, UdpTunnelRequest(), source=NATTED)
    bench.time += 1
    request = sign(bench.request(FIRST, lifetime=0).encode(), KEY)
    udp = b"".join(number.to_bytes(2, "big") for number in (434, 434, 8 + len(request), 0))
    length = (20 + len(udp) + len(request)).to_bytes(2, "big")
    head = b"\x45\0" + length + bytes(4) + b"\x40\x11\0\0" + HOME.packed + AGENT.packed
    assert (
        bench.agent.receive(TunnelData(4, head + udp + request).encode(), (NATTED, 40000), bench.now()) == []
    )
    assert bench.bids() == [1]


def test_the_answer_to_one_behind_nat_is_sent_bare():
    bench = Bench()
    for lifetime in (600, 600, 0):
        bench.ask(FIRST, UdpTunnelRequest(), source=NATTED, lifetime=lifetime)
        (answer,) = (effect for effect in bench.effects if isinstance(effect, Reply))
        assert (answer.data[0], answer.address, answer.port) == (3, NATTED, 40000)


@pytest.mark.parametrize("next_header", [0, 4, 17, 47, 55])
def test_tunnel_data_for_nobody_is_not_worth_a_line_in_the_log(next_header):
    bench = Bench()
    bench.ask(FIRST, UdpTunnelRequest(), source=NATTED)
    for size in (0, 1, 20, 100):
        data = TunnelData(next_header, b"\x45" * size).encode()
        assert bench.agent.receive(data, (STRANGER, 434), bench.now()) == []
