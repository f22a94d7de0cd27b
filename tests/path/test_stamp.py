"""STAMP packets as RFC 8762 and 8972 draw them, and what two clocks that disagree tell of one direction."""

import struct

import pytest

from router.path.one_way import OneWay
from router.path.stamp import SIZE, Reflection, parse_reflection, reflect, test_packet

NTP = 2_208_988_800
T1, T2, T3 = 1_700_000_000.25, 1_700_000_100.5, 1_700_000_100.75
packet = test_packet
test_packet.__test__ = False


def test_the_senders_packet_octet_by_octet():
    octets = packet(7, T1, 1000)
    assert len(octets) == SIZE == 60
    assert octets[:4] == bytes((0, 0, 0, 7))
    assert struct.unpack("!II", octets[4:12]) == (1_700_000_000 + NTP & 0xFFFFFFFF, 1 << 30)
    assert octets[12:14] == b"\x00\x01", "a multiplier of zero is not allowed"
    assert octets[14:44] == bytes(30)
    assert octets[44:48] == bytes((0x80, 5, 0, 12)), "U is set by the sender (RFC 8972 section 4)"
    assert struct.unpack("!III", octets[48:]) == (1000, 0, 0)


def test_the_reflection_octet_by_octet():
    octets = reflect(packet(7, T1, 1000), T2, T3, 63, 990, 5000)
    assert len(octets) == SIZE
    assert octets[:4] == octets[24:28] == bytes((0, 0, 0, 7))
    assert octets[16:24] == struct.pack("!II", 1_700_000_100 + NTP & 0xFFFFFFFF, 1 << 31)
    assert octets[28:36] == packet(7, T1, 1000)[4:12]
    assert octets[36:38] == b"\x00\x01"
    assert octets[40] == 63
    assert octets[44:48] == bytes((0, 5, 0, 12))


def test_there_and_back():
    found = parse_reflection(reflect(packet(7, T1, 1000), T2, T3, 64, 2**32 + 990, 5000))
    assert (found.sequence, found.counters) == (7, (1000, 990, 5000))
    assert (found.sent, found.received, found.reflected) == pytest.approx((T1, T2, T3), abs=1e-6)


def test_a_plain_packet_is_reflected_plainly_and_its_session_kept():
    plain = bytearray(packet(7, T1, 0)[:44])
    plain[14:16] = b"\x12\x34"
    octets = reflect(bytes(plain), T2, T3, 64, 1, 1)
    assert len(octets) == 44 and octets[14:16] == b"\x12\x34"
    assert parse_reflection(octets).counters is None


@pytest.mark.parametrize(
    ("tlvs", "expected"),
    [
        (bytes((0x80, 1, 0, 4, 9, 9, 9, 9)), bytes((0, 1, 0, 4, 9, 9, 9, 9))),
        (bytes((0x80, 99, 0, 2, 9, 9)), bytes((0x80, 99, 0, 2, 9, 9))),
        (bytes((0x80, 5, 0, 4, 0, 0, 0, 1)), bytes((0x40, 5, 0, 4, 0, 0, 0, 1))),
        (bytes((0x80, 5, 0, 99)), bytes((0x40, 5, 0, 99))),
        (b"\x80\x05", b"\x80\x05"),
    ],
)
def test_tlvs_are_filled_marked_or_left(tlvs, expected):
    assert reflect(packet(1, T1, 0)[:44] + tlvs, T2, T3, 64, 1, 1)[44:] == expected


@pytest.mark.parametrize("size", range(44))
def test_what_is_too_short_is_nothing(size):
    octets = packet(1, T1, 0)[:size]
    assert reflect(octets, T2, T3, 64, 1, 1) is None
    assert parse_reflection(octets) is None


def test_any_octets_are_borne():
    for octet in range(256):
        octets = bytes((octet,)) * 80
        parse_reflection(octets)
        assert len(reflect(octets, T2, T3, 64, 1, 1)) == 80


class Way:
    """A reflector whose clock is an hour off."""

    def __init__(self):
        self.way = OneWay()
        self.now, self.sent, self.came, self.octets = 1000.0, 0, 0, 0

    def step(self, up=0.02, down=0.02, sent=500, came=500, seconds=0.5):
        self.now += seconds
        self.sent, self.came, self.octets = self.sent + sent, self.came + came, self.octets + 1000 * sent
        t2 = self.now + up + 3600
        answer = Reflection(1, self.now, t2, t2 + 0.001, (self.sent % 2**32, self.came % 2**32, 0))
        arrived = self.now + up + 0.001 + down
        return self.way.reflected(answer, arrived, self.octets, arrived)


def test_queues_are_seen_by_direction_whatever_the_clocks_say():
    way = Way()
    for _ in range(10):
        assert way.step().standing == (False, False)
    assert way.step(up=0.08).standing == (False, True)
    assert way.step(down=0.08).standing == (True, False)


def test_what_arrived_of_what_was_sent():
    way = Way()
    assert way.step().up is None
    seen = way.step(sent=500, came=400)
    assert seen.up == pytest.approx(400 * 8 / 0.5)
    assert seen.loss_up == pytest.approx(0.2)


def test_counters_that_begin_anew_tell_nothing_once():
    way = Way()
    way.step()
    way.came = 2**31
    assert way.step().up is None
    assert way.step().up == pytest.approx(8000)


def test_counters_that_wrap_go_on():
    way = Way()
    way.sent = way.came = 2**32 - 700
    way.step()
    assert way.step().up == pytest.approx(8000)


def test_a_clock_step_at_the_home_agent_is_no_rate():
    way = Way()
    way.step()
    answer = Reflection(1, way.now, way.now - 10_000, way.now - 10_000, (1000, 1000, 0))
    assert way.way.reflected(answer, way.now + 0.04, 10**6, way.now).up is None
