"""What could decide on which link a new flow goes, from the simplest to ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from router.flow.buckets import assign
from router.flow.place import Candidate, place

__all__ = ["IDEAL", "POLICIES", "Look", "Policy"]

IDEAL = "ideal"
"""No policy: one link that carries what all carry together."""


@dataclass(frozen=True)
class Look:
    """What is known when the buckets are looked at."""

    candidates: Sequence[Candidate]
    """Living links, in the order in which they were given."""
    buckets: tuple[int, ...]
    arrivals: float
    means: Mapping[int, float]
    """Each link's true mean rate over the whole run: the right static weights."""


@dataclass(frozen=True)
class Policy:
    what: str
    buckets: Callable[[Look], tuple[int, ...]]
    moves: bool = False


def _primary(look: Look) -> tuple[int, ...]:
    return assign({look.candidates[0].path: 1.0})


def _hash(look: Look) -> tuple[int, ...]:
    return assign({one.path: 1.0 for one in look.candidates}, look.buckets)


def _static(look: Look) -> tuple[int, ...]:
    return assign({one.path: look.means[one.path] for one in look.candidates}, look.buckets)


def _estimate(look: Look) -> tuple[int, ...]:
    return assign({one.path: one.down for one in look.candidates}, look.buckets)


def _loaded(look: Look) -> tuple[int, ...]:
    return place(look.candidates, look.buckets, look.arrivals)


POLICIES: Mapping[str, Policy] = {
    "primary": Policy("the first link, the others only when it is dead", _primary),
    "hash": Policy("each link an equal part of the flows", _hash),
    "static": Policy("each link a part by its true mean rate", _static),
    "estimate": Policy("each link a part by what is believed of it now", _estimate),
    "load": Policy("by estimates and load, as roamd does; no moves", _loaded),
    "moves": Policy("by estimates and load, as roamd does; with moves", _loaded, moves=True),
}
