"""RFC 4721 at the mobile node: which challenge is answered when, and how."""

import hmac
import itertools
from ipaddress import IPv4Address

import pytest

from router.config.model import Peer
from router.mip.auth import authentications, verify
from router.mip.wire.authentication import Authentication
from router.mip.wire.challenge import Challenge
from router.mip.wire.nai import Nai
from tests.mip.mobile.test_agents import AAA, AGENT, FIRST, KEY, OWN, SECOND, SHARED, Visit

PEERS = (Peer("fa", FIRST, SHARED),)
KEYS = {
    "aaa": {"aaa": AAA},
    "shared": {"foreign_agents": PEERS},
    "both": {"aaa": AAA, "foreign_agents": PEERS},
}


def answered(visit):
    """The challenges of all requests so far, None where there is none."""
    found = [request.find(Challenge) for _, request in visit.sent]
    return [item.value if item is not None else None for item in found]


def refresh(visit, **advertisement):
    """Let time pass until the refresh leaves, or should have, advertised to all the while."""
    count, end, heard_at = len(visit.sent), visit.bound[1].expires - 1, visit.time
    while visit.time < end and len(visit.sent) == count:
        if visit.time >= heard_at + 10:
            heard_at = visit.time
            visit.advertise(sequence=int(heard_at), **advertisement)
        visit.run(0.5)


def registered(*challenges, reply=(), **settings):
    """A visit whose first request was accepted, after these challenges were advertised."""
    visit = Visit(**(settings or {"aaa": AAA}))
    for sequence, challenge in enumerate(challenges, 1):
        visit.advertise(sequence=sequence, challenge=challenge)
    visit.reply(0, *reply, shared=SHARED if "foreign_agents" in settings else None)
    assert 1 in visit.bound
    return visit


# What a request carries (sections 3.1 and 6)


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("size", [1, 4, 255])
def test_an_advertised_challenge_is_copied_whatever_its_length_and_key(keys, size):
    visit = Visit(**KEYS[keys])
    visit.advertise(challenge=b"c" * size)
    assert visit.last.find(Challenge) == Challenge(b"c" * size)


@pytest.mark.parametrize(
    ("keys", "kinds"), [("aaa", [32, 132, 36]), ("shared", [32, 132, 33]), ("both", [32, 132, 36, 33])]
)
def test_challenge_and_authenticators_stand_behind_the_signature_in_their_order(keys, kinds):
    visit = Visit(nai="bus@example.org", **KEYS[keys])
    visit.advertise(challenge=b"the challenge")
    effect, request = visit.sent[-1]
    end = [
        132 if isinstance(item, Challenge) else item.type
        for item in request.extensions
        if isinstance(item, (Authentication, Challenge))
    ]
    assert end == kinds
    assert request.extensions[-len(kinds) :][0].type == 32
    assert verify(effect.data, request.extensions, KEY)
    for kind, key in ((36, AAA), (33, SHARED)):
        assert verify(effect.data, request.extensions, key, kind) is (kind in kinds)


def test_without_a_challenge_only_the_agent_with_a_key_gets_an_authenticator():
    visit = Visit(**KEYS["both"])
    visit.advertise()
    assert [item.type for item in visit.last.extensions if isinstance(item, Authentication)] == [32, 33]
    visit = Visit(**KEYS["aaa"])
    visit.advertise()
    assert [item.type for item in visit.last.extensions if isinstance(item, Authentication)] == [32]


def test_a_request_to_an_agent_without_a_key_names_the_mobile_node():
    visit = Visit(nai="bus@example.org", aaa=AAA)
    visit.advertise(challenge=b"the challenge")
    assert visit.last.find(Nai) == Nai(b"bus@example.org")


def test_an_agent_whose_challenge_cannot_be_answered_is_not_asked():
    visit = Visit(foreign_agents=(Peer("fa", SECOND, SHARED),))
    visit.advertise(challenge=b"the challenge")
    assert not visit.sent
    assert "no key" in visit.node.registrations[1].detail
    visit.advertise(SECOND, challenge=b"another one")
    assert visit.sent[-1][0].to == SECOND
    assert visit.last.find(Challenge) == Challenge(b"another one")


def test_the_aaa_authenticator_is_hmac_md5_over_all_before_it():
    visit = Visit(aaa=AAA)
    visit.advertise(challenge=b"the challenge")
    effect, request = visit.sent[-1]
    (found,) = authentications(request.extensions, 36)
    octets = effect.data[found.offset :]
    # Type, sub-type, length of SPI and authenticator, SPI.
    assert octets[:8] == bytes.fromhex("24 01 0014") + AAA.spi.to_bytes(4, "big")
    covered = effect.data[: found.offset + 8]
    assert octets[8:] == hmac.digest(AAA.key, covered, "md5")


