"""One uplink's registration, as data: where it stands and when it next acts.

The states and what leads from one to the next:

    idle            wait          uplink up, the pace allows no request yet
    registering     request out   first request, or another try after a denial
    registered      accepted      the binding is in force until it expires
    denied          refused       tried again after a back-off
    no reply        silence       three requests unanswered; tried on, ever more rarely
    deregistering   uplink gone   the home agent is told until it answers
    discovering     no agent      an agent is looked for; there is no care-of address yet
    at home         no need       an uplink is on the home link
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import NamedTuple

from router.mip.effect import Event
from router.mip.identification import LOW
from router.mip.mobile.binding import MobileBinding
from router.mip.mobile.challenge import Held
from router.mip.mobile.discovery import KnownAgent
from router.mip.wire.numbers import ReplyCode
from router.mip.wire.registration import RegistrationReply

__all__ = ["GOOD", "PACE", "Asked", "Registration", "RegistrationView", "State", "event"]

GOOD = (ReplyCode.ACCEPTED, ReplyCode.ACCEPTED_NO_SIMULTANEOUS)

PACE = 1.0
"""Seconds between two requests of one Binding ID, at least (RFC 5944 sections 3.6 and 3.6.3)."""
MAX_TIMEOUT = 60.0
REFRESH_AT = 0.85
"""Share of the granted lifetime after which the binding is refreshed."""
DENIED_BACKOFF, DENIED_MAX = 5.0, 60.0
KEEPALIVE_WAIT, KEEPALIVE_MISSES = 1.0, 3


class State:
    """Names of the states, as `status` shows them."""

    IDLE = "idle"
    REGISTERING = "registering"
    REGISTERED = "registered"
    DENIED = "denied"
    NO_REPLY = "no reply"
    DEREGISTERING = "deregistering"
    DISCOVERING = "discovering"
    AT_HOME = "at home"


class Asked(NamedTuple):
    """A request that waits for its answer: when it left, and what was in it."""

    sent: float
    lifetime: int
    identification: int
    multipath: bool = True
    """It carried a Multipath extension."""
    bulk: bool = False
    """It was to refresh every binding."""
    udp: bool = False
    """It asked for a UDP tunnel."""
    gre: bool = False
    """It asked for GRE, where there is no UDP tunnel."""


@dataclass(frozen=True)
class RegistrationView:
    """What `status` may know of a registration."""

    bid: int
    state: str
    code: int | None
    care_of_address: IPv4Address | None
    granted: int
    expires: float | None
    nat: bool
    encapsulation: str | None
    attempts: int
    rtt: float | None
    detail: str


@dataclass
class Registration:
    """The registration of one care-of address under one BID.  Times are monotonic seconds."""

    bid: int
    care_of_address: IPv4Address | None
    """None while no foreign agent has lent one."""
    access_technology: int
    label: int
    encapsulation: str = "auto"
    """What to ask for: see `Uplink.encapsulation`."""
    path_mtu: int | None = None
    """What the path carries, where that is less than its link does; None: nothing to tell."""
    agent: KnownAgent | None = None
    """The foreign agent that requests go through."""
    colocated: bool = True
    """The care-of address is the uplink's own; otherwise the agent's."""
    challenge: Held = field(default_factory=Held)
    """The agent's."""
    wants_challenge: bool = False
    """The next request waits for one (RFC 4721 section 3.3)."""
    overwrite: bool = False
    """Set O: the care-of address is another than before (RFC 7629 section 5.1)."""
    without_flows: bool = False
    """The flow bindings were refused: leave them out once."""
    longest: int | None = None
    """Lifetime the foreign agent allows at most (code 69)."""
    state: str = State.IDLE
    code: int | None = None
    detail: str = ""
    attempts: int = 0
    """Requests sent since the last answer."""
    timeout: float = 0.0
    backoff: float = 0.0
    retries: int = 0
    """Denials in a row that were answered at once with another request."""
    next_at: float | None = None
    """When to send next: a retransmission, a refresh or a retry."""
    rtt: float | None = None
    """Seconds the last answer took."""
    pending: dict[int, Asked] = field(default_factory=dict)
    """The request that waits for its answer, by the low 32 bits of its identification."""
    binding: MobileBinding | None = None
    keepalive_at: float | None = None
    keepalive_misses: int = 0
    keepalive_sequence: int = 0

    @property
    def may_be_bound(self) -> bool:
        """Whether the home agent may have a binding of it: unanswered requests may have created one too."""
        return self.binding is not None or bool(self.pending)

    @property
    def in_doubt(self) -> bool:
        """Whether the path may be bad: a request or a keepalive got no answer, and was sent again."""
        return self.attempts > 1 or self.keepalive_misses > 1

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
            rtt=self.rtt,
            detail=self.detail,
        )

    def wakes(self) -> list[float]:
        """Every moment at which something is due."""
        expires = self.binding.expires if self.binding is not None else None
        return [moment for moment in (self.next_at, self.keepalive_at, expires) if moment is not None]

    def departs(self, asked: Asked, jitter: float) -> None:
        """Note a request that leaves, and when to repeat it; `jitter` is 0..1."""
        at = asked.sent
        self.timeout = self._next_timeout(asked.lifetime, jitter)
        self.attempts += 1
        self.next_at = at + self.timeout
        # RFC 5944 section 3.6.2.1: only the newest request has an answer.
        self.pending = {asked.identification & LOW: asked}
        if self.state in (State.IDLE, State.DENIED, State.DISCOVERING, State.AT_HOME):
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
        """Take out the request that was answered."""
        asked = self.pending.pop(reply.identification & LOW)
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
        self.backoff, self.retries = 0.0, 0
        self.next_at = max(at + PACE, sent + REFRESH_AT * (1 - 0.05 * jitter) * binding.lifetime)
        self.keepalive_misses = 0
        # RFC 3519 section 4.4: registered through an agent, the tunnel opens by a keepalive.
        first = at if self.agent is not None else sent + binding.keepalive
        self.keepalive_at = first if binding.encapsulation == "udp" else None

    def unbind(self) -> None:
        self.binding = None
        self.keepalive_at = None

    def rest(self, why: str, state: str = State.IDLE) -> None:
        """Wait without asking."""
        self.unbind()
        self.state, self.detail = state, why
        self.next_at, self.attempts = None, 0
        self.pending.clear()

    def pause(self, why: str, at: float) -> None:
        """Wait a little, then ask again."""
        self.pending.clear()
        self.state, self.detail = State.DENIED, why
        self.next_at = at + DENIED_BACKOFF

    def keepalive_due(self, at: float) -> bool:
        """Plan the next echo; False when so many are unanswered that the mapping may be gone."""
        if self.keepalive_misses >= KEEPALIVE_MISSES:
            # Whatever becomes of the new registration, until then this binding is kept alive.
            self.keepalive_at = at + self.binding.keepalive if self.binding is not None else None
            self.keepalive_misses, self.attempts = 0, 0
            return False
        self.keepalive_misses += 1
        self.keepalive_sequence += 1
        self.keepalive_at = at + KEEPALIVE_WAIT
        return True

    def keepalive_answered(self, sequence: int, at: float) -> None:
        if self.binding is not None and (self.keepalive_sequence - sequence) & 0xFFFF < self.keepalive_misses:
            self.keepalive_misses = 0
            self.keepalive_at = at + self.binding.keepalive

    def back_off(self, at: float, jitter: float) -> None:
        """Try again in five seconds, then ten, at last once a minute."""
        self.backoff = min(DENIED_MAX, max(DENIED_BACKOFF, self.backoff * 2))
        self.next_at = at + self.backoff * (1 + 0.1 * jitter)


def event(level: str, text: str, bid: int = 0) -> Event:
    """A line of the log about registrations."""
    return Event(level, "registration", text, bid)
