"""What a direction can carry: raised, lowered, faded, and not by one bad sample."""

import pytest

from router.path.delivery import Counters, Passed, TunnelCounters
from router.path.estimate import LEAST, RateEstimate, Standing

GUESS = Standing(20_000, 0.1, "radio")


def fed(*samples, prior=GUESS, step=0.5, **more):
    estimate = RateEstimate(prior)
    for number, (delivered, inflated) in enumerate(samples):
        estimate.sample(delivered, inflated, number * step, **more)
    return estimate, (len(samples) - 1) * step


def rate(estimate, now):
    return estimate.standing(now).rate


def test_nothing_seen_is_the_guess():
    assert RateEstimate(GUESS).standing(0) == GUESS


def test_what_was_delivered_twice_raises_it():
    estimate, now = fed((30_000, None), (35_000, None))
    standing = estimate.standing(now)
    assert (standing.rate, standing.source) == (30_000, "delivered")
    assert standing.confidence > 0.9


@pytest.mark.parametrize("mad", [0.0, 1e7])
def test_a_single_mad_sample_changes_nothing(mad):
    estimate, now = fed((15_000, False), (mad, None), (15_000, False), (15_000, False))
    assert rate(estimate, now) == GUESS.rate
    estimate, now = fed((15_000, True), (15_000, True), (0.0, True))
    assert rate(estimate, now) == 15_000


def test_less_traffic_is_an_application_that_wants_less():
    for inflated in (False, None):
        estimate, now = fed(*[(500, inflated)] * 100)
        assert rate(estimate, now) == GUESS.rate


def test_a_queue_without_growth_lowers_it_at_once():
    estimate, now = fed((10_000, True), (9_000, True), (9_500, True))
    standing = estimate.standing(now)
    assert (standing.rate, standing.source) == (10_000, "inflated")


def test_a_queue_while_the_rate_still_grows_does_not():
    estimate, now = fed((2_000, True), (4_000, True), (8_000, True))
    assert rate(estimate, now) == GUESS.rate


def test_a_link_that_falls_and_returns_is_followed():
    estimate, now = fed(*[(40_000, True)] * 4, *[(10_000, True)] * 3)
    assert rate(estimate, now) == 10_000
    for number in range(2):
        estimate.sample(40_000, False, now + number)
    assert rate(estimate, now + 1) >= 39_000


def test_what_was_seen_fades_into_the_guess():
    estimate, now = fed(*[(5_000, True)] * 3)
    assert rate(estimate, now) == 5_000
    assert rate(estimate, now + 60) == pytest.approx(12_500)
    assert estimate.standing(now + 3600).confidence == pytest.approx(0.1)
    assert estimate.standing(now + 3600).source == "radio"


def test_a_path_is_never_starved():
    estimate, now = fed(*[(0.0, True)] * 10)
    assert rate(estimate, now) == LEAST
    assert rate(RateEstimate(Standing(0, 0, "radio")), 0) == LEAST


def test_what_was_only_sent_raises_nothing():
    estimate, now = fed(*[(100_000, True)] * 5, may_raise=False)
    assert rate(estimate, now) <= GUESS.rate


def test_another_radio_makes_old_sights_old():
    estimate, now = fed(*[(40_000, None)] * 3)
    estimate.guess(Standing(1_000, 0.1, "radio technology"), now)
    assert rate(estimate, now) == pytest.approx(20_500)
    estimate.guess(Standing(1_100, 0.1, "radio technology"), now)
    assert rate(estimate, now) == pytest.approx(20_550, rel=0.01)


# From counters to samples


def test_counters_become_packets_and_rates():
    tunnel = TunnelCounters()
    tunnel.look(Counters(0, 0, 0, 0), 0.0)
    passed, rates = tunnel.look(Counters(125_000, 12_500, 100, 50), 0.1)
    assert passed == Passed(50, 100) and rates is None
    _, rates = tunnel.look(Counters(625_000, 62_500, 500, 250), 0.5)
    assert (rates.down, rates.up) == pytest.approx((10_000, 1_000))


def test_own_probes_are_no_traffic_even_when_counted_late():
    tunnel = TunnelCounters()
    tunnel.look(Counters(0, 0, 0, 0), 0.0)
    tunnel.probe_sent()
    assert tunnel.look(Counters(0, 0, 0, 0), 0.1)[0] == Passed(0, 0)
    tunnel.answer_received()
    assert tunnel.look(Counters(28, 28, 1, 1), 0.2)[0] == Passed(0, 0)
    assert tunnel.look(Counters(56, 56, 2, 2), 0.3)[0] == Passed(1, 1)


def test_counters_that_run_backwards_are_counted_and_harmless():
    tunnel = TunnelCounters()
    tunnel.look(Counters(10**9, 10**9, 10**6, 10**6), 0.0)
    assert tunnel.look(Counters(0, 0, 0, 0), 1.0) == (Passed(0, 0), None)
    assert tunnel.resets == 1
    passed, rates = tunnel.look(Counters(62_500, 0, 50, 0), 1.5)
    assert passed == Passed(0, 50) and rates.down == pytest.approx(1_000)


def test_a_leap_of_a_counter_is_refused():
    tunnel = TunnelCounters()
    tunnel.look(Counters(0, 0, 0, 0), 0.0)
    assert tunnel.look(Counters(2**62, 0, 1, 0), 1.0)[1] is None
    assert tunnel.refused == 1


def test_two_looks_at_one_moment_divide_by_nothing():
    tunnel = TunnelCounters()
    tunnel.look(Counters(0, 0, 0, 0), 5.0)
    assert tunnel.look(Counters(9, 9, 9, 9), 5.0)[1] is None
