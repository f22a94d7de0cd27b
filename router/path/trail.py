"""What a path has carried in the last minutes, for people to look at."""

from __future__ import annotations

from collections import deque

__all__ = ["Trail"]

_STEP, _SPAN = 5.0, 300.0


class Trail:
    """Rates of both directions over five minutes, each of 5 s or more.  Times are monotonic seconds."""

    def __init__(self) -> None:
        self._rates: deque[tuple[float, float, float, float]] = deque(maxlen=int(_SPAN / _STEP))
        self._before: tuple[float, int, int] | None = None

    def look(self, down: int, up: int, at: float) -> None:
        """Octets, as the tunnel's counters have them; they begin anew with another tunnel."""
        if self._before is None or down < self._before[1] or up < self._before[2]:
            self._before = at, down, up
            return
        since, down_then, up_then = self._before
        over = at - since
        if over >= _STEP:
            self._rates.append((at, over, (down - down_then) / over / 125, (up - up_then) / over / 125))
            self._before = at, down, up

    def end(self) -> None:
        """The tunnel is gone: what the next one's counters say is not compared with this one's."""
        self._before = None

    def told(self, at: float) -> list[tuple[float, float, int, int]]:
        """(seconds ago, over how many seconds, kbit/s down, kbit/s up), the oldest first."""
        return [
            (round(at - then, 1), round(over, 1), round(down), round(up))
            for then, over, down, up in self._rates
            if at - then <= _SPAN
        ]
