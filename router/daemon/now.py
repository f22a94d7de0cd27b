"""The one place where the daemon reads the clocks."""

from __future__ import annotations

import time

from router.clock import Instant

__all__ = ["cpu_seconds", "now", "weekday_and_minute"]


def now() -> Instant:
    return Instant(time.monotonic(), time.time())


def weekday_and_minute(at: Instant) -> tuple[int, int]:
    """0 for Monday, and the minute of the day, in local time."""
    local = time.localtime(at.wall)
    return local.tm_wday, 60 * local.tm_hour + local.tm_min


def cpu_seconds() -> float:
    """What this thread has used of a processor so far."""
    return time.thread_time()
