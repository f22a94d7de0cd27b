"""One uplink's registration, as data: where it stands and when it next acts."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from router.mip.binding import MobileBinding

__all__ = ["Farewell", "Registration", "RegistrationView", "State", "first_timeout", "next_timeout"]

FIRST_TIMEOUT = 1.0
"""RFC 5944 section 3.6.3: at least one second."""
MAX_TIMEOUT = 60.0
REFRESH_AT = 0.85
"""Share of the granted lifetime after which the binding is refreshed."""


class State:
    """Names of the states, as `status` shows them."""

    IDLE = "idle"
    REGISTERING = "registering"
    REGISTERED = "registered"
    DENIED = "denied"
    NO_REPLY = "no reply"


@dataclass(frozen=True)
class RegistrationView:
    """What `status` may know of a registration."""

    bid: int
    state: str
    code: int | None
    care_of_address: IPv4Address
    granted: int
    expires: float | None
    nat: bool
    encapsulation: str | None
    attempts: int
    detail: str


@dataclass
class Registration:
    """The registration of one care-of address under one BID.  Times are monotonic seconds."""

    bid: int
    care_of_address: IPv4Address
    access_technology: int
    label: int
    state: str = State.IDLE
    code: int | None = None
    detail: str = ""
    attempts: int = 0
    """Requests sent since the last answer."""
    timeout: float = FIRST_TIMEOUT
    backoff: float = 0.0
    next_at: float | None = None
    """When to send next: a retransmission, a refresh or a retry."""
    sent_at: float = float("-inf")
    pending: dict[int, tuple[float, int]] = field(default_factory=dict)
    """Low 32 bits of unanswered identifications: (sent, lifetime asked for)."""
    binding: MobileBinding | None = None
    keepalive_at: float | None = None
    keepalive_misses: int = 0
    keepalive_sequence: int = 0

    def view(self) -> RegistrationView:
        binding = self.binding
        return RegistrationView(
            bid=self.bid,
            state=self.state,
            code=self.code,
            care_of_address=self.care_of_address,
            granted=binding.lifetime if binding is not None else 0,
            expires=binding.expires if binding is not None else None,
            nat=binding.nat if binding is not None else False,
            encapsulation=binding.encapsulation if binding is not None else None,
            attempts=self.attempts,
            detail=self.detail,
        )

    def wakes(self) -> list[float]:
        """Every moment at which something is due."""
        expires = self.binding.expires if self.binding is not None else None
        return [moment for moment in (self.next_at, self.keepalive_at, expires) if moment is not None]


@dataclass
class Farewell:
    """A de-registration under way, until it is answered or given up."""

    registration: Registration
    via: int | None
    """BID of the uplink to send through; None picks any that is registered."""
    deadline: float = float("inf")
    """When the binding is over anyhow."""
    attempts: int = 0
    next_at: float = 0.0
    timeout: float = FIRST_TIMEOUT
    pending: set[int] = field(default_factory=set)


def first_timeout(jitter: float) -> float:
    """Seconds to wait for the first answer; `jitter` is 0..1."""
    return FIRST_TIMEOUT * (1 + 0.1 * jitter)


def next_timeout(timeout: float, lifetime: int, jitter: float) -> float:
    """At least twice the last (RFC 5944 section 3.6.3), at most a minute or the lifetime asked for."""
    return min(timeout * (2 + 0.1 * jitter), max(FIRST_TIMEOUT, min(MAX_TIMEOUT, lifetime)))
