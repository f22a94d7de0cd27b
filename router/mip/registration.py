"""One uplink's registration, as data: where it stands and when it next acts.

The states and what leads from one to the next:

    idle            wait          uplink up, the pace allows no request yet
    registering     request out   first request, or another try after a denial
    registered      accepted      the binding is in force until it expires
    denied          refused       tried again after a back-off
    no reply        silence       three requests unanswered; tried on, ever more rarely
    deregistering   uplink gone   the home agent is told until it answers
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import NamedTuple

from router.config.model import MobileNode as Settings
from router.mip.binding import MobileBinding
from router.mip.extension import (
    Extension,
    MobileNetworkAcknowledgement,
    MobileNetworkRequest,
    Multipath,
    UdpTunnelReply,
    UdpTunnelRequest,
)
from router.mip.identification import LOW
from router.mip.message import RegistrationReply, RegistrationRequest
from router.mip.numbers import ReplyCode

__all__ = [
    "GOOD",
    "PACE",
    "Asked",
    "Farewell",
    "Registration",
    "RegistrationView",
    "State",
    "granted_binding",
    "meaning",
    "refused_networks",
    "request_for",
]

GOOD = (ReplyCode.ACCEPTED, ReplyCode.ACCEPTED_NO_SIMULTANEOUS)

PACE = 1.0
"""Seconds between two requests of one Binding ID, at least (RFC 5944 sections 3.6 and 3.6.3)."""
MAX_TIMEOUT = 60.0
REFRESH_AT = 0.85
"""Share of the granted lifetime after which the binding is refreshed."""
DENIED_BACKOFF, DENIED_MAX = 5.0, 60.0
KEEPALIVE_LEAST = 10
"""RFC 3519 section 4.10."""
FAREWELL_TRIES = 4

_NEVER = float("inf")


class State:
    """Names of the states, as `status` shows them."""

    IDLE = "idle"
    REGISTERING = "registering"
    REGISTERED = "registered"
    DENIED = "denied"
    NO_REPLY = "no reply"
    DEREGISTERING = "deregistering"


class Asked(NamedTuple):
    """A request that waits for its answer: when it left, and what was in it."""

    sent: float
    lifetime: int
    identification: int


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
    timeout: float = 0.0
    backoff: float = 0.0
    next_at: float | None = None
    """When to send next: a retransmission, a refresh or a retry."""
    rtt: float | None = None
    """Seconds the last answer took."""
    pending: dict[int, Asked] = field(default_factory=dict)
    """Unanswered requests by the low 32 bits of their identification."""
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

    def departs(self, identification: int, lifetime: int, at: float, jitter: float) -> None:
        """Note a request that leaves at `at`, and when to repeat it; `jitter` is 0..1."""
        self.timeout = self._next_timeout(lifetime, jitter)
        self.attempts += 1
        self.next_at = at + self.timeout
        # What is a minute old is answered no more, and the list stays short.
        self.pending = {key: asked for key, asked in self.pending.items() if at - asked.sent < MAX_TIMEOUT}
        self.pending[identification & LOW] = Asked(at, lifetime, identification)
        if self.state in (State.IDLE, State.DENIED):
            self.state, self.detail = State.REGISTERING, ""

    def _next_timeout(self, lifetime: int, jitter: float) -> float:
        if self.attempts == 0:
            # RFC 5944 section 3.6.3: twice the round trip and 100 ms, and a second at least.
            return max(PACE, 2 * (self.rtt or 0.0) + 0.1) * (1 + 0.1 * jitter)
        return min(self.timeout * (2 + 0.1 * jitter), max(PACE, min(MAX_TIMEOUT, lifetime)))

    def is_answered_by(self, reply: RegistrationReply) -> bool:
        """Whether the reply belongs to a request that waits.

        The low half of the identification tells (RFC 5944 section 5.7); an
        acceptance repeats it all, so an old one cannot pass for a new one.
        """
        asked = self.pending.get(reply.identification & LOW)
        return asked is not None and (reply.code not in GOOD or asked.identification == reply.identification)

    def settle(self, reply: RegistrationReply, at: float) -> Asked:
        """Take out the request that was answered, and all older ones: they have no more to say."""
        asked = self.pending[reply.identification & LOW]
        self.pending = {key: other for key, other in self.pending.items() if other.sent > asked.sent}
        self.attempts = 0
        self.code = reply.code
        self.rtt = at - asked.sent
        return asked

    def bind(self, binding: MobileBinding, at: float, jitter: float) -> None:
        """The binding is in force: plan its refresh and its first keepalive."""
        sent = binding.expires - binding.lifetime
        self.binding = binding
        self.state = State.REGISTERED
        self.detail = ""
        self.backoff = 0.0
        self.next_at = max(at + PACE, sent + REFRESH_AT * (1 - 0.05 * jitter) * binding.lifetime)
        self.keepalive_misses = 0
        self.keepalive_at = sent + binding.keepalive if binding.encapsulation == "udp" else None

    def unbind(self) -> None:
        self.binding = None
        self.keepalive_at = None

    def rest(self, why: str) -> None:
        """Wait without asking."""
        self.unbind()
        self.state, self.detail = State.IDLE, why
        self.next_at, self.attempts = None, 0
        self.pending.clear()

    def back_off(self, at: float, jitter: float) -> None:
        """Try again in five seconds, then ten, at last once a minute."""
        self.backoff = min(DENIED_MAX, max(DENIED_BACKOFF, self.backoff * 2))
        self.next_at = at + self.backoff * (1 + 0.1 * jitter)


@dataclass
class Farewell:
    """A de-registration under way, until it is answered or given up."""

    registration: Registration
    deadline: float
    """When the home agent lets the binding go anyhow, or patience ends."""
    via: int | None = None
    """BID of the uplink to send through; None picks any that is registered."""
    next_at: float = 0.0
    timeout: float = PACE
    carriers: list[int] = field(default_factory=list)
    """BIDs it was sent through, a try each."""
    pending: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.registration.state = State.DEREGISTERING

    @property
    def hopeless(self) -> bool:
        return len(self.carriers) >= FAREWELL_TRIES

    def wake(self) -> float:
        return min(self.next_at, self.deadline)

    def wait_for_a_carrier(self) -> None:
        self.next_at = _NEVER

    def departs(self, low: int, via: int, at: float) -> None:
        self.carriers.append(via)
        self.pending.add(low)
        self.next_at = at + self.timeout
        self.timeout *= 2

    def hurry(self, at: float) -> None:
        """Its carrier is gone, or one has come."""
        self.next_at = at


def request_for(
    settings: Settings,
    registration: Registration,
    identification: int,
    lifetime: int,
    *,
    multipath: bool,
    udp: bool,
) -> RegistrationRequest:
    """The request, still without its authenticator; `lifetime` 0 de-registers."""
    extensions: list[Extension] = []
    if lifetime and udp:
        extensions.append(UdpTunnelRequest(force=settings.udp_tunnel == "force"))
    if lifetime:
        # RFC 5177 section 6.1: a prefix missing from a request is removed, so each repeats them all.
        extensions += [MobileNetworkRequest(prefix) for prefix in settings.mobile_networks]
    if multipath:
        extensions.append(Multipath(registration.access_technology, registration.label, registration.bid))
    return RegistrationRequest(
        lifetime=lifetime,
        home_address=settings.home_address,
        home_agent=settings.home_agent,
        care_of_address=registration.care_of_address,
        identification=identification,
        extensions=tuple(extensions),
    )


def granted_binding(
    settings: Settings, registration: Registration, reply: RegistrationReply, asked: Asked, *, udp: bool
) -> MobileBinding:
    """The binding an accepting reply means; `udp` tells whether UDP tunnelling was asked for."""
    tunnel = reply.find(UdpTunnelReply) if udp else None
    in_udp = tunnel is not None and tunnel.granted
    keepalive = (tunnel.keepalive if tunnel is not None else 0) or settings.keepalive
    lifetime = min(asked.lifetime, reply.lifetime)
    return MobileBinding(
        bid=registration.bid,
        care_of_address=registration.care_of_address,
        home_agent=settings.home_agent,
        encapsulation="udp" if in_udp else "ipip",
        nat=in_udp and tunnel is not None and not tunnel.forced,
        lifetime=lifetime,
        # It runs from the request's departure (RFC 5944 section 3.6.2.2).
        expires=asked.sent + lifetime,
        keepalive=max(KEEPALIVE_LEAST, keepalive),
    )


def refused_networks(reply: RegistrationReply) -> Iterator[str]:
    """A clause for each mobile network the home agent refused (RFC 5177 section 5.1)."""
    for item in reply.all(MobileNetworkAcknowledgement):
        if item.code:
            where = f"{item.address}/{item.prefix_length}"
            yield f"home agent refused mobile network {where} with code {item.code}"


def meaning(code: int) -> str:
    """A reply code of a denial, in words."""
    if code in GOOD:
        return "accepted, but for no time at all"
    try:
        return ReplyCode(code).name.replace("HA_", "").replace("_", " ").lower()
    except ValueError:
        return "unknown code"
