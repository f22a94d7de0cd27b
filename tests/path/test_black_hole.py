"""When a path is tried again, by the counters of its tunnel."""

import pytest

from router.clock import Instant
from router.path.black_hole import LOOK, BlackHoleWatch

DAY = 86400


def tried(seconds, tx, rx, octets):
    """At which seconds the path is tried, when the tunnel carries so much each second from `seconds` on."""
    watch = BlackHoleWatch(Instant(0, 0))
    times = []
    for step in range(1, int(seconds / LOOK) + 1):
        now = step * LOOK
        if watch.look(int(tx * now), int(rx * now), int(octets * now), Instant(now, now)):
            times.append(now)
    return times


def test_an_idle_tunnel_is_left_alone():
    assert tried(DAY, 0, 0, 0) == []


def test_keepalives_are_next_to_no_traffic():
    assert len(tried(DAY, 0.01, 0.01, 0.6)) < 60


def test_a_request_a_minute_is_tried_at_most_every_ten():
    """Telemetry: 1500 octets more for 6000."""
    assert len(tried(DAY, 1 / 60, 1 / 60, 10)) <= 144


def test_a_busy_tunnel_is_tried_each_minute():
    times = tried(3600, 1000, 1000, 1_000_000)
    assert len(times) == 60
    # 1500 octets a minute, of 60 MB.


def test_a_thin_flow_is_tried_as_often_as_it_is_worth():
    """1.5 % of what it carries."""
    assert len(tried(DAY, 3, 3, 300)) == pytest.approx(DAY * 300 / 100_000, rel=0.1)


def test_a_download_that_breaks_off_is_looked_into_at_once():
    """Who waits for data sends nothing."""
    watch = BlackHoleWatch(Instant(0, 0))
    for step in range(1, 4):
        assert not watch.look(10 * step, 100 * step, 50_000 * step, Instant(LOOK * step, 0))
    assert watch.look(30, 300, 150_000, Instant(4 * LOOK, 0))
    assert not watch.look(30, 300, 150_000, Instant(5 * LOOK, 0))


def test_silence_is_looked_into_within_seconds():
    assert tried(30, 0.5, 0, 750)[0] <= 20


def test_one_way_traffic_is_asked_about_ever_less_often():
    assert len(tried(DAY, 1, 0, 100)) < 120


def test_a_page_that_does_not_load_is_looked_into():
    """The handshake goes well, and the answer never comes."""
    watch = BlackHoleWatch(Instant(0, 0))
    for step in range(1, 300):
        assert not watch.look(0, 0, 0, Instant(LOOK * step, 0))
    assert not watch.look(5, 4, 1_500, Instant(900, 0))
    assert watch.look(5, 4, 1_500, Instant(900 + LOOK, 0))


def test_silence_after_traffic():
    watch = BlackHoleWatch(Instant(0, 0))
    for step in range(1, 10):
        assert not watch.look(10 * step, 10 * step, 1000 * step, Instant(LOOK * step, 0))
    found = []
    for step in range(10, 20):
        found.append(watch.look(80 + step, 90, 10_000, Instant(LOOK * step, 0)))
    assert found.index(True) * LOOK <= 20


def test_counters_that_begin_anew_are_no_sign():
    watch = BlackHoleWatch(Instant(0, 0))
    watch.look(1000, 1000, 1_000_000, Instant(5, 0))
    assert not watch.look(10, 0, 1000, Instant(1000, 0))
