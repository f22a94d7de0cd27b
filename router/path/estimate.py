"""What one direction of a path can carry: a guess, corrected by what was seen.

The guess comes from configuration or radio.  It is raised by what was seen
delivered, and lowered only by delivery that stops growing while the round trip
is inflated: what an application did not ask for says nothing of the path
(an application-limited sample, as in BBR's delivery-rate estimation).  What
was seen fades into the guess again, since links change while nobody looks.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

__all__ = ["LEAST", "RateEstimate", "Standing"]

LEAST = 64.0
"""kbit/s: no estimate is less, or the path would never be tried again."""
_HALF_LIFE = 60.0
_MEASURED = 0.95
_NEAR = 0.8
_GROWTH = 1.1
_ANOTHER_LINK = 2.0


class Standing(NamedTuple):
    """What is believed now."""

    rate: float
    """kbit/s."""
    confidence: float
    source: str


class _Seen(NamedTuple):
    rate: float
    source: str
    at: float


class _Sample(NamedTuple):
    delivered: float
    inflated: bool | None
    may_raise: bool


class RateEstimate:
    """Times are monotonic seconds, rates kbit/s."""

    def __init__(self, prior: Standing) -> None:
        self._prior = prior
        self._seen: _Seen | None = None
        self._samples: deque[_Sample] = deque(maxlen=3)

    def guess(self, prior: Standing, now: float) -> None:
        """The guess is another now; a link that has become quite another lets what was seen age at once."""
        before, self._prior = self._prior, prior
        ratio = max(before.rate, LEAST) / max(prior.rate, LEAST)
        if self._seen is not None and not 1 / _ANOTHER_LINK < ratio < _ANOTHER_LINK:
            self._seen = self._seen._replace(at=min(self._seen.at, now - _HALF_LIFE))

    def forget(self) -> None:
        """Another path: what was seen is of no use."""
        self._seen = None
        self._samples.clear()

    def sample(self, delivered: float, inflated: bool | None, now: float, *, may_raise: bool = True) -> None:
        """One window of traffic.

        `inflated` tells whether a queue stood in this direction meanwhile, None
        that nobody has looked; without `may_raise` it is what was sent, of which
        nobody knows whether it arrived.
        """
        self._samples.append(_Sample(delivered, inflated, may_raise))
        believed = self.standing(now).rate
        # One sample may be a burst, or a counter gone mad: two in a row count.
        twice = [sample.delivered for sample in list(self._samples)[-2:] if sample.may_raise]
        if len(twice) == 2 and min(twice) > believed:
            self._seen = _Seen(min(twice), "delivered", now)
        elif self._is_saturated():
            rate = max(LEAST, *(item.delivered for item in self._samples))
            self._seen = _Seen(rate if may_raise else min(rate, believed), "inflated", now)
        elif self._seen is not None and delivered >= _NEAR * self._seen.rate and may_raise:
            self._seen = self._seen._replace(at=now)

    def standing(self, now: float) -> Standing:
        prior, seen = self._prior, self._seen
        if seen is None:
            return prior._replace(rate=max(LEAST, prior.rate))
        weight = 0.5 ** (max(0.0, now - seen.at) / _HALF_LIFE)
        rate = prior.rate + (seen.rate - prior.rate) * weight
        confidence = max(prior.confidence, _MEASURED * weight)
        source = seen.source if weight >= 0.5 else prior.source
        return Standing(max(LEAST, rate), confidence, source)

    def _is_saturated(self) -> bool:
        """Three windows with a queue, and no growth."""
        samples = list(self._samples)
        if len(samples) < 3 or not all(item.inflated for item in samples):
            return False
        return samples[-1].delivered <= _GROWTH * max(item.delivered for item in samples[:-1])
