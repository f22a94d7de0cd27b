"""RFC 5944 section 3.6: when a mobile node registers, and what it makes of replies."""

import struct
from itertools import pairwise

import pytest

from router.mip.auth import sign, verify
from router.mip.effect import Event, Send
from router.mip.identification import from_wall, to_wall, with_high_half
from router.mip.wire.checksum import checksum
from router.mip.wire.message import decode
from router.mip.wire.registration import RegistrationReply
from tests.mip.conformance.bench_rfc5944_mobile_node import (
    HOME_BROADCAST,
    OTHER,
    WITH_FIRST,
    answer,
    begun,
    direct,
    refreshing,
    through,
)
from tests.mip.foreign.test_agent import Link
from tests.mip.mobile.test_agents import AGENT, FIRST, HOME, KEY, OWN, SECOND, SHARED, WALL, Visit
from tests.mip.mobile.test_registration import Bench

# When to register (3.6)


def test_an_icmp_redirect_moves_nothing():
    visit = through()
    before = dict(visit.node.registrations)
    packet = bytes.fromhex("4500001c00000000 4011 0000") + HOME.packed + AGENT.packed + bytes(8)
    head = struct.pack("!BBH4s", 5, 1, 0, SECOND.packed)
    redirect = head[:2] + checksum(head + packet).to_bytes(2, "big") + head[4:] + packet
    assert visit.node.advertised(1, redirect, FIRST, visit.now()) == []
    assert visit.node.registrations == before and 1 in visit.bound


def test_another_agent_on_the_link_changes_nothing_while_ours_is_heard():
    visit = through()
    for sequence in range(2, 10):
        visit.run(9)
        visit.advertise(SECOND, sequence=sequence)
        visit.advertise(FIRST, sequence=sequence)
    assert len(visit.sent) == 1


def test_who_comes_home_keeps_the_pace_too():
    visit = direct()
    visit.run(0.3)
    visit.advertise(AGENT, home=True)
    visit.run(0.69)
    assert len(visit.sent) == 1
    visit.run(0.02)
    assert [request.lifetime for _, request in visit.sent] == [600, 0]


# Which replies count (3.4, 3.6.2)


def test_only_the_newest_request_has_an_answer():
    bench = Bench()
    first = bench.up(1)
    bench.run(1.2)
    assert len(bench.sent) == 2
    bench.reply(first)
    assert bench.bound == {}
    assert not [effect for effect in bench.effects if isinstance(effect, Send)]
    assert bench.node.counters["dropped_unmatched_reply"] == 1
    bench.reply(bench.last)
    assert 1 in bench.bound


def test_only_the_newest_deregistration_has_an_answer():
    bench = Bench()
    bench.answered(1)
    bench.answered(2)
    bench.run(1)
    bench.down(1)
    first = bench.last
    bench.run(1.2)
    assert first.lifetime == bench.last.lifetime == 0
    bench.reply(first, lifetime=0)
    assert bench.state(1) == "deregistering"
    bench.reply(bench.last, lifetime=0)
    assert 1 not in bench.node.registrations


@pytest.mark.parametrize("code", [0, 1, 128, 130, 133, 136])
@pytest.mark.parametrize(("homes", "spoilt"), [(0, False), (2, False), (1, True)])
def test_a_home_agents_word_wants_one_valid_authenticator_and_is_else_dropped_and_logged(code, homes, spoilt):
    visit = Visit()
    visit.advertise()
    before = visit.node.registrations
    effects = answer(visit, code, homes, spoilt=spoilt)
    assert [(effect.level, effect.kind) for effect in effects] == [("warning", "dropped_bad_authenticator")]
    assert visit.node.registrations == before and not visit.bound
    answer(visit)
    assert 1 in visit.bound


@pytest.mark.parametrize("code", [0, 66, 130])
@pytest.mark.parametrize(("foreigns", "spoilt"), [(0, False), (2, False), (1, True)])
def test_with_a_shared_key_one_valid_mobile_foreign_authenticator_is_wanted_too(code, foreigns, spoilt):
    visit = Visit(foreign_agents=(WITH_FIRST,))
    visit.advertise()
    before = visit.node.registrations
    effects = answer(visit, code, homes=int(code != 66), foreigns=foreigns, spoilt=spoilt)
    assert [(effect.level, effect.kind) for effect in effects] == [
        ("warning", "dropped_bad_foreign_authenticator")
    ]
    assert visit.node.registrations == before and not visit.bound
    answer(visit, foreigns=1)
    assert 1 in visit.bound


