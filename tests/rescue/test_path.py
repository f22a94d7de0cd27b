"""Ways to the home agent: the rescue tool's octets against the home agent's own code, on a stepped clock."""

from ipaddress import IPv4Address

import pytest

from openwrt.rescue import uci
from openwrt.rescue.path import AGAIN, FULL_PATIENCE, PathTest
from openwrt.rescue.registration import Association, clock_off
from router.clock import Instant
from router.config.model import HomeAgent as Settings
from router.config.model import Mobile, SecurityAssociation
from router.mip.auth import sign
from router.mip.effect import Reply
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.registration import RegistrationRequest

HOME, AGENT, WIFI = map(IPv4Address, ("10.99.0.2", "198.51.100.2", "192.0.2.10"))
WALL = 1_800_000_000
CONFIG = """
config mobile_node
	option home_address 10.99.0.2
	option home_agent 198.51.100.2
	option spi 256
	option key 'sixteen octets!!'
	option algorithm {algorithm}
{more}
config uplink wifi
	option device wlan0
config uplink lte
	option bid 254
"""


def association(algorithm="hmac-md5", more="", config=CONFIG):
    return Association(uci.parse(config.format(algorithm=algorithm, more=more))[0])


class Bench:
    """A home agent with one binding, and a way to it."""

    def __init__(self, who=None, *, algorithm="hmac-md5", off=0, key=b"sixteen octets!!", multipath=True):
        self.security = SecurityAssociation(256, key, algorithm)
        mobile = Mobile("bus", HOME, self.security)
        self.agent = HomeAgent(Settings(AGENT), (mobile,), (), Instant(0.0, WALL + off - 100))
        self.who = who or association(algorithm)
        self.now, self.off = 10.0, off
        extensions = (Multipath(4, 1, 1),) if multipath else ()
        bound = RegistrationRequest(600, HOME, AGENT, WIFI, from_wall(self.wall()), extensions=extensions)
        self.receive(sign(bound.encode(), self.security))
        assert len(self.agent.bindings) == 1
        self.bindings = dict(self.agent.bindings)
        self.test = PathTest(self.who, str(WIFI), 1500, 7, (WALL + 11) * 10**9, 11.0)
        self.now = 11.0

    def wall(self):
        return WALL + self.now + self.off

    def receive(self, data):
        effects = self.agent.receive(data, (WIFI, 40000), Instant(self.now, self.wall()))
        return [effect.data for effect in effects if isinstance(effect, Reply)]

    def run(self):
        """Until the test has come to its end, with an agent 30 ms away."""
        while not self.test.over(self.now):
            request = self.test.request(self.now)
            if request is not None:
                for reply in self.receive(request):
                    self.now += 0.03
                    self.test.heard_udp(reply, self.now)
            self.test.echo_request(self.now)
            self.now = max(self.now + 0.001, self.test.next_wake())
        return self.test


def echoed(octets):
    """What comes back from the home agent's host, with its IP header."""
    return bytes([0x45]) + bytes(11) + AGENT.packed + WIFI.packed + b"\0" + octets[1:]


@pytest.mark.parametrize(
    ("largest", "found"), [(1500, 1500), (1499, 1492), (1410, 1400), (576, 576), (100, None)]
)
def test_the_largest_packet_that_comes_back_is_found(largest, found):
    test = PathTest(association(), str(WIFI), 1500, 7, WALL * 10**9, 0.0)
    now, packets = 0.0, 0
    while not test.over(now):
        small = test.echo_request(now)
        for octets in ([small] if small else []) + test.sized_echoes(now):
            assert (
                sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2)) % 0xFFFF
                == 0
            )
            packets += 1
            if len(octets) + 20 <= largest:
                test.heard_icmp(echoed(octets), now + 0.03)
        now = max(now + 0.001, min(test.next_wake(), now + 0.05))
    assert test.path_mtu == found
    assert packets == (2 if found == 1500 else 13)


def test_one_large_packet_lost_by_chance_is_no_small_mtu_and_who_is_measured_sleeps():
    test = PathTest(association(), str(WIFI), 1500, 7, WALL * 10**9, 0.0)
    test.heard_icmp(echoed(test.echo_request(0.0)), 0.03)
    (lost,) = test.sized_echoes(0.03)
    now = test.next_wake()
    test.request(now)
    now = max(now, 0.03 + FULL_PATIENCE + 0.03)
    test.heard_icmp(echoed(test.sized_echoes(now)[0]), now)
    assert test.path_mtu == 1500 == len(lost) + 20
    test.request(now)
    assert test.next_wake() > now


@pytest.mark.parametrize("algorithm", ["hmac-md5", "hmac-sha1", "hmac-sha256", "keyed-md5"])
def test_a_home_agent_accepts_and_loses_nothing(algorithm):
    bench = Bench(algorithm=algorithm)
    test = bench.run()
    assert (test.answer["code"], test.answer["authentic"], test.answer["ms"]) == (0, True, 30)
    assert bench.agent.bindings == bench.bindings
    assert test.clock_off is None


