"""RFC 5944 section 3.7: the foreign agent, where its own tests say nothing yet."""

import asyncio
import dataclasses
import hmac
import random
import socket
from ipaddress import IPv4Address

import pytest

from router.config import ConfigErrors, load
from router.daemon.transport import RegistrationSocket
from router.mip.auth import append, authentications, sign, verify
from router.mip.effect import Event, Reply, Visiting
from router.mip.foreign.agent import ForeignAgent
from router.mip.wire.authentication import Authentication
from router.mip.wire.checksum import checksum
from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.fa_error import FaError
from router.mip.wire.gre_key import GreKey
from router.mip.wire.message import decode
from router.mip.wire.nai import Nai
from router.mip.wire.numbers import ExtensionType
from router.mip.wire.registration import D, G, M, RegistrationReply, RegistrationRequest, T
from router.mip.wire.revocation import Revocation
from tests.mip.foreign.test_agent import (
    AGENT,
    HOME,
    KEY,
    OURS,
    OWN,
    WITH_AGENT,
    WITH_MOBILE,
    Link,
)

NOBODY = IPv4Address("0.0.0.0")
ALL_AGENTS = IPv4Address("224.0.0.11")
OTHER_AGENT = IPv4Address("198.51.100.9")
ANN, BOB = Nai(b"ann@example.org"), Nai(b"bob@example.org")
SPOILT = ["missing", "double", "wrong"]


def spoil(data, kind, how):
    """`data`, whose last extension is an authentication of type `kind`, with none, two, or a wrong one."""
    last = authentications(decode(data).extensions, kind)[-1]
    start = last.offset
    return {
        "missing": data[:start],
        "double": data + data[start:],
        "wrong": data[:-1] + bytes([data[-1] ^ 1]),
    }[how]


def warnings(effects):
    return [effect.kind for effect in effects if isinstance(effect, Event) and effect.level == "warning"]


def replies(effects):
    return [effect for effect in effects if isinstance(effect, Reply)]


def answer(link, code=0, *extensions, lifetime=None, home=HOME, identification=None, behind=b""):
    """What a home agent might answer the last request that was relayed to it."""
    asked = decode(link.relayed[-1])
    said = RegistrationReply(
        code,
        asked.lifetime if lifetime is None else lifetime,
        home,
        asked.home_agent,
        asked.identification if identification is None else identification,
        extensions,
    )
    octets = sign(said.encode(), KEY) + behind
    found = append(octets, 34, WITH_AGENT) if link.agent.settings.peers else octets
    return found, (AGENT, 434)


def deliver(link, data, source=(AGENT, 434)):
    effects = link.agent.receive(data, source, link.now())
    link.did(effects)
    return effects


# What it hears


@pytest.mark.lab
def test_a_datagram_with_a_wrong_checksum_is_heard_by_nobody():
    here, heard = IPv4Address("127.0.0.1"), []

    def datagram(port, data, spoilt=0):
        header = b"".join(part.to_bytes(2, "big") for part in (4000, port, 8 + len(data)))
        covered = here.packed * 2 + bytes((0, 17)) + header[4:6] + header + b"\0\0" + data
        return header + (checksum(covered) ^ spoilt).to_bytes(2, "big") + data

    async def scene():
        done = asyncio.Event()
        known = RegistrationSocket(here, 0, lambda data, _: (heard.append(data), done.set()))
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
            raw.sendto(datagram(known.port, b"spoilt", 0x0100), (str(here), 0))
            raw.sendto(datagram(known.port, b"intact"), (str(here), 0))
        await asyncio.wait_for(done.wait(), 5)
        known.close()

    asyncio.run(scene())
    assert heard == [b"intact"]


# What it sends, and what it never sends


def test_a_foreign_agent_advertises_itself_again_and_again():
    link = Link(advertise_interval=10)
    link.run(60)
    assert len(link.advertised) >= 6
    assert all(to is None and said.agent.foreign_agent for to, said in link.advertised)


