"""The foreign agent between a mobile node written by hand and a real home agent."""

import random
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.clock import Instant
from router.config.model import ForeignAgent as Settings
from router.config.model import HomeAgent as AgentSettings
from router.config.model import Mobile, Peer, SecurityAssociation
from router.mip.auth import append, authentications, sign, verify
from router.mip.effect import Advertise, Reply, Visiting, VisitorLeft
from router.mip.foreign.agent import ForeignAgent
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.wire.advertisement import decode_icmp
from router.mip.wire.challenge import Challenge
from router.mip.wire.delivery import EncapsulatingDelivery
from router.mip.wire.fa_error import FaError
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import D, G, M, RegistrationReply, RegistrationRequest, T
from router.mip.wire.revocation import Revocation, RevocationSupport
from router.mip.wire.vendor import CriticalVendor

WALL = 1_800_000_000.0
HOME, AGENT, OURS = map(IPv4Address, ("10.99.0.2", "198.51.100.2", "192.0.2.1"))
OWN = IPv4Address("192.0.2.77")
KEY = SecurityAssociation(256, b"k" * 16)
WITH_AGENT = SecurityAssociation(300, b"f" * 16)
WITH_MOBILE = SecurityAssociation(400, b"m" * 16)
AAA = SecurityAssociation(500, b"a" * 16)
LINK = bytes.fromhex("020000000001")


class Link:
    """A foreign agent on a stepped clock; its home agent answers at once unless it is told to wait."""

    def __init__(self, *, shared=True, mobile_shared=False, agent=None, **settings):
        self.time = 100.0
        peers = (Peer("ha", AGENT, WITH_AGENT),) if shared else ()
        visitors = (Peer("bus", HOME, WITH_MOBILE),) if mobile_shared else ()
        known = Settings("lan0", OURS, peers=peers, visitors=visitors, **settings)
        self.agent = ForeignAgent(known, self.now(), random.Random(1))
        fa = (Peer("fa", OURS, WITH_AGENT),) if shared else ()
        self.home = HomeAgent(
            AgentSettings(AGENT, peers=fa, **(agent or {})),
            (Mobile("bus", HOME, KEY, aaa=AAA),),
            (),
            Instant(0.0, WALL),
        )
        self.mobile_shared = mobile_shared
        self.waiting, self.answers, self.relayed, self.advertised = [], [], [], []
        self.visiting, self.left = [], []

    def now(self):
        return Instant(self.time, WALL + self.time)

    def request(
        self, *extensions, bid=1, lifetime=200, coa=OURS, flags=T, home=HOME, agent=AGENT, behind=(), key=KEY
    ):
        self.time += 1.01
        exts = (*extensions, Multipath(4, 1, bid)) if bid else extensions
        identification = from_wall(WALL + self.time)
        octets = RegistrationRequest(lifetime, home, agent, coa, identification, flags, exts).encode()
        octets = sign(octets, key)
        for item in behind:
            octets += item.encode()
        return append(octets, 33, WITH_MOBILE) if self.mobile_shared else octets

    def send(self, data, *, ttl=255, source=HOME, port=5000, answer=True):
        self.did(self.agent.receive(data, (source, port), self.now(), ttl=ttl, link=LINK), answer)
        return self.answers[-1] if self.answers else None

    def ask(self, *extensions, answer=True, ttl=255, source=HOME, **fields):
        """The code that came back for a request, or None."""
        self.answers.clear()
        self.send(self.request(*extensions, **fields), ttl=ttl, source=source, answer=answer)
        return self.answers[-1].code if self.answers else None

    def did(self, effects, answer=True):
        for effect in effects:
            if isinstance(effect, Reply) and effect.on_link:
                self.raw = effect.data
                self.back_to = (effect.address, effect.port)
                self.answers.append(decode(effect.data))
            elif isinstance(effect, Reply):
                assert (effect.address, effect.port) == (AGENT, 434)
                self.relayed.append(effect.data)
                if answer:
                    self.deliver(self.home.receive(effect.data, (OURS, 434), self.now()))
            elif isinstance(effect, Advertise):
                self.advertised.append((effect.to, decode_icmp(effect.data)))
            elif isinstance(effect, Visiting):
                self.visiting.append(effect.visitor)
            elif isinstance(effect, VisitorLeft):
                self.left.append(effect.visitor)

    def deliver(self, effects):
        for effect in effects:
            if isinstance(effect, Reply) and effect.address == OURS:
                self.did(self.agent.receive(effect.data, (AGENT, 434), self.now()))

    def run(self, seconds):
        end = self.time + seconds
        while (wake := self.agent.next_wake()) <= end:
            self.time = max(self.time, wake)
            self.did(self.agent.tick(self.now()))
        self.time = end

    def bids(self):
        return sorted(visitor.bid for visitor in self.agent.visitors)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("mobile_shared", [True, False])
