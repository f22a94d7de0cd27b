"""RFC 5944 sections 1 and 2: extensions that are not known, and agent discovery from both sides."""

import itertools
import random
from ipaddress import IPv4Address

import pytest

from router.clock import Instant
from router.config import ConfigErrors, load
from router.config.model import HomeAgent as AgentSettings
from router.config.model import Mobile
from router.config.model import MobileNode as NodeSettings
from router.mip.auth import authentications, sign
from router.mip.effect import GratuitousArp, Reply, Send, Solicit
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.mobile.node import MobileNode
from router.mip.wire.advertisement import AgentAdvertisement, MobilityAgent, RouterAddress, decode_icmp
from router.mip.wire.checksum import checksum
from router.mip.wire.extension import framed_short
from router.mip.wire.message import decode
from router.mip.wire.message_string import MessageString
from router.mip.wire.registration import D, RegistrationReply, RegistrationRequest, T
from router.mip.wire.udp_tunnel import UdpTunnelRequest
from tests.mip.foreign.test_advertiser import advertiser, at, said
from tests.mip.foreign.test_agent import Link
from tests.mip.home.test_agent import WIFI, Bench
from tests.mip.mobile.test_agents import AGENT, FIRST, HOME, KEY, OWN, SECOND, Visit

NOBODY = IPv4Address("0.0.0.0")
OURS = IPv4Address("192.0.2.1")
UNKNOWN, SKIPPABLE = bytes((99, 1, 0)), bytes((200, 1, 0))
NOMINAL = (1, 1, 2, 4, 8, 16, 32, 60, 60, 60)
"""Seconds between the solicitations of one search."""


def gaps(moments):
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def of_one_search(moments):
    """Whether these are the first solicitations of a search: none early, none later than chance makes it."""
    return all(nominal <= gap <= 1.1 * nominal for nominal, gap in zip(NOMINAL, gaps(moments), strict=False))


def icmp(octets, *more):
    """`octets` with more behind them, and the right checksum."""
    whole = octets[:2] + bytes(2) + octets[4:] + b"".join(more)
    return whole[:2] + checksum(whole).to_bytes(2, "big") + whole[4:]


def foreign(sequence=1, *care_of, **flags):
    return MobilityAgent(sequence, 300, care_of or (FIRST,), foreign_agent=True, reverse_tunnel=True, **flags)


def hear(visit, octets, source=FIRST):
    visit.did(visit.node.advertised(1, octets, source, visit.now()))


def asked_of(visit):
    """Whom requests were sent to."""
    return [effect.to for effect, _ in visit.sent]


# 1.6 to 1.11


@pytest.mark.parametrize("section", ["mobile_node", "home_agent", "foreign_agent"])
def test_no_security_association_has_an_index_below_256(section):
    key = "\toption key 'sixteen octets!!'\n\toption spi {spi}\n"
    text = {
        "mobile_node": "config mobile_node\n\toption home_address 10.99.0.2\n\toption home_agent 198.51.100.2\n"
        + key
        + "config uplink 'wifi'\n\toption type wifi\n\toption device wlan0\n",
        "home_agent": "config home_agent\n\toption address 198.51.100.2\n"
        "config mobile 'bus'\n\toption home_address 10.99.0.2\n" + key,
        "foreign_agent": "config foreign_agent\n\toption device ap0\n\toption care_of_address 192.0.2.1\n"
        "config visitor 'bus'\n\toption home_address 10.99.0.2\n" + key,
    }[section]
    load(text.format(spi=256), "f")
    for spi in (0, 1, 255):
        with pytest.raises(ConfigErrors, match="option spi"):
            load(text.format(spi=spi), "f")


def test_whoever_authorises_a_request_names_the_security_context():
    bench = Bench()
    octets = sign(bench.request().encode(), KEY)
    (found,) = authentications(decode(octets).extensions, 32)
    assert found.spi == KEY.spi
    nameless = bench.request().encode() + bytes((32, 3, 0, 1, 0))
    assert bench.send(nameless) is None
    assert not bench.agent.bindings


