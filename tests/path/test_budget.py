"""What probes may cost."""

import pytest

from router.path.budget import DEFAULT, METERED, ProbeBudget

DAY = 86400


@pytest.mark.parametrize("limit", [DEFAULT, METERED, 10_000])
@pytest.mark.parametrize("cost", [96, 120, 240])
def test_an_idle_path_costs_less_than_twenty_octets_a_second(limit, cost):
    assert cost / ProbeBudget(limit).idle_interval(cost) <= min(20, limit / DAY)


def test_without_octets_a_quiet_path_is_left_alone():
    assert ProbeBudget(0).idle_interval(96) >= DAY
    assert not ProbeBudget(0).take(96, "proof", 0)


def test_a_day_costs_no_more_than_is_allowed_and_the_next_is_new():
    budget = ProbeBudget(10_000)
    assert sum(budget.take(96, "proof", second) for second in range(1000)) == 104
    assert budget.spent(1000) <= 10_000
    assert budget.refused == 896
    assert budget.take(96, "proof", DAY + 1)
    assert budget.spent(DAY + 1) == 96


def test_load_leaves_octets_for_proof():
    budget = ProbeBudget(METERED)
    granted = sum(budget.take(240, "load", tenth / 10) for tenth in range(0, 10 * DAY, 20))
    assert granted * 240 <= METERED * (0.5 + 1 / 16)
    assert budget.take(96, "proof", DAY - 1)
