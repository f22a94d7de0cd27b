"""Static flow policies: which path each of them names right now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from router.config.model import Flow

__all__ = ["Choice", "choose"]


@dataclass(frozen=True)
class Choice:
    """A policy and the path it compiles to; None while none of its uplinks lives."""

    flow: Flow
    path: int | None


def choose(flows: Collection[Flow], bids: Mapping[str, int], alive: Collection[int]) -> tuple[Choice, ...]:
    """The first living uplink of each policy's preference list, in policy order."""
    return tuple(Choice(flow, _first_living(flow, bids, alive)) for flow in flows)


def _first_living(flow: Flow, bids: Mapping[str, int], alive: Collection[int]) -> int | None:
    candidates = (bids.get(name) for name in flow.uplinks)
    return next((bid for bid in candidates if bid is not None and bid in alive), None)
