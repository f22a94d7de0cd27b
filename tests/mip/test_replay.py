"""Time stamps, at both ends, by themselves."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.mip.identification import LOW, from_wall, to_wall, with_high_half
from router.mip.replay import ReplayGuard, TimeStamps, newer

WALL = 1_800_000_000.0
ERA_END = 2_085_978_496.0
"""2036-02-07 06:28:16 UTC: NTP seconds start from nought."""


def guard(floor=WALL - 100, tolerance=7.0):
    return ReplayGuard(from_wall(floor), tolerance)


@pytest.mark.parametrize(("off", "good"), [(0, True), (6.9, True), (-6.9, True), (7.1, False), (-7.1, False)])
def test_the_tolerance_counts_in_both_directions(off, good):
    assert guard().in_tolerance(from_wall(WALL + off), WALL) is good


@pytest.mark.parametrize(
    ("accepted", "asked", "fresh"),
    [
        # (scope, seconds) accepted before; (scope, seconds) that comes; scope None touches several bindings
        ([], (1, 1), True),
        ([(1, 1)], (1, 1), False),
        ([(1, 2)], (1, 1), False),
        ([(1, 1)], (1, 2), True),
        ([(2, 2)], (1, 1), True),
        ([(1, 2), (2, 1)], (None, 1.5), False),
        ([(1, 2), (2, 1)], (None, 3), True),
        ([(None, 2)], (1, 1), False),
        ([(None, 2)], (1, 3), True),
        ([(1, 5), (None, 6)], (1, 5.5), False),
        ([(1, 1)], (2, -101), False),
    ],
)
def test_what_is_fresh(accepted, asked, fresh):
    marks = guard()
    for scope, at in accepted:
        marks.accept(from_wall(WALL + at), scope)
    scope, at = asked
    assert marks.is_fresh(from_wall(WALL + at), scope) is fresh


def test_only_the_last_accepted_message_is_a_duplicate():
    marks = guard()
    marks.accept(from_wall(WALL), 1)
    assert marks.is_duplicate(from_wall(WALL), 1)
    assert not marks.is_duplicate(from_wall(WALL), 2)
    marks.accept(from_wall(WALL + 1), 1)
    assert not marks.is_duplicate(from_wall(WALL), 1)


@given(st.lists(st.tuples(st.sampled_from([None, 1, 2, 254]), st.integers(0, 30)), max_size=30))
def test_nothing_is_accepted_twice(requests):
    marks, seen = guard(), set()
    for scope, at in requests:
        stamp = from_wall(WALL + at)
        if marks.is_fresh(stamp, scope):
            assert (scope, at) not in seen
            seen.add((scope, at))
            marks.accept(stamp, scope)
        assert not marks.is_fresh(stamp, scope)


@given(st.lists(st.floats(WALL - 10, WALL + 10), min_size=2, max_size=20))
def test_time_stamps_increase_whatever_the_clock_does(walls):
    stamps = TimeStamps(random.Random(5))
    given_out = [stamps.next(wall) for wall in walls]
    assert all(newer(later, earlier) for earlier, later in itertools.pairwise(given_out))


def test_the_end_of_the_ntp_era_is_a_moment_like_any_other():
    stamps, marks = TimeStamps(random.Random(5)), guard(floor=ERA_END - 100)
    for wall in (ERA_END - 0.5, ERA_END + 0.5):
        stamp = stamps.next(wall)
        assert marks.in_tolerance(stamp, wall)
        assert marks.is_fresh(stamp, 1)
        assert marks.is_fresh(stamp, None)
        marks.accept(stamp, 1)


@pytest.mark.parametrize("skew", [-86400.0, -60.0, 60.0, 86400.0 * 365])
def test_the_home_agents_clock_is_taken_over(skew):
    stamps = TimeStamps(random.Random(5))
    first = stamps.next(WALL + skew)
    stamps.adopt(with_high_half(from_wall(WALL), first), WALL + skew, 7.0)
    assert abs(to_wall(stamps.next(WALL + skew + 3)) - (WALL + 3)) <= 1


def test_a_time_stamp_that_may_have_been_accepted_is_exceeded_also_after_a_correction():
    stamps = TimeStamps(random.Random(5))
    first = stamps.next(WALL + 4)
    stamps.adopt(with_high_half(from_wall(WALL), first), WALL + 4, 7.0)
    assert newer(stamps.next(WALL + 4), first)


def test_the_answer_to_a_mismatch_keeps_the_requests_low_half():
    asked = from_wall(WALL - 1000.75)
    answer = with_high_half(from_wall(WALL), asked)
    assert answer & LOW == asked & LOW
    assert int(to_wall(answer)) == int(WALL)


YEAR = 365 * 86400.0


@pytest.mark.parametrize("ahead", [3600.0, YEAR])
def test_marks_of_a_clock_that_was_ahead_at_the_start_keep_nobody_out(ahead):
    marks = guard(floor=WALL + ahead - 100)
    marks.accept(from_wall(WALL + ahead), 1)
    assert marks.heed_clock(WALL) and not marks.heed_clock(WALL)
    assert not marks.is_fresh(from_wall(WALL - 1), 1)
    for later in (1, 50):
        assert marks.is_fresh(from_wall(WALL + later), 1)
        marks.accept(from_wall(WALL + later), 1)
    # What the wrong clock has accepted is not accepted again when its time comes, what is sent then is.
    assert not marks.is_fresh(from_wall(WALL + ahead), 2)
    assert marks.is_fresh(from_wall(WALL + ahead + 1), 2)


def test_marks_of_a_clock_that_jumped_ahead_and_back_keep_nobody_out():
    marks = guard()
    for at in (WALL, WALL + YEAR, WALL + YEAR + 60):
        marks.accept(from_wall(at), 1)
    assert marks.heed_clock(WALL + 120)
    assert marks.is_fresh(from_wall(WALL + 121), 1)
    assert not marks.is_fresh(from_wall(WALL), 1)
    assert not marks.is_fresh(from_wall(WALL + YEAR + 30), 1)


def test_a_clock_put_back_behind_what_it_has_accepted_waits_until_that_is_over():
    """Nobody could tell what was accepted in that hour from what is sent in it."""
    marks = guard()
    for at in range(0, 7200, 60):
        marks.accept(from_wall(WALL + at), 1)
    assert not marks.heed_clock(WALL + 3600)
    assert not marks.is_fresh(from_wall(WALL + 3601), 1)


@given(
    st.lists(
        st.tuples(st.sampled_from([None, 1, 2]), st.integers(0, 30) | st.integers(10**6, 10**6 + 30)),
        max_size=30,
    )
)
def test_nothing_is_accepted_twice_whatever_our_clock_does(requests):
    marks, seen = guard(), set()
    for scope, at in requests:
        stamp = from_wall(WALL + at)
        marks.heed_clock(WALL + at)
        if marks.is_fresh(stamp, scope):
            assert (scope, at) not in seen
            seen.add((scope, at))
            marks.accept(stamp, scope)
