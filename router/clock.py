"""Time as a value.

Pure code never reads a clock: every event carries the `Instant` at which it
happened.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Instant"]


class Instant(NamedTuple):
    """One moment on both clocks."""

    monotonic: float
    """Seconds, never stepping: for timers."""
    wall: float
    """Seconds since 1970 UTC: for identifications (RFC 5944 section 5.7.1) and logs."""
