import pytest

from router.flow.arrivals import Arrivals


def test_a_steady_stream_is_expected_to_go_on():
    arrivals = Arrivals()
    for look in range(200):
        arrivals.seen(3, look * 0.1)
    assert arrivals.expected(0.1) == pytest.approx(3.0, rel=0.05)


def test_the_first_looks_tell_already():
    arrivals = Arrivals()
    arrivals.seen(100, 10.0)
    for look in range(1, 6):
        arrivals.seen(2, 10.0 + look * 0.1)
    assert arrivals.expected(0.1) == pytest.approx(2.0, rel=0.1)


def test_a_burst_is_forgotten():
    arrivals = Arrivals()
    arrivals.seen(0, 0.0)
    arrivals.seen(50, 0.1)
    arrivals.seen(0, 60.0)
    assert arrivals.expected(0.1) < 0.01


def test_before_anything_is_known_one_is_expected():
    arrivals = Arrivals()
    assert arrivals.expected(0.1) == 1.0
    arrivals.seen(5, 1.0)
    assert arrivals.expected(0.1) == 1.0


def test_a_clock_that_steps_back_does_no_harm():
    arrivals = Arrivals()
    arrivals.seen(0, 10.0)
    arrivals.seen(3, 10.1)
    arrivals.seen(3, 2.0)
    assert 0 <= arrivals.expected(0.1) < 10
