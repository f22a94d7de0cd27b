"""Round trips: smoothing, the least, loss, and times that cannot be."""

import pytest

from router.path.rtt import Lowest, RoundTrips


def filled(*rtts, step=0.1):
    trips = RoundTrips()
    for number, rtt in enumerate(rtts):
        trips.answered(rtt, number * step)
    return trips


def test_the_first_and_the_later_samples_are_rfc_6298s():
    trips = filled(0.1)
    assert (trips.smoothed, trips.variation) == (0.1, 0.05)
    trips = filled(0.1, 0.2)
    assert trips.variation == pytest.approx(0.75 * 0.05 + 0.25 * 0.1)
    assert trips.smoothed == pytest.approx(0.1125)


def test_patience_is_bounded_and_learnt():
    assert RoundTrips().patience(0.1, 2.0) == 1.0
    assert filled(*[0.001] * 20).patience(0.1, 2.0) == 0.1
    assert filled(*[0.4] * 50).patience(0.1, 2.0) == pytest.approx(0.8, rel=0.05)
    assert filled(*[3.0] * 20).patience(0.1, 2.0) == 2.0


@pytest.mark.parametrize("rtt", [-0.001, -3600.0, 61.0, float("inf"), float("nan")])
def test_times_that_cannot_be_are_counted_and_change_nothing(rtt):
    trips = filled(0.1)
    assert not trips.answered(rtt, 1.0)
    assert (trips.smoothed, trips.least, trips.refused) == (0.1, 0.1, 1)


def test_the_least_is_forgotten_when_the_path_has_changed():
    trips = RoundTrips()
    trips.answered(0.02, 0)
    for second in range(0, 1200, 10):
        trips.answered(0.2, second)
    assert trips.least == 0.2


def test_inflation_is_against_the_least_and_only_of_fresh_samples():
    trips = filled(0.05, 0.05, 0.06)
    assert trips.inflated(0.0) is False
    trips.answered(0.09, 1.0)
    assert trips.inflated(0.9) is True
    assert trips.inflated(1.1) is None
    assert RoundTrips().inflated(0) is None


def test_loss_comes_and_goes():
    trips = RoundTrips()
    for _ in range(50):
        trips.lost()
    assert trips.loss > 0.9
    for number in range(50):
        trips.answered(0.1, number)
    assert trips.loss < 0.1


def test_the_lowest_of_spans():
    lowest = Lowest(span=1, spans=3)
    assert lowest.value is None
    for second, value in enumerate((5, 1, 7, 8, 9)):
        lowest.add(value, second)
    assert lowest.value == 7
