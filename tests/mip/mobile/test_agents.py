"""Foreign agents and the home link, as the mobile node meets them."""

import random
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import MobileNode as Settings
from router.config.model import Peer, SecurityAssociation
from router.mip.auth import append, sign, verify
from router.mip.effect import Bound, Event, Send, Solicit, Unbound
from router.mip.mobile.node import MobileNode
from router.mip.wire.advertisement import (
    AgentAdvertisement,
    AgentSolicitation,
    MobilityAgent,
    RouterAddress,
    decode_icmp,
)
from router.mip.wire.challenge import Challenge
from router.mip.wire.fa_error import FaError
from router.mip.wire.message import decode
from router.mip.wire.registration import RegistrationReply, RegistrationRequest

WALL = 1_800_000_000.0
HOME, AGENT = IPv4Address("10.99.0.2"), IPv4Address("198.51.100.2")
FIRST, SECOND = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
OWN = IPv4Address("192.0.2.77")
KEY = SecurityAssociation(256, b"k" * 16)
SHARED = SecurityAssociation(300, b"f" * 16)
AAA = SecurityAssociation(400, b"a" * 16)


class Visit:
    """A mobile node on one link, and a hand that plays the agents there."""

    def __init__(self, mode="foreign", own=None, **settings):
        self.time = 100.0
        self.node = MobileNode(Settings(HOME, AGENT, KEY, lifetime=600, **settings), random.Random(1))
        self.sent, self.solicited, self.bound, self.texts = [], [], {}, []
        self.did(self.node.uplink_up(1, own, 4, 1, self.now(), mode))

    def now(self):
        return Instant(self.time, WALL + self.time)

    def did(self, effects):
        for effect in effects:
            if isinstance(effect, Send):
                self.sent.append((effect, decode(effect.data)))
            elif isinstance(effect, Solicit):
                assert decode_icmp(effect.data) == AgentSolicitation()
                self.solicited.append(self.time)
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

    def advertise(
        self, source=FIRST, sequence=1, lifetime=30, *, challenge=b"", prefix=None, home=False, **flags
    ):
        if home:
            agent = MobilityAgent(sequence, 1800, home_agent=True)
        else:
            agent = MobilityAgent(sequence, 300, (source,), foreign_agent=True, reverse_tunnel=True, **flags)
        routers = (RouterAddress(source),) if prefix is not None else ()
        lengths = (prefix,) if prefix is not None else ()
        message = AgentAdvertisement(lifetime, agent, routers, lengths, challenge)
        self.did(self.node.advertised(1, message.encode(), source, self.now()))

    @property
    def last(self):
        return self.sent[-1][1]

    def reply(self, code=0, *foreign, source=FIRST, signed=True, shared=None, lifetime=None):
        asked = self.last
        answer = RegistrationReply(
            code, asked.lifetime if lifetime is None else lifetime, HOME, AGENT, asked.identification
        ).encode()
        octets = sign(answer, KEY) if signed else answer
        octets += b"".join(item.encode() for item in foreign)
        if shared is not None:
            octets = append(octets, 33, shared)
        self.did(self.node.receive(1, octets, self.now(), (source, 434)))


def test_without_an_address_it_solicits_fast_then_slowly():
    visit = Visit()
    visit.run(400)
    gaps = [later - earlier for earlier, later in zip(visit.solicited, visit.solicited[1:], strict=False)]
    assert 1 <= gaps[0] < 1.2 and 1 <= gaps[1] < 2.3
    assert gaps == sorted(gaps) or max(gaps) > 60
    assert 60 <= gaps[-1] <= 66
    assert not visit.sent


def test_it_registers_through_the_first_agent_it_hears():
    visit = Visit()
    visit.advertise()
    effect, request = visit.sent[-1]
    assert (effect.to, effect.ttl, effect.as_home_address) == (FIRST, 255, True)
    assert request.care_of_address == FIRST
    assert not request.decapsulation and request.reverse_tunnel
    assert request.lifetime == 300
    visit.reply()
    assert visit.bound[1].foreign_agent == FIRST


def test_hearing_it_again_changes_nothing():
    visit = Visit()
    visit.advertise()
    visit.reply()
    for sequence in range(2, 20):
        visit.run(10)
        visit.advertise(sequence=sequence)
    assert len(visit.sent) == 1


def test_an_agent_that_has_started_anew_is_registered_with_again():
    visit = Visit()
    visit.advertise(sequence=700)
    visit.reply()
    visit.run(10)
    visit.advertise(sequence=0)
    assert len(visit.sent) == 2
    assert 1 in visit.bound


