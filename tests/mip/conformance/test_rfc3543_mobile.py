"""Registration revocation as the mobile node meets it (RFC 3543)."""

from ipaddress import IPv4Address

import pytest

from router.config.model import SecurityAssociation
from router.mip.auth import append, verify
from router.mip.effect import Send, Unbound
from router.mip.mobile.registration import DENIED_BACKOFF
from router.mip.revocation import timestamp
from router.mip.wire.authentication import Authentication
from router.mip.wire.message import decode
from router.mip.wire.registration import RegistrationRequest
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment, RevocationSupport
from tests.mip.mobile.test_agents import OWN, Visit
from tests.mip.mobile.test_registration import AGENT, COA, HOME, KEY, WALL
from tests.mip.mobile.test_registration import Bench as Registering
from tests.mip.test_dialogue import World

MOBILE_HOME, FOREIGN_HOME = 32, 34
WRONG = SecurityAssociation(256, b"x" * 16)
ELSEWHERE = IPv4Address("198.51.100.77")
ERA_END = 2_085_978_496.0
"""2036-02-07 06:28:16 UTC: the time stamps start from nought."""


class Bench(Registering):
    """A mobile node, and a hand that plays a home agent with the same clock."""

    def stamp(self, seconds=0):
        return timestamp(WALL + self.time + seconds)

    def agree(self, bid=1, **fields):
        self.answered(bid, RevocationSupport(self.stamp()), **fields)

    def hear(self, octets, bid=1, source=(AGENT, 434)):
        """What leaves, in that order: datagrams decoded, and what is unbound."""
        self.did(self.node.receive(bid, octets, self.now(), source))
        return [effect for effect in self.effects if isinstance(effect, (Send, Unbound))]

    def revocation(self, security=KEY, kind=MOBILE_HOME, **fields):
        """A valid one, but for `fields`; `security` None: not authenticated."""
        message = Revocation(HOME, AGENT, COA[1], self.stamp(), by_home_agent=True)._replace(**fields)
        octets = message.encode()
        return octets if security is None else append(octets, kind, security)


@pytest.fixture
def bench():
    """Registered five seconds ago, with revocation agreed on."""
    bench = Bench()
    bench.agree()
    bench.run(5)
    return bench


# Offering it (sections 3.2 and 4.2.1)


@pytest.mark.parametrize("willing", [True, False])
def test_a_directly_registering_node_offers_revocation_under_its_authenticator(willing):
    bench = Bench(revocation=willing)
    request = bench.up(1)
    assert request.find(RevocationSupport) == (RevocationSupport(bench.stamp()) if willing else None)
    # The bench has verified that the last extension is a valid authenticator.
    assert isinstance(request.extensions[-1], Authentication)
    bench.reply(request)
    bench.run(290)
    refresh = bench.last
    assert refresh is not request
    sent = timestamp(WALL + bench.sent[-1][0])
    assert refresh.find(RevocationSupport) == (RevocationSupport(sent) if willing else None)


def test_through_a_foreign_agent_nothing_is_offered():
    visitor = Visit()
    visitor.advertise(revocation=True)
    assert visitor.last.find(RevocationSupport) is None
    co_located = Visit("auto", OWN)
    assert co_located.last.find(RevocationSupport) is not None
    co_located.reply(source=AGENT)
    co_located.run(2)
    co_located.advertise(registration_required=True, revocation=True)
    assert co_located.last.decapsulation
    assert co_located.last.find(RevocationSupport) is None


def test_without_the_home_agents_extension_no_revocation_is_taken():
    bench = Bench()
    bench.answered(1)
    bench.run(5)
    assert bench.hear(bench.revocation()) == []
    assert 1 in bench.bound


def test_an_extension_behind_the_home_agents_authenticator_is_nobodys_word():
    bench = Bench()
    request = bench.up(1)
    bench.reply(request, tail=RevocationSupport(bench.stamp()).encode())
    bench.run(5)
    assert bench.hear(bench.revocation()) == []
    assert 1 in bench.bound


# What it never says (sections 4 and 4.2.4)


def test_a_mobile_node_ends_its_bindings_without_a_single_revocation():
    world = World()
    for bid in (1, 2, 3):
        world.plug(bid)
    world.run(1)
    world.pull(1)
    world.run(1)
    world.agent_did(world.agent.revoke(HOME, 3, world.instant()), 3)
    world.run(2)
    world.node_did(world.node.stop(world.instant()))
    world.run(5)
    kinds = {type(decode(data)) for _, _, data in world.sent}
    assert kinds == {RegistrationRequest, RevocationAcknowledgment}
    assert world.agent.bindings == {}
    ended = [decode(data) for _, _, data in world.sent]
    assert [item.care_of_address for item in ended if getattr(item, "lifetime", 1) == 0]


