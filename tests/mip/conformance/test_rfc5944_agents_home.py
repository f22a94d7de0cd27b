"""RFC 5944 sections 3.8 and 5: the home agent and time stamps, where their own tests say nothing yet."""

import dataclasses
import random
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.clock import Instant
from router.config.model import HomeAgent as Settings
from router.config.model import HomeNetwork, Peer, SecurityAssociation
from router.config.model import MobileNode as NodeSettings
from router.mip.auth import append, sign, verify
from router.mip.effect import Event, GratuitousArp, ProxyArp, Removed, Reply, Send
from router.mip.home.agent import HomeAgent
from router.mip.identification import LOW, from_wall
from router.mip.mobile.node import MobileNode
from router.mip.wire.authentication import Authentication
from router.mip.wire.challenge import Challenge
from router.mip.wire.gre_key import GreKey
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import B, D, G, M, RegistrationReply, T
from tests.mip.home.test_agent import AGENT, BUS, CELL, HOME, KEY, WALL, WIFI, Bench
from tests.mip.mobile.test_registration import Bench as MobileBench

FIRST, SECOND = map(IPv4Address, ("203.0.113.1", "203.0.113.2"))
WITH_FIRST, WITH_SECOND = SecurityAssociation(300, b"f" * 16), SecurityAssociation(301, b"g" * 16)
PEERS = (Peer("first", FIRST, WITH_FIRST), Peer("second", SECOND, WITH_SECOND))
AAA = SecurityAssociation(500, b"a" * 16)
OTHER_KEY = dataclasses.replace(KEY, key=b"x" * 16)
NOBODY = IPv4Address("0.0.0.0")


class Home(Bench):
    """A home agent that knows two foreign agents; a hand relays for them."""

    def __init__(self, mobile=BUS, homes=(), **settings):
        super().__init__(mobile)
        settings = {"peers": PEERS, **settings}
        self.agent = HomeAgent(Settings(AGENT, **settings), (mobile,), homes, Instant(100.0, WALL + 100))

    def relay(self, *foreign, by=FIRST, coa=None, key=KEY, security=WITH_FIRST, flags=T, exts=(), **fields):
        """The code that came back for a request that a foreign agent relayed, or None."""
        self.time += 0.001
        octets = sign(self.request(*exts, coa=coa or by, flags=flags, **fields).encode(), key)
        octets += b"".join(item.encode() for item in foreign)
        return self.send(append(octets, 34, security) if security is not None else octets, by, 434)

    @property
    def answered(self):
        return next(effect for effect in self.effects if isinstance(effect, Reply))

    def signed_for(self, security):
        return verify(self.answered.data, self.reply.extensions, security, 34)

    def warned(self):
        return [
            effect.kind for effect in self.effects if isinstance(effect, Event) and effect.level == "warning"
        ]


# What it answers, and what it never says


def test_a_binding_that_expires_is_told_to_nobody():
    bench = Bench()
    bench.both()
    bench.time += 601
    effects = bench.agent.tick(bench.now())
    assert [type(effect) for effect in effects].count(Removed) == 2
    assert not [effect for effect in effects if isinstance(effect, Reply)]


@pytest.mark.parametrize("data", [RegistrationReply(0, 600, HOME, AGENT, 1).encode(), b"\x04\0\0\0", b""])
def test_only_requests_are_replied_to(data):
    assert Bench().send(data) is None


@pytest.mark.parametrize(("lifetime", "granted"), [(600, 300), (200, 200), (0xFFFF, 300), (0, 0)])
def test_an_acceptance_repeats_the_request_but_for_a_lifetime_that_is_too_long(lifetime, granted):
    bench = Bench(max_lifetime=300)
    assert bench.ask(lifetime=lifetime) == 0
    said = bench.reply
    asked = bench.request(lifetime=lifetime)
    assert (said.home_address, said.home_agent, said.identification, said.lifetime) == (
        HOME, AGENT, asked.identification, granted,
    )  # fmt: skip
    if granted:
        (binding,) = bench.agent.bindings.values()
        assert (binding.home_address, binding.care_of_address) == (HOME, WIFI)
        assert binding.expires == bench.time + granted
    else:
        assert not bench.agent.bindings


