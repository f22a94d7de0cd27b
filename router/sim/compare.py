"""Policies beside each other, over the same links and the same flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from router.sim.bond import Bond, Outcome
from router.sim.estimates import Estimates
from router.sim.policies import IDEAL, POLICIES
from router.sim.trace import SPREAD, LinkState, LinkTrace, drifting
from router.sim.workload import WORKLOADS, Arrival, arrivals

__all__ = ["SETTING", "Row", "Setting", "compare", "percentile", "synthetic"]


@dataclass(frozen=True)
class Setting:
    """What is simulated, but for the links."""

    seconds: float = 300.0
    load: float = 0.7
    """Of what the links carry on average."""
    workload: str = "web"
    estimates: str = "perfect"
    seed: int = 1


SETTING = Setting()
_PATIENCE = 10.0
"""Flows that have not ended after so many times the time in which they came never will."""
RATES = (40_000.0, 15_000.0, 5_000.0)
"""kbit/s of the links when no trace is given."""


@dataclass(frozen=True)
class Row:
    """One policy's result; times in seconds."""

    policy: str
    flows: int
    unfinished: int
    mean: float
    median: float
    p95: float
    p99: float
    relative: float
    """Mean completion time by that of the ideal bond."""
    utilisation: float
    """Of what the links could have carried until the last flow came."""
    moves: int
    unhelpful: int
    outage: float
    completion: tuple[float, ...]


def synthetic(seconds: float, seed: int, spread: float = SPREAD) -> list[LinkTrace]:
    """Links of 40, 15 and 5 Mbit/s that drift."""
    rng = Random(f"links {seed}")
    return [drifting(f"{rate / 1000:g}M", rate, seconds, rng, spread) for rate in RATES]


def compare(
    links: Sequence[LinkTrace],
    setting: Setting,
    policies: Sequence[str] = tuple(POLICIES),
    progress: Callable[[str], None] = lambda _policy: None,
) -> list[Row]:
    """A row for each policy, the ideal bond last; `progress` hears each name before its run, "" at the end."""
    traces = dict(enumerate(links, 1))
    coming = arrivals(
        WORKLOADS[setting.workload],
        setting.load * sum(link.mean(setting.seconds) for link in links),
        setting.seconds,
        Random(f"flows {setting.seed}"),
    )
    progress(IDEAL)
    ideal = _run({1: _bond(links)}, "primary", setting, coming)
    rows = []
    for name in policies:
        progress(name)
        rows.append(_row(name, _run(traces, name, setting, coming), ideal))
    progress("")
    return [*rows, _row(IDEAL, ideal, ideal)]


def _run(
    traces: Mapping[int, LinkTrace], policy: str, setting: Setting, coming: Sequence[Arrival]
) -> Outcome:
    means = {path: trace.mean(setting.seconds) for path, trace in traces.items()}
    estimates = Estimates(setting.estimates, traces, setting.seconds, setting.seed)
    return Bond(traces, POLICIES[policy], estimates, means).run(coming, _PATIENCE * setting.seconds)


def _bond(links: Sequence[LinkTrace]) -> LinkTrace:
    """One link as good as all together."""
    times = sorted({time for link in links for time in link.times})
    states = []
    for time in times:
        now = [link.at(time) for link in links]
        alive = [state.delay for state in now if state.goodput > 0]
        states.append(
            LinkState(
                sum(state.goodput for state in now), sum(state.up for state in now), min(alive, default=0.0)
            )
        )
    return LinkTrace(IDEAL, tuple(times), tuple(states))


def _row(name: str, outcome: Outcome, ideal: Outcome) -> Row:
    """Only flows that ended under both are compared; `unfinished` says how many did not."""
    times = sorted(outcome.completion.values())
    both = outcome.completion.keys() & ideal.completion.keys()
    ours = sum(outcome.completion[flow] for flow in both)
    theirs = sum(ideal.completion[flow] for flow in both)
    offered = sum(outcome.offered.values())
    return Row(
        name,
        len(times) + outcome.unfinished,
        outcome.unfinished,
        sum(times) / len(times) if times else 0.0,
        percentile(times, 0.5),
        percentile(times, 0.95),
        percentile(times, 0.99),
        ours / theirs if theirs else 1.0,
        sum(outcome.delivered.values()) / offered if offered else 0.0,
        outcome.moves,
        outcome.unhelpful,
        outcome.outage,
        tuple(times),
    )


def percentile(ordered: Sequence[float], part: float) -> float:
    """Of values in order, by the nearest rank; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, round(part * len(ordered)) - 1))]
