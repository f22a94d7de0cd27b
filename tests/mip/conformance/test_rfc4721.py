"""RFC 4721 at the agents: challenges given, demanded and passed on."""

import dataclasses
from ipaddress import IPv4Address

import pytest

from router.config import ConfigErrors, load
from router.mip.auth import append, authentications, verify
from router.mip.effect import Reply
from router.mip.wire.challenge import Challenge
from router.mip.wire.delivery import EncapsulatingDelivery
from router.mip.wire.fa_error import FaError
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import RegistrationReply
from tests.mip.foreign.test_agent import AAA, AGENT, HOME, KEY, OURS, WITH_AGENT, WITH_MOBILE, Link

OTHER, THIRD = IPv4Address("10.99.0.3"), IPv4Address("10.99.0.4")
NOBODY = IPv4Address("0.0.0.0")
WRONG = dataclasses.replace(AAA, key=b"x" * 16)


class Guest(Link):
    """A link whose foreign agent demands challenges, and has advertised one.

    What stands behind the mobile node's signature is said by each test: octets
    are a challenge, keys an authenticator.
    """

    def __init__(self, **settings):
        super().__init__(challenge=True, **settings)
        self.mobile_shared = False
        self.run(0)

    def built(self, *tail, extensions=(), **fields):
        data = self.request(*extensions, **fields)
        for item in tail:
            if isinstance(item, bytes):
                data += Challenge(item).encode()
            else:
                data = append(data, 33, item) if item == WITH_MOBILE else append(data, 36, item, 1)
        return data

    def try_with(self, *tail, answer=True, source=HOME, port=5000, **fields):
        """The code that came back; None for silence, and `relayed` for nothing yet."""
        return self.put(self.built(*tail, **fields), answer=answer, source=source, port=port)

    def put(self, data, *, answer=True, source=HOME, port=5000):
        before = len(self.relayed)
        self.answers.clear()
        self.send(data, answer=answer, source=source, port=port)
        if self.answers:
            return self.answers[-1].code
        return "relayed" if len(self.relayed) > before else None

    def other(self, *tail, home=OTHER, **fields):
        """The same for another mobile node, of whom the home agent will not hear."""
        return self.try_with(*tail, home=home, source=home, answer=False, **fields)

    def soliciting(self, source):
        """The challenge in the answer to a solicitation, and to whom it went."""
        self.time += 1.01
        self.did(self.agent.solicited(source, self.now()))
        to, message = self.advertised[-1]
        return to, message.challenge

    def window(self, advertisements):
        """All challenges so far, after so many advertisements to all."""
        while len(self.advertised) < advertisements:
            self.run(1)
        return [message.challenge for _, message in self.advertised]

    @property
    def given(self):
        """The challenge in the last reply; exactly one."""
        (challenge,) = self.answers[-1].all(Challenge)
        return challenge.value


def kinds(message):
    """Types of a message's extensions, in their order."""
    known = {Challenge: 132, FaError: 45}
    return [known.get(type(item), getattr(item, "type", 0)) for item in message.extensions]


def replies(effects):
    return [effect for effect in effects if isinstance(effect, Reply)]


# Advertisements (section 2)


def test_every_challenge_advertised_is_new_and_long_enough():
    values = Guest().window(40)
    assert all(len(value) >= 4 for value in values)
    assert len({value[:4] for value in values}) == 40


def test_the_answer_to_all_repeats_the_challenge_advertised_last_and_leaves_the_window():
    link = Guest()
    first, second = link.window(2)
    for _ in range(4):
        assert link.soliciting(NOBODY) == (None, second)
    assert link.other(first, AAA) == "relayed"


def test_an_advertisement_hastened_by_solicitations_brings_no_new_challenge():
    link = Guest()
    (first,) = link.window(1)
    link.soliciting(HOME)
    link.agent.solicited(OTHER, link.now())
    link.run(1.1)
    assert link.advertised[-1][0] is None
    assert link.advertised[-1][1].challenge == first
    # Those nobody asked for go on bringing new ones, however many solicit.
    began, to_all = link.time, []
    while link.time < began + 60:
        link.soliciting(HOME)
        link.agent.solicited(OTHER, link.now())
        link.run(1)
        to_all += [message.challenge for to, message in link.advertised if to is None]
    assert 4 <= len(set(to_all)) <= 1 + 60 // 9


def test_the_answer_to_one_repeats_what_it_has_not_used_and_replaces_what_it_has():
    link = Guest()
    (advertised,) = link.window(1)
    assert link.soliciting(HOME) == (HOME, advertised)
    assert link.try_with(advertised, AAA) == 0
    unused = link.given
    assert [link.soliciting(HOME) for _ in range(3)] == [(HOME, unused)] * 3
    assert link.try_with(unused, AAA, answer=False) == "relayed"
    renewed = link.soliciting(HOME)[1]
    assert renewed not in (advertised, unused)
    assert link.soliciting(HOME) == (HOME, renewed)
    assert link.soliciting(OTHER) == (OTHER, advertised)
    assert link.try_with(renewed, AAA) == 0