def test_a_denial_repeats_the_request():
    bench = Bench(max_lifetime=300)
    asked = bench.request(flags=D | T | M, lifetime=900)
    assert bench.send(sign(asked.encode(), KEY)) == 139
    said = bench.reply
    assert (said.home_address, said.home_agent) == (HOME, AGENT)
    assert (said.identification, said.lifetime) == (asked.identification, 900)


def test_broadcasts_are_not_forwarded_and_b_is_no_reason_to_refuse():
    assert Bench().ask(flags=D | T | B) == 0


def test_a_request_sent_to_everybody_is_refused_from_our_own_address():
    bench = Bench()
    data = sign(bench.request().encode(), KEY)
    effects = bench.agent.receive(data, (WIFI, 434), bench.now(), broadcast=True)
    (denial,) = [effect for effect in effects if isinstance(effect, Reply)]
    assert (denial.address, denial.source) == (WIFI, AGENT)
    assert (decode(denial.data).code, decode(denial.data).home_agent) == (136, AGENT)
    assert not bench.agent.bindings


@pytest.mark.parametrize(("away", "code"), [(True, 0), (False, 133)])
def test_who_asks_from_the_home_link_is_answered_there_whatever_its_bindings(away, code):
    bench = Bench()
    bench.both()
    at = None if away else bench.time - 100
    assert bench.ask(lifetime=0, coa=HOME, source=HOME, flags=0, at=at) == code
    assert [effect.on_link for effect in bench.effects if isinstance(effect, Reply)] == [True]
    assert bench.bids() == ([] if away else [1, 2])
    bench.ask(Multipath(4, 1, 1))
    assert [effect.on_link for effect in bench.effects if isinstance(effect, Reply)] == [False]


# Home addresses


POOL = HomeNetwork(
    "home", IPv4Network("10.99.0.0/24"), (IPv4Address("10.99.0.100"), IPv4Address("10.99.0.101"))
)
ROAMER = dataclasses.replace(BUS, home_address=NOBODY, nai="bus@example.org")
NAMED = Nai(b"bus@example.org")


def test_a_home_address_is_lent_and_told():
    bench = Home(ROAMER, (POOL,))
    asked = bench.request(NAMED)._replace(home_address=NOBODY)
    assert bench.send(sign(asked.encode(), KEY)) == 0
    assert bench.reply.home_address == IPv4Address("10.99.0.100")
    assert list(bench.agent.bindings) == [(bench.reply.home_address, next(iter(bench.agent.bindings))[1])]


@pytest.mark.parametrize("lifetime", [600, 0])
@pytest.mark.parametrize("mobile", [ROAMER, dataclasses.replace(BUS, nai="bus@example.org")])
def test_a_home_address_that_is_not_the_mobile_nodes_is_refused(mobile, lifetime):
    bench = Home(mobile, (POOL,))
    first = bench.request(NAMED)._replace(home_address=mobile.home_address)
    assert bench.send(sign(first.encode(), KEY)) == 0
    before = bench.agent.bindings
    bench.time += 1
    wrong = bench.request(NAMED, lifetime=lifetime)._replace(home_address=IPv4Address("10.99.0.50"))
    assert bench.send(sign(wrong.encode(), KEY)) == 129
    assert bench.reply.home_address == wrong.home_address
    assert bench.agent.bindings == before


# Whom to believe


def test_without_any_authenticator_there_is_no_answer_but_a_line_in_the_log():
    home = Home()
    assert home.send(home.request().encode()) is None
    assert home.warned() == ["dropped_missing_authenticator"]
    assert not home.agent.bindings


def test_every_authenticator_that_can_be_checked_is_checked():
    for aaa, code in ((AAA, 0), (dataclasses.replace(AAA, key=b"z" * 16), 144)):
        home = Home(dataclasses.replace(BUS, aaa=AAA))
        data = append(sign(home.request().encode(), KEY), 36, aaa, 1)
        assert home.send(data) == code
        assert bool(home.agent.bindings) == (code == 0)


