"""Registration revocation between home agent and foreign agent, each by itself (RFC 3543)."""

import itertools
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from router.mip.auth import verify
from router.mip.wire.authentication import Authentication
from router.mip.wire.fa_error import FaError
from router.mip.wire.message import decode
from router.mip.wire.registration import D, T
from router.mip.wire.revocation import RevocationAcknowledgment, RevocationSupport
from router.mip.wire.udp_tunnel import UdpTunnelRequest
from tests.mip.conformance.bench_rfc3543 import (
    AGENT,
    ALSO_OWN,
    FOREIGN,
    FOREIGN_HOME,
    HOME,
    KEY,
    MOBILE_HOME,
    NATTED,
    OTHER_AGENT,
    OTHER_FOREIGN,
    OWN,
    SHARED,
    WRONG,
    Foreign,
    Home,
)

ERA_END = 2_085_978_496.0
"""2036-02-07 06:28:16 UTC: the time stamps start from nought."""

both = pytest.mark.parametrize("make", [Home, Foreign], ids=["home agent", "foreign agent"])


def kinds(extensions):
    """In their order: authentications by their type, all else by its class."""
    return [item.type if isinstance(item, Authentication) else type(item) for item in extensions]


def ended_by_revocation(make, lifetime=600, **settings):
    """A binding agreed on and then revoked by this side, five seconds later."""
    side = make(**settings)
    side.agree(lifetime)
    side.time += 5
    side.revoke()
    return side


# What is agreed on (sections 3.1, 3.2 and 4.2.1)


