"""Lines of OpenWrt's `logread`, by their level."""

from __future__ import annotations

import re

__all__ = ["LEVELS", "is_wanted"]

LEVELS = {"error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
"""Severities of RFC 5424 section 6.2.1, as roamd names them."""

_WORDS = {"emerg": 0, "alert": 1, "crit": 2, "err": 3, "warn": 4, "notice": 5, "info": 6, "debug": 7}
_LEVEL = re.compile(r"\b[a-z0-9]+\.(emerg|alert|crit|err|warn|notice|info|debug) ")


def is_wanted(line: str, least: str) -> bool:
    """Whether it is of that level or a worse one; a line that says none is."""
    found = _LEVEL.search(line)
    return found is None or _WORDS[found[1]] <= LEVELS[least]
