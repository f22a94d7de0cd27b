"""Agent discovery and movement detection on one uplink (RFC 5944 section 2.4)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from random import Random

from router.mip.wire.advertisement import AgentAdvertisement, MobilityAgent

__all__ = ["Discovery", "KnownAgent"]

_FAST_SOLICITATIONS = 3
_FAST_INTERVAL = 1.0
_CEILING = 60.0
_ROLLOVER = 256
"""A sequence number below this that follows a higher one means the agent started anew (section 2.3.2)."""


@dataclass(frozen=True)
class KnownAgent:
    """An agent heard of, until `expires` (monotonic seconds)."""

    address: IPv4Address
    """Source of its advertisements: where requests through it go."""
    agent: MobilityAgent
    expires: float
    prefix: IPv4Network | None
    challenge: bytes
    preference: int
    routers: tuple[IPv4Address, ...]

    @property
    def takes_visitors(self) -> bool:
        return self.agent.foreign_agent and not self.agent.busy

    def is_home(self, home_agent: IPv4Address) -> bool:
        return self.agent.home_agent and home_agent in (self.address, *self.routers)


class Discovery:
    """Feed it advertisements and time.  Times are monotonic seconds."""

    def __init__(self, rng: Random) -> None:
        self.agents: dict[IPv4Address, KnownAgent] = {}
        self._random = rng
        self._solicited = 0
        self._wait = _FAST_INTERVAL
        self._next_at: float | None = None
        self._wanted = False

    def search(self, at: float, *, wanted: bool) -> None:
        """Solicit while nobody is heard, or, with a care-of address from elsewhere, listen alone (section 2.4)."""
        self._wanted = wanted
        if not wanted:
            self._next_at = None
        elif not self.is_looking and not self.agents:
            self.look_again(at)

    def heard(
        self, source: IPv4Address, message: AgentAdvertisement, at: float
    ) -> tuple[KnownAgent, bool] | None:
        """The agent an advertisement tells of, and whether it has started anew; None for a plain router."""
        if message.agent is None:
            return None
        before = self.agents.get(source)
        known = KnownAgent(
            address=source,
            agent=message.agent,
            expires=at + message.lifetime,
            prefix=_prefix(source, message),
            challenge=message.challenge,
            preference=max((router.preference for router in message.routers), default=0),
            routers=tuple(router.address for router in message.routers),
        )
        self.agents[source] = known
        self._next_at = None
        sequence = message.agent.sequence
        return known, before is not None and sequence < before.agent.sequence and sequence < _ROLLOVER

    def best(
        self, current: IPv4Address | None, at: float, shunned: Collection[IPv4Address] = ()
    ) -> KnownAgent | None:
        """The foreign agent to register through.

        The one in use stays while it is heard, unless another with a different
        prefix shows that we have moved (section 2.4.2.2).
        """
        now = self.agents.get(current) if current is not None else None
        usable = [
            item
            for item in self.agents.values()
            if item.takes_visitors and item.expires > at and item.address not in shunned
        ]
        if now is not None and now in usable:
            moved = [
                item for item in usable
                if item.prefix is not None and now.prefix is not None and item.prefix != now.prefix
                and item.expires > now.expires
            ]  # fmt: skip
            usable = moved or [now]
        return max(usable, key=lambda item: (item.preference, item.expires), default=None)

    def solicits(self, at: float) -> bool:
        """Whether a solicitation is to be sent now: three a second apart, then ever more rarely, to a minute."""
        if self._next_at is None or at < self._next_at:
            return False
        self._solicited += 1
        if self._solicited >= _FAST_SOLICITATIONS:
            self._wait = min(_CEILING, 2 * self._wait)
        self._next_at = at + self._wait * (1 + 0.1 * self._random.random())
        return True

    def look_again(self, at: float) -> None:
        """The link may be another one, or its agents are gone: solicit fast again."""
        self._solicited, self._wait, self._next_at = 0, _FAST_INTERVAL, at

    @property
    def is_looking(self) -> bool:
        return self._next_at is not None

    def expire(self, at: float) -> list[KnownAgent]:
        """Agents not heard for their lifetime."""
        lost = [item for item in self.agents.values() if item.expires <= at]
        for item in lost:
            del self.agents[item.address]
        if lost and not self.agents and self._wanted:
            self.look_again(at)
        return lost

    def next_wake(self, *, solicits: bool) -> float | None:
        """When an agent counts as lost, or, if this uplink `solicits`, the next solicitation is due."""
        moments = [item.expires for item in self.agents.values()]
        return min(
            moments + ([self._next_at] if solicits and self._next_at is not None else []), default=None
        )


def _prefix(source: IPv4Address, message: AgentAdvertisement) -> IPv4Network | None:
    """The link's prefix, where Prefix-Lengths tells it."""
    for router, length in zip(message.routers, message.prefix_lengths, strict=False):
        if router.address == source or len(message.routers) == 1:
            return IPv4Network((router.address, length), strict=False)
    return None
