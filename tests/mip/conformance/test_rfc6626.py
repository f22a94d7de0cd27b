"""RFC 6626: prefixes from the home agent's pool, asked for, lent, kept and given back."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from router.clock import Instant
from router.config.model import HomeAgent as Settings
from router.config.model import HomeNetwork, Mobile, SecurityAssociation
from router.mip.auth import sign
from router.mip.effect import Reply
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.wire.message import decode
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement, MobileNetworkRequest
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import RegistrationRequest
from tests.mip.mobile.test_registration import Bench as Router

WALL = 1_800_000_000.0
NOBODY = IPv4Address("0.0.0.0")
AGENT, COA = IPv4Address("198.51.100.2"), IPv4Address("192.0.2.10")
LAN, POOL = IPv4Network("10.50.0.0/24"), IPv4Network("10.60.0.0/24")
KEY = SecurityAssociation(256, b"k" * 16)
BUS = Mobile("bus", IPv4Address("10.99.0.2"), KEY, (LAN,), delegation=True)
TRAM = Mobile("tram", IPv4Address("10.99.0.3"), KEY, delegation=True)
NAMED = [Mobile(name, NOBODY, KEY, nai=f"{name}@example.org", delegation=True) for name in ("one", "two")]
HOMES = (HomeNetwork("home", IPv4Network("10.99.0.0/24"), (BUS.home_address, IPv4Address("10.99.0.9"))),)


class Bench:
    """A home agent with a pool of sixteen prefixes, and a hand that writes its mobile routers' requests."""

    def __init__(self, *mobiles, **settings):
        self.time = 100.0
        settings = {"prefix_pool": (POOL,), **settings}
        self.agent = HomeAgent(Settings(AGENT, **settings), mobiles or (BUS, TRAM), HOMES, self.now())

    def now(self):
        return Instant(self.time, WALL + self.time)

    def ask(self, *hints, home=BUS.home_address, nai="", networks=(), bid=1, lifetime=600):
        """A registration that asks for a prefix of each length; gives code and prefix of each answer."""
        self.time += 0.1
        extensions = [Nai(nai.encode())] if nai else []
        extensions += [MobileNetworkRequest.of(prefix) for prefix in networks]
        extensions += [MobileNetworkRequest(NOBODY, hint) for hint in hints]
        request = RegistrationRequest(
            lifetime,
            home,
            AGENT,
            COA,
            from_wall(WALL + self.time),
            extensions=(*extensions, Multipath(4, 1, bid)),
        )
        effects = self.agent.receive(sign(request.encode(), KEY), (COA, 434), self.now())
        (answer,) = [decode(effect.data) for effect in effects if isinstance(effect, Reply)]
        self.code, self.home_address = answer.code, answer.home_address
        return [(item.code, item.prefix) for item in answer.all(MobileNetworkAcknowledgement)]

    def table(self, home=BUS.home_address):
        node = self.agent.node(home)
        return set(node.networks) if node is not None else set()

    def expire(self):
        self.time += 700
        self.agent.tick(self.now())


# The mobile router (section 3.1)


@pytest.mark.parametrize("hint", [0, 28])
def test_a_prefix_is_asked_for_by_prefix_zero_in_every_request(hint):
    router = Router(mobile_networks=(), delegated_length=hint)
    for _ in range(2):
        assert router.up(1).all(MobileNetworkRequest) == [MobileNetworkRequest(NOBODY, hint)]
        router.reply(router.last, 0, MobileNetworkAcknowledgement(0, 28, IPv4Address("10.60.0.16")))
        router.run(2)


def test_without_the_wish_no_prefix_is_asked_for():
    assert Router(mobile_networks=()).up(1).all(MobileNetworkRequest) == []


def test_an_acknowledged_prefix_is_the_mobile_routers_own_from_then_on():
    router = Router(mobile_networks=(LAN,), delegated_length=28)
    lent = IPv4Network("10.60.0.16/28")
    router.answered(
        1,
        MobileNetworkAcknowledgement(0, 24, LAN.network_address),
        MobileNetworkAcknowledgement(0, 28, lent.network_address),
        MobileNetworkAcknowledgement(4, 28, NOBODY),
    )
    assert router.node.mobile_networks == (LAN, lent)
    assert 1 in router.bound
    assert any("0.0.0.0/28 with code 4" in text for text in router.texts)


def test_another_prefix_in_a_later_reply_takes_the_place_of_the_first():
    router = Router(mobile_networks=(), delegated_length=28)
    router.answered(1, MobileNetworkAcknowledgement(0, 28, IPv4Address("10.60.0.16")))
    router.run(2)
    router.bound.clear()
    router.answered(1, MobileNetworkAcknowledgement(0, 28, IPv4Address("10.60.0.32")))
    assert router.node.mobile_networks == (IPv4Network("10.60.0.32/28"),)
    assert 1 in router.bound