def test_an_accepted_request_makes_a_visitor_with_and_without_keys(shared, mobile_shared):
    link = Link(shared=shared, mobile_shared=mobile_shared)
    assert link.ask() == 0
    visitor = link.agent.visitors[0]
    assert (visitor.home_address, visitor.home_agent, visitor.link) == (HOME, AGENT, LINK)
    assert visitor.reverse_tunnel and not visitor.colocated
    assert link.back_to == (HOME, 5000)
    relayed = decode(link.relayed[0])
    assert verify(link.relayed[0], relayed.extensions, WITH_AGENT, 34) is shared
    assert verify(link.raw, link.answers[-1].extensions, WITH_MOBILE, 33) is mobile_shared
    assert verify(link.raw, link.answers[-1].extensions, KEY)
    assert link.home.bindings[HOME, 1].care_of_address == OURS
    assert not link.home.bindings[HOME, 1].colocated


def test_what_the_mobile_node_signed_is_relayed_untouched_and_what_follows_is_stripped():
    link = Link(mobile_shared=True)
    data = link.request(behind=(EncapsulatingDelivery(),))
    link.send(data)
    signed = data[: authentications(decode(data).extensions, 32)[0].end]
    assert link.relayed[0].startswith(signed)
    rest = decode(link.relayed[0]).extensions
    assert not [item for item in rest if isinstance(item, EncapsulatingDelivery)]
    assert not authentications(rest, 33)
    assert link.agent.visitors[0].delivery == "encapsulating"


def test_several_bindings_of_one_mobile_node_visit_at_once():
    link = Link()
    assert [link.ask(bid=bid) for bid in (1, 2, 7)] == [0, 0, 0]
    assert link.bids() == [1, 2, 7]
    assert link.ask(bid=2, lifetime=0) == 0
    assert link.bids() == [1, 7]
    assert link.ask(bid=None, lifetime=0, coa=HOME) == 0
    assert link.bids() == []


def test_a_plain_registration_takes_the_place_of_all_others():
    link = Link()
    link.ask(bid=1)
    link.ask(bid=None)
    assert link.bids() == [0]


def test_a_deregistration_goes_without_the_foreign_home_authenticator():
    link = Link()
    link.ask()
    assert link.ask(lifetime=0) == 0
    assert not authentications(decode(link.relayed[-1]).extensions, 34)


def test_a_visit_ends_with_its_lifetime_and_not_before():
    link = Link()
    link.ask(lifetime=100)
    link.run(99)
    assert link.bids() == [1]
    link.run(2)
    assert link.bids() == [] and link.left


def test_a_visitor_stays_until_its_refresh_is_accepted():
    link = Link()
    link.ask()
    link.ask(answer=False)
    assert link.bids() == [1]
    link.run(8)
    assert link.answers[-1].code == 78
    assert link.bids() == [1]


