"""Lifetimes, as moments."""

from __future__ import annotations

from router.mip.wire.numbers import INFINITE_LIFETIME

__all__ = ["end_of"]

_FOREVER = 10 * 365 * 86400.0


def end_of(lifetime: int, since: float) -> float:
    """When a lifetime is over; 0xffff is without end (RFC 5944 section 3.3)."""
    return since + (_FOREVER if lifetime == INFINITE_LIFETIME else lifetime)