@pytest.mark.parametrize("mode", ["colocated", "auto"])
def test_who_registers_directly_answers_no_challenge(mode):
    visit = Visit(mode, OWN, aaa=AAA)
    visit.advertise(challenge=b"the challenge")
    visit.reply(0, source=AGENT)
    for sequence in range(2, 70):
        visit.run(10)
        visit.advertise(sequence=sequence, challenge=b"challenge %d" % sequence)
    assert len(visit.sent) > 1
    assert {effect.to for effect, _ in visit.sent} == {AGENT}
    assert set(answered(visit)) == {None}


# Which challenge is answered (sections 3.2.1, 3.3, 3.5 and 4)


def test_a_challenge_out_of_a_reply_is_answered_next():
    visit = registered(b"first", reply=(Challenge(b"second"),))
    refresh(visit, challenge=b"first")
    assert answered(visit) == [b"first", b"second"]


def test_a_challenge_out_of_an_advertisement_does_as_well():
    visit = registered(b"first")
    refresh(visit, challenge=b"second")
    assert answered(visit) == [b"first", b"second"]


def test_no_challenge_is_answered_that_is_older_than_one_answered_before():
    visit = Visit(aaa=AAA)
    visit.advertise(sequence=1, challenge=b"zeroth", busy=True)
    visit.advertise(sequence=2, challenge=b"first")
    visit.reply(0, Challenge(b"second"))
    for sequence, old in enumerate((b"zeroth", b"first"), 3):
        visit.advertise(sequence=sequence, challenge=old)
    # An agent falls silent, and all is thought over.
    visit.advertise(SECOND, lifetime=5, challenge=b"not asked for")
    visit.run(6)
    refresh(visit, challenge=b"first")
    assert answered(visit) == [b"first", b"second"]
    visit.reply(0)
    refresh(visit, challenge=b"second")
    refresh(visit, challenge=b"first")
    assert answered(visit) == [b"first", b"second"]
    visit.advertise(sequence=900, challenge=b"third")
    assert answered(visit) == [b"first", b"second", b"third"]


def test_a_challenge_of_one_agent_is_not_answered_at_another():
    visit = registered(b"first", reply=(Challenge(b"second"),))
    visit.run(20)
    visit.advertise(SECOND)
    visit.run(15)
    assert visit.sent[-1][0].to == SECOND
    assert answered(visit)[:2] == [b"first", None]


def test_without_a_challenge_left_it_solicits_and_waits_for_one():
    visit = registered(b"first")
    before = len(visit.solicited)
    while len(visit.solicited) == before:
        visit.run(1)
        visit.advertise(sequence=2, challenge=b"first")
        assert visit.time < 700
    assert len(visit.sent) == 1
    visit.advertise(sequence=3, challenge=b"second")
    assert answered(visit) == [b"first", b"second"]


def test_solicitations_for_a_challenge_come_ever_more_rarely():
    visit = registered(b"first")
    visit.advertise(sequence=2, lifetime=9000, challenge=b"first")
    before = len(visit.solicited)
    visit.run(1200)
    moments = visit.solicited[before:]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert len(visit.sent) == 1
    assert min(gaps) >= 1 and max(gaps) >= 60
    assert len(moments) < 40


@pytest.mark.parametrize("again", [b"", b"second"])
@pytest.mark.parametrize("code", [66, 67, 69, 78, 104, 105, 106, 108, 130, 133, 136])
def test_after_an_error_only_a_new_challenge_is_answered(code, again):
    visit = Visit(aaa=AAA)
    visit.advertise(challenge=b"first")
    offered = (Challenge(again),) if again else ()
    visit.reply(code, *offered, signed=code >= 128, lifetime=60)
    # 66 sends it to others for a minute.
    visit.run(61 if code == 66 else 9)
    visit.advertise(sequence=2, challenge=b"first")
    if not again:
        assert len(visit.sent) == 1
        visit.advertise(sequence=3, challenge=b"second")
    assert answered(visit)[:2] == [b"first", b"second"]


@pytest.mark.parametrize("code", [104, 105, 106])
def test_a_denied_farewell_is_repeated_with_the_new_challenge(code):
    visit = registered(b"first", reply=(Challenge(b"second"),))
    visit.run(5)
    visit.did(visit.node.stop(visit.now()))
    assert (visit.last.lifetime, answered(visit)[-1]) == (0, b"second")
    visit.reply(code, Challenge(b"third"), signed=False)
    visit.run(1.1)
    assert (visit.last.lifetime, answered(visit)[-1]) == (0, b"third")
    visit.reply(0)
    assert visit.node.stopped


def test_the_address_of_an_agent_alone_makes_no_key():
    visit = Visit(foreign_agents=(Peer("other", IPv4Address("192.0.2.200"), SHARED),), aaa=AAA)
    visit.advertise(challenge=b"the challenge")
    assert not authentications(visit.last.extensions, 33)
    assert authentications(visit.last.extensions, 36)
