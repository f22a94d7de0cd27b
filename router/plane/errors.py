"""The one exception of this package."""

from __future__ import annotations

__all__ = ["PlaneError"]


class PlaneError(Exception):
    """The kernel cannot be made what it should be; the text says what is missing or refused."""
