from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from router.flow.moves import LIMIT, PERIOD, Carried, choose_moves
from router.flow.place import Candidate

NOW = 100.0
ALL = frozenset({1, 2, 3})


def fat(active, **more):
    return Candidate(1, 40_000, 20_000, active=active, down_load=40_000 if active else 0, **more)


def thin(active, **more):
    return Candidate(2, 10_000, 5_000, active=active, down_load=10_000 if active else 0, **more)


def elephant(key, path, rate, age=10.0, **more):
    return Carried(key, path, ALL, rate, rate / 50, NOW - age, **more)


def test_a_flow_leaves_a_crowded_path_for_one_where_it_gets_more():
    flows = [elephant(f"e{i}", 2, 2_500) for i in range(4)]
    first, *_ = choose_moves(flows, [fat(1), thin(4)], NOW)
    assert (first.source, first.target) == (2, 1)
    assert first.gain == 20_000 - 2_500


def test_moves_stop_when_the_loads_are_level():
    flows = [elephant(f"e{i}", 2, 1_000) for i in range(10)]
    moved = choose_moves(flows, [fat(0), thin(10)], NOW, limit=100)
    assert len(moved) == 8
    assert choose_moves(flows[:2], [fat(8), thin(2)], NOW) == ()


def test_who_would_be_hurt_counts():
    # It would get 8 in place of 6, and leave 6 unused that nobody else fills.
    alone = Candidate(2, 6_000, 3_000, active=1, down_load=6_000)
    assert choose_moves([elephant("e", 2, 6_000)], [fat(4), alone], NOW) == ()


def test_a_flow_that_would_lose_stays():
    flows = [elephant(f"e{i}", 1, 6_667) for i in range(6)]
    assert choose_moves(flows, [fat(6), Candidate(2, 5_000, 2_500)], NOW) == ()


def test_the_flow_with_most_behind_it_goes_first():
    flows = [elephant("young", 2, 5_000, age=1), elephant("old", 2, 5_000, age=60)]
    assert [move.key for move in choose_moves(flows, [fat(0), thin(2)], NOW, limit=1)] == ["old"]


def test_a_flow_that_wants_little_is_left_alone():
    assert choose_moves([elephant("voice", 2, 80)], [fat(0), thin(4)], NOW) == ()


def test_a_flow_rests_after_a_move_and_a_young_one_is_left_alone():
    paths = [fat(0), thin(4)]
    assert choose_moves([elephant("e", 2, 2_500, moved=NOW - 1)], paths, NOW) == ()
    assert choose_moves([elephant("e", 2, 2_500, age=0.1)], paths, NOW) == ()
    assert choose_moves([elephant("e", 2, 2_500, moved=NOW - 60)], paths, NOW)


def test_few_moves_in_a_period():
    flows = [elephant(i, 2, 500) for i in range(20)]
    first = choose_moves(flows, [fat(0), thin(20)], NOW)
    assert len(first) == LIMIT
    gone = {move.key for move in first}
    after = [replace(flow, path=1, moved=NOW) if flow.key in gone else flow for flow in flows]
    assert choose_moves(after, [fat(LIMIT), thin(20 - LIMIT)], NOW + PERIOD / 2) == ()
    assert choose_moves(after, [fat(LIMIT), thin(20 - LIMIT)], NOW + PERIOD)


def test_policy_is_kept():
    pinned = replace(elephant("e", 2, 2_500), allowed={2})
    assert choose_moves([pinned], [fat(0), thin(4)], NOW) == ()


def test_old_flows_do_not_move_to_a_path_that_is_only_just_back():
    assert choose_moves([elephant("e", 2, 2_500)], [fat(0, takes="new"), thin(4)], NOW) == ()
    assert choose_moves([elephant("e", 2, 2_500)], [fat(0, takes="nothing"), thin(4)], NOW) == ()


def test_an_emptied_path_loses_its_flows_though_they_gain_nothing():
    moved = choose_moves([elephant("e", 1, 40_000)], [fat(1, drain=True), thin(3)], NOW)
    assert [(move.key, move.target) for move in moved] == [("e", 2)]
    assert moved[0].gain < 0


def test_what_is_little_known_asks_for_a_greater_gain():
    flow = elephant("e", 2, 10_000)
    sure, unsure = Candidate(3, 16_000, 8_000), Candidate(3, 16_000, 8_000, confidence=0.0)
    assert choose_moves([flow], [sure, thin(1)], NOW)
    assert not choose_moves([flow], [unsure, thin(1)], NOW)


def test_an_upload_moves_by_what_goes_up():
    upload = Carried("e", 1, ALL, 20.0, 1_000.0, NOW - 10)
    down_rich, up_rich = Candidate(1, 40_000, 1_000, active=1, up_load=1_000), Candidate(2, 10_000, 10_000)
    assert choose_moves([upload], [down_rich, up_rich], NOW)[0].target == 2


def test_a_flow_on_a_path_that_is_gone_is_left_to_its_routes():
    assert choose_moves([elephant("e", 3, 2_500)], [fat(0), thin(4)], NOW) == ()


@given(
    st.lists(st.tuples(st.integers(1, 3), st.floats(0, 1e6), st.floats(0, 100)), max_size=30),
    st.lists(st.floats(100, 1e6), min_size=3, max_size=3),
)
def test_a_move_never_makes_loads_differ_more(described, capacities):
    flows = [
        Carried(index, path, ALL, rate, 0.0, NOW - age) for index, (path, rate, age) in enumerate(described)
    ]
    active = {path: sum(1 for flow in flows if flow.path == path) for path in (1, 2, 3)}
    paths = [Candidate(p, c, c, active=active[p]) for p, c in zip((1, 2, 3), capacities, strict=True)]
    speed = {one.path: one.down for one in paths}
    for move in choose_moves(flows, paths, NOW, limit=10):
        before = abs(active[move.source] / speed[move.source] - active[move.target] / speed[move.target])
        active[move.source] -= 1
        active[move.target] += 1
        after = abs(active[move.source] / speed[move.source] - active[move.target] / speed[move.target])
        assert after <= before + 1e-12