def test_a_visitor_ends_its_binding_without_a_single_revocation():
    visit = Visit()
    visit.advertise()
    visit.reply()
    visit.run(2)
    visit.did(visit.node.stop(visit.now()))
    visit.run(5)
    assert {type(message) for _, message in visit.sent} == {RegistrationRequest}
    assert visit.last.lifetime == 0


# What it is told (sections 3.4, 3.5 and 4.2.2.3)


@pytest.mark.parametrize("inform", [True, False])
def test_a_revocation_is_acknowledged_to_its_source_before_the_binding_goes(bench, inform):
    octets = bench.revocation(inform=inform)
    acknowledged, unbound = bench.hear(octets, source=(ELSEWHERE, 40434))
    assert (acknowledged.bid, acknowledged.to, acknowledged.port) == (1, ELSEWHERE, 40434)
    message = decode(acknowledged.data)
    assert message[:3] == (HOME, decode(octets).identifier, inform)
    assert acknowledged.data[:4] == bytes((15, 0, 0x80 if inform else 0, 0))
    assert verify(acknowledged.data, message.extensions, KEY)
    assert unbound == Unbound(1, "revoked by the home agent")
    assert bench.bound == {}


def test_a_revoked_node_registers_again_after_a_pause(bench):
    bench.hear(bench.revocation())
    count = len(bench.sent)
    bench.run(DENIED_BACKOFF - 0.1)
    assert len(bench.sent) == count
    bench.run(0.2)
    assert bench.last.lifetime == 300 and len(bench.sent) == count + 1
    bench.reply(bench.last, 0, RevocationSupport(bench.stamp()))
    assert 1 in bench.bound


def test_reserved_bits_of_a_revocation_are_ignored(bench):
    octets = bytearray(bench.revocation(None))
    octets[1], octets[2], octets[3] = 0xFF, octets[2] | 0x3F, 0xFF
    acknowledged, _ = bench.hear(append(bytes(octets), MOBILE_HOME, KEY))
    assert isinstance(decode(acknowledged.data), RevocationAcknowledgment)
    assert bench.bound == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"security": None},
        {"security": WRONG},
        {"kind": FOREIGN_HOME},
        {"by_home_agent": False},
        {"home_address": IPv4Address("10.99.0.3")},
        {"home_domain_address": ELSEWHERE},
        {"foreign_domain_address": COA[2]},
        {"identifier": -5},
        {"identifier": -6},
        {"identifier": 1 << 31},
    ],
    ids=str,
)
def test_an_invalid_revocation_is_dropped_silently(bench, fields):
    if "identifier" in fields:
        # Five seconds ago the home agent gave its time stamp.
        fields = {"identifier": bench.stamp(fields["identifier"]) & 0xFFFFFFFF}
    assert bench.hear(bench.revocation(**fields)) == []
    assert bench.node.counters["dropped_revocation"] == 1
    assert 1 in bench.bound


def test_an_old_revocation_does_not_end_a_later_registration(bench):
    old = bench.revocation()
    bench.hear(old)
    bench.run(6)
    bench.reply(bench.last, 0, RevocationSupport(bench.stamp()))
    assert bench.hear(old) == []
    assert 1 in bench.bound


def test_a_repeated_revocation_is_acknowledged_again_and_a_duplicate_is_not(bench):
    first = bench.revocation()
    bench.hear(first)
    assert bench.hear(first) == []
    bench.run(1)
    again = bench.revocation()
    (acknowledged,) = bench.hear(again)
    assert decode(acknowledged.data).identifier == decode(again).identifier
    assert bench.hear(again) == [] and bench.hear(first) == []


def test_equal_identifiers_for_two_bindings_both_count(bench):
    bench.agree(2)
    bench.run(5)
    for bid in (1, 2):
        acknowledged, unbound = bench.hear(bench.revocation(foreign_domain_address=COA[bid]), bid)
        assert (acknowledged.bid, unbound.bid) == (bid, bid)
    assert bench.bound == {}


def test_time_stamps_are_compared_across_their_wrap():
    bench = Bench()
    bench.time = ERA_END - WALL - 2
    bench.agree()
    assert bench.stamp() > 0xFFFFFF00
    bench.time += 5
    assert decode(bench.revocation()).identifier < 16
    assert bench.hear(bench.revocation(identifier=0xFFFFFF00)) == []
    assert len(bench.hear(bench.revocation())) == 2


# With a home agent that means it


@pytest.mark.parametrize("bid", [1, 2])
def test_a_binding_is_revoked_and_acknowledged_with_and_without_nat(bid):
    world = World()
    world.plug(bid)
    world.run(5)
    replies = world.agent.revoke(HOME, bid, world.instant())
    world.agent_did(replies, bid)
    assert world.agent.bindings == {}
    world.run(1)
    assert world.bound == {}
    assert world.agent.counters["revocations_acknowledged"] == 1
    world.run(60)
    assert world.agree() == [bid]
    assert world.agent.counters["revocations_sent"] == 1