# Requests (section 3.2)


@pytest.mark.parametrize("extensions", [(), (Nai(b"bus@example.org"),)])
def test_a_request_without_a_challenge_is_105(extensions):
    link = Guest()
    assert link.try_with(extensions=extensions) == 105
    assert link.try_with(AAA, extensions=extensions) == 105
    assert not link.relayed


def test_with_a_shared_key_no_challenge_is_demanded():
    link = Guest(mobile_shared=True)
    assert link.try_with(WITH_MOBILE) == 0


def test_a_challenge_used_before_is_106_for_whoever_used_it():
    link = Guest()
    (value,) = link.window(1)
    assert link.try_with(value, AAA) == 0
    assert link.try_with(value, AAA) == 106
    # Another name does not make another mobile node.
    assert link.try_with(value, AAA, extensions=(Nai(b"another@example.org"),)) == 106
    assert link.other(value, AAA) == "relayed"
    assert len(link.relayed) == 2


def test_a_retransmission_with_another_identification_goes_to_the_home_agent_again():
    link = Guest()
    (value,) = link.window(1)
    assert [link.try_with(value, AAA, answer=False) for _ in range(3)] == ["relayed"] * 3
    stamps = {decode(data).identification for data in link.relayed}
    assert len(stamps) == 3 and link.agent.pending == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"lifetime": 100},
        {"lifetime": 0},
        {"agent": IPv4Address("198.51.100.9")},
        {"behind": (EncapsulatingDelivery(),)},
        {"bid": 2},
        {"port": 5001},
        {"extensions": (Nai(b"bus@example.org"),)},
    ],
)
def test_a_challenge_again_in_a_changed_request_is_no_retransmission(changed):
    link = Guest()
    (value,) = link.window(1)
    assert link.try_with(value, AAA, answer=False) == "relayed"
    assert link.try_with(value, AAA, answer=False, **changed) == 106
    assert len(link.relayed) == 1


def test_who_retransmits_from_another_link_address_is_somebody_else():
    link = Guest()
    (value,) = link.window(1)
    link.try_with(value, AAA, answer=False)
    data = link.built(value, AAA)
    (denial, *_) = link.agent.receive(data, (HOME, 5000), link.now(), link=bytes(6))
    assert decode(denial.data).code == 106


def test_the_challenge_of_somebody_elses_pending_request_makes_no_retransmission():
    link = Guest()
    first, second = link.window(2)
    assert link.other(first, AAA) == "relayed"
    assert link.try_with(first, AAA) == 0
    assert link.try_with(second, AAA, answer=False) == "relayed"
    assert link.try_with(first, AAA, answer=False) == 106


@pytest.mark.parametrize("size", [2, 4])
def test_challenges_are_good_while_they_are_in_the_window(size):
    link = Guest(challenge_window=size) if size != 2 else Guest()
    values = link.window(size + 2)
    homes = [IPv4Address(f"10.99.1.{number}") for number in range(1, size + 3)]
    codes = [link.other(value, AAA, home=home) for value, home in zip(values, homes, strict=True)]
    assert codes == [104, 104] + ["relayed"] * size


def test_the_window_is_configured_and_two_at_least():
    section = "config foreign_agent\n\toption device lan0\n\toption care_of_address 192.0.2.1\n"
    assert load(section, "roamd").foreign_agent.challenge_window == 2
    assert load(section + "\toption challenge_window 5\n", "roamd").foreign_agent.challenge_window == 5
    with pytest.raises(ConfigErrors, match="challenge_window"):
        load(section + "\toption challenge_window 1\n", "roamd")


def test_only_what_was_offered_to_this_mobile_node_is_taken():
    link = Guest()
    (advertised,) = link.window(1)
    assert link.try_with(b"never offered to anyone", AAA) == 104
    assert link.try_with(advertised, AAA) == 0
    mine = link.given
    assert link.other(mine, AAA) == 104
    assert link.try_with(mine, AAA) == 0
    link.time += 1
    second = link.given
    assert link.try_with(link.window(2)[1], AAA) == 0
    # A later reply has taken its place.
    assert link.try_with(second, AAA) == 104


def test_each_mobile_node_has_its_own_used_challenges_while_they_are_in_the_window():
    link = Guest()
    first, second = link.window(2)
    assert link.other(first, AAA) == "relayed"
    assert link.try_with(first, AAA) == 0
    mine = link.given
    assert link.other(second, AAA) == "relayed"
    assert link.try_with(mine, AAA) == 0
    assert link.try_with(second, AAA) == 0
    for value in (first, second):
        assert link.try_with(value, AAA) == 106
        assert link.other(value, AAA, bid=3) == 106


