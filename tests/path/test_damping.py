"""Paths that come and go."""

from router.path.choice import carrying, weighed
from router.path.damping import HALF_LIFE, Damping
from router.path.quality import Quality


def flapped(times, gap=5.0):
    damping = Damping()
    for number in range(times):
        damping.flap(gap * number)
    return damping, gap * (times - 1)


def test_a_loss_now_and_then_costs_nothing():
    damping = Damping()
    for hour in range(24):
        damping.flap(3600.0 * hour)
        assert not damping.suppressed(3600.0 * hour)


def test_three_in_a_row_are_borne_the_fourth_is_not():
    assert not flapped(3)[0].suppressed(10)
    damping, now = flapped(4)
    assert damping.suppressed(now)
    assert damping.suppressed(now + HALF_LIFE)
    assert not damping.suppressed(now + 2 * HALF_LIFE)


def test_no_storm_suppresses_for_ever():
    damping, now = flapped(1000, gap=1.0)
    assert not damping.suppressed(now + 150)


def test_the_penalty_halves_in_its_time():
    damping, now = flapped(1)
    assert damping.penalty(now) == 1000
    assert damping.penalty(now + HALF_LIFE) == 500


def quality(bid, liveness="up", **more):
    return Quality(bid, liveness, 1000, 1000, 0.5, "default", **more)


def test_the_suppressed_carries_nothing_while_another_lives():
    assert carrying([quality(1, suppressed=True), quality(2)]) == {2}
    assert [item.suppressed for item in weighed([quality(1, suppressed=True), quality(2)])] == [True, False]


def test_the_last_path_is_never_suppressed():
    alone = [quality(1, suppressed=True), quality(2, "down")]
    assert carrying(alone) == {1}
    assert weighed(alone)[0].usable


def test_silence_everywhere_is_no_paths_fault():
    assert carrying([quality(1, "down"), quality(2, "down")]) == {1, 2}


def test_the_suspect_carries_on_until_it_is_proven():
    assert carrying([quality(1, "suspect"), quality(2)]) == {1, 2}
