"""What a tunnel delivers, from the counters of its device."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Counters", "Passed", "Rates", "TunnelCounters"]

_WINDOW = 0.5
"""Seconds of one sample: shorter ones show the bursts of shapers and schedulers, not the link."""
_IMPOSSIBLE = 100_000_000.0
"""kbit/s that no path of ours carries."""


class Counters(NamedTuple):
    """Of a tunnel's device, since it exists; rx is what came out of the tunnel."""

    rx_octets: int
    tx_octets: int
    rx_packets: int
    tx_packets: int


class Passed(NamedTuple):
    """Packets of others that passed since the last look; our own probes are not among them."""

    sent: int
    received: int


class Rates(NamedTuple):
    """One sample, kbit/s of inner packets."""

    down: float
    up: float
    since: float
    """When its window began."""


class TunnelCounters:
    """Turns counters into what passed, and into samples of the rate.  Times are monotonic seconds.

    Counters that are less than before belong to a device made anew, or have
    wrapped: that look tells nothing, and is counted.
    """

    def __init__(self) -> None:
        self.resets = 0
        self.refused = 0
        """Samples of rates that cannot be."""
        self.latest: Counters | None = None
        self._window: tuple[float, Counters] | None = None
        self._own_sent = self._own_received = 0
        self._passed = Passed(0, 0)

    def forget(self) -> None:
        """The tunnel is gone."""
        self.latest = self._window = None

    def probe_sent(self) -> None:
        self._own_sent += 1

    def answer_received(self) -> None:
        self._own_received += 1

    def look(self, counters: Counters, now: float) -> tuple[Passed, Rates | None]:
        """What passed since the last look, and a sample where a window is over."""
        before, self.latest = self.latest, counters
        if before is None or any(new < old for new, old in zip(counters, before, strict=True)):
            self.resets += before is not None
            self._own_sent = self._own_received = 0
            self._passed = Passed(counters.tx_packets, counters.rx_packets)
            self._window = (now, counters)
            return Passed(0, 0), None
        # A probe may be counted a moment after it was sent: what passed never goes back.
        total = Passed(
            max(self._passed.sent, counters.tx_packets - self._own_sent),
            max(self._passed.received, counters.rx_packets - self._own_received),
        )
        passed = Passed(total.sent - self._passed.sent, total.received - self._passed.received)
        self._passed = total
        return passed, self._sample(counters, now)

    def _sample(self, counters: Counters, now: float) -> Rates | None:
        start, first = self._window if self._window is not None else (now, counters)
        if now - start < _WINDOW:
            return None
        self._window = (now, counters)
        scale = 8 / 1000 / (now - start)
        rates = Rates(
            (counters.rx_octets - first.rx_octets) * scale,
            (counters.tx_octets - first.tx_octets) * scale,
            start,
        )
        if max(rates.down, rates.up) > _IMPOSSIBLE:
            self.refused += 1
            return None
        return rates
