"""Rates and activity of connections, from counters read now and then, good and bad ones."""

import pytest

from router.flow.track import Tracker

MBIT = 125_000
"""Octets a second."""


class Table:
    """A kernel's table: octets so far by key, and who reads it."""

    def __init__(self, inbound=lambda key: False):
        self.tracker = Tracker(inbound)
        self.rows = {}
        self.closed = set()
        self.at = 100.0
        self.sweep()

    def sweep(self, seconds=0.1, rows=None):
        self.at += seconds
        self.tracker.begin(self.at)
        rows = self.rows if rows is None else rows
        self.tracker.see([(key, *values, key in self.closed) for key, values in rows.items()], self.at)
        self.tracker.end(self.at)

    def run(self, seconds, key, path=1, up=0, down=0):
        for _ in range(round(seconds / 0.1)):
            _, original, reply = self.rows.get(key, (path, 0, 0))
            self.rows[key] = (path, original + round(up * 0.1), reply + round(down * 0.1))
            self.sweep()


def test_rates_by_direction():
    table = Table()
    table.run(3, "a", up=MBIT, down=8 * MBIT)
    flow = table.tracker.flows["a"]
    assert flow.up == pytest.approx(1000, rel=0.01)
    assert flow.down == pytest.approx(8000, rel=0.01)
    assert table.tracker.loads()[1].down == pytest.approx(8000, rel=0.01)


def test_what_the_other_side_began_comes_down_first():
    table = Table(inbound=lambda key: key == "a")
    table.run(1, "a", up=MBIT)
    assert table.tracker.flows["a"].down > 900
    assert table.tracker.flows["a"].up == 0


def test_a_new_connections_first_octets_are_a_rate_at_once():
    table = Table()
    table.run(0.1, "a", down=10 * MBIT)
    assert table.tracker.flows["a"].down == pytest.approx(10_000, rel=0.01)


def test_what_was_there_before_the_first_look_has_no_rate_yet():
    tracker = Tracker(lambda key: False)
    tracker.begin(5.0)
    tracker.see([("a", 1, 10**9, 10**9, False)], 5.0)
    tracker.end(5.0)
    assert not tracker.active
    assert tracker.flows["a"].down == 0


def test_an_idle_connection_is_no_load_and_comes_back_with_the_rate_it_has_then():
    table = Table()
    table.run(1, "a", down=MBIT)
    table.run(3, "a")
    assert not table.tracker.active
    assert table.tracker.loads() == {}
    table.run(0.1, "a", down=MBIT)
    assert table.tracker.loads()[1].flows == 1
    assert 0 < table.tracker.flows["a"].down <= 1000


def test_a_question_and_its_answer_are_no_load_and_a_call_is():
    table = Table()
    table.rows["dns"] = (1, 80, 300)
    table.sweep()
    assert not table.tracker.active
    table.run(1, "call", up=8_000, down=8_000)
    assert table.tracker.active.keys() == {"call"}
    assert table.tracker.flows["call"].up == pytest.approx(64, rel=0.2)


def test_a_connection_that_only_keeps_itself_alive_is_no_load():
    table = Table()
    table.run(1, "a", down=MBIT)
    table.run(2, "a")
    for _ in range(30):
        table.rows["a"] = (1, table.rows["a"][1] + 60, table.rows["a"][2] + 60)
        table.sweep(2.0)
        assert not table.tracker.active


def test_a_closed_connection_competes_no_more_though_it_is_remembered():
    table = Table()
    table.run(1, "a", down=MBIT)
    table.closed.add("a")
    table.run(0.1, "a", down=MBIT)
    assert "a" in table.tracker.flows
    assert not table.tracker.active


def test_what_is_gone_from_the_table_is_forgotten():
    table = Table()
    table.run(1, "a", down=MBIT)
    del table.rows["a"]
    table.sweep()
    assert not table.tracker.flows and not table.tracker.active


def test_a_sweep_in_pieces_forgets_nobody():
    tracker = Tracker(lambda key: False)
    for at in (1.0, 2.0):
        tracker.begin(at)
        tracker.see([("a", 1, 1, 1, False)], at)
        tracker.see([("b", 1, 1, 1, False)], at + 0.5)
        tracker.end(at + 0.5)
    assert tracker.flows.keys() == {"a", "b"}


def test_a_counter_that_starts_anew_is_counted_and_no_negative_rate():
    table = Table()
    table.run(1, "a", down=MBIT)
    table.rows["a"] = (1, 0, 1000)
    table.sweep()
    assert table.tracker.counters["flows_reset"] == 1
    assert table.tracker.flows["a"].down >= 0


def test_an_absurd_step_is_counted_and_believed_by_nobody():
    table = Table()
    table.run(1, "a", down=MBIT)
    before = table.tracker.flows["a"].down
    table.rows["a"] = (1, 0, 1 << 60)
    table.sweep()
    assert table.tracker.counters["flows_odd"] == 1
    assert table.tracker.flows["a"].down <= before


def test_a_clock_that_stands_still_changes_no_rate():
    table = Table()
    table.run(1, "a", down=MBIT)
    before = table.tracker.flows["a"].down
    table.rows["a"] = (1, 0, table.rows["a"][2] + 5000)
    table.sweep(seconds=0.0)
    assert table.tracker.flows["a"].down == before


def test_new_connections_are_counted():
    table = Table()
    for number in range(20):
        table.rows[number] = (1, 100, 100)
    table.sweep(seconds=0.5)
    assert table.tracker.fresh == 20
    table.sweep(seconds=0.5)
    assert table.tracker.fresh == 0


def test_a_moved_connection_says_so():
    table = Table()
    table.run(1, "a", down=MBIT)
    table.tracker.moved("a", 2, table.at)
    flow = table.tracker.flows["a"]
    assert (flow.path, flow.moved, flow.moves) == (2, table.at, 1)