def test_a_deregistration_is_answered_by_the_agent_it_went_through():
    visit = through()
    visit.did(visit.node.uplink_up(2, OTHER, 4, 1, visit.now()))
    visit.reply(source=AGENT)
    visit.run(2)
    visit.did(visit.node.uplink_down(2, visit.now()))
    assert (visit.sent[-1][0].to, visit.last.care_of_address) == (FIRST, OTHER)
    assert verify(visit.sent[-1][0].data, visit.last.extensions, SHARED, 33)
    visit.reply(lifetime=0)
    assert visit.node.registrations[2].state == "deregistering"
    visit.reply(lifetime=0, shared=SHARED)
    assert 2 not in visit.node.registrations


def test_a_deregistration_that_went_past_the_agent_wants_no_word_of_it():
    visit = through()
    visit.did(visit.node.uplink_up(2, OTHER, 4, 1, visit.now()))
    visit.reply(source=AGENT)
    visit.run(2)
    visit.did(visit.node.uplink_down(1, visit.now()))
    assert (visit.sent[-1][0].to, visit.last.care_of_address) == (AGENT, FIRST)
    visit.reply(source=AGENT, lifetime=0)
    assert 1 not in visit.node.registrations


@pytest.mark.parametrize("code", [67, 68, 131, 132])
def test_a_failed_authentication_anywhere_is_a_warning(code):
    visit = Visit()
    visit.advertise()
    effects = answer(visit, code, homes=int(code > 128))
    told = [effect.text for effect in effects if isinstance(effect, Event) and effect.level == "warning"]
    assert any(f"code {code}" in text and "failed authentication" in text for text in told)


@pytest.mark.parametrize("code", [116, 194])
def test_either_number_of_an_invalid_home_agent_address_is_a_foreign_agents_word(code):
    visit = Visit()
    visit.advertise()
    answer(visit, code, homes=0)
    assert visit.node.registrations[1].code == code


@pytest.mark.parametrize("lifetime", [0, 1, 0xFFFF])
@pytest.mark.parametrize("code", [64, 78, 128, 130])
def test_the_lifetime_of_a_denial_means_nothing(code, lifetime):
    visit = Visit()
    visit.advertise(lifetime=9000)
    visit.reply()
    refreshing(visit)
    before = visit.bound[1]
    visit.reply(code, signed=code >= 128, lifetime=lifetime)
    assert visit.bound[1] == before
    refreshing(visit)
    assert visit.last.lifetime == 300


def test_what_is_granted_beyond_what_was_asked_for_counts_for_neither_node_nor_agent():
    link = Link(shared=False)
    link.ask(answer=False)
    asked = decode(link.relayed[0])
    generous = RegistrationReply(0, asked.lifetime + 500, HOME, AGENT, asked.identification).encode()
    link.did(link.agent.receive(sign(generous, KEY), (AGENT, 434), link.now()))
    assert link.agent.visitors[0].lifetime == asked.lifetime
    visit = Visit("colocated", OWN)
    visit.reply(source=AGENT, lifetime=6000)
    assert visit.bound[1].lifetime == 600


def test_a_lifetime_counts_from_the_request_that_was_answered():
    visit = Visit("colocated", OWN)
    visit.run(1.2)
    assert len(visit.sent) == 2
    left = visit.time
    visit.time += 0.7
    visit.reply(source=AGENT, lifetime=200)
    assert visit.bound[1].lifetime == 200
    assert visit.bound[1].expires < left + 200


# After a denial or silence (3.6.2.3, 3.6.3)


def test_a_foreign_agents_longest_lifetime_is_kept_to():
    visit = Visit()
    visit.advertise(lifetime=9000)
    visit.reply(69, signed=False, lifetime=120)
    visit.run(1.1)
    assert visit.last.lifetime == 120
    visit.reply()
    refreshing(visit)
    assert visit.last.lifetime <= 120


@pytest.mark.parametrize("ahead", [0, 5000, -5000])
def test_a_home_agent_found_by_broadcast_is_asked_by_its_address_and_its_clock(ahead):
    visit = begun(agent=HOME_BROADCAST)
    asked = visit.last.identification
    theirs = with_high_half(from_wall(WALL + visit.time + ahead), asked)
    octets = RegistrationReply(136, 0, HOME, AGENT, theirs).encode()
    visit.did(visit.node.receive(1, sign(octets, KEY), visit.now(), (AGENT, 434)))
    visit.run(1.1)
    effect, request = visit.sent[-1]
    assert (effect.to, request.home_agent) == (AGENT, AGENT)
    assert abs(to_wall(request.identification) - (WALL + 101 + ahead)) <= 1.1
    visit.reply(source=AGENT)
    assert 1 in visit.bound


def test_silence_is_broken_at_least_once_in_the_lifetime_asked_for():
    bench = Bench(lifetime=10)
    bench.up(1)
    bench.run(100)
    moments = [at for at, _, _ in bench.sent]
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert len(waits) > 10 and max(waits) < 10.001
    assert all(later >= 2 * earlier or later > 9.999 for earlier, later in pairwise(waits))
