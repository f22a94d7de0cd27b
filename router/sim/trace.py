"""What links could carry, second by second: recorded or made up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, sqrt
from random import Random

__all__ = ["SPREAD", "LinkState", "LinkTrace", "drifting"]


@dataclass(frozen=True, slots=True)
class LinkState:
    """A link from one moment on; rates in kbit/s, delay in seconds one way, loss 0..1."""

    down: float
    up: float
    delay: float = 0.0
    loss: float = 0.0
    radio: Mapping[str, str | float] = field(default_factory=dict)
    """Values of the modem, by the names of `router.path.radio.estimate`."""

    @property
    def goodput(self) -> float:
        """What is left of the rate down after repetitions, kbit/s."""
        return self.down * (1 - self.loss)


@dataclass(frozen=True)
class LinkTrace:
    """One link's states; each holds until the next, the last for ever, the first from the beginning."""

    name: str
    times: tuple[float, ...]
    states: tuple[LinkState, ...]
    holes: int = 0
    """Values that were missing, where the former ones went on."""

    def at(self, time: float) -> LinkState:
        return self.states[max(0, bisect_right(self.times, time) - 1)]

    def mean(self, seconds: float) -> float:
        """Mean goodput from 0 to `seconds`, kbit/s."""
        total, since, state = 0.0, 0.0, self.at(0.0)
        for time, following in zip(self.times, self.states, strict=True):
            if 0 < time < seconds:
                total += (time - since) * state.goodput
                since = time
            if time < seconds:
                state = following
        return (total + (seconds - since) * state.goodput) / seconds


_STEP = 0.5
SPREAD = 0.7
"""Standard deviation of the logarithm of a link's capacity."""
_MEMORY = 30.0
"""Seconds after which a drift has lost two thirds of what it was."""
_LEAST, _MOST = 0.1, 3.0
_UP = 0.4


def drifting(name: str, rate: float, seconds: float, rng: Random, spread: float = SPREAD) -> LinkTrace:
    """A link of `rate` kbit/s whose capacity wanders about it: its logarithm falls back to the mean as it drifts.

    An Ornstein-Uhlenbeck process in steps of half a second, between a tenth and three times the rate.
    """
    kept = exp(-_STEP / _MEMORY)
    # The mean of a log-normal variable lies above the exponential of its mean.
    level, mean = rng.gauss(0, spread), -spread * spread / 2
    times, states = [], []
    for step in range(int(seconds / _STEP) + 1):
        factor = min(_MOST, max(_LEAST, exp(mean + level)))
        times.append(step * _STEP)
        states.append(LinkState(rate * factor, _UP * rate * factor))
        level = level * kept + rng.gauss(0, spread * sqrt(1 - kept * kept))
    return LinkTrace(name, tuple(times), tuple(states))