def test_the_binding_id_is_one_that_no_uplink_has():
    request = decode(association().request(str(WIFI), 1))
    assert request.find(Multipath).bid == 253
    assert request.lifetime == 0


def test_the_mobile_nodes_next_request_is_no_replay():
    bench = Bench()
    bench.run()
    fresh = RegistrationRequest(
        600, HOME, AGENT, WIFI, from_wall(WALL + 10.5), extensions=(Multipath(4, 1, 1),)
    )
    (reply,) = bench.receive(sign(fresh.encode(), bench.security))
    assert decode(reply).code == 0


def test_with_one_care_of_address_the_request_is_refused_and_the_binding_stays():
    bench = Bench(association(more="\toption multipath 0"), multipath=False)
    test = bench.run()
    assert (test.answer["code"], test.answer["authentic"]) == (bench.who.wanted, True) == (133, True)
    assert bench.agent.bindings == bench.bindings


@pytest.mark.parametrize("off", [3600, -3600, 86400 * 365])
def test_a_wrong_clock_is_measured_and_hides_nothing(off):
    test = Bench(off=off).run()
    assert abs(test.clock_off - off) <= 1
    assert (test.answer["code"], test.answer["authentic"]) == (0, True)


def test_another_key_is_seen_by_the_answer_and_nothing_is_believed():
    test = Bench(key=b"another 16 octets").run()
    assert (test.answer["code"], test.answer["authentic"]) == (131, False)
    assert not test.done


def test_a_reply_that_somebody_else_has_made_does_not_hide_the_home_agents():
    bench = Bench()
    (reply,) = bench.receive(bench.test.request(11.0))
    bench.test.heard_udp(reply[:-1] + bytes([reply[-1] ^ 1]), 11.1)
    assert bench.test.answer["authentic"] is False
    bench.test.heard_udp(reply, 11.2)
    assert bench.test.answer["authentic"] is True


@pytest.mark.parametrize("octets", [b"", b"\3", b"\3" * 20, b"\3" + bytes(19) + b"\x20\x01", bytes(200)])
def test_rubbish_is_no_answer(octets):
    bench = Bench()
    bench.test.request(11.25)
    bench.test.heard_udp(octets, 11.1)
    bench.test.heard_icmp(octets, 11.1)
    assert bench.test.answer is None


def test_what_is_not_answered_is_sent_again_with_a_new_time_stamp():
    test = Bench().test
    first = test.request(11.0)
    assert test.request(11.0 + AGAIN / 2) is None
    second = test.request(11.0 + AGAIN)
    assert decode(second).identification > decode(first).identification


def header(source, payload):
    return bytes([0x45]) + bytes(8) + b"\1" + bytes(2) + IPv4Address(source).packed + WIFI.packed + payload


def test_an_echo_of_ours_is_timed_and_one_of_others_is_not():
    test = Bench().test
    sent = test.echo_request(11.0)
    assert sum(int.from_bytes(sent[at : at + 2], "big") for at in range(0, len(sent), 2)) % 0xFFFF == 0
    test.heard_icmp(header("203.0.113.9", b"\0" + sent[1:]), 11.01)
    test.heard_icmp(header(AGENT, b"\0\0\0\0\0\x08" + sent[6:]), 11.01)
    assert test.echo is None
    test.heard_icmp(header(AGENT, b"\0" + sent[1:]), 11.04)
    assert round(test.echo, 3) == 0.04


def test_who_says_that_the_agent_is_unreachable_is_heard():
    test = Bench().test
    inner = bytes([0x45]) + bytes(8) + b"\x11" + bytes(2) + WIFI.packed + AGENT.packed + bytes(8)
    test.heard_icmp(header("192.0.2.1", b"\3\1" + bytes(6) + inner), 11.1)
    assert test.refused == ("host", "192.0.2.1")


def test_clocks_are_compared_across_the_end_of_an_era():
    assert clock_off(0xFFFFFFFF << 32, 1 << 32) == 2.0
    assert clock_off(1 << 32, 0xFFFFFFFF << 32) == -2.0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("10.99.0.2", "10.99.0.256", "option home_address '10.99.0.256': an IPv4 address is wanted"),
        ("option spi 256", "option spi x", "option spi 'x': a whole number"),
        ("option spi 256", "", "option spi is missing in section mobile_node"),
        ("sixteen octets!!", "short", "option key: 16 octets or more"),
        ("sixteen octets!!", "0xzz", "option key: 16 octets or more"),
        ("198.51.100.2", "0.0.0.0", "the agent is left to the network"),
        ("{algorithm}", "rot13", "option algorithm 'rot13': one of"),
        ("config mobile_node", "config home_agent", "this router is no mobile node"),
    ],
)
def test_a_wrong_option_is_named(old, new, said):
    with pytest.raises(ValueError, match=said) as error:
        association(config=CONFIG.replace(old, new))
    assert "sixteen" not in str(error.value)


def test_what_would_be_sent_is_said_without_the_key():
    said = association().described("192.0.2.10", WALL * 10**9)
    assert said == "Registration Request for 10.99.0.2, lifetime 0, BID 253, SPI 256, hmac-md5, 54 octets"