@pytest.mark.parametrize("willing", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_a_foreign_agent_offers_revocation_under_the_key_it_shares(willing, shared):
    side = Foreign(shared=shared, revocation=willing)
    assert [message.agent.revocation for to, message in side.told] == [willing] * len(side.told)
    (relayed,) = side.request()
    offered = willing and shared
    added = [RevocationSupport] * offered + [FOREIGN_HOME] * shared
    assert kinds(relayed.message.extensions)[1:] == [MOBILE_HOME, *added]
    assert verify(relayed.octets, relayed.message.extensions, SHARED, FOREIGN_HOME) is shared
    assert relayed.message.find(RevocationSupport) == (RevocationSupport(side.stamp()) if offered else None)


def test_nothing_is_offered_for_what_cannot_be_revoked():
    side = Foreign(registration_required=True)
    (relayed,) = side.request(care_of_address=OWN, flags=D | T)
    assert relayed.message.find(RevocationSupport) is None
    side.agree()
    (relayed,) = side.request(lifetime=0)
    assert relayed.message.find(RevocationSupport) is None


@pytest.mark.parametrize("inform", [True, False])
def test_the_home_agent_answers_a_foreign_agents_offer_under_their_key(inform):
    side = Home()
    answer = side.register(RevocationSupport(side.stamp(-3), inform))
    assert kinds(answer.message.extensions) == [MOBILE_HOME, RevocationSupport, FOREIGN_HOME]
    assert verify(answer.octets, answer.message.extensions, SHARED, FOREIGN_HOME)
    assert answer.message.find(RevocationSupport) == RevocationSupport(side.stamp(), inform)


@pytest.mark.parametrize("willing", [True, False])
def test_the_home_agent_answers_a_co_located_nodes_offer_under_the_nodes_key(willing):
    side = Home(revocation=willing)
    for _ in range(3):
        # The later ones are answered from memory.
        side.time += 200
        answer = side.register_directly(RevocationSupport(side.stamp(-3)))
        assert kinds(answer.message.extensions) == [RevocationSupport] * willing + [MOBILE_HOME]
        assert verify(answer.octets, answer.message.extensions, KEY)
        own = answer.message.find(RevocationSupport)
        assert own == (RevocationSupport(side.stamp()) if willing else None)


@pytest.mark.parametrize("directly", [True, False])
def test_who_offers_nothing_is_not_offered_anything_and_left_alone(directly):
    side = Home()
    answer = side.register_directly() if directly else side.register()
    assert answer.message.code == 0 and answer.message.find(RevocationSupport) is None
    side.time += 5
    assert side.hear(side.revocation()) == [] and side.bids == [1]
    side.revoke()
    side.run(60)
    assert side.bids == [] and not side.revocations


def test_a_home_agent_that_answers_without_the_extension_takes_no_part():
    side = Foreign()
    side.register()
    side.time += 5
    assert side.hear(side.revocation()) == [] and side.bids == [1]
    side.revoke()
    side.run(60)
    assert side.bids == [] and not side.revocations


@pytest.mark.parametrize("willing", [True, False])
def test_the_foreign_home_authenticator_does_not_depend_on_revocation(willing):
    relayed = Foreign(revocation=willing).register(RevocationSupport(5))
    assert verify(relayed.octets, relayed.message.extensions, SHARED, FOREIGN_HOME)
    answer = Home(revocation=willing).register(*relayed.message.all(RevocationSupport))
    assert verify(answer.octets, answer.message.extensions, SHARED, FOREIGN_HOME)


def test_without_a_shared_key_a_home_agent_agrees_to_nothing():
    side = Home(shared=False)
    answer = side.register(RevocationSupport(5), security=None)
    assert answer.message.code == 0 and answer.message.find(RevocationSupport) is None
    assert side.agent.bindings[HOME, 1].revocation is None


def test_an_agent_that_takes_no_part_steps_over_the_extension():
    answer = Home(revocation=False).register(RevocationSupport(5))
    assert answer.message.code == 0 and answer.message.find(RevocationSupport) is None
    side = Foreign(revocation=False)
    side.register(RevocationSupport(5))
    assert side.bids == [1] and side.agent.visitors[0].revocation is None


@pytest.mark.parametrize("security", [None, WRONG])
def test_an_unprotected_extension_is_an_authentication_failure(security):
    home = Home()
    assert home.register(RevocationSupport(5), security=security).message.code == 132
    assert home.bids == []
    foreign = Foreign()
    (relayed,) = foreign.request()
    (answer,) = foreign.reply(relayed, RevocationSupport(5), security=security)
    assert answer.message.find(FaError) == FaError(68)
    assert foreign.bids == []


def test_an_extension_behind_all_authenticators_is_nobodys_word():
    bare = RevocationSupport(5).encode()
    home = Home()
    assert home.register(tail=bare).message.find(RevocationSupport) is None
    assert home.register_directly(bid=2, tail=bare).message.find(RevocationSupport) is None
    assert [binding.revocation for binding in home.agent.bindings.values()] == [None, None]
    foreign = Foreign()
    (relayed,) = foreign.request()
    foreign.reply(relayed, tail=bare)
    assert foreign.bids == [1] and foreign.agent.visitors[0].revocation is None


@pytest.mark.parametrize("behind", [False, True])
def test_a_visitors_request_with_the_extension_is_dropped_wherever_it_stands(behind):
    side, offer = Foreign(), RevocationSupport(5)
    assert side.request(tail=offer.encode()) == [] if behind else side.request(offer) == []
    side.run(10)
    assert not side.sent and side.agent.pending == 0


# The message (sections 3.3 and 4.2.2.1, 4.2.3.1)


@pytest.mark.parametrize(
    ("offered", "inform"), [(RevocationSupport(5), False), (RevocationSupport(5, inform=True), True)]
)
def test_the_home_agent_tells_the_foreign_agent_which_binding_is_over(offered, inform):
    side = Home()
    answer = side.register(offered)
    side.register(offered, coa=OTHER_FOREIGN, bid=2)
    side.time += 5
    side.revoke(bid=1)
    (sent,) = side.revocations
    assert sent.to == (FOREIGN, 434)
    assert sent.message[:3] == (HOME, AGENT, FOREIGN)
    assert (sent.message.by_home_agent, sent.message.inform) == (True, inform)
    assert sent.message.identifier - answer.message.find(RevocationSupport).timestamp == 5
    assert verify(sent.octets, sent.message.extensions, SHARED, FOREIGN_HOME)
    assert side.bids == [2]


@pytest.mark.parametrize("nat", [False, True])
def test_the_home_agent_tells_a_co_located_node_at_port_434_or_through_its_nat(nat):
    side = Home()
    side.register_directly(RevocationSupport(5), UdpTunnelRequest(), source=NATTED if nat else OWN)
    side.time += 5
    side.revoke()
    (sent,) = side.revocations
    assert sent.to == ((NATTED, 40000) if nat else (OWN, 434))
    assert sent.message[:3] == (HOME, AGENT, OWN)
    assert sent.message.by_home_agent and sent.message.inform
    assert sent.message.identifier == side.stamp()
    assert verify(sent.octets, sent.message.extensions, KEY, MOBILE_HOME)


def test_the_foreign_agent_tells_the_home_agent_and_its_visitor_which_visit_is_over():
    side = Foreign()
    relayed = side.register(RevocationSupport(5))
    side.told.clear()
    side.time += 5
    side.revoke()
    (sent,) = side.revocations
    assert sent.to == (AGENT, 434)
    assert sent.message[:3] == (HOME, AGENT, FOREIGN)
    assert (sent.message.by_home_agent, sent.message.inform) == (False, False)
    assert sent.message.identifier - relayed.message.find(RevocationSupport).timestamp == 5
    assert verify(sent.octets, sent.message.extensions, SHARED, FOREIGN_HOME)
    assert [(to, message.agent.sequence) for to, message in side.told] == [(HOME, 0)]
    assert side.bids == []


@both
def test_a_revocation_is_repeated_ever_more_rarely_each_time_with_the_time_of_its_sending(make):
    side = ended_by_revocation(make)
    side.run(200)
    sent = side.revocations
    gaps = [after.at - before.at for before, after in itertools.pairwise(sent)]
    assert gaps == pytest.approx([1, 2, 4, 8, 16, 32, 32, 32, 32, 32])
    for item in sent:
        assert item.message._replace(identifier=0, extensions=()) == sent[0].message._replace(
            identifier=0, extensions=()
        )
        assert verify(item.octets, item.message.extensions, SHARED, FOREIGN_HOME)
        assert item.message.identifier - sent[0].message.identifier == int(item.at + 1e-6) - int(sent[0].at)


@both
def test_repetition_ends_with_the_life_of_the_binding(make):
    side = ended_by_revocation(make, lifetime=20)
    side.run(100)
    assert [item.at - side.revocations[0].at for item in side.revocations] == pytest.approx([0, 1, 3, 7])


@both
def test_nothing_is_said_of_a_binding_whose_time_is_over(make):
    side = make()
    side.agree(lifetime=20)
    side.time += 20.01
    # Its timer is late: the revocation comes before the expiry is looked at.
    side.revoke()
    side.run(60)
    assert side.bids == [] and not side.revocations


@both
def test_a_revocation_comes_a_second_after_the_registration_at_the_earliest(make):
    side = make()
    side.agree()
    registered = max(item.at for item in side.sent)
    side.time += 0.4
    side.revoke()
    assert side.bids == [] and not side.revocations
    # A refresh that comes before it must not take its turn.
    assert (side.request() if make is Foreign else side.relay()) == []
    side.run(5)
    assert side.revocations[0].at == pytest.approx(registered + 1)


@both
def test_a_revocation_is_later_than_its_registration_also_when_the_clock_was_set_back(make):
    side = make()
    side.agree()
    agreed = side.stamp()
    side.wall -= 60
    side.time += 2
    side.revoke()
    assert side.revocations[0].message.identifier == agreed + 1


@both
def test_a_binding_registered_again_is_not_revoked_by_the_repetition(make):
    side = ended_by_revocation(make)
    side.run(5)
    count = len(side.revocations)
    side.agree()
    side.run(300)
    assert side.bids == [1] and len(side.revocations) == count


@both
def test_a_request_within_a_second_of_a_revocation_is_dropped(make):
    side = ended_by_revocation(make)
    asks = side.request if make is Foreign else side.relay
    side.time += 0.3
    assert asks() == [] and side.bids == []
    side.time += 0.8
    assert len(asks()) == 1


def test_a_foreign_agent_revokes_anew_when_the_request_it_let_through_is_not_answered():
    side = ended_by_revocation(Foreign)
    side.time += 1.1
    (relayed,) = side.request()
    side.run(6)
    spoken = [item.at for item in side.sent if item.to == (AGENT, 434)]
    assert all(after - before >= 1 for before, after in itertools.pairwise(spoken))
    assert spoken[-1] == relayed.at
    side.run(5)
    assert side.revocations[-1].at > relayed.at
    assert side.revocations[-1].message.identifier > relayed.message.find(RevocationSupport).timestamp


def test_an_answer_that_crosses_the_foreign_agents_revocation_makes_no_visit():
    side = Foreign()
    side.agree()
    side.time += 5
    (relayed,) = side.request()
    side.time += 0.1
    side.revoke()
    side.reply(relayed, RevocationSupport(side.stamp()))
    assert side.bids == []
    side.run(2)
    assert side.revocations[0].at >= relayed.at + 1


def test_agents_send_registration_messages_only_in_answer_to_one():
    foreign = Foreign()
    (relayed,) = foreign.request()
    foreign.run(60)
    assert [type(item.message) for item in foreign.sent if item.to == (AGENT, 434)] == [type(relayed.message)]
    home = Home()
    home.register()
    home.run(700)
    assert len(home.sent) == 1


# Acknowledgments of ours (sections 3.4 and 3.5)


@both
@pytest.mark.parametrize(
    "fields",
    [
        {"home_address": OWN},
        {"identifier": 7},
        {"security": WRONG},
        {"security": None},
        {"kind": MOBILE_HOME},
    ],
    ids=str,
)
def test_an_acknowledgment_that_does_not_match_is_dropped_silently(make, fields):
    side = ended_by_revocation(make)
    assert side.hear(side.acknowledgment(**fields)) == []
    side.run(1.5)
    assert len(side.revocations) == 2


@both
def test_an_acknowledgment_of_another_agent_is_not_taken_for_the_asked_ones(make):
    side = ended_by_revocation(make)
    elsewhere = OTHER_FOREIGN if make is Home else OTHER_AGENT
    assert side.hear(side.acknowledgment(), (elsewhere, 434)) == []
    side.run(1.5)
    assert len(side.revocations) == 2


def test_acknowledgments_from_behind_one_nat_are_told_apart_by_their_ports():
    side = Home()
    for bid, coa, port in ((1, OWN, 40001), (2, ALSO_OWN, 40002)):
        side.register_directly(
            RevocationSupport(5), UdpTunnelRequest(), coa=coa, bid=bid, source=NATTED, port=port
        )
    side.time += 5
    side.revoke()
    assert len({item.message.identifier for item in side.revocations}) == 1
    side.hear(side.acknowledgment(KEY, MOBILE_HOME), (NATTED, 40002))
    side.run(1.5)
    assert [item.to for item in side.revocations] == [(NATTED, 40001), (NATTED, 40002), (NATTED, 40001)]


@both
@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_matching_acknowledgment_of_any_repetition_ends_it(make, which):
    side = ended_by_revocation(make)
    side.run(4)
    identifier = side.revocations[which].message.identifier
    assert side.hear(side.acknowledgment(identifier=identifier)) == []
    count = len(side.revocations)
    side.run(300)
    assert len(side.revocations) == count == 3


@both
def test_an_i_that_was_not_asked_for_is_ignored_in_an_acknowledgment(make):
    side = ended_by_revocation(make)
    told = len(side.told)
    assert not side.revocations[-1].message.inform
    side.hear(side.acknowledgment(inform=True))
    assert len(side.told) == told
    assert side.agent.counters["revocations_acknowledged"] == 1


# Revocations of the other side (sections 3.5, 4.2.2.2 and 4.2.3.2)


@both
def test_a_valid_revocation_ends_the_binding_and_is_acknowledged_to_its_source(make):
    side = make()
    side.agree()
    side.time += 5
    octets = side.revocation()
    source = (OTHER_AGENT, 40434)
    (answer,) = side.hear(octets, source)
    assert answer.to == source
    acknowledgment = answer.message
    assert acknowledgment[:3] == (HOME, decode(octets).identifier, False)
    assert kinds(acknowledgment.extensions) == [FOREIGN_HOME]
    assert verify(answer.octets, acknowledgment.extensions, SHARED, FOREIGN_HOME)
    assert answer.octets[:4] == bytes((15, 0, 0, 0))
    assert side.bids == []


@both
def test_reserved_bits_of_a_revocation_are_ignored(make):
    side = make()
    side.agree()
    side.time += 5
    octets = bytearray(side.revocation(None))
    octets[1], octets[2], octets[3] = 0xFF, octets[2] | 0x3F, 0xFF
    (answer,) = side.hear(side.protected(bytes(octets)))
    assert isinstance(answer.message, RevocationAcknowledgment)
    assert side.bids == []


INVALID = {
    "no authenticator": {"security": None},
    "wrong authenticator": {"security": WRONG},
    "reflected": {"by_home_agent": None},
    "other home agent": {"home_domain_address": OTHER_AGENT},
    "other foreign agent": {"foreign_domain_address": OTHER_FOREIGN},
    "no home agent": {"home_domain_address": IPv4Address(0)},
    "other mobile node": {"home_address": OWN},
    "same time as the registration": {"identifier": 0},
    "older than the registration": {"identifier": -1},
}


@both
@pytest.mark.parametrize("what", INVALID)
def test_an_invalid_revocation_is_dropped_silently(make, what):
    side = make()
    side.agree()
    registered = side.stamp()
    side.time += 5
    fields = dict(INVALID[what])
    if "identifier" in fields:
        fields["identifier"] += registered
    if "by_home_agent" in fields:
        fields["by_home_agent"] = not side.by_home_agent
    assert side.hear(side.revocation(**fields)) == []
    assert side.silently_dropped == 1
    assert side.bids == [1]
    assert len(side.hear(side.revocation())) == 1 and side.bids == []


@both
def test_its_own_revocation_thrown_back_is_dropped_and_ends_nothing(make):
    side = ended_by_revocation(make)
    (mine,) = side.revocations
    side.time += 1.5
    side.agree()
    assert side.hear(mine.octets) == []
    side.time += 5
    assert side.hear(mine.octets) == []
    assert side.bids == [1]


@both
def test_an_old_revocation_does_not_end_a_later_registration(make):
    side = make()
    side.agree()
    side.time += 5
    old = side.revocation()
    side.hear(old)
    side.time += 5
    side.agree()
    assert side.hear(old) == []
    assert side.bids == [1]


@both
def test_a_repeated_revocation_is_acknowledged_again_and_a_duplicate_is_not(make):
    side = make()
    side.agree(lifetime=100)
    side.time += 5
    first = side.revocation()
    side.hear(first)
    side.told.clear()
    assert side.hear(first) == []
    side.time += 1
    again = side.revocation()
    (answer,) = side.hear(again)
    assert answer.message[:2] == (HOME, decode(again).identifier)
    assert side.hear(again) == [] and side.hear(first) == []
    assert side.hear(side.revocation(WRONG, identifier=side.stamp(1))) == []
    assert not side.told
    side.time += 100
    assert side.hear(side.revocation()) == []


@both
def test_revocations_that_cross_are_acknowledged(make):
    side = ended_by_revocation(make)
    (answer,) = side.hear(side.revocation())
    assert isinstance(answer.message, RevocationAcknowledgment)
    assert side.hear(side.acknowledgment()) == []
    count = len(side.revocations)
    side.run(60)
    assert len(side.revocations) == count


def test_equal_identifiers_of_two_foreign_agents_both_count():
    side = Home()
    for bid, agent in ((1, FOREIGN), (2, OTHER_FOREIGN)):
        side.register(RevocationSupport(side.stamp()), coa=agent, bid=bid)
    side.time += 5
    assert len(side.hear(side.revocation())) == 1
    assert len(side.hear(side.revocation(foreign_domain_address=OTHER_FOREIGN), (OTHER_FOREIGN, 434))) == 1
    assert side.bids == []


def test_equal_identifiers_of_two_home_agents_both_count():
    side = Foreign()
    for agent in (AGENT, OTHER_AGENT):
        side.register(RevocationSupport(side.stamp()), agent=agent)
    side.time += 5
    assert len(side.hear(side.revocation())) == 1
    assert len(side.hear(side.revocation(home_domain_address=OTHER_AGENT), (OTHER_AGENT, 434))) == 1
    assert side.bids == []


@both
def test_time_stamps_are_compared_across_their_wrap(make):
    side = make(ERA_END - 112)
    side.agree()
    assert side.stamp() > 0xFFFFFF00
    side.time += 5
    old = side.revocation()
    assert decode(old).identifier < 16
    assert len(side.hear(old)) == 1 and side.bids == []
    side.agree()
    assert side.hear(old) == [] and side.bids == [1]
    side.time += 5
    side.revoke()
    side.run(1.5)
    first, second = (item.message.identifier for item in side.revocations)
    assert first < 0x80000000 and second == first + 1


# I, and the mobile node (sections 4.1 and 4.2.2.2)


@pytest.mark.parametrize("offered", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_the_home_agent_wants_the_node_told_where_that_was_agreed_on_and_asked(offered, asked):
    side = Home()
    side.register(RevocationSupport(side.stamp(), inform=offered))
    for _ in range(2):
        # The repetition, our acknowledgment being lost, is answered alike.
        side.time += 5
        (answer,) = side.hear(side.revocation(inform=asked))
        assert answer.message.inform is (offered and asked)


@pytest.mark.parametrize("inform", [False, True])
def test_the_foreign_agent_tells_its_visitor_and_repeats_i(inform):
    side = Foreign()
    side.agree()
    side.told.clear()
    side.time += 5
    (answer,) = side.hear(side.revocation(inform=inform))
    assert answer.message.inform is inform
    assert [to for to, _ in side.told] == [HOME]


@pytest.mark.parametrize("challenge", [False, True])
def test_the_visitor_is_told_by_an_advertisement_like_any_other_but_for_number_0_and_busy(challenge):
    side = Foreign(challenge=challenge)
    before = side.told[-1][1]
    assert bool(before.challenge) is challenge
    side.agree(challenge=before.challenge)
    side.time += 5
    side.hear(side.revocation())
    to, told = side.told[-1]
    assert to == HOME
    assert (told.agent.sequence, told.agent.busy) == (0, True)
    assert bool(told.challenge) is challenge
    like = replace(told.agent, sequence=before.agent.sequence, busy=False)
    assert replace(told, agent=like, challenge=before.challenge) == before


@pytest.mark.parametrize("required", [False, True])
def test_an_agent_that_wants_to_revoke_whoever_is_on_its_link_says_r(required):
    side = Foreign(registration_required=required)
    flags = {(message.agent.registration_required, message.agent.revocation) for _, message in side.told}
    assert flags == {(required, True)}
