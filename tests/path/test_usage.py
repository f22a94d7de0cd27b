"""Caps by period: what counts, over restarts, new devices and clocks that are wrong."""

from router.path.usage import Usage, period

JUNE = (2026, 6, 20)


def used(*counters, cap=1, **more):
    usage = Usage(cap, 15, **more)
    for counter in counters:
        usage.count(counter, JUNE)
    return usage


def test_a_period_begins_on_its_day():
    assert period((2026, 6, 20), 15) == (2026, 6, 15)
    assert period((2026, 6, 15), 15) == (2026, 6, 15)
    assert period((2026, 6, 14), 15) == (2026, 5, 15)
    assert period((2026, 1, 3), 15) == (2025, 12, 15)


def test_beyond_the_cap_it_is_over_until_the_next_period():
    usage = used(0, 600_000)
    assert not usage.exceeded
    usage.count(1_000_000, JUNE)
    assert usage.exceeded
    usage.count(1_000_000, (2026, 7, 14))
    assert usage.exceeded
    usage.count(1_000_100, (2026, 7, 15))
    assert usage.octets == 100


def test_what_a_device_carried_before_the_first_look_is_not_counted():
    assert used(5_000_000, 5_000_100).octets == 100


def test_a_device_made_anew_counts_from_the_beginning():
    assert used(0, 1000, None, 300).octets == 1300


def test_a_restart_goes_on_where_it_was():
    before = used(0, 700_000)
    after = Usage(1, 15, before.state())
    after.count(1_000_000, JUNE)
    assert after.exceeded


def test_a_file_of_nonsense_is_as_none():
    saved = {"octets": -5, "counter": "many", "period": [1, 2]}
    assert used(0, 10, saved=saved).octets == 10


def test_a_clock_that_is_not_set_or_goes_back_frees_nothing():
    usage = used(0, 2_000_000)
    for date in ((1970, 1, 1), (2026, 3, 1), (2026, 3, 2)):
        usage.count(2_000_000, date)
        assert usage.exceeded


def test_an_absurd_step_is_counted_and_not_believed():
    usage = used(0, 1 << 60)
    assert (usage.octets, usage.odd) == (0, 1)
