"""How good a path is, as those see it who put flows on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Liveness", "Quality"]

Liveness = Literal["up", "probation", "suspect", "down"]
"""`up`: carries; `probation`: is back, and gets new flows only; `suspect`: silent, being asked; `down`: carries nothing."""


@dataclass(frozen=True)
class Quality:
    """What is known of one path at one moment; rates in kbit/s of inner packets, times in seconds."""

    bid: int
    liveness: Liveness
    down: float
    """Capacity towards the mobile node."""
    up: float
    """Capacity away from the mobile node."""
    confidence: float
    """0..1: a guess from the kind of link .. measured under load, lately."""
    source: str
    """Where the figures come from: `configured`, `radio`, `delivered`, `inflated`, ..."""
    rtt: float | None = None
    """Smoothed (RFC 6298); None: never measured."""
    rtt_min: float | None = None
    rtt_var: float | None = None
    loss: float = 0.0
    """0..1, of what was asked lately."""
    penalty: float = 0.0
    """For having flapped; above the limit the path is suppressed while another lives."""
    suppressed: bool = False

    @property
    def usable(self) -> bool:
        return self.liveness in ("up", "probation") and not self.suppressed
