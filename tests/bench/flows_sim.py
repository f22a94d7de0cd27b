"""What placement is worth in the simulator: `python tests/bench/flows_sim.py`, and a part of `invoke bench flows`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from router.sim.compare import SETTING, Row, compare, synthetic
from router.sim.policies import POLICIES
from router.sim.trace import SPREAD
from router.sim.workload import WORKLOADS
from tests.bench.figures import Figure, report

UNSEEN = range(101, 117)
"""Seeds that nothing was tuned by."""
_GOALS = {"perfect": 1.25, "stale": 1.45}
_COMPARED = ("static", "estimate", "load")
_BAD = 5.0

Rows = Mapping[str, list[Row]]


def figures(seeds: Iterable[int] = UNSEEN) -> list[Figure]:
    """Mean completion time by that of the ideal bond, averaged over the seeds; and moves that did not help."""
    chosen = list(seeds)
    result: list[Figure] = []
    for kind, goal in _GOALS.items():
        rows = _rows(chosen, kind, "web", (*_COMPARED, "moves"))
        result.append(
            Figure(f"simulator, {kind} estimates: mean time / ideal", _mean(rows["moves"]), "", goal, True)
        )
        result += [
            Figure(f"simulator, {kind} estimates, policy {name}", _mean(rows[name]), "") for name in _COMPARED
        ]
        moves, bad = sum(row.moves for row in rows["moves"]), sum(row.unhelpful for row in rows["moves"])
        part = 100 * bad / max(1, moves)
        every = [row.relative for row in rows["moves"]]
        result.append(Figure(f"simulator, {kind} estimates: worst seed", max(every), ""))
        result.append(Figure(f"simulator, {kind} estimates: moves that do not help", part, "%", _BAD, True))
    return result


def sensitivity(seeds: Iterable[int]) -> str:
    """The same over other workloads and links that drift less, as a table in Markdown."""
    chosen = list(seeds)
    lines = [
        "| flows | links | static | estimate | load | moves | moves, stale |",
        "|---|---|---|---|---|---|---|",
    ]
    cases = [*((name, SPREAD) for name in WORKLOADS), ("web", SPREAD / 2), ("web", 0.0)]
    for name, spread in cases:
        rows = _rows(chosen, "perfect", name, (*_COMPARED, "moves"), spread)
        stale = _rows(chosen, "stale", name, ("moves",), spread)
        cells = [*(_mean(rows[policy]) for policy in (*_COMPARED, "moves")), _mean(stale["moves"])]
        shown = " | ".join(f"{cell:.2f}" for cell in cells)
        lines.append(f"| {name}: {WORKLOADS[name].what} | drift {spread:g} | {shown} |")
    return "\n".join(lines)


def _rows(
    seeds: Iterable[int], estimates: str, workload: str, policies: Iterable[str], spread: float = SPREAD
) -> Rows:
    names = [name for name in POLICIES if name in set(policies)]
    result: dict[str, list[Row]] = {}
    for seed in seeds:
        if sys.stderr.isatty():
            print(f"\r\x1b[Kseed {seed}, {workload}, {estimates}", end="", file=sys.stderr, flush=True)
        setting = replace(SETTING, seed=seed, estimates=estimates, workload=workload)
        for row in compare(synthetic(setting.seconds, seed, spread), setting, names):
            result.setdefault(row.policy, []).append(row)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return result


def _mean(rows: Iterable[Row]) -> float:
    ratios = [row.relative for row in rows]
    return sum(ratios) / len(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file")
    parser.add_argument(
        "--seeds",
        type=int,
        nargs=2,
        metavar=("FIRST", "LAST"),
        default=(UNSEEN[0], UNSEEN[-1]),
        help="default: %(default)s; the constants were chosen by 1 8",
    )
    parser.add_argument("--workloads", action="store_true", help="other workloads too")
    arguments = parser.parse_args()
    first, last = arguments.seeds
    seeds = range(first, last + 1)
    print(f"seeds {seeds[0]}..{seeds[-1]}")
    report(figures(seeds), f"python tests/bench/flows_sim.py --seeds {first} {last}", arguments.json)
    if arguments.workloads:
        print(sensitivity(seeds))


if __name__ == "__main__":
    main()