@pytest.mark.parametrize(
    ("settings", "extensions", "fields", "code"),
    [
        ({}, (), {"coa": OWN}, 77),
        ({}, (), {"flags": T | D}, 77),
        ({"max_lifetime": 60}, (), {}, 69),
        ({}, (), {"flags": T | M}, 72),
        ({"reverse_tunnel": "off"}, (), {}, 74),
        ({"reverse_tunnel": "required"}, (), {"flags": 0}, 75),
        ({}, (), {"ttl": 254}, 76),
        ({"encapsulating_delivery": False}, (), {"behind": (EncapsulatingDelivery(),)}, 79),
        ({}, (), {"flags": 0, "behind": (EncapsulatingDelivery(),)}, 70),
        ({"strict_reserved": True}, (), {"flags": T | 4}, 70),
        ({}, (), {"agent": IPv4Address(0)}, 90),
        ({}, (), {"agent": OURS}, 116),
        ({}, (), {"home": IPv4Address(0)}, 96),
        ({}, (CriticalVendor(9, 1, b""),), {}, 100),
        ({"max_visitors": 0}, (), {}, 66),
        ({"max_pending": 0}, (), {}, 66),
    ],
)
def test_what_is_refused_is_refused_with_its_own_code(settings, extensions, fields, code):
    link = Link(**settings)
    assert link.ask(*extensions, **fields) == code
    assert not link.relayed and not link.agent.visitors
    assert link.agent.counters[f"denied_{code}"] == 1
    answer = link.answers[-1]
    assert answer.lifetime == (60 if code == 69 else 200)


def test_gre_is_asked_for_with_a_key_and_granted_with_another():
    link = Link(gre=True, agent={"gre": True})
    assert link.ask(flags=T | G) == 0
    assert link.agent.visitors[0].encapsulation == "gre"
    assert link.agent.visitors[0].gre_key
    assert link.home.bindings[HOME, 1].encapsulation == "gre"


def test_a_co_located_mobile_node_registers_through_it_and_is_no_visitor_to_tunnel_for():
    link = Link(registration_required=True, shared=False)
    link.ask(coa=OWN, flags=T | D, source=OWN)
    assert decode(link.relayed[0]).care_of_address == OWN
    assert not authentications(decode(link.relayed[0]).extensions, 34)


def test_with_a_shared_key_a_wrong_mobile_foreign_authenticator_is_67():
    link = Link(mobile_shared=True)
    data = link.request()
    link.send(data[:-1] + bytes([data[-1] ^ 1]))
    assert link.answers[-1].code == 67
    assert not link.relayed


def test_denials_come_once_a_second_at_most():
    link = Link(reverse_tunnel="off")
    data = [link.request() for _ in range(5)]
    for octets in data:
        link.send(octets)
    assert len(link.answers) == 1
    assert link.agent.counters["denied_74"] == 5


def test_a_home_agent_that_fails_its_authentication_is_not_honoured_and_its_code_is_kept():
    link = Link()
    link.ask(answer=False)
    honest = [
        item
        for item in link.home.receive(link.relayed[0], (OURS, 434), link.now())
        if isinstance(item, Reply)
    ]
    data = honest[0].data
    link.did(link.agent.receive(data[:-1] + bytes([data[-1] ^ 1]), (AGENT, 434), link.now()))
    answer = link.answers[-1]
    assert answer.code == 0
    assert answer.find(FaError) == FaError(68)
    assert not link.agent.visitors


def test_a_reply_nobody_asked_for_makes_no_visitor():
    link = Link(shared=False)
    link.ask(answer=False)
    asked = decode(link.relayed[0])
    forged = RegistrationReply(0, 200, HOME, AGENT, asked.identification + 1).encode()
    link.did(link.agent.receive(sign(forged, KEY), (AGENT, 434), link.now()))
    right = RegistrationReply(0, 200, HOME, AGENT, asked.identification).encode()
    link.did(link.agent.receive(sign(right, KEY), (OWN, 434), link.now()))
    assert not link.agent.visitors
    assert link.agent.counters["dropped_unmatched_reply"] == 2


@pytest.mark.parametrize(("icmp", "code"), [(0, 80), (1, 81), (3, 82), (13, 88)])
def test_an_unreachable_home_agent_is_told_by_the_icmp_code(icmp, code):
    link = Link()
    link.ask(answer=False)
    link.did(link.agent.unreachable(AGENT, icmp, link.now()))
    assert link.answers[-1].code == code
    assert link.agent.pending == 0


def test_challenges_are_advertised_demanded_and_renewed():
    link = Link(challenge=True)
    link.run(1)
    offered = link.advertised[-1][1].challenge
    assert len(offered) >= 4
    assert link.ask() == 105
    fresh = link.answers[-1].find(Challenge)
    assert fresh is not None

    def answering(value, **fields):
        data = link.request(behind=(Challenge(value),), **fields)
        link.answers.clear()
        return link.send(append(data, 36, AAA, 1)).code

    assert answering(b"never offered this") == 104
    assert answering(offered) == 0
    renewed = link.answers[-1].find(Challenge)
    assert answering(offered) == 106
    assert renewed is not None and answering(renewed.value) == 0
    relayed = decode(link.relayed[-1])
    assert relayed.find(Challenge) is not None and authentications(relayed.extensions, 36)


