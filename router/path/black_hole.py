"""When to try again whether a path still carries what it carried (RFC 8899 section 4.3).

A path that turns thin in silence is told by what does not come back, and a
tunnel has no acknowledgements of its own.  Two signs stand for them, read from
the tunnel's counters: it sends and gets nothing at all, which is looked into
soon; or it has carried something, and then the size in use is tried when that
breaks off: who waits for data sends nothing.  What does not break off is tried
after a while whatever else goes well, since of many flows only those with full
packets suffer.
"""

from __future__ import annotations

from router.clock import Instant

__all__ = ["LOOK", "BlackHoleWatch"]

LOOK = 3.0
"""Seconds between two looks at the counters."""
_UNANSWERED, _MUTE = 2, 4.0
"""Packets sent, and seconds, without one received: a sign."""
_EVERY, _MUCH = 60.0, 100_000
_WORTH = ((600.0, 1_000), (_EVERY, 10_000), (0.0, _MUCH))
"""Seconds since the last try, and what was carried since, octets of both ways, for which a pause is a sign."""
_LONGEST = 960.0


class BlackHoleWatch:
    """Fed with the counters of one tunnel; says when a confirming probe is due."""

    def __init__(self, at: Instant) -> None:
        self._before = (0, 0, 0)
        self._heard = self._tried = at.monotonic
        self._unanswered = 0
        self._carried = 0
        self._answered = False
        """Something came since the last try."""
        self._patience = _MUTE

    def look(self, tx_packets: int, rx_packets: int, octets: int, at: Instant) -> bool:
        """Counters of now, `octets` of both directions; True when the path should be tried."""
        now, before = at.monotonic, self._before
        self._before = (tx_packets, rx_packets, octets)
        if any(new < old for new, old in zip(self._before, before, strict=True)):
            return False
        self._carried += octets - before[2]
        quiet = rx_packets == before[1]
        if not quiet:
            self._answered = True
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
        elif not self._is_worth_it(now - self._tried, quiet=quiet):
            return False
        self._tried, self._carried, self._answered = now, 0, False
        return True

    def _is_worth_it(self, elapsed: float, *, quiet: bool) -> bool:
        if not quiet:
            return elapsed >= _EVERY and self._carried >= _MUCH
        return self._answered and self._carried >= next(
            octets for since, octets in _WORTH if elapsed >= since
        )