def test_of_a_visit_that_expires_it_says_nothing():
    link = Link()
    link.ask(lifetime=100)
    link.relayed.clear()
    link.answers.clear()
    link.run(300)
    assert link.left and not link.agent.visitors
    assert not link.relayed and not link.answers


def test_it_asks_for_no_deregistration_of_its_own_even_when_it_ends_a_visit():
    link = Link()
    link.ask()
    link.time += 5
    link.relayed.clear()
    link.did(link.agent.revoke(None, link.now()), answer=False)
    assert all(isinstance(decode(data), Revocation) for data in link.relayed)


def test_a_reply_nobody_waits_for_is_not_passed_on():
    link = Link()
    link.ask()
    data, _ = answer(link)
    link.answers.clear()
    deliver(link, data)
    assert not link.answers


@pytest.mark.parametrize("mode", ["optional", "required", "off"])
@pytest.mark.parametrize("flags", [0, T, T | M, T | G, T | D])
@pytest.mark.parametrize("coa", [OURS, OWN, HOME])
def test_every_well_formed_deregistration_is_relayed(mode, flags, coa):
    link = Link(reverse_tunnel=mode, max_visitors=0)
    data = link.request(lifetime=0, flags=flags, coa=coa)
    link.send(data, answer=False)
    assert [octets.startswith(data) for octets in link.relayed] == [True]
    assert not authentications(decode(link.relayed[0]).extensions, 34)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("config foreign_agent\n\toption device ap0\n", "care_of_address"),
        ("config home_agent\n", "address"),
        ("config home_agent\n\toption address 198.51.100.2\nconfig home_network\n", "prefix"),
        (
            "config home_agent\n\toption address 198.51.100.2\n"
            "config mobile bus\n\toption home_address 10.99.0.2\n\toption spi 256\n",
            "key",
        ),
    ],
)
def test_no_agent_runs_without_its_addresses_and_keys(text, option):
    with pytest.raises(ConfigErrors, match=option):
        load(text, "roamd")


# Keys


@pytest.mark.parametrize("key", [bytes(16), bytes(range(256)), b"\xff\n'\x00" * 5], ids=len)
def test_keys_of_any_octets_are_configured_by_hand_and_sign_with_hmac_md5(key):
    text = (
        f"config foreign_agent\n\toption device ap0\n\toption care_of_address {OURS}\n"
        f"config peer home\n\toption address {AGENT}\n\toption spi 300\n\toption key 0x{key.hex()}\n"
    )
    link = Link()
    link.agent = ForeignAgent(load(text, "roamd").foreign_agent, link.now(), random.Random(1))
    link.send(link.request(), answer=False)
    relayed = link.relayed[0]
    found = authentications(decode(relayed).extensions, 34)[0]
    assert found.spi == 300 and found.end == len(relayed)
    assert found.authenticator == hmac.digest(key, relayed[: found.covered], "md5")


def test_a_co_located_mobile_node_is_relayed_without_the_foreign_home_authenticator():
    link = Link(registration_required=True)
    assert link.ask(coa=OWN, flags=T | D, source=OWN) == 0
    assert not authentications(decode(link.relayed[0]).extensions, 34)
    assert link.home.bindings[HOME, 1].care_of_address == OWN
    assert link.home.bindings[HOME, 1].encapsulation == "ipip"
    assert link.agent.visitors[0].colocated


@pytest.mark.parametrize("how", SPOILT)
def test_with_a_shared_key_one_mobile_foreign_authenticator_is_demanded_exactly(how):
    link = Link(mobile_shared=True)
    data = spoil(link.request(), 33, how)
    effects = link.agent.receive(data, (HOME, 5000), link.now())
    assert [decode(reply.data).code for reply in replies(effects)] == [67]
    assert warnings(effects) == ["denied_67"]
    assert link.agent.pending == 0


@pytest.mark.parametrize("how", SPOILT)
def test_with_a_shared_key_one_foreign_home_authenticator_is_demanded_exactly(how):
    link = Link(mobile_shared=True)
    link.ask(answer=False)
    data, source = answer(link)
    effects = deliver(link, spoil(data, 34, how), source)
    assert not link.agent.visitors and link.agent.pending == 0
    assert not [effect for effect in effects if isinstance(effect, Visiting)]
    assert warnings(effects) == ["not_honoured"]
    told = link.answers[-1]
    assert told.find(FaError) == FaError(68)
    assert verify(link.raw, told.extensions, WITH_MOBILE, 33)


