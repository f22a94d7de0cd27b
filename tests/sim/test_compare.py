from dataclasses import replace
from random import Random

import pytest

from router.sim.bond import Bond
from router.sim.compare import SETTING, compare, percentile, synthetic
from router.sim.csv_trace import read_traces
from router.sim.estimates import Estimates
from router.sim.policies import POLICIES
from router.sim.trace import LinkState, LinkTrace
from router.sim.workload import WORKLOADS, Arrival, arrivals

SHORT = replace(SETTING, seconds=60.0)


def steady(name, rate):
    return LinkTrace(name, (0.0,), (LinkState(rate, rate / 2),))


def by_policy(rows):
    return {row.policy: row for row in rows}


def test_the_same_seed_gives_the_same_figures():
    links = synthetic(SHORT.seconds, 3)
    assert compare(links, SHORT, ["moves"]) == compare(synthetic(SHORT.seconds, 3), SHORT, ["moves"])
    other = compare(links, replace(SHORT, seed=2), ["moves"])
    assert other != compare(links, SHORT, ["moves"])


def test_the_better_informed_policy_wins():
    rows = by_policy(compare(synthetic(120.0, 1), replace(SETTING, seconds=120.0)))
    assert rows["ideal"].relative == 1.0
    ranking = [rows[name].mean for name in ("ideal", "moves", "estimate", "static", "hash")]
    assert ranking == sorted(ranking)


def test_every_octet_arrives_and_every_flow_ends():
    links = synthetic(SHORT.seconds, 1)
    for row in compare(links, SHORT):
        assert row.unfinished == 0 and len(row.completion) == row.flows
        assert 0 < row.utilisation <= 1


def test_estimates_that_are_stale_and_wrong_do_little_harm():
    rows = by_policy(compare(synthetic(120.0, 1), replace(SETTING, seconds=120.0, estimates="stale")))
    assert rows["moves"].mean < rows["estimate"].mean / 1.5


def test_few_moves_make_loads_differ_more():
    rows = compare(synthetic(300.0, 2), replace(SETTING, estimates="stale"), ["moves"])
    assert rows[0].moves > 20
    assert rows[0].unhelpful <= 0.1 * rows[0].moves


def test_flows_of_a_dead_link_are_carried_by_the_others_and_go_home():
    dying = LinkTrace("a", (0.0, 2.0, 6.0), (LinkState(8_000, 0), LinkState(0, 0), LinkState(8_000, 0)))
    traces = {1: dying, 2: steady("b", 4_000)}
    bond = Bond(traces, POLICIES["primary"], Estimates("perfect", traces, 20.0, 1), {1: 5_000, 2: 4_000})
    outcome = bond.run([Arrival(0.05, 8e6, 7)], until=60.0)
    # 1.95 s at 8 Mbit/s, half a second of nothing, 4 Mbit/s from 2.5 s to 7 s, and home for the rest.
    assert outcome.completion[0] == pytest.approx(7 - 0.05 + (8e6 - 1.95e6 - 4.5 * 5e5) / 1e6, abs=0.15)
    assert outcome.outage == pytest.approx(0.5, abs=0.11)
    assert outcome.moves == 0


def test_when_all_links_die_for_good_the_run_ends_and_says_so():
    dying = LinkTrace("a", (0.0, 5.0), (LinkState(1_000, 0), LinkState(0, 0)))
    rows = compare([dying], replace(SHORT, seconds=20.0), ["moves"])
    assert rows[0].unfinished > 0
    assert rows[0].outage > 10


def test_a_trace_without_anything_to_carry_gives_no_flows():
    assert compare([steady("a", 0.0)], SHORT, ["moves"])[0].flows == 0


def test_radio_values_are_an_estimate():
    text = "time,link,down,technology,sinr,bandwidth_down\n0,lte,9000,E-UTRAN,12,20000\n"
    traces = dict(enumerate(read_traces(text.splitlines()), 1))
    belief = Estimates("radio", traces, 10.0, 1).of(1, 0.0)
    assert 5_000 < belief.down < 200_000 and 0 < belief.confidence < 1
    assert belief.down != 9_000


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_a_workload_asks_for_the_load_it_is_given(name):
    workload, rng = WORKLOADS[name], Random(1)
    flows = [workload.draw(rng) for _ in range(100_000)]
    assert sum(flows) / len(flows) == pytest.approx(workload.mean, rel=0.35 if name == "heavy" else 0.1)
    coming = arrivals(workload, 10_000, 2_000, Random(1))
    assert len(coming) == pytest.approx(10_000 * 125 / workload.mean * 2_000, rel=0.1)


def test_percentiles_by_nearest_rank():
    assert percentile([], 0.5) == 0
    assert [percentile([1, 2, 3, 4], part) for part in (0, 0.5, 0.95, 1)] == [1, 2, 4, 4]