def test_what_was_advertised_before_a_used_challenge_is_used_up_too():
    link = Guest()
    first, second = link.window(2)
    assert link.try_with(second, AAA) == 0
    assert link.try_with(first, AAA) == 106


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("before", [(), (AAA,), (WITH_MOBILE,)])
def test_a_challenge_no_authenticator_follows_is_dropped_in_silence(before, known):
    link = Guest(mobile_shared=known)
    (value,) = link.window(1)
    assert link.try_with(*before, value) is None
    assert link.agent.counters["dropped_bare_challenge"] == 1
    assert not link.relayed


def test_either_authenticator_behind_the_challenge_will_do():
    link = Guest(mobile_shared=True)
    (value,) = link.window(1)
    assert link.try_with(value, WITH_MOBILE) == 0
    assert link.try_with(link.given, AAA, WITH_MOBILE) == 0
    link = Guest()
    assert link.try_with(link.window(1)[0], AAA) == 0


@pytest.mark.parametrize("more", [(), (WITH_MOBILE,)])
def test_challenge_and_aaa_authenticator_are_relayed_before_the_foreign_home_authenticator(more):
    link = Guest(mobile_shared=bool(more))
    (value,) = link.window(1)
    data = link.built(value, AAA, *more)
    assert link.put(data, answer=False) == "relayed"
    (aaa,) = authentications(decode(data).extensions, 36)
    relayed = decode(link.relayed[0])
    assert link.relayed[0].startswith(data[: aaa.end])
    order = kinds(relayed)
    assert order.index(132) < order.index(36) < order.index(34) == len(order) - 1
    assert verify(link.relayed[0], relayed.extensions, WITH_AGENT, 34)


def test_a_challenge_answered_to_us_alone_stays_here_with_the_identification():
    link = Guest(mobile_shared=True)
    (value,) = link.window(1)
    data = link.built(value, WITH_MOBILE)
    assert link.put(data) == 0
    assert 132 not in kinds(decode(link.relayed[0]))
    assert link.agent.visitors[0].asked.identification == decode(data).identification
    link.time += 1.01
    assert link.put(data) == 106
    assert len(link.relayed) == 1


# Unproven messages (sections 3.2.1 and 12)


def test_a_denial_brings_a_stored_challenge_that_its_mobile_node_has_not_used():
    link = Guest()
    first, second = link.window(2)
    assert link.other() == 105 and link.given == second
    assert link.try_with(first, AAA) == 0
    mine = link.given
    assert link.try_with() == 105 and link.given == mine


def test_who_has_used_all_there_is_gets_a_new_challenge_of_its_own():
    link = Guest()
    first, second = link.window(2)
    assert link.try_with(second, AAA, answer=False) == "relayed"
    assert link.try_with(first, AAA) == 106
    renewed = link.given
    assert renewed not in (first, second)
    assert link.try_with() == 105 and link.given == renewed
    assert link.other(renewed, AAA) == 104
    assert link.other(first, AAA) == link.other(second, AAA, home=THIRD) == "relayed"
    assert link.try_with(renewed, AAA) == 0


def test_a_flood_of_unproven_messages_takes_no_challenge_away():
    link = Guest()
    (advertised,) = link.window(1)
    assert link.try_with(advertised, AAA) == 0
    mine = link.given
    denied = bytearray(link.request())
    # More than there is room for, were each one to be remembered.
    for number in range(5000):
        link.time += 1.01
        stranger = IPv4Address(0x0A640000 + number)
        denied[4:8] = stranger.packed
        assert replies(link.agent.receive(bytes(denied), (stranger, 5000), link.now()))
        if number % 50 == 0:
            link.agent.solicited(stranger, link.now())
    for _ in range(3):
        assert link.try_with() == 105
        link.soliciting(HOME)
    assert link.other(advertised, AAA) == "relayed"
    assert link.try_with(mine, AAA) == 0


# Replies (section 3.3)


def accepted(link, tail):
    link.try_with(*tail)


def denied_here(link, tail):
    link.try_with(*tail, lifetime=60000)


def denied_at_home(link, tail):
    link.try_with(*tail, extensions=(Multipath(4, 1, 9),))


def unanswered(link, tail):
    link.try_with(*tail, answer=False)
    link.run(8)