def test_a_deregistration_may_be_answered_without_a_foreign_home_authenticator_but_not_with_a_wrong_one():
    for how, left in (("missing", []), ("wrong", [1]), ("double", [1])):
        link = Link()
        link.ask()
        link.ask(lifetime=0, answer=False)
        data, source = answer(link)
        deliver(link, spoil(data, 34, how), source)
        assert link.bids() == left


# The visitor list


def test_a_visitor_is_remembered_by_all_it_said_and_where():
    link = Link()
    asked = link.request(lifetime=500)
    to = IPv4Address("192.0.2.2")
    effects = link.agent.receive(asked, (HOME, 5000), link.now(), link=b"\x02\0\0\0\0\1", to=to)
    link.did(effects)
    visitor, request = link.agent.visitors[0], decode(asked)
    assert (visitor.link, visitor.source) == (b"\x02\0\0\0\0\1", (HOME, 5000))
    assert (visitor.home_agent, visitor.asked.destination) == (AGENT, to)
    assert (visitor.asked.identification, visitor.asked.lifetime) == (request.identification, 500)
    assert visitor.expires - link.time == 500


@pytest.mark.parametrize("lifetime", [300, 0])
@pytest.mark.parametrize("code", [None, 130, 133])
def test_a_visit_stays_as_it_is_until_another_request_succeeds(lifetime, code):
    link = Link()
    link.ask()
    before = dataclasses.replace(link.agent.visitors[0])
    link.time += 20
    link.ask(lifetime=lifetime, answer=False, source=OWN)
    assert link.agent.pending == 1
    if code is not None:
        deliver(link, *answer(link, code))
        assert link.agent.pending == 0
    assert link.agent.visitors == [before]


@pytest.mark.parametrize(("asked", "granted", "kept"), [(100, 60, 60), (120, 500, 120), (90, 90, 90)])
def test_a_visit_lasts_from_the_reply_on_for_the_lesser_of_what_both_agents_allow(asked, granted, kept):
    link = Link(max_lifetime=120)
    link.ask(lifetime=asked, answer=False)
    link.time += 5
    deliver(link, *answer(link, lifetime=granted))
    assert link.agent.visitors[0].lifetime == kept
    assert link.agent.visitors[0].expires == link.time + kept


def test_a_visit_without_end_does_not_end():
    link = Link(max_lifetime=0xFFFF, advertise_interval=1800, agent={"max_lifetime": 0xFFFF})
    assert link.ask(lifetime=0xFFFF) == 0
    link.run(200_000)
    assert link.bids() == [1]


@pytest.mark.parametrize(("lifetime", "patience"), [(3, 3), (600, 7), (0, 7)])
def test_a_request_waits_no_longer_than_the_lifetime_it_asks_for(lifetime, patience):
    link = Link()
    link.ask(lifetime=lifetime, answer=False)
    late, source = answer(link)
    link.run(patience - 0.1)
    assert link.agent.pending == 1
    link.run(0.2)
    assert link.agent.pending == 0 and link.answers[-1].code == 78
    deliver(link, late, source)
    assert not link.agent.visitors


# Requests


def test_two_mobile_nodes_without_an_address_are_each_told_why():
    link = Link()
    asked = [link.request(name, home=NOBODY, flags=T | M) for name in (ANN, BOB, ANN)]
    for data in asked:
        link.send(data, source=NOBODY)
    assert [said.find(Nai) for said in link.answers] == [ANN, BOB]
    link.time += 1
    link.send(asked[2], source=NOBODY)
    assert len(link.answers) == 3


