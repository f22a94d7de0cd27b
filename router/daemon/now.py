"""The one place where the daemon reads the clocks."""

from __future__ import annotations

import time

from router.clock import Instant

__all__ = ["now"]


def now() -> Instant:
    return Instant(time.monotonic(), time.time())
