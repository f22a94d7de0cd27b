"""What a router would believe of its links: the truth, spoilt in a chosen way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from random import Random

from router.path.radio import estimate
from router.sim.trace import LinkTrace

__all__ = ["KINDS", "Belief", "Estimates"]

KINDS: Mapping[str, str] = {
    "perfect": "what the link carries now",
    "noisy": "a second old, wrong by a fifth (one standard deviation), anew every second",
    "stale": "30 s old, and wrong by up to a half in either direction, anew every 30 s",
    "radio": "what the modem's values in the trace promise; the link's mean where there are none",
}
_CONFIDENCE = {"perfect": 1.0, "noisy": 0.7, "stale": 0.3, "radio": 0.3}
_NOISE = 0.2
_STALE, _WRONG = 30.0, 0.5


@dataclass(frozen=True, slots=True)
class Belief:
    """kbit/s towards us and away from us, and how far they can be trusted."""

    down: float
    up: float
    confidence: float


class Estimates:
    """Beliefs of one kind about some links, the same for the same seed whoever asks when."""

    def __init__(self, kind: str, traces: Mapping[int, LinkTrace], seconds: float, seed: int) -> None:
        self._kind = kind
        self._traces = traces
        self._seconds = seconds
        self._seed = seed
        self._drawn: dict[int, tuple[int, float]] = {}

    def of(self, path: int, now: float) -> Belief:
        trace, confidence = self._traces[path], _CONFIDENCE[self._kind]
        if self._kind == "radio":
            return self._radio(trace, now)
        if self._kind == "noisy":
            state, factor = trace.at(now - 1.0), exp(self._error(path, int(now)))
        elif self._kind == "stale":
            state, factor = trace.at(now - _STALE), 1 + self._error(path, int(now / _STALE))
        else:
            state, factor = trace.at(now), 1.0
        return Belief(state.goodput * factor, state.up * factor, confidence)

    def _error(self, path: int, period: int) -> float:
        if path not in self._drawn or self._drawn[path][0] != period:
            rng = Random(f"{self._seed} {path} {period}")
            drawn = rng.gauss(0, _NOISE) if self._kind == "noisy" else rng.uniform(-_WRONG, _WRONG)
            self._drawn[path] = (period, drawn)
        return self._drawn[path][1]

    def _radio(self, trace: LinkTrace, now: float) -> Belief:
        found = estimate(trace.at(now).radio)
        if found is None:
            mean = trace.mean(self._seconds)
            return Belief(mean, mean / 2, 0.1)
        return Belief(found.down / 1000, found.up / 1000, found.confidence)
