"""Which flows come when: Poisson arrivals, sizes of a chosen distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log
from random import Random

__all__ = ["WORKLOADS", "Arrival", "Workload", "arrivals"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A flow to come: `size` octets towards us, and the number that a hash makes of its addresses and ports."""

    time: float
    size: float
    hash: int


@dataclass(frozen=True)
class Workload:
    """A distribution of sizes in octets: its mean, and a draw from it."""

    what: str
    mean: float
    draw: Callable[[Random], float]


def _bounded_pareto(shape: float, least: float, most: float) -> Workload:
    """Many small, few big flows; `shape` above 1, and the smaller the more of the octets are in the big ones."""
    cut = (least / most) ** shape
    mean = least * shape / (shape - 1) * (1 - (least / most) ** (shape - 1)) / (1 - cut)
    what = f"bounded Pareto {shape:g}, {least / 1e3:g} kB to {most / 1e6:g} MB"
    return Workload(what, mean, lambda rng: least * float((1 - rng.random() * (1 - cut)) ** (-1 / shape)))


def _exponential(mean: float) -> Workload:
    return Workload(f"exponential, mean {mean / 1e3:g} kB", mean, lambda rng: -mean * log(1 - rng.random()))


WORKLOADS: Mapping[str, Workload] = {
    "web": _bounded_pareto(1.2, 100e3, 100e6),
    "small": _bounded_pareto(1.2, 20e3, 20e6),
    "heavy": _bounded_pareto(1.05, 50e3, 1e9),
    "even": _exponential(450e3),
    "video": Workload("segments of 2 MB", 2e6, lambda _rng: 2e6),
}
"""`web` is what figures are stated for: connections that carry some objects each, and now and then a download."""


def arrivals(workload: Workload, rate: float, seconds: float, rng: Random) -> list[Arrival]:
    """Flows that ask for `rate` kbit/s on average, in order of time."""
    result: list[Arrival] = []
    per_second = rate * 125 / workload.mean
    if per_second <= 0:
        return result
    time = rng.expovariate(per_second)
    while time < seconds:
        result.append(Arrival(time, workload.draw(rng), rng.getrandbits(32)))
        time += rng.expovariate(per_second)
    return result
