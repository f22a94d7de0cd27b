"""When agents advertise, and what their sequence numbers say."""

import itertools
import random
from ipaddress import IPv4Address

from router.clock import Instant
from router.mip.foreign.advertiser import Advertiser
from router.mip.wire.advertisement import MobilityAgent, decode_icmp

OURS, SOMEBODY = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.9")


def advertiser(interval=10):
    return Advertiser(
        OURS,
        interval,
        lambda sequence: MobilityAgent(sequence, 1800, home_agent=True),
        random.Random(1),
        at(0),
    )


def at(seconds):
    return Instant(seconds, seconds)


def said(effects):
    return [(effect.to, decode_icmp(effect.data)) for effect in effects]


def test_it_advertises_more_often_than_a_third_of_its_lifetime():
    agent, moments, time = advertiser(), [], 0.0
    while time < 200:
        time = agent.next_wake()
        for to, message in said(agent.tick(at(time))):
            moments.append(time)
            assert to is None and message.lifetime == 30
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert all(9 <= gap <= 10 for gap in gaps)
    assert len(set(gaps)) > 1


def test_sequence_numbers_start_at_zero_and_roll_over_to_256():
    agent = advertiser()
    agent._sequence = 0xFFFE
    numbers = [said(agent.tick(at(20 * n)))[0][1].agent.sequence for n in range(4)]
    assert numbers == [0xFFFE, 0xFFFF, 256, 257]
    assert said(advertiser().tick(at(0)))[0][1].agent.sequence == 0


def test_a_solicitation_is_answered_to_who_asked_and_a_flood_to_all():
    agent = advertiser()
    agent.tick(at(0))
    assert said(agent.solicited(SOMEBODY, at(1)))[0][0] == SOMEBODY
    assert agent.solicited(SOMEBODY, at(1.2)) == []
    assert agent.next_wake() <= 2
    assert said(agent.tick(at(2)))[0][0] is None


def test_starting_anew_says_sequence_number_zero():
    agent = advertiser()
    for n in range(5):
        agent.tick(at(20 * n))
    assert said(agent.start_anew(None))[0][1].agent.sequence == 0
    assert said(agent.tick(at(200)))[0][1].agent.sequence == 1
