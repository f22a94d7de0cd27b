"""Time stamps, at both ends, by themselves."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.mip.home.replay_guard import ReplayGuard
from router.mip.identification import LOW, from_wall, to_wall, with_high_half
from router.mip.replay import TimeStamps, newer

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


class Agent:
    """A guard, and its clock: `at` seconds have passed, and the clock is `ahead` of them."""

    def __init__(self, ahead=0.0):
        self.guard, self.ahead = guard(floor=WALL + ahead - 100), ahead

    def takes(self, at, stamp=None):
        """Whether a request comes through that was stamped (by default: right, by this clock) `at` seconds in."""
        wall = WALL + at + self.ahead
        self.guard.heed_clock(wall, at)
        stamp = from_wall(wall if stamp is None else stamp)
        fresh = self.guard.is_fresh(stamp, 1)
        if fresh:
            self.guard.accept(stamp, 1)
        return fresh


@pytest.mark.parametrize("ahead", [3600.0, YEAR])
def test_a_clock_that_was_ahead_at_the_start_keeps_nobody_out(ahead):
    agent = Agent(ahead)
    assert agent.takes(0) and agent.takes(60)
    agent.ahead = 0.0
    assert not agent.takes(61, WALL + 60)
    assert all(agent.takes(at) for at in (62, 100, 200, 1000))
    # What the wrong clock has accepted is not accepted again when its time comes; what is sent then is.
    assert not agent.takes(ahead + 60, WALL + ahead + 60)
    assert agent.takes(ahead + 61)


@pytest.mark.parametrize("ahead", [60.0, 3600.0, YEAR])
def test_a_clock_that_jumped_ahead_and_back_keeps_nobody_out(ahead):
    agent = Agent()
    assert agent.takes(0)
    agent.ahead = ahead
    assert agent.takes(10) and agent.takes(20)
    agent.ahead = 0.0
    # What was sent before the step was noticed is refused, once.
    assert not agent.takes(29)
    assert all(agent.takes(at) for at in (30, 40, 50))
    assert not agent.takes(51, WALL) and not agent.takes(ahead + 15, WALL + ahead + 20)


def test_a_clock_put_back_behind_what_it_has_accepted_waits_until_that_is_over():
    """Nobody could tell what was accepted in that hour from what is sent in it."""
    agent = Agent()
    assert all(agent.takes(at) for at in range(0, 7200, 60))
    agent.ahead = -3600.0
    assert not agent.takes(7200)
    assert agent.takes(7200 + 3600)


STEPS = st.lists(st.tuples(st.floats(0, 100), st.sampled_from([0.0, 0.0, 50.0, 1000.0, -40.0])), max_size=30)


@given(STEPS)
def test_no_octets_are_accepted_twice_whatever_our_clock_does(steps):
    agent, at, accepted = Agent(), 0.0, set()
    for passed, agent.ahead in steps:
        at += passed
        assert not any(agent.takes(at, stamp) for stamp in accepted)
        if agent.takes(at):
            accepted.add(WALL + at + agent.ahead)
