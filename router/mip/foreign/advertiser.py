"""Agent advertisements: when, and what (RFC 5944 section 2.3, RFC 1256 section 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from random import Random

from router.clock import Instant
from router.mip.effect import Advertise
from router.mip.wire.advertisement import AgentAdvertisement, MobilityAgent, RouterAddress

__all__ = ["Advertiser"]

_LIFETIMES = 3
"""An agent counts as gone after three advertisements unheard (RFC 5944 section 2.3)."""
_ROLLOVER = 256
_FIRST, _FAST_INTERVAL = 3, 16.0
"""The first few come at most 16 s apart (RFC 1256 section 6.2.1)."""
_ANSWER_PACE = 1.0


class Advertiser:
    """`describe(sequence)` says what the agent offers right now.  Times are monotonic seconds.

    `challenge(to, fresh)` is the value for an advertisement to one, or to all
    (None); `fresh` unless solicitations brought it about (RFC 4721 section 2.1).
    """

    def __init__(
        self,
        address: IPv4Address,
        interval: float,
        describe: Callable[[int], MobilityAgent],
        rng: Random,
        started: Instant,
        challenge: Callable[[IPv4Address | None, bool], bytes] | None = None,
    ) -> None:
        self._address = address
        self._interval = interval
        self._describe = describe
        self._random = rng
        self._challenge = challenge
        self._sequence = 0
        self._sent = 0
        self._next_at = self._due_at = started.monotonic
        self._answered_at = float("-inf")

    def tick(self, now: Instant) -> list[Advertise]:
        """The advertisement to all, when it is due."""
        if now.monotonic < self._next_at:
            return []
        self._sent += 1
        interval = min(self._interval, _FAST_INTERVAL) if self._sent < _FIRST else self._interval
        # Slightly random, so that agents of one link do not speak in chorus.
        self._next_at = now.monotonic + interval * (1 - 0.1 * self._random.random())
        unasked = now.monotonic >= self._due_at
        if unasked:
            self._due_at = self._next_at
        return [self._message(None, fresh=unasked)]

    def solicited(self, source: IPv4Address, now: Instant) -> list[Advertise]:
        """The answer to a solicitation; to all when several ask, or when who asks has no address."""
        if now.monotonic < self._answered_at + _ANSWER_PACE:
            self._next_at = min(self._next_at, self._answered_at + _ANSWER_PACE)
            return []
        self._answered_at = now.monotonic
        return [self._message(None if source.is_unspecified else source, fresh=False)]

    def start_anew(self, to: IPv4Address | None, *, busy: bool = False) -> list[Advertise]:
        """Tell one mobile node, or all, that their bindings are lost: sequence number 0 (RFC 3543 section 4.1)."""
        if to is None:
            self._sequence = 0
        agent = self._describe(0 if to is not None else self._take_sequence())
        if busy:
            agent = replace(agent, busy=True)
        return [self._encode(agent, to, fresh=to is None)]

    def next_wake(self) -> float:
        return self._next_at

    def _take_sequence(self) -> int:
        taken = self._sequence
        # RFC 5944 section 2.3.2: 0..255 are a sign of a new start, and not used again.
        self._sequence = taken + 1 if taken < 0xFFFF else _ROLLOVER
        return taken

    def _message(self, to: IPv4Address | None, *, fresh: bool) -> Advertise:
        return self._encode(self._describe(self._take_sequence()), to, fresh=fresh)

    def _encode(self, agent: MobilityAgent, to: IPv4Address | None, *, fresh: bool) -> Advertise:
        lifetime = max(_LIFETIMES, round(_LIFETIMES * self._interval))
        challenge = self._challenge(to, fresh) if self._challenge is not None else b""
        routers = (RouterAddress(self._address),)
        message = AgentAdvertisement(min(9000, lifetime), agent, routers, challenge=challenge)
        return Advertise(message.encode(), to)
