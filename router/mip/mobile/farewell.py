"""A de-registration under way, until it is answered or given up."""

from __future__ import annotations

from dataclasses import dataclass, field

from router.mip.mobile.discovery import KnownAgent
from router.mip.mobile.registration import PACE, Registration, State

__all__ = ["Farewell"]

_TRIES = 4
_NEVER = float("inf")


@dataclass
class Farewell:
    """Times are monotonic seconds."""

    registration: Registration
    deadline: float
    """When the home agent lets the binding go anyhow, or patience ends."""
    via: int | None = None
    """BID of the uplink to send through; None picks any that is registered."""
    next_at: float = 0.0
    bulk: bool = False
    """All bindings at once (B of RFC 7629 section 4.1)."""
    home: bool = False
    """Back on the home link: all bindings at once (RFC 5944 section 3.6.1.2)."""
    timeout: float = PACE
    carriers: list[int] = field(default_factory=list)
    """BIDs it was sent through, a try each."""
    pending: set[int] = field(default_factory=set)
    """Low half of the identification of the request that waits for its answer."""
    agent: KnownAgent | None = None
    """The foreign agent that request went through."""

    def __post_init__(self) -> None:
        self.registration.state = State.DEREGISTERING

    @property
    def hopeless(self) -> bool:
        return len(self.carriers) >= _TRIES

    def wake(self) -> float:
        return min(self.next_at, self.deadline)

    def wait_for_a_carrier(self) -> None:
        self.next_at = _NEVER

    def departs(self, low: int, via: int, at: float, agent: KnownAgent | None = None) -> None:
        self.carriers.append(via)
        self.pending, self.agent = {low}, agent
        self.next_at = at + self.timeout
        self.timeout *= 2

    def hurry(self, at: float) -> None:
        """Its carrier is gone, or one has come."""
        self.next_at = at