def test_a_sequence_number_that_rolls_over_is_no_new_start():
    visit = Visit()
    visit.advertise(sequence=0xFFFF)
    visit.reply()
    visit.run(10)
    visit.advertise(sequence=256)
    assert len(visit.sent) == 1


def test_a_silent_agent_is_left_for_one_that_is_heard():
    visit = Visit()
    visit.advertise(lifetime=30)
    visit.reply()
    visit.run(20)
    visit.advertise(SECOND, lifetime=30)
    assert len(visit.sent) == 1
    visit.run(15)
    assert visit.sent[-1][0].to == SECOND
    assert 1 not in visit.bound


def test_another_prefix_means_it_has_moved():
    visit = Visit()
    visit.advertise(prefix=24)
    visit.reply()
    visit.run(5)
    visit.advertise(IPv4Address("203.0.113.1"), prefix=24)
    assert visit.sent[-1][0].to == IPv4Address("203.0.113.1")


def test_a_busy_agent_is_not_asked():
    visit = Visit()
    visit.advertise(busy=True)
    assert not visit.sent


def test_with_an_address_of_its_own_an_agent_is_used_only_when_it_insists():
    free = Visit("auto", OWN)
    assert free.sent[-1][0].to == AGENT
    free.advertise()
    assert len(free.sent) == 1
    bound = Visit("auto", OWN)
    bound.reply(source=AGENT)
    bound.run(2)
    bound.advertise(registration_required=True)
    effect, request = bound.sent[-1]
    assert effect.to == FIRST and not effect.as_home_address
    assert request.decapsulation and request.care_of_address == OWN


def test_an_agents_denial_needs_no_home_authenticator_but_must_come_from_it():
    visit = Visit()
    visit.advertise()
    visit.reply(69, source=SECOND, signed=False, lifetime=120)
    assert visit.node.counters["dropped_unasked_foreign_denial"] == 1
    visit.reply(69, signed=False, lifetime=120)
    visit.run(1.1)
    assert visit.last.lifetime == 120


def test_a_shared_key_makes_the_agents_authenticator_a_must():
    visit = Visit(foreign_agents=(Peer("fa", FIRST, SHARED),))
    visit.advertise()
    effect, request = visit.sent[-1]
    assert verify(effect.data, request.extensions, SHARED, 33)
    visit.reply()
    assert 1 not in visit.bound
    visit.reply(shared=SHARED)
    assert 1 in visit.bound


def test_a_challenge_is_answered_and_a_new_one_used_next():
    visit = Visit(aaa=AAA)
    visit.advertise(challenge=b"first one")
    effect, request = visit.sent[-1]
    assert request.find(Challenge) == Challenge(b"first one")
    assert verify(effect.data, request.extensions, AAA, 36)
    visit.reply(106, Challenge(b"second one"), signed=False)
    visit.run(1.1)
    assert visit.last.find(Challenge) == Challenge(b"second one")


def test_an_acceptance_the_agent_does_not_honour_binds_nothing():
    visit = Visit()
    visit.advertise()
    visit.reply(0, FaError(66))
    assert 1 not in visit.bound
    assert visit.node.registrations[1].code in (0, 66)


def test_an_agent_that_prohibits_is_left_alone_for_a_while():
    visit = Visit()
    visit.advertise()
    visit.advertise(SECOND)
    visit.reply(65, signed=False)
    visit.run(1.1)
    assert visit.sent[-1][0].to == SECOND


def test_its_own_home_agent_heard_means_home():
    visit = Visit("colocated", OWN)
    visit.reply(source=AGENT)
    visit.run(2)
    visit.advertise(AGENT, home=True)
    effect, request = visit.sent[-1]
    assert (request.lifetime, request.care_of_address, request.flags) == (0, HOME, 0)
    assert effect.as_home_address
    assert isinstance(request, RegistrationRequest) and not visit.bound
    assert visit.node.registrations[1].state == "deregistering" or visit.node.at_home == 1
    visit.reply(source=AGENT, lifetime=0)
    assert visit.node.registrations[1].state == "at home"


def test_when_the_home_agent_falls_silent_it_is_away_again():
    visit = Visit("colocated", OWN)
    visit.reply(source=AGENT)
    visit.run(2)
    visit.advertise(AGENT, home=True, lifetime=30)
    visit.reply(source=AGENT, lifetime=0)
    visit.run(31)
    assert visit.node.at_home is None
    assert visit.last.care_of_address == OWN and visit.last.lifetime == 600


def test_any_octets_for_an_advertisement_are_digested():
    visit = Visit()
    for octets in (b"", b"\x09", b"\x09\x00" + bytes(40), bytes(8), b"\x0a" + bytes(7)):
        visit.did(visit.node.advertised(1, octets, FIRST, visit.now()))
    assert not visit.sent
