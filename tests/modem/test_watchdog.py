"""The ladder: what is done to a modem that fails, and how often at most."""

from hypothesis import given
from hypothesis import strategies as st

from modem.watchdog import ASK, LIMITS, RADIO, REOPEN, RESET, RUNGS, SESSION, SILENT, USB, Watchdog


def climb(dog, now, seconds, kind=SILENT, step=1.0):
    """The rungs taken while the fault lasts, with their times."""
    taken, end = [], now + seconds
    while now < end:
        dog.fault(kind, now)
        rung = dog.tick(now)
        if rung:
            taken.append((round(now), rung))
        now += step
    return taken


def test_a_silent_modem_climbs_every_rung_in_order_with_time_between():
    taken = climb(Watchdog(), 0.0, 200)
    assert [rung for _, rung in taken][:5] == list(RUNGS)
    assert [when for when, _ in taken][:5] == [0, 8, 18, 28, 73]


def test_a_modem_that_answers_gets_no_rung():
    dog = Watchdog()
    dog.fault(SILENT, 0.0)
    assert dog.tick(0.0) == ASK
    dog.answered(1.0)
    assert dog.tick(100.0) is None and dog.next_wake() is None
    dog.answered(62.0)
    assert dog.said is None


def test_a_relapse_within_a_minute_goes_on_where_it_was():
    dog = Watchdog()
    climb(dog, 0.0, 9)
    dog.answered(10.0)
    dog.fault(SILENT, 20.0)
    assert dog.tick(20.0) == RADIO
    dog.answered(30.0)
    dog.answered(91.0)
    dog.fault(SILENT, 100.0)
    assert dog.tick(100.0) == ASK


def test_a_failing_session_only_restarts_radio_and_modem():
    taken = climb(Watchdog(), 0.0, 1200, SESSION)
    assert [rung for _, rung in taken] == [RADIO, RESET]


def test_it_gives_up_with_a_reason_and_then_asks_only():
    dog = Watchdog()
    taken = climb(dog, 0.0, 1800)
    assert {rung for when, rung in taken if when > 260} == {ASK}
    assert "given up, limit of usb reset reached" in dog.said


def count(taken, rung):
    return len([1 for _, found in taken if found == rung])


def test_a_dead_modem_is_reset_a_few_times_a_day_and_no_more():
    dog, now, taken = Watchdog(), 0.0, []
    taken = climb(dog, now, 3 * 86400, step=5.0)
    first_day = [item for item in taken if item[0] < 86400]
    for rung, (_, daily) in LIMITS.items():
        assert 1 < count(first_day, rung) <= daily
        times = [when for when, found in taken if found == rung]
        hourly = LIMITS[rung][0]
        for one, other in zip(times, times[hourly:], strict=False):
            assert other - one >= 3600
    assert count(taken, RESET) > count(first_day, RESET)


def test_the_limits_outlive_the_process():
    dog = Watchdog()
    climb(dog, 0.0, 300)
    kept = dog.memory(300.0)
    again = climb(Watchdog(kept, 5000.0), 5000.0, 300)
    assert count(again, USB) == 0 and count(again, RADIO) == 1 and count(again, RESET) == 1
    third = climb(Watchdog([*kept, *kept], 5000.0), 5000.0, 300)
    assert {rung for _, rung in third} == {ASK, REOPEN}


def test_ages_from_a_clock_that_jumped_count_as_now():
    dog = Watchdog([[USB, -1e9]], 100.0)
    assert dog.memory(100.0) == [[USB, 0.0]]


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(RUNGS), st.lists
    )
)
def test_any_memory_is_borne(memory):
    Watchdog(memory, 0.0).memory(0.0)


@given(st.lists(st.sampled_from(["silent", "session", "answer", "up", "wait"]), max_size=400), st.data())
def test_no_order_of_events_breaks_the_limits(events, data):
    dog, now, taken = Watchdog(), 0.0, []
    for event in events:
        now += 30.0
        if event == "silent":
            dog.fault(SILENT, now)
        elif event == "session":
            dog.fault(SESSION, now)
        elif event == "answer":
            dog.answered(now)
        elif event == "up":
            dog.session_up(now)
        else:
            now += 300.0
        rung = dog.tick(now)
        if rung:
            taken.append((now, rung))
    for rung, (hourly, _) in LIMITS.items():
        times = [when for when, found in taken if found == rung]
        assert all(b - a >= 3600 for a, b in zip(times, times[hourly:], strict=False))
