"""What flows get out of three thin links, ours and what others would use: `invoke bench flows`.

Real queues and real TCP in network namespaces of this machine; roamd carries
the packets in user space, at both ends.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import threading
from collections.abc import Callable

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.bench.figures import Figure, command_line, report, show
from tests.bench.flow_lab import RATES, Lab, result

ROUNDS = 3
FLOWS, SECONDS = 16, 20
FALLEN, PERIOD = 10.0, 10.0
"""What the fat link carries every other `PERIOD` seconds."""
WEB_SECONDS, WEB_LOAD, PAYLOAD = 40, 0.7, 0.95
"""Payload of a full packet in a tunnel, less than 1500 octets by all headers."""
SEEDS = (101, 102, 103, 104, 105)
FRESH, REMEMBERED = 1000, 20

Way = Callable[[Lab], tuple[str, tuple[str, ...]]]
"""Sets a lab up; where the client sits then, and its further words."""


def by_load(lab: Lab) -> tuple[str, tuple[str, ...]]:
    lab.serve()
    lab.drive("load")
    return "lan", ()


def by_weights(lab: Lab) -> tuple[str, tuple[str, ...]]:
    lab.serve()
    lab.drive("weights")
    return "lan", ()


def uniformly(lab: Lab) -> tuple[str, tuple[str, ...]]:
    lab.serve()
    lab.drive("uniform")
    return "lan", ()


def by_nft(lab: Lab) -> tuple[str, tuple[str, ...]]:
    lab.serve()
    lab.balance()
    return "lan", ()


def by_mptcp(lab: Lab) -> tuple[str, tuple[str, ...]]:
    """The router itself is the client: MPTCP is for the ends of a connection."""
    lab.serve("--mptcp")
    lab.multipath()
    return "mr", ("--mptcp",)


def goodput(rounds: int) -> list[Figure]:
    """Payload of 16 TCP connections, against the sum of the links, each direction."""
    down, up = [], []
    for _ in range(rounds):
        down.append(_bulk(by_load))
        up.append(_bulk(by_load, "--up"))
    return [
        Figure("16 TCP flows down / sum of links", _share(down), "", 0.93),
        Figure("16 TCP flows up / sum of links", _share(up), "", 0.93),
    ]


def falling(rounds: int) -> list[Figure]:
    """The same while the link of 40 falls to 10 and comes back."""
    ways: dict[str, tuple[Way, float | None, int]] = {
        "roamd": (by_load, 0.85, FLOWS),
        "roamd, static weights": (by_weights, None, FLOWS),
        "nft, static weights, no tunnels": (by_nft, None, FLOWS),
        "MPTCP, one connection": (by_mptcp, None, 1),
        "MPTCP, sixteen": (by_mptcp, None, FLOWS),
    }
    found = {
        name: [_bulk(way, flows=flows, fall=True) for _ in range(rounds)]
        for name, (way, _, flows) in ways.items()
    }
    sum_of_links = sum(RATES) - (RATES[0] - FALLEN) / 2
    return [
        Figure(
            f"down / sum while a link falls and returns: {name}", _share(found[name], sum_of_links), "", goal
        )
        for name, (_, goal, _) in ways.items()
    ]


def peers(rounds: int) -> list[Figure]:
    """What a user would take instead, the links steady."""
    ways = {
        "nft, static weights, no tunnels, sixteen flows": (by_nft, FLOWS),
        "MPTCP, one connection": (by_mptcp, 1),
        "MPTCP, sixteen": (by_mptcp, FLOWS),
        "roamd, one flow": (by_load, 1),
    }
    return [
        Figure(f"down / sum of links: {name}", _share([_bulk(way, flows=flows) for _ in range(rounds)]), "")
        for name, (way, flows) in ways.items()
    ]


def completion(rounds: int) -> list[Figure]:
    """Time that web-like flows take at 70 % load; the same flows for each, in turns."""
    ways: dict[str, Way] = {
        "load": by_load,
        "weights": by_weights,
        "uniform": uniformly,
        "nft": by_nft,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for seed in SEEDS[:rounds]:
        for name, way in ways.items():
            times[name].append(_web(way, seed))
            print(f"   seed {seed}, {name}: {times[name][-1]:.3f} s", flush=True)

    def against(other: str) -> float:
        return statistics.median(one / two for one, two in zip(times["load"], times[other], strict=True))

    return [
        Figure("web-like flows, 70 % load: mean completion time", statistics.median(times["load"]), "s"),
        Figure("the same / static right weights", against("weights"), "", 0.6, at_most=True),
        Figure("the same / uniform hash", against("uniform"), ""),
        Figure("the same / nft, static weights, no tunnels", against("nft"), ""),
    ]


def processor(rounds: int) -> list[Figure]:
    """What the look at connections costs: 20,000 of them, 1,000 new ones a second."""
    found = {how: statistics.median(_processor(how) for _ in range(rounds)) for how in ("load", "blind")}
    return [
        Figure(
            "daemon, 20,000 connections, 1,000 new a second",
            100 * found["load"],
            "% of a core",
            10,
            at_most=True,
        ),
        Figure("of that, carrying the packets in user space", 100 * found["blind"], "% of a core"),
    ]


def _bulk(way: Way, *words: str, flows: int = FLOWS, fall: bool = False) -> float:
    """Mbit/s of payload."""
    seconds = 4 * PERIOD if fall else SECONDS
    with Lab("b") as lab:
        box, more = way(lab)
        client = lab.traffic(box, "bulk", "--flows", str(flows), "--seconds", str(seconds), *more, *words)
        done = threading.Event()
        falls = threading.Thread(target=_fall, args=(lab, done))
        if fall:
            falls.start()
        try:
            return float(str(result(client)["mbps"]))
        finally:
            done.set()
            if fall:
                falls.join()


def _fall(lab: Lab, done: threading.Event) -> None:
    rate = RATES[0]
    while not done.wait(PERIOD):
        rate = FALLEN if rate == RATES[0] else RATES[0]
        lab.rate(1, rate)


def _web(way: Way, seed: int) -> float:
    octets = WEB_LOAD * PAYLOAD * sum(RATES) * 1e6 / 8
    words = ("--seconds", str(WEB_SECONDS), "--rate", str(octets), "--seed", str(seed))
    with Lab("w") as lab:
        box, more = way(lab)
        return float(str(result(lab.traffic(box, "web", *words, *more))["mean"]))


def _processor(how: str) -> float:
    """Part of a core that the mobile node's daemon takes."""
    with Lab("c") as lab:
        lab.swallow()
        lab.drive(how)
        lab.remember(REMEMBERED)
        words = ("--port", "10000", "--rate", str(FRESH), "--seconds", str(2 * REMEMBERED + 5))
        client = lab.traffic("lan", "fresh", *words)
        lab.pause(REMEMBERED + 2)
        before = lab.cpu_seconds()
        lab.pause(REMEMBERED)
        used = lab.cpu_seconds() - before
        result(client)
        return used / REMEMBERED


def _share(rates: list[float], of: float = sum(RATES)) -> float:
    return statistics.median(rates) / of


def beside(module: str) -> Callable[[int], list[Figure]] | None:
    """The figures of another module, where it is there."""
    if importlib.util.find_spec(f"tests.bench.{module}") is None:
        return None
    return lambda rounds: list(importlib.import_module(f"tests.bench.{module}").figures())


MEASURES: dict[str, Callable[[int], list[Figure]]] = {
    "goodput": goodput,
    "falling": falling,
    "peers": peers,
    "completion": completion,
    "processor": processor,
}
for _name, _module in (("simulator", "flows_sim"), ("watch", "flow_watch")):
    _found = beside(_module)
    if _found is not None:
        MEASURES[_name] = _found


def main() -> None:
    parser = argparse.ArgumentParser(prog="invoke bench flows", description=__doc__)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="some figures only")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="measurements of each")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    for name in arguments.only or MEASURES:
        print(f"-- {name}: {(MEASURES[name].__doc__ or '').partition(chr(10))[0]}", flush=True)
        found = MEASURES[name](arguments.rounds)
        show(found)
        figures += found
    report(figures, command_line("flows"), arguments.json)


if __name__ == "__main__":
    main()
