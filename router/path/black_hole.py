"""When to try again whether a path still carries what it carried (RFC 8899 section 4.3).

A path that turns thin in silence is told by what does not come back, and a
tunnel has no acknowledgements of its own.  Two signs stand for them, read from
the tunnel's counters: it sends and gets nothing at all, which is looked into
soon; or it carries traffic, and then the size in use is tried now and then
whatever else goes well, since of many flows only those with full packets
suffer.
"""

from __future__ import annotations

from router.clock import Instant

__all__ = ["LOOK", "BlackHoleWatch"]

LOOK = 5.0
"""Seconds between two looks at the counters."""
_UNANSWERED, _MUTE = 3, 10.0
"""Packets sent, and seconds, without one received: a sign."""
_EVERY, _OCTETS = 60.0, 100_000
"""While it carries so many octets, both ways together, it is tried so often."""
_LONGEST = 960.0


class BlackHoleWatch:
    """Fed with the counters of one tunnel; says when a confirming probe is due."""

    def __init__(self, at: Instant) -> None:
        self._before: tuple[int, int, int] | None = None
        self._heard = self._tried = at.monotonic
        self._unanswered = 0
        self._carried = 0
        self._patience = _MUTE

    def look(self, tx_packets: int, rx_packets: int, octets: int, at: Instant) -> bool:
        """Counters of now, `octets` of both directions; True when the path should be tried."""
        now, before = at.monotonic, self._before
        self._before = (tx_packets, rx_packets, octets)
        if before is None or any(new < old for new, old in zip(self._before, before, strict=True)):
            return False
        self._carried += octets - before[2]
        if rx_packets > before[1]:
            self._heard, self._unanswered, self._patience = now, 0, _MUTE
        else:
            self._unanswered += tx_packets - before[0]
        if not self._unanswered:
            self._heard = now
        mute = self._unanswered >= _UNANSWERED and now - self._heard >= self._patience
        if mute:
            # One-way traffic is no fault: ask ever less often.
            self._heard, self._unanswered = now, 0
            self._patience = min(_LONGEST, 2 * self._patience)
        elif self._carried < _OCTETS or now - self._tried < _EVERY:
            return False
        self._tried, self._carried = now, 0
        return True
