"""RFC 2794: the network access identifier in requests, replies and a foreign agent's memory."""

import dataclasses
import random
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.clock import Instant
from router.config.model import HomeAgent as AgentSettings
from router.config.model import HomeNetwork, Peer, SecurityAssociation
from router.config.model import MobileNode as Settings
from router.mip.auth import sign
from router.mip.effect import Reply, Send
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.mobile.node import MobileNode
from router.mip.wire.authentication import Authentication
from router.mip.wire.fa_error import FaError
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import M, RegistrationReply, RegistrationRequest, T
from tests.mip.foreign.test_agent import AGENT, KEY, OURS, WALL, Link
from tests.mip.home.test_agent import BUS, HOME, WIFI
from tests.mip.mobile.test_agents import FIRST, SHARED, Visit

NOBODY, ANY = IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255")
LENT = IPv4Address("10.99.0.100")
ANN, BOB = Nai(b"ann@example.org"), Nai(b"bob@example.org")


# The mobile node (2)


def test_the_identifier_stands_ahead_of_every_authenticator():
    visit = Visit(nai="ann@example.org", foreign_agents=(Peer("fa", FIRST, SHARED),))
    visit.advertise()
    visit.reply(shared=SHARED)
    visit.run(2)
    visit.did(visit.node.stop(visit.now()))
    assert [message.lifetime > 0 for _, message in visit.sent] == [True, False]
    for _, message in visit.sent:
        assert message.extensions[0] == ANN
        kinds = [item.type for item in message.extensions if isinstance(item, Authentication)]
        assert kinds == [32, 33]


@pytest.mark.parametrize("home_address", [HOME, NOBODY])
def test_the_identifier_goes_with_or_without_a_home_address(home_address):
    settings = Settings(home_address, AGENT, KEY, nai="ann@example.org")
    (sent,) = (
        effect
        for effect in MobileNode(settings, random.Random(1)).uplink_up(1, WIFI, 4, 1, Instant(1.0, WALL))
        if isinstance(effect, Send)
    )
    request = decode(sent.data)
    assert request.home_address == home_address
    assert request.extensions[0] == ANN


# The foreign agent (3)


def ask(link, nai):
    """Relay a request of somebody without a home address; all of one moment have the same identification."""
    exts = (nai,) if nai is not None else ()
    request = RegistrationRequest(200, NOBODY, AGENT, OURS, from_wall(WALL + 100), T, exts)
    link.send(sign(request.encode(), KEY), source=NOBODY, answer=False)


def answer(link, *extensions, code=0, home=HOME, agent=AGENT):
    asked = decode(link.relayed[-1])
    reply = RegistrationReply(code, 200, home, agent, asked.identification, extensions)
    link.did(link.agent.receive(sign(reply.encode(), KEY), (AGENT, 434), link.now()))
    return link.answers[-1]


def test_pending_requests_without_a_home_address_are_told_apart_by_their_identifier():
    link = Link(shared=False)
    ask(link, ANN)
    ask(link, BOB)
    assert link.agent.pending == 2
    answer(link, BOB, home=LENT)
    assert link.agent.pending == 1
    answer(link, ANN, home=HOME)
    assert {visitor.nai: visitor.home_address for visitor in link.agent.visitors} == {
        ANN.nai: HOME,
        BOB.nai: LENT,
    }


def test_a_reply_with_another_identification_or_another_identifier_answers_nobody():
    link = Link(shared=False)
    ask(link, ANN)
    for nai, identification in ((BOB, from_wall(WALL + 100)), (ANN, from_wall(WALL + 100) + 1)):
        reply = RegistrationReply(0, 200, HOME, AGENT, identification, (nai,))
        link.did(link.agent.receive(sign(reply.encode(), KEY), (AGENT, 434), link.now()))
    assert link.agent.pending == 1
    assert not link.agent.visitors


def test_a_request_with_neither_home_address_nor_identifier_is_96():
    link = Link(shared=False)
    ask(link, None)
    assert link.answers[-1].code == 96
    assert not link.relayed


@pytest.mark.parametrize(
    ("extensions", "fields", "status"),
    [
        ((), {}, 97),
        ((ANN,), {"agent": NOBODY}, 98),
        ((ANN,), {"home": NOBODY}, 99),
    ],
)
def test_what_lacks_in_an_acceptance_is_told_the_mobile_node_and_nothing_comes_of_it(
    extensions, fields, status
):
    link = Link(shared=False)
    ask(link, ANN)
    said = answer(link, *extensions, **fields)
    # RFC 4636: beside the home agent's code, which its authenticator covers.
    assert said.find(FaError) == FaError(status)
    assert not link.agent.visitors


# The home agent (3)


class Anchor:
    """A home agent with one address to lend, and a hand that writes requests of mobile nodes without one."""

    def __init__(self, **settings):
        homeless = dataclasses.replace(BUS, home_address=NOBODY, nai="ann@example.org")
        other = dataclasses.replace(homeless, name="tram", nai="bob@example.org")
        fixed = dataclasses.replace(BUS, nai="carol@example.org")
        homes = (HomeNetwork("home", IPv4Network("10.99.0.0/24"), (LENT, LENT)),)
        self.time = 100.0
        self.agent = HomeAgent(
            AgentSettings(AGENT, **settings), (homeless, other, fixed), homes, Instant(0.0, WALL)
        )

    def ask(self, *extensions, home=NOBODY, agent=AGENT, lifetime=600, flags=0x22, key=KEY):
        self.time += 1
        request = RegistrationRequest(
            lifetime, home, agent, WIFI, from_wall(WALL + self.time), flags, extensions
        )
        now = Instant(self.time, WALL + self.time)
        effects = self.agent.receive(sign(request.encode(), key), (WIFI, 434), now)
        replies = [decode(effect.data) for effect in effects if isinstance(effect, Reply)]
        return replies[0] if replies else None


CAROL = Nai(b"carol@example.org")


@pytest.mark.parametrize("nai", [ANN, CAROL])
def test_the_reply_repeats_the_identifier_whatever_becomes_of_the_request(nai):
    anchor = Anchor()
    path = Multipath(4, 1, 1)
    replies = [
        anchor.ask(nai, path, flags=0x22 | M),
        anchor.ask(nai, path),
        anchor.ask(nai, path),
        anchor.ask(nai, path, lifetime=0),
    ]
    assert [reply.code for reply in replies] == [139, 0, 0, 0]
    for reply in replies:
        assert reply.extensions[0] == nai


@pytest.mark.parametrize(("nai", "given"), [(ANN, LENT), (CAROL, HOME)])
@pytest.mark.parametrize("named", [AGENT, NOBODY, ANY])
def test_an_acceptance_names_the_home_agent_and_the_home_address_the_request_left_open(nai, given, named):
    reply = Anchor().ask(nai, agent=named)
    assert (reply.code, reply.home_agent, reply.home_address) == (0, AGENT, given)


def test_who_can_be_given_no_home_address_is_refused_and_not_accepted_without_one():
    anchor = Anchor()
    assert anchor.ask(ANN).home_address == LENT
    refused = anchor.ask(BOB)
    assert (refused.code, refused.home_agent) == (130, AGENT)
    assert anchor.agent.node(NOBODY) is None


def test_who_is_not_known_by_its_identifier_gets_no_answer():
    anchor = Anchor()
    assert anchor.ask(Nai(b"dave@example.org")) is None
    assert anchor.ask(ANN, key=SecurityAssociation(256, b"x" * 16)) is None