@pytest.mark.parametrize("inside", [True, False], ids=["signed", "behind"])
def test_a_request_with_an_unknown_extension_is_silence_at_the_home_agent_unless_it_may_be_skipped(inside):
    for extension, code in ((UNKNOWN, None), (SKIPPABLE, 0)):
        bench = Bench()
        plain = bench.request().encode()
        octets = sign(plain + extension, KEY) if inside else sign(plain, KEY) + extension
        assert bench.send(octets) == code
        assert bool(bench.agent.bindings) is (code == 0)
        assert bench.agent.counters.get("dropped_unskippable_extension", 0) == (code is None)


def test_a_request_with_an_unknown_extension_is_relayed_only_when_it_may_be_skipped():
    for extension, relayed in ((UNKNOWN, 0), (SKIPPABLE, 1)):
        link = Link(shared=False)
        link.time += 1
        plain = RegistrationRequest(200, HOME, AGENT, OURS, from_wall(link.now().wall), T).encode()
        octets = sign(plain + extension, KEY)
        link.send(octets)
        assert len(link.relayed) == relayed
        assert all(data == octets for data in link.relayed)
        assert bool(link.answers) is bool(relayed)


def test_a_reply_with_an_unknown_extension_binds_only_when_it_may_be_skipped():
    for extension, bound in ((UNKNOWN, []), (SKIPPABLE, [1])):
        visit = Visit("colocated", OWN)
        answer = RegistrationReply(0, 600, HOME, AGENT, visit.last.identification).encode()
        visit.did(visit.node.receive(1, sign(answer + extension, KEY), visit.now()))
        assert list(visit.bound) == bound


def test_an_advertisement_with_an_unknown_extension_counts_only_when_it_may_be_skipped():
    for extension, asked in ((UNKNOWN, []), (SKIPPABLE, [FIRST])):
        visit = Visit()
        hear(visit, icmp(AgentAdvertisement(30, foreign()).encode(), extension))
        assert asked_of(visit) == asked


def test_the_length_of_a_short_extension_counts_its_sub_type():
    for data in (b"", b"a", bytes(254)):
        assert framed_short(145, 7, data) == bytes((145, 1 + len(data), 7)) + data
    assert MessageString("why").encode()[1] == 4
    assert UdpTunnelRequest().encode()[1] == 6


@pytest.mark.parametrize("octets", [b"", b"\xff" * 40, sign(b"", KEY)], ids=["empty", "strange", "bare"])
def test_what_is_discarded_is_counted_by_every_role(octets):
    visit, link, bench = Visit("colocated", OWN), Link(), Bench()
    visit.did(visit.node.receive(1, octets, visit.now()))
    link.send(octets)
    bench.send(octets)
    for counters in (visit.node.counters, link.agent.counters, bench.agent.counters):
        assert [count for name, count in counters.items() if name.startswith("dropped_")] == [1]


# 2.1 and 2.3: what an agent says


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"registration_required": True},
        {"max_visitors": 0},
        {"challenge": True, "reverse_tunnel": "off", "revocation": False},
    ],
)
def test_a_foreign_agent_speaks_for_itself_alone(settings):
    link = Link(**settings)
    link.run(60)
    assert len(link.advertised) > 3
    for to, message in link.advertised:
        agent = message.agent
        assert to is None
        assert agent.foreign_agent and not agent.home_agent
        assert agent.care_of_addresses == (OURS,)
        assert [router.address for router in message.routers] == [OURS]
        # None of our agents says prefix lengths: all or none of a link's agents must.
        assert message.prefix_lengths == ()
        assert agent.busy is (settings.get("max_visitors") == 0)
        assert agent.registration_required is settings.get("registration_required", False)


