"""Time as a value.

Pure code never reads a clock: every event carries the `Instant` at which it
happened.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Instant", "clock_state"]

_BUILT = 1_700_000_000
"""2023: no clock that was ever set is behind that."""


class Instant(NamedTuple):
    """One moment on both clocks."""

    monotonic: float
    """Seconds, never stepping: for timers."""
    wall: float
    """Seconds since 1970 UTC: for identifications (RFC 5944 section 5.7.1) and logs."""


def clock_state(wall: float) -> list[dict[str, str]]:
    """For `status`: nothing where the wall clock can be right."""
    if wall >= _BUILT:
        return []
    text = "nobody has told this machine the time: registrations take the home agent's, schedules and caps go by a wrong date"
    return [{"state": "clock not set", "text": text}]
