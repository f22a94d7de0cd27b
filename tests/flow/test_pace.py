"""The connections are looked at when tunnels carry something, and hardly ever else."""

import pytest

from router.flow.pace import Pace


@pytest.fixture
def pace():
    found = Pace()
    assert found.due(100.0, 0)
    found.looked(100.0, 1000, 0.015)
    return found


@pytest.mark.parametrize(
    ("after", "packets", "due"),
    [(1.0, 0, False), (29.0, 0, False), (30.0, 0, True), (1.0, 1, False), (4.9, 19, False), (5.1, 1, True), (1.0, 20, True)],
)  # fmt: skip
def test_a_look_is_worth_what_it_costs(pace, after, packets, due):
    assert pace.due(100.0 + after, 1000 + packets) is due


def test_a_small_table_is_looked_at_as_soon_as_anything_was_carried(pace):
    pace.looked(100.0, 1000, 0.0005)
    assert pace.due(101.0, 1001) and not pace.due(101.0, 1000)


def test_what_nobody_counts_is_looked_at(pace):
    assert pace.due(101.0, None)
    pace.looked(101.0, None, 0.015)
    assert pace.due(102.0, 1000)


def test_a_tunnel_that_was_made_anew_counts_from_nothing(pace):
    assert pace.due(101.0, 3)