def test_whoever_visits_is_not_told_to_others():
    link = Link()
    link.run(1)
    link.ask()
    link.run(60)
    for _, message in link.advertised:
        assert HOME not in message.agent.care_of_addresses
        assert HOME not in [router.address for router in message.routers]


@pytest.mark.parametrize(
    ("flags", "care_of"),
    [
        ({}, (OURS,)),
        ({"foreign_agent": True}, ()),
        ({"home_agent": True, "busy": True}, (OURS,)),
        ({"home_agent": True, "registration_required": True}, (OURS,)),
    ],
    ids=["neither H nor F", "F without an address", "B without F", "R without F"],
)
def test_a_forbidden_advertisement_cannot_be_made(flags, care_of):
    with pytest.raises(ValueError, match=r"must|want"):
        MobilityAgent(1, 300, care_of, **flags)


def test_the_bit_that_was_van_jacobsons_is_never_sent():
    names = ("registration_required", "busy", "home_agent", "foreign_agent", "minimal", "gre")
    names += ("reverse_tunnel", "udp_tunnel", "revocation")
    flags = int.from_bytes(MobilityAgent(1, 300, (OURS,), **dict.fromkeys(names, True)).encode()[6:8], "big")
    assert flags & 0x0200 == 0
    assert flags.bit_count() == len(names)


@pytest.mark.parametrize("octets", range(4, 9))
def test_padding_is_one_octet_at_the_end_and_only_where_it_makes_the_length_even(octets):
    challenge = b"\xff" * octets
    whole = AgentAdvertisement(30, foreign(), (RouterAddress(OURS),), (24,), challenge).encode()
    ends = whole.index(challenge) + octets
    assert len(whole) % 2 == 0
    assert whole[ends:] == bytes(ends % 2)


def test_a_home_agent_is_never_too_busy_for_its_own():
    mobiles = [Mobile(f"bus {n}", IPv4Address(0x0A630000 + n), KEY) for n in range(1, 400)]
    agent = HomeAgent(AgentSettings(AGENT), mobiles, (), at(0))
    for time, mobile in enumerate(mobiles, 1):
        request = RegistrationRequest(600, mobile.home_address, AGENT, WIFI, from_wall(time), D | T)
        effects = agent.receive(sign(request.encode(), KEY), (WIFI, 434), Instant(time, time))
        assert [decode(effect.data).code for effect in effects if isinstance(effect, Reply)] == [0]
    assert len(agent.bindings) == len(mobiles)


@pytest.mark.parametrize("source", ["192.0.2.9", "10.99.0.2", "203.0.113.200", "0.0.0.0"])
def test_a_solicitation_is_answered_whoever_asks(source):
    link = Link()
    link.run(1)
    link.advertised.clear()
    link.did(link.agent.solicited(IPv4Address(source), link.now()))
    (to, message), *more = link.advertised
    assert not more and message.agent.foreign_agent
    # Who has no address yet can be told only together with everybody.
    assert to == (None if source == "0.0.0.0" else IPv4Address(source))


def test_a_flood_of_solicitations_draws_few_advertisements():
    agent, times = advertiser(), []
    for step in range(2000):
        now = at(step / 100)
        source = NOBODY if step % 2 else IPv4Address(0xC0000200 + step % 250)
        times += [now.monotonic for _ in agent.tick(now) + agent.solicited(source, now)]
    assert len(times) > 20
    assert all(sum(start <= time < start + 1 for time in times) <= 3 for start in times)


def test_every_advertisement_has_the_next_number_to_whomever_it_goes():
    agent = advertiser()
    numbers = []
    for n in range(20):
        numbers += [message.agent.sequence for _, message in said(agent.tick(at(20 * n)))]
        numbers += [message.agent.sequence for _, message in said(agent.solicited(OWN, at(20 * n + 5)))]
    assert numbers == list(range(40))


# 2.4: what a mobile node makes of it