def test_the_home_agent_field_says_where_a_request_goes_whatever_else_is_asked_for():
    link = Link()
    data = link.request(DynamicHomeAgent(OTHER_AGENT))
    effects = link.agent.receive(data, (HOME, 5000), link.now())
    assert [(reply.address, reply.port) for reply in replies(effects)] == [(AGENT, 434)]
    data = link.request(DynamicHomeAgent(OTHER_AGENT), bid=2, agent=NOBODY)
    effects = link.agent.receive(data, (HOME, 5000), link.now())
    assert [reply.address for reply in replies(effects)] == [OTHER_AGENT]


@pytest.mark.parametrize(
    ("to", "source"), [(IPv4Address("192.0.2.2"), IPv4Address("192.0.2.2")), (ALL_AGENTS, None), (None, None)]
)
def test_a_denial_comes_from_the_address_the_request_went_to(to, source):
    link = Link()
    effects = link.agent.receive(link.request(flags=T | M), (HOME, 5000), link.now(), to=to)
    (denial,) = replies(effects)
    assert (denial.source, denial.address, denial.port, denial.on_link) == (source, HOME, 5000, True)
    effects = link.agent.receive(link.request(), (HOME, 5000), link.now(), to=to)
    (relayed,) = replies(effects)
    assert (relayed.source, relayed.address, relayed.port, relayed.on_link) == (OURS, AGENT, 434, False)
    link.relayed.append(relayed.data)
    (back,) = replies(deliver(link, *answer(link)))
    assert (back.source, back.address, back.port, back.on_link) == (source, HOME, 5000, True)


def test_without_any_address_a_mobile_node_is_answered_by_broadcast():
    link = Link()
    assert link.ask(ANN, home=NOBODY, source=NOBODY, flags=T | M) == 72
    assert link.back_to == (IPv4Address("255.255.255.255"), 5000)
    assert link.ask(home=HOME, source=NOBODY, flags=T | M) == 72
    assert link.back_to == (HOME, 5000)


def test_a_denial_repeats_the_request():
    link = Link()
    data = link.request(flags=T | M, lifetime=777)
    told, asked = link.send(data), decode(data)
    assert (told.home_address, told.home_agent, told.lifetime) == (HOME, AGENT, 777)
    assert told.identification == asked.identification


# Replies


@pytest.mark.parametrize("wrong", [{"home": OWN}, {"identification": 7}])
def test_a_reply_for_somebody_else_is_dropped(wrong):
    link = Link()
    link.ask(answer=False)
    effects = deliver(link, *answer(link, **wrong))
    assert not replies(effects) and not link.agent.visitors
    assert link.agent.pending == 1
    assert warnings(effects) == ["dropped_unmatched_reply"]


@pytest.mark.parametrize("home", [HOME, NOBODY])
def test_the_nai_tells_apart_who_has_the_same_home_address(home):
    link = Link(shared=False)
    asked = []
    for port, name in ((5001, ANN), (5002, BOB)):
        request = RegistrationRequest(200, home, AGENT, OURS, 77 << 32 | 5, T, (name,))
        asked.append(sign(request.encode(), KEY))
        link.did(link.agent.receive(asked[-1], (NOBODY, port), link.now()), answer=False)
    assert link.agent.pending == 2
    deliver(link, *answer(link, 0, BOB))
    assert [visitor.nai for visitor in link.agent.visitors] == [BOB.nai]
    assert link.back_to[1] == 5002


def test_a_reply_is_passed_on_untouched_as_far_as_the_home_agent_signed_it_and_no_further():
    link = Link(mobile_shared=True, gre=True, agent={"gre": True})
    link.ask(flags=T | G, answer=False)
    (said,) = replies(link.home.receive(link.relayed[0], (OURS, 434), link.now()))
    signed = authentications(decode(said.data).extensions, 32)[0].end
    assert decode(said.data).find(GreKey) is not None
    deliver(link, said.data)
    assert link.raw[:signed] == said.data[:signed]
    added = link.answers[-1].extensions[-1]
    assert isinstance(added, Authentication)
    assert added.type == ExtensionType.MOBILE_FOREIGN_AUTHENTICATION and added.offset == signed
    assert verify(link.raw, link.answers[-1].extensions, WITH_MOBILE, 33)