@pytest.mark.parametrize("foreign", [(), (Challenge(b"12345678"),)])
def test_a_wrong_key_is_told_to_a_foreign_agent_we_trust_and_to_nobody_else(foreign):
    home = Home()
    assert home.relay(*foreign, key=OTHER_KEY) == 131
    assert home.signed_for(WITH_FIRST)
    assert home.warned() == ["dropped_bad_authenticator"]
    assert home.relay(*foreign, key=OTHER_KEY, security=None) is None
    assert home.relay(*foreign, key=OTHER_KEY, security=WITH_SECOND) is None
    assert not home.agent.bindings


@pytest.mark.parametrize("how", ["missing", "double", "wrong"])
def test_with_a_shared_key_one_foreign_home_authenticator_is_demanded_exactly(how):
    home = Home()
    octets = sign(home.request(coa=FIRST, flags=T).encode(), KEY)
    whole = append(octets, 34, WITH_FIRST)
    data = {
        "missing": octets,
        "double": whole + whole[len(octets) :],
        "wrong": whole[:-1] + bytes([whole[-1] ^ 1]),
    }[how]
    assert home.send(data, FIRST, 434) == 132
    assert home.warned() == ["dropped_bad_foreign_authenticator"]
    assert not home.agent.bindings


def test_a_foreign_agent_nobody_knows_must_not_sign():
    home = Home()
    for lifetime in (600, 0):
        assert home.relay(by=WIFI, lifetime=lifetime) is None
        assert home.warned() == ["dropped_unexpected_foreign_authenticator"]
    assert not home.agent.bindings


def test_replies_go_out_under_the_key_of_the_foreign_agent_that_relays():
    home = Home()
    assert home.relay() == 0 and home.signed_for(WITH_FIRST)
    assert home.relay(flags=T | M) == 139 and home.signed_for(WITH_FIRST)
    # A farewell to the first one's care-of address through the second one, and to all.
    for coa in (FIRST, HOME):
        home.relay()
        assert home.relay(by=SECOND, coa=coa, security=None, lifetime=0) == 0
        assert home.signed_for(WITH_SECOND)
        assert len([effect for effect in home.effects if isinstance(effect, Reply)]) == 1
        assert not home.agent.bindings


def test_a_co_located_mobile_node_may_come_through_a_foreign_agent():
    home = Home()
    assert home.relay(coa=WIFI, flags=D | T) == 0
    assert home.signed_for(WITH_FIRST)
    (binding,) = home.agent.bindings.values()
    assert (binding.care_of_address, binding.nat, binding.colocated) == (WIFI, False, True)
    # RFC 5944 section 3.5.4: the agent does not sign for an address it does not advertise.
    assert home.relay(coa=CELL, flags=D | T, security=None) == 0
    # Who relays, and is no agent we know, cannot be told from NAT.
    assert home.ask(coa=CELL, source=WIFI, flags=D | T) == 129


def test_a_reply_has_its_parts_in_order_each_behind_what_it_covers():
    home = Home(dataclasses.replace(BUS, nai="bus@example.org"), gre=True)
    assert home.relay(Challenge(b"12345678"), GreKey(7), flags=T | G, exts=(NAMED,)) == 0
    kinds = [
        item.type if isinstance(item, Authentication) else type(item).__name__
        for item in home.reply.extensions
    ]
    own, foreign = kinds.index(32), kinds.index(34)
    assert kinds.index("Nai") < own
    assert own < kinds.index("GreKey") < foreign and own < kinds.index("Challenge") < foreign
    assert foreign == len(kinds) - 1
    assert home.signed_for(WITH_FIRST)


# Time stamps


def test_a_request_said_twice_is_granted_no_more_than_once():
    bench = Bench()
    data = sign(bench.request(lifetime=100).encode(), KEY)
    assert bench.send(data) == 0
    until = next(iter(bench.agent.bindings.values())).expires
    for pause in (3, 3, 50):
        bench.time += pause
        bench.send(data)
        assert [binding.expires for binding in bench.agent.bindings.values()] == [until]