def solicitations(seed, seconds=400):
    """When a mobile node that hears nobody solicits."""
    node = MobileNode(NodeSettings(HOME, AGENT, KEY), random.Random(seed))
    time, moments = 0.0, []
    effects = node.uplink_up(1, None, 4, 1, at(0), "foreign")
    while time <= seconds:
        moments += [time for effect in effects if isinstance(effect, Solicit)]
        time = node.next_wake()
        effects = node.tick(at(time))
    return moments


def test_solicitations_double_their_intervals_up_to_a_minute():
    moments = solicitations(1)
    assert len(moments) >= 10
    assert of_one_search(moments)


def test_no_two_mobile_nodes_solicit_in_chorus():
    one, other = gaps(solicitations(1)), gaps(solicitations(2))
    assert all(here != there for here, there in zip(one, other, strict=False))
    assert len({gap / nominal for nominal, gap in zip(NOMINAL, one, strict=False)}) == len(
        NOMINAL[: len(one)]
    )


def test_nothing_but_a_new_link_makes_a_search_start_over():
    visit = Visit()
    for _ in range(40):
        visit.run(5)
        hear(visit, AgentAdvertisement(30, None, (RouterAddress(SECOND),)).encode(), SECOND)
        hear(visit, b"\x09\x00" + bytes(20))
        visit.did(visit.node.uplink_up(1, None, 4, 1, visit.now(), "foreign"))
    assert of_one_search(visit.solicited)
    visit.did(visit.node.uplink_down(1, visit.now()))
    start = len(visit.solicited)
    visit.did(visit.node.uplink_up(1, None, 4, 1, visit.now(), "foreign"))
    visit.run(10)
    assert len(visit.solicited) > start + 3
    assert of_one_search(visit.solicited[start:])


def test_a_search_after_a_registration_is_fast_again_and_slows_down_alike():
    visit = Visit()
    visit.run(200)
    visit.advertise(lifetime=30)
    visit.reply()
    visit.run(29)
    start = len(visit.solicited)
    assert 1 in visit.bound
    lost = visit.time + 1
    visit.run(100)
    search = visit.solicited[start:]
    assert 1 not in visit.bound
    assert search[0] == lost and len(search) >= 7
    assert of_one_search(search)


def test_who_hears_an_agent_or_has_an_address_does_not_solicit():
    visit = Visit()
    for sequence in range(50):
        visit.advertise(sequence=sequence, lifetime=30)
        visit.run(10)
    assert visit.solicited == [100.0]
    for mode in ("auto", "colocated"):
        own = Visit(mode, OWN)
        own.run(300)
        assert own.solicited == []


def test_an_agent_stays_for_as_long_as_its_lifetime_says():
    visit = Visit()
    visit.advertise(lifetime=30)
    visit.reply()
    for sequence in range(2, 9):
        visit.run(29.5)
        visit.advertise(sequence=sequence, lifetime=30)
        assert 1 in visit.bound
    visit.run(29.5)
    assert 1 in visit.bound
    visit.run(1)
    assert 1 not in visit.bound
    assert visit.node.registrations[1].state == "discovering"


@pytest.mark.parametrize("bits", [0x0200, 0x0020, 0x001F, 0x023F])
def test_an_advertisement_with_reserved_bits_counts_like_one_without(bits):
    octets = bytearray(AgentAdvertisement(30, foreign()).encode())
    octets[15] |= bits & 0xFF
    octets[14] |= bits >> 8
    assert decode_icmp(icmp(bytes(octets))) == decode_icmp(AgentAdvertisement(30, foreign()).encode())
    visit = Visit()
    hear(visit, icmp(bytes(octets)))
    assert asked_of(visit) == [FIRST]


def test_of_several_care_of_addresses_the_first_is_tried_first():
    visit = Visit()
    hear(visit, AgentAdvertisement(30, foreign(1, SECOND, FIRST, OWN)).encode())
    assert visit.last.care_of_address == SECOND


