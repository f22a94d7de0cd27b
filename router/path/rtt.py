"""Round-trip time and loss of a path, from probes."""

from __future__ import annotations

__all__ = ["Lowest", "RoundTrips"]

_ALPHA, _BETA, _K = 1 / 8, 1 / 4, 4.0
"""RFC 6298 section 2."""
_LOSS = 1 / 16
_LONGEST = 60.0
_SPAN, _SPANS = 60.0, 10
_INFLATION, _SHARE = 0.025, 0.4


class Lowest:
    """The least value of the last while: of `spans` spans of `span` seconds, so that an old path is forgotten."""

    def __init__(self, span: float = _SPAN, spans: int = _SPANS) -> None:
        self._span, self._spans = span, spans
        self._least: dict[int, float] = {}

    def add(self, value: float, now: float) -> None:
        number = int(now // self._span)
        self._least[number] = min(value, self._least.get(number, value))
        for old in [key for key in self._least if key <= number - self._spans]:
            del self._least[old]

    @property
    def value(self) -> float | None:
        return min(self._least.values(), default=None)


class RoundTrips:
    """Of one path; seconds."""

    def __init__(self) -> None:
        self.smoothed: float | None = None
        self.variation: float | None = None
        self.latest: tuple[float, float] | None = None
        """When the last answer came, and its round trip."""
        self.loss = 0.0
        """0..1, of the last probes."""
        self.refused = 0
        """Samples that could not be."""
        self._lowest = Lowest()

    @property
    def least(self) -> float | None:
        return self._lowest.value

    def answered(self, rtt: float, now: float) -> bool:
        """An answer; False when the time it says it took cannot be (a clock was stepped)."""
        self.loss -= self.loss * _LOSS
        if not 0.0 <= rtt <= _LONGEST:
            self.refused += 1
            return False
        self.latest = (now, rtt)
        self._lowest.add(rtt, now)
        if self.smoothed is None or self.variation is None:
            self.smoothed, self.variation = rtt, rtt / 2
        else:
            self.variation += _BETA * (abs(self.smoothed - rtt) - self.variation)
            self.smoothed += _ALPHA * (rtt - self.smoothed)
        return True

    def lost(self) -> None:
        """A probe was not answered in time."""
        self.loss += (1.0 - self.loss) * _LOSS

    def patience(self, least: float, most: float) -> float:
        """How long an answer may take: RFC 6298's RTO without its granularity, two round trips at least, within these bounds."""
        if self.smoothed is None or self.variation is None:
            return most / 2
        return max(least, min(most, self.smoothed + max(self.smoothed, _K * self.variation)))

    def inflated(self, since: float) -> bool | None:
        """Whether a queue has grown on the path since then; None: nobody has looked."""
        least = self.least
        if self.latest is None or least is None or self.latest[0] < since:
            return None
        return self.latest[1] - least > max(_INFLATION, _SHARE * least)
