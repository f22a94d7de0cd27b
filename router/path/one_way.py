"""One direction at a time: queues and deliveries as a STAMP reflector saw them.

The two clocks need not agree: the least difference of the last minutes stands
for an empty path, and what is more than that has waited in a queue.
"""

from __future__ import annotations

from typing import NamedTuple

from router.path.rtt import Lowest
from router.path.stamp import Reflection

__all__ = ["OneWay", "Seen"]

_WRAP = 1 << 32
_QUEUE = 0.02
"""Seconds in a queue that are more than jitter."""
_SPAN, _SPANS = 30.0, 6
_LEAST_SPAN, _MOST_SPAN = 0.2, 5.0
"""Seconds between two reflections that make a sample."""


class Seen(NamedTuple):
    """What one reflection tells; None: nothing."""

    queue_down: float
    """Seconds waited on the way to us, beyond the least of the last minutes."""
    queue_up: float
    up: float | None
    """kbit/s that arrived at the reflector since the reflection before."""
    loss_up: float | None
    """0..1, of the packets sent up since then."""

    @property
    def standing(self) -> tuple[bool, bool]:
        """Whether a queue stands downwards, and upwards."""
        return self.queue_down > _QUEUE, self.queue_up > _QUEUE


class _Mark(NamedTuple):
    received: float
    sent_packets: int
    received_packets: int
    sent_octets: int


class OneWay:
    """Of one path; fed with reflections in the order of their coming."""

    def __init__(self) -> None:
        self._down, self._up = Lowest(_SPAN, _SPANS), Lowest(_SPAN, _SPANS)
        self._mark: _Mark | None = None

    def reflected(self, answer: Reflection, arrived: float, sent_octets: int, now: float) -> Seen | None:
        """`arrived` is the time of day, `sent_octets` what the tunnel had taken when the packet left."""
        up, down = answer.received - answer.sent, arrived - answer.reflected
        self._up.add(up, now)
        self._down.add(down, now)
        least_up, least_down = self._up.value, self._down.value
        if least_up is None or least_down is None:
            return None
        rate, loss = self._delivered(answer, sent_octets)
        return Seen(down - least_down, up - least_up, rate, loss)

    def forget(self) -> None:
        """Another tunnel, with other counters."""
        self._mark = None

    def _delivered(self, answer: Reflection, sent_octets: int) -> tuple[float | None, float | None]:
        if answer.counters is None:
            return None, None
        sent, received, _ = answer.counters
        before = self._mark
        if before is not None and 0 <= answer.received - before.received < _LEAST_SPAN:
            return None, None
        self._mark = _Mark(answer.received, sent, received, sent_octets)
        if before is None:
            return None, None
        seconds = answer.received - before.received
        went, came = (sent - before.sent_packets) % _WRAP, (received - before.received_packets) % _WRAP
        octets = sent_octets - before.sent_octets
        # More arrived than left: a counter began anew.
        if not 0 < seconds <= _MOST_SPAN or not 0 < went < _WRAP // 2 or octets < 0 or came > 2 * went + 100:
            return None, None
        return min(came, went) * (octets / went) * 8 / 1000 / seconds, max(0.0, 1 - came / went)