def test_a_plain_router_is_no_agent():
    visit = Visit()
    hear(visit, AgentAdvertisement(30, None, (RouterAddress(SECOND, 1000),)).encode(), SECOND)
    assert asked_of(visit) == []
    visit.advertise()
    assert asked_of(visit) == [FIRST]


def test_agents_that_come_and_go_are_registered_with_once_a_second_at_most():
    visit = Visit()
    requests = []
    for step in range(200):
        source = (FIRST, SECOND)[step % 2]
        before = len(visit.sent)
        visit.advertise(source, sequence=step // 40 * 300 + step % 7, lifetime=1, prefix=(24, 25)[step % 2])
        visit.run(0.1)
        requests += [visit.time] * (len(visit.sent) - before)
    assert len(requests) > 5
    assert all(gap >= 0.99 for gap in gaps(requests))


@pytest.mark.parametrize("prefixes", [(None, None), (24, None), (None, 24), (24, 24)])
def test_prefixes_tell_of_a_move_only_where_both_agents_say_them(prefixes):
    elsewhere = IPv4Address("203.0.113.1")
    visit = Visit()
    visit.advertise(prefix=prefixes[0])
    visit.reply()
    visit.run(5)
    visit.advertise(elsewhere, prefix=prefixes[1])
    assert asked_of(visit) == ([FIRST, elsewhere] if None not in prefixes else [FIRST])


def test_with_an_address_of_its_own_another_prefix_tells_nothing():
    visit = Visit("auto", OWN)
    visit.reply(source=AGENT)
    visit.run(2)
    visit.advertise(IPv4Address("203.0.113.1"), prefix=24)
    assert asked_of(visit) == [AGENT]
    assert 1 in visit.bound


def test_an_agent_whose_advertisement_has_expired_is_not_turned_to():
    visit = Visit()
    visit.advertise(lifetime=60)
    visit.advertise(SECOND, lifetime=10)
    # No tick in between: the denial comes first.
    visit.time += 10
    visit.reply(65, signed=False)
    assert asked_of(visit) == [FIRST]
    assert visit.node.registrations[1].state == "discovering"


def test_only_the_agent_in_use_can_have_forgotten_us():
    visit = Visit()
    visit.advertise(sequence=700)
    visit.reply()
    visit.advertise(SECOND, sequence=700)
    visit.run(5)
    visit.advertise(SECOND, sequence=0)
    assert asked_of(visit) == [FIRST]
    visit.advertise(sequence=3)
    assert asked_of(visit) == [FIRST, FIRST]


@pytest.mark.parametrize("sequence", [256, 300, 699])
def test_a_lower_number_from_256_on_is_a_roll_over(sequence):
    visit = Visit()
    visit.advertise(sequence=700)
    visit.reply()
    visit.run(5)
    visit.advertise(sequence=sequence)
    assert asked_of(visit) == [FIRST]


def test_when_an_agent_that_insisted_is_gone_a_node_with_an_own_address_registers_by_itself():
    visit = Visit("auto", OWN)
    visit.reply(source=AGENT)
    visit.run(2)
    visit.advertise(registration_required=True, lifetime=30)
    visit.reply()
    assert asked_of(visit) == [AGENT, FIRST]
    visit.run(31)
    assert asked_of(visit)[-1] == AGENT
    assert visit.last.care_of_address == OWN and visit.last.decapsulation


def test_who_comes_home_tells_the_link_before_it_tells_its_home_agent():
    visit = Visit("colocated", OWN)
    visit.reply(source=AGENT)
    visit.run(2)
    message = AgentAdvertisement(30, MobilityAgent(1, 1800, home_agent=True)).encode()
    effects = visit.node.advertised(1, message, AGENT, visit.now())
    told = [effect for effect in effects if isinstance(effect, GratuitousArp | Send)]
    assert told[0] == GratuitousArp(HOME, returned=True)
    assert [decode(effect.data).lifetime for effect in told[1:]] == [0]
    assert visit.node.at_home == 1