def unreachable(link, tail):
    link.try_with(*tail, answer=False)
    link.did(link.agent.unreachable(AGENT, 1, link.now()))


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("happens", "code"),
    [(accepted, 0), (denied_here, 69), (denied_at_home, 134), (unanswered, 78), (unreachable, 81)],
)
def test_every_reply_brings_an_unused_challenge_before_the_authenticator(happens, code, known):
    link = Guest(mobile_shared=known)
    (value,) = link.window(1)
    proof = (WITH_MOBILE,) if known else ()
    happens(link, (value, AAA, *proof))
    reply = link.answers[-1]
    assert reply.code == code
    if code != 69:
        assert link.given != value
    if known:
        assert kinds(reply)[-2:] == [132, 33]
        assert verify(link.raw, reply.extensions, WITH_MOBILE, 33)
    assert link.try_with(link.given, AAA, *proof) == 0


def test_the_home_agents_challenge_and_authenticator_make_way_for_ours():
    link = Guest()
    (value,) = link.window(1)
    data = link.built(value, AAA)
    assert link.put(data, answer=False) == "relayed"
    (answer,) = replies(link.home.receive(link.relayed[0], (OURS, 434), link.now()))
    assert {132, 34} <= set(kinds(decode(answer.data)))
    link.did(link.agent.receive(answer.data, (AGENT, 434), link.now()))
    assert link.given != value
    assert not authentications(link.answers[-1].extensions, 34)


def handmade(link, *behind, code=0):
    """The home agent's answer to what was relayed last, with `behind` behind its signature."""
    asked = decode(link.relayed[-1])
    octets = RegistrationReply(code, 200, HOME, AGENT, asked.identification).encode()
    octets = append(octets, 32, KEY) + b"".join(item.encode() for item in behind)
    link.answers.clear()
    link.did(link.agent.receive(append(octets, 34, WITH_AGENT), (AGENT, 434), link.now()))
    return link.answers[-1]


def test_a_home_agent_that_does_not_repeat_the_challenge_is_believed():
    link = Guest()
    link.try_with(link.window(1)[0], AAA, answer=False)
    reply = handmade(link)
    assert (reply.code, reply.find(FaError)) == (0, None)
    assert link.bids() == [1]


def test_a_home_agent_that_repeats_the_challenge_is_believed():
    link = Guest()
    (value,) = link.window(1)
    link.try_with(value, AAA, answer=False)
    reply = handmade(link, Challenge(value))
    assert (reply.code, reply.find(FaError)) == (0, None)
    assert link.bids() == [1]


def test_a_home_agent_with_another_challenge_is_109_beside_its_own_code():
    link = Guest()
    link.try_with(link.window(1)[0], AAA, answer=False)
    reply = handmade(link, Challenge(b"quite another one"))
    assert (reply.code, reply.find(FaError)) == (0, FaError(109))
    assert link.bids() == []


def test_the_home_agents_word_on_a_wrong_aaa_authenticator_is_passed_on():
    link = Guest()
    assert link.try_with(link.window(1)[0], WRONG) == 144
    assert link.answers[-1].find(FaError) is None
    assert verify(link.raw, link.answers[-1].extensions, KEY)
    assert link.bids() == []


# The home agent (sections 3.4 and 6)


def asked_at_home(*tail, shared=True, strip=False, **fields):
    """The home agent's reply to a request a foreign agent has relayed, octets and message."""
    link = Guest(shared=shared)
    data = link.built(*tail, **fields)
    if strip:
        (home,) = authentications(decode(data).extensions, 32)
        bare = data[: home.offset]
        data = append(bare + Challenge(tail[0]).encode(), 36, AAA, 1)
    if shared:
        data = append(data, 34, WITH_AGENT)
    (answer,) = replies(link.home.receive(data, (OURS, 434), link.now()))
    return answer.data, decode(answer.data)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("proof", "code"), [(AAA, 0), (WRONG, 144)])
def test_the_home_agent_repeats_the_challenge_behind_its_signature(proof, code, shared):
    octets, reply = asked_at_home(b"the challenge", proof, shared=shared)
    assert reply.code == code
    assert reply.all(Challenge) == [Challenge(b"the challenge")]
    order = kinds(reply)
    assert order.index(32) < order.index(132)
    if shared:
        assert order[-2:] == [132, 34]
        assert verify(octets, reply.extensions, WITH_AGENT, 34)


@pytest.mark.parametrize("size", [1, 3, 4, 255])
def test_the_home_agent_takes_a_request_whatever_its_challenge(size):
    _, reply = asked_at_home(b"c" * size, AAA)
    assert reply.code == 0
    assert reply.find(Challenge) == Challenge(b"c" * size)


@pytest.mark.parametrize("strip", [False, True])
def test_a_request_with_an_aaa_authenticator_is_answered_under_the_mobile_home_key_alone(strip):
    octets, reply = asked_at_home(b"the challenge", AAA, strip=strip)
    assert reply.code == 0
    assert verify(octets, reply.extensions, KEY)
    assert not authentications(reply.extensions, 36)