@pytest.mark.parametrize(
    ("tolerance", "away", "code"),
    [(7, 6, 0), (7, -6, 0), (7, 3.5, 0), (7, 8, 133), (7, -8, 133), (30, -20, 0), (30, 31, 133)],
)
def test_clocks_may_differ_by_some_seconds(tolerance, away, code):
    assert SecurityAssociation(256, bytes(16)).tolerance == 7
    home = Home(dataclasses.replace(BUS, security=dataclasses.replace(KEY, tolerance=tolerance)))
    home.time += 30
    assert home.ask(at=home.time + away) == code
    assert home.warned() == (["denied_133"] if code else [])


def test_where_it_is_wanted_there_is_one_order_over_all_bindings():
    for strict, code in ((False, 0), (True, 133)):
        bench = Bench(strict_replay=strict)
        slow = sign(bench.request(Multipath(8, 1, 2), coa=CELL).encode(), KEY)
        assert bench.ask(Multipath(4, 1, 1)) == 0
        assert bench.send(slow, CELL) == code
        assert bench.bids() == ([1] if strict else [1, 2])


def test_the_answer_to_a_mismatch_has_our_clock_above_and_the_requests_low_half_below():
    bench = Bench()
    asked = bench.request(at=bench.time - 1000.25)
    assert bench.send(sign(asked.encode(), KEY)) == 133
    assert bench.reply.identification & LOW == asked.identification & LOW
    assert bench.reply.identification >> 32 == int(WALL + bench.time) + 2_208_988_800


def test_the_mobile_node_counts_in_ntp_time_down_to_random_bits():
    now, low = Instant(100.0, WALL + 100.5), set()
    for seed in range(8):
        node = MobileNode(NodeSettings(HOME, AGENT, KEY), random.Random(seed))
        sent = next(item for item in node.uplink_up(1, WIFI, 4, 1, now) if isinstance(item, Send))
        stamp = decode(sent.data).identification
        assert stamp >> 31 == (int(WALL) + 100 + 2_208_988_800) << 1 | 1
        low.add(stamp & LOW)
    assert len(low) == 8


def test_the_mobile_node_takes_no_reply_with_another_low_half():
    bench = MobileBench()
    request = bench.up(1)
    bench.reply(request, identification=request.identification ^ 1)
    assert not bench.bound and bench.node.counters["dropped_unmatched_reply"] == 1
    theirs = from_wall(WALL + 90_000) & ~LOW | (request.identification ^ 1) & LOW
    bench.reply(request, 133, identification=theirs)
    bench.run(30)
    assert all(item.identification >> 32 < (theirs >> 32) - 80_000 for _, _, item in bench.sent)
    bench.reply(bench.last)
    assert 1 in bench.bound


def test_no_two_requests_in_a_row_have_one_identification_even_if_the_clock_stands():
    bench = MobileBench()
    for bid in (1, 2, 3):
        bench.up(bid)
    stamps = [request.identification for _, _, request in bench.sent]
    assert len(stamps) == 3 and stamps == sorted(set(stamps))


# The home link


def test_the_home_link_hears_of_the_first_binding_and_of_the_last():
    home = Home(BUS, (HomeNetwork("home", IPv4Network("10.99.0.0/24")),), device="lan0")

    def arp():
        said = [effect for effect in home.effects if isinstance(effect, ProxyArp | GratuitousArp)]
        return list(dict.fromkeys(said))

    home.ask(Multipath(4, 1, 1))
    assert arp() == [ProxyArp(HOME, True), GratuitousArp(HOME, False)]
    for bid, fields in ((2, {"coa": CELL}), (1, {"lifetime": 300}), (1, {"lifetime": 0}), (2, {"flags": M})):
        home.ask(Multipath(4, 1, bid), **fields)
        assert not arp()
    assert home.bids() == [2]
    home.ask(lifetime=0, coa=HOME, source=HOME, flags=0)
    assert arp() == [ProxyArp(HOME, False), GratuitousArp(HOME, True)]