def test_a_challenge_without_an_authenticator_for_us_is_dropped():
    link = Link(challenge=True)
    link.run(1)
    assert link.ask(behind=(Challenge(link.advertised[-1][1].challenge),)) is None
    assert link.agent.counters["dropped_bare_challenge"] == 1


def test_revocation_is_agreed_on_and_the_home_agents_word_ends_the_visit():
    link = Link()
    link.ask()
    assert decode(link.relayed[0]).find(RevocationSupport) is not None
    assert link.agent.visitors[0].revocation is not None
    link.time += 5
    effects = link.home.revoke(HOME, 1, link.now())
    link.deliver(effects)
    assert not link.agent.visitors
    told = link.advertised[-1]
    assert told[0] == HOME and told[1].agent.sequence == 0 and told[1].agent.busy
    revocation = next(item for item in effects if isinstance(item, Reply))
    link.did(link.agent.receive(revocation.data, (AGENT, 434), link.now()))
    assert link.agent.counters["dropped_revocation"] == 1


def test_the_foreign_agents_revocation_ends_the_binding_and_is_repeated_until_it_is_acknowledged():
    link = Link()
    link.ask()
    link.time += 5
    link.relayed.clear()
    link.did(link.agent.revoke(None, link.now()), answer=False)
    assert not link.agent.visitors
    link.did(link.agent.tick(link.now()), answer=False)
    first = decode(link.relayed[-1])
    assert isinstance(first, Revocation) and not first.by_home_agent
    link.run(1.5)
    again = [decode(data) for data in link.relayed]
    assert again[-1].identifier > first.identifier
    assert not link.home.bindings
    sent = len(link.relayed)
    link.run(60)
    assert len(link.relayed) == sent


def test_a_mobile_node_that_is_not_co_located_may_not_offer_revocation():
    link = Link()
    assert link.ask(RevocationSupport(5)) is None
    assert link.agent.counters["dropped_revocation_support"] == 1


def test_a_full_house_is_advertised_as_busy():
    link = Link(max_visitors=1)
    link.run(1)
    assert not link.advertised[-1][1].agent.busy
    link.ask()
    link.run(20)
    assert link.advertised[-1][1].agent.busy


def test_without_an_authenticator_of_the_mobile_node_nothing_is_relayed():
    link = Link()
    link.send(RegistrationRequest(200, HOME, AGENT, OURS, from_wall(WALL + 100), T).encode())
    assert not link.relayed and not link.answers


def test_a_mobile_node_without_a_home_address_is_known_by_its_nai():
    link = Link(shared=False)
    link.ask(Nai(b"bus@example.org"), home=IPv4Address(0), source=IPv4Address(0), answer=False)
    asked = decode(link.relayed[0])
    bare = RegistrationReply(0, 200, HOME, AGENT, asked.identification).encode()
    link.did(link.agent.receive(sign(bare, KEY), (AGENT, 434), link.now()))
    assert link.answers[-1].find(FaError) == FaError(97)
    link.ask(Nai(b"bus@example.org"), home=IPv4Address(0), source=IPv4Address(0), answer=False)
    asked = decode(link.relayed[-1])
    named = RegistrationReply(0, 200, HOME, AGENT, asked.identification, (Nai(b"bus@example.org"),)).encode()
    link.did(link.agent.receive(sign(named, KEY), (AGENT, 434), link.now()))
    assert link.agent.visitors[0].home_address == HOME
    assert link.back_to[0] == IPv4Address("255.255.255.255")


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x01", b"\x03", b"\x07", b"\x0f"]))
def test_no_octets_raise_or_make_a_visitor(data, head):
    link = Link()
    link.ask()
    for source in (HOME, AGENT):
        link.did(link.agent.receive(head + data, (source, 434), link.now()))
    assert link.bids() == [1]
