"""Which paths carry: each is judged with a view to the others, and never is the last one given up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from router.path.quality import Quality

__all__ = ["carrying", "weighed"]


def weighed(qualities: Iterable[Quality]) -> list[Quality]:
    """Suppressed is only who has another beside him that lives and is not."""
    known = list(qualities)
    spare = any(_lives(item) and not item.suppressed for item in known)
    return [item if spare or not item.suppressed else replace(item, suppressed=False) for item in known]


def carrying(qualities: Iterable[Quality]) -> frozenset[int]:
    """BIDs of the bound paths that packets go by; if none lives all do: silence that is everywhere is no path's fault."""
    known = weighed(qualities)
    good = frozenset(item.bid for item in known if _lives(item) and not item.suppressed)
    return good or frozenset(item.bid for item in known)


def _lives(item: Quality) -> bool:
    return item.liveness != "down"