def test_a_reply_is_believed_and_refusals_are_heeded_as_without_a_pool():
    router = Router(mobile_networks=(LAN,), delegated_length=28)
    said = MobileNetworkAcknowledgement(0, 28, IPv4Address("10.60.0.16"))
    router.reply(router.up(1), 0, said, key=SecurityAssociation(256, b"x" * 16))
    assert router.node.mobile_networks == (LAN,) and not router.bound
    router.reply(router.last, 147, MobileNetworkAcknowledgement(1, 28, NOBODY))
    assert not router.bound
    router.run(1.1)
    assert router.last.all(MobileNetworkRequest) == [MobileNetworkRequest.of(LAN)]
    router.reply(router.last, 148)
    router.run(1.1)
    assert router.last.all(MobileNetworkRequest) == []


# The home agent (section 3.2)


def test_a_lent_prefix_is_in_the_table_as_long_as_the_binding():
    bench = Bench()
    ((code, lent),) = bench.ask(28)
    assert code == 0 and lent.subnet_of(POOL) and lent.prefixlen == 28
    assert bench.table() == {lent}
    # Every later request finds it there, whichever way it names it.
    for again in ({"hints": (28,)}, {"hints": (0,)}, {"networks": (lent,)}, {"hints": (28,), "bid": 2}):
        assert bench.ask(*again.pop("hints", ()), **again) == [(0, lent)]
        assert bench.table() == {lent}
    assert bench.ask() == [(0, LAN), (0, lent)]
    assert bench.table() == {LAN, lent}
    bench.expire()
    assert bench.table() == set()
    assert bench.ask(networks=(lent,)) == [(2, lent)]
    assert bench.code == 147
    assert bench.ask(28, home=TRAM.home_address) == [(0, lent)]


def test_a_lent_prefix_lies_in_nobody_elses_table():
    bench = Bench()
    ((_, mine),) = bench.ask(28)
    ((_, other),) = bench.ask(28, home=TRAM.home_address)
    assert not mine.overlaps(other)
    assert bench.ask(networks=(mine,), home=TRAM.home_address) == [(2, mine)]
    assert bench.code == 147
    assert (bench.table(), bench.table(TRAM.home_address)) == ({mine}, {other})


def test_what_is_asked_for_no_more_leaves_the_table():
    bench = Bench()
    ((_, first), (_, second)) = bench.ask(28, 28)
    assert bench.table() == {first, second}
    assert bench.ask(networks=(second,)) == [(0, second)]
    assert bench.table() == {second}
    assert bench.ask(28, home=TRAM.home_address) == [(0, first)]
    bench.ask(lifetime=0)
    assert bench.table() == set()


def test_without_a_home_address_the_nai_tells_whose_prefix_it_is():
    bench = Bench(*NAMED)
    ((_, first),) = bench.ask(28, home=NOBODY, nai=NAMED[0].nai)
    home = bench.home_address
    ((_, second),) = bench.ask(28, home=NOBODY, nai=NAMED[1].nai)
    assert not first.overlaps(second) and bench.home_address != home
    # It has started anew, and knows its name alone.
    assert bench.ask(28, home=NOBODY, nai=NAMED[0].nai) == [(0, first)]
    assert bench.home_address == home and bench.table(home) == {first}
    assert bench.ask(28, home=home) == [(0, first)]


# Exhaustion (section 4)


@pytest.mark.parametrize("hint", [1, 8, 24, 27])
def test_no_hint_brings_a_larger_prefix_than_the_home_agent_wants_to_lend(hint):
    assert Bench().ask(hint)[0][1].prefixlen == 28
    assert Bench(prefix_length=26).ask(hint)[0][1].prefixlen == max(hint, 26)


@pytest.mark.parametrize("hint", [29, 30])
def test_a_hint_for_less_is_followed(hint):
    assert Bench().ask(hint)[0][1].prefixlen == hint


def test_one_mobile_router_gets_four_prefixes_at_most():
    bench = Bench()
    said = bench.ask(*[28] * 16, networks=(LAN,))
    assert [code for code, _ in said] == [0] * 5 + [4] * 12
    lent = {prefix for code, prefix in said if code == 0}
    assert bench.table() == lent and len(lent) == 5
    assert bench.ask(*[28] * 5) == said[1:6]
    assert bench.ask(28, home=TRAM.home_address)[0][0] == 0


def test_an_empty_pool_is_told_by_code_4():
    bench = Bench(prefix_pool=(IPv4Network("10.60.0.0/28"),))
    ((_, only),) = bench.ask(28)
    said = bench.ask(28, home=TRAM.home_address)
    assert [code for code, _ in said] == [4]
    assert bench.code == 147
    assert bench.table() == {only}


def test_who_may_not_have_a_prefix_gets_none():
    bench = Bench(Mobile("bus", BUS.home_address, KEY, (LAN,)))
    assert [code for code, _ in bench.ask(28, networks=(LAN,))] == [0, 2]
    assert bench.table() == {LAN}
