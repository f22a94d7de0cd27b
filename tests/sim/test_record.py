import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.flow.assigner import Basis, Decision
from router.flow.moves import Carried, Move, choose_moves
from router.flow.place import candidate, place
from router.path.quality import Quality
from router.sim.record import Encoder, decode, header
from router.sim.replay import replay

RECORDINGS = os.path.join(os.path.dirname(__file__), "recordings")
QUALITIES = {
    1: Quality(1, "up", 40_000.0, 9_000.0, 0.9, "delivered"),
    2: Quality(2, "probation", 10_000.0 / 3, 2_000.0, 0.3, "radio", rtt=0.1, penalty=7.0),
}


def look(at=50.0):
    candidates = (candidate(QUALITIES[1], 0, 0.0, 0.0), candidate(QUALITIES[2], 4, 3_000.0, 60.0))
    carried = tuple(Carried(f"flow {n}", 2, (1, 2), 800.1, 16.0, at - n, None) for n in range(1, 5))
    buckets = place(candidates, (), 1.5)
    moves = (*choose_moves(carried, candidates, at, 3), Move("astray", 1, 2, 0.0))
    decision = Decision(at, (), candidates, (), {"": buckets, "lan": ()}, moves)
    return decision, Basis({"": ()}, {"": (1, 2), "lan": ()}, 1.5, carried, 3)


def line(**changes):
    values = json.loads(Encoder().look(*look(), QUALITIES, 1.7e9))
    return json.dumps(values | changes)


def test_what_was_written_is_read_again():
    decision, basis = look()
    found = decode(Encoder().look(decision, basis, QUALITIES, 1.7e9))
    assert found.decision.candidates == decision.candidates
    assert found.decision.buckets == decision.buckets
    assert found.qualities == QUALITIES
    assert (found.basis.expected, found.basis.limit, found.wall) == (1.5, 3, 1.7e9)
    assert [flow.since for flow in found.basis.carried] == [flow.since for flow in basis.carried]


def test_a_connection_keeps_its_number_and_gives_away_nothing_else():
    encoder = Encoder()
    lines = [encoder.look(*look(at), QUALITIES, 1.7e9) for at in (50.0, 51.0)]
    first, second = (json.loads(text)["flows"] for text in lines)
    assert [flow[0] for flow in first] == [flow[0] for flow in second] == [1, 2, 3, 4]
    assert "flow" not in "".join(lines).replace('"flows"', "")


def test_the_same_comes_out_again():
    found = replay([header("1", 1.7e9), line()])
    assert (found.looks, found.decisions, found.moves) == (1, 3, 4)
    assert found.differences == [] and found.damaged == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"expected": 500.0}, "buckets"),
        ({"limit": 1}, "moves"),
        ({"buckets": {"lan": [[1, 2], [], [[2, 64]]]}}, "buckets of lan"),
        ({"qualities": [[1, "suspect", 40_000.0, 9_000.0, 0.9, "delivered"]]}, "candidate 1"),
    ],
)
def test_what_comes_out_otherwise_is_named(changes, what):
    found = replay([line(**changes)]).differences
    assert [one.what for one in found] == [what]
    assert found[0].line == 1 and found[0].at == 50.0 and found[0].recorded != found[0].replayed


def test_damaged_lines_are_told_and_passed_over():
    found = replay(
        [line()[:200], "[]", line(), '{"record": 99}', '{"at": 1}', line(buckets={"": [[1], [], [[1, 1e9]]]})]
    )
    assert found.looks == 1
    assert [text.partition(":")[0] for text in found.damaged] == [
        "line 1",
        "line 2",
        "line 4",
        "line 5",
        "line 6",
    ]
    assert "format 99; expected 1" in found.damaged[2]


@given(
    st.recursive(st.none() | st.floats() | st.text(max_size=4), lambda inner: st.lists(inner, max_size=3)),
    st.sampled_from(
        ["at", "flows", "moves", "candidates", "qualities", "buckets", "limit", "expected", "wall"]
    ),
)
def test_any_value_is_read_or_refused(value, name):
    found = replay([line(**{name: value})])
    assert found.looks + len(found.damaged) == 1


@pytest.mark.parametrize("name", sorted(os.listdir(RECORDINGS)))
def test_drives_are_decided_as_they_were(name):
    """What differs was decided otherwise on purpose, or by mistake: `roamctl simulate --replay` says how."""
    with open(os.path.join(RECORDINGS, name), encoding="ascii") as file:
        found = replay(file)
    assert found.looks and not found.damaged
    assert found.differences == []


TICK = '{"path":1,"call":"tick","args":[],"at":[49.0,1.7e9]}'


def told(*lines):
    """A path that was made, bound and looked at before the look at the flows."""
    made = ['{"path":1,"call":"made","args":[10000,40000,9000,"configured",1.0,true],"at":null}']
    begin = ['{"path":1,"call":"begin","args":[20,1],"at":[48.0,1.7e9]}']
    return [*made, *begin, *lines]


def test_a_path_is_told_the_same_again():
    quality = [1, "up", 40_000.0, 9_000.0, 1.0, "configured"]
    one = [[1, 40_000.0, 9_000.0, 1.0, 0, 0.0, 0.0, "all", False]]
    plain = {"qualities": [quality], "candidates": one, "buckets": {}, "flows": [], "moves": []}
    found = replay([*told(TICK), line(**plain)])
    assert (found.heard, found.differences, found.damaged) == (3, [], [])
    otherwise = told(TICK, '{"path":1,"call":"guess","args":[30000,9000,"configured",1.0],"at":[49.5,1.7e9]}')
    (difference,) = replay([*otherwise, line(**plain)]).differences
    assert difference.what == "path 1"
    assert "40000" in difference.recorded and "30000" in difference.replayed


def test_of_a_path_whose_beginning_is_missing_nothing_is_said():
    found = replay([TICK, line()])
    assert (found.untold, found.differences, found.damaged) == (1, [], [])


@pytest.mark.parametrize(
    "bad",
    [
        '{"path":1,"call":"explode","args":[],"at":[49.0,1.7e9]}',
        '{"path":1,"call":"look","args":[1],"at":[49.0,1.7e9]}',
        '{"path":1,"call":"tick","args":[],"at":null}',
        '{"path":1,"call":"made","args":[],"at":null}',
        '{"path":1,"call":"tick"}',
    ],
)
def test_a_damaged_line_of_a_path_is_passed_over(bad):
    found = replay([*told(bad), line()])
    assert [text.partition(":")[0] for text in found.damaged] == ["line 3"] and found.looks == 1
