"""Where each uplink's care-of address comes from: its own address, or an agent heard on it."""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random
from typing import NamedTuple

from router.clock import Instant
from router.mip.effect import Effect, Solicit
from router.mip.mobile.discovery import Discovery, KnownAgent
from router.mip.mobile.registration import Registration
from router.mip.wire.advertisement import AgentAdvertisement, AgentSolicitation, decode_icmp

__all__ = ["Attachments", "Heard"]

_AVOID_FOR = 60.0


class Heard(NamedTuple):
    agent: KnownAgent
    anew: bool
    """It has started anew and lost its visitors (RFC 5944 section 2.3.2)."""


class Attachments:
    """Agent discovery by BID.  Times are monotonic seconds."""

    def __init__(self, rng: Random) -> None:
        self._random = rng
        self._discoveries: dict[int, Discovery] = {}
        self._modes: dict[int, str] = {}
        self._avoided: dict[tuple[int, IPv4Address], float] = {}
        self._now = 0.0

    def uplink_up(self, bid: int, mode: str, now: Instant) -> list[Effect]:
        """Begin to listen for agents; also a co-located mobile node hears its home agent by this."""
        self._now = now.monotonic
        self._modes[bid] = mode
        if bid not in self._discoveries:
            self._discoveries[bid] = Discovery(self._random, now.monotonic)
        effects: list[Effect] = []
        self._solicit(bid, now, effects)
        return effects

    def uplink_down(self, bid: int) -> None:
        self._discoveries.pop(bid, None)
        self._modes.pop(bid, None)

    def wants_agent(self, bid: int, care_of_address: IPv4Address | None) -> bool:
        """Whether the uplink cannot register by itself."""
        return self._modes.get(bid) == "foreign" or care_of_address is None

    def heard(self, bid: int, data: bytes, source: IPv4Address, now: Instant) -> Heard | None:
        """An agent's advertisement, or None for anything else."""
        self._now = now.monotonic
        message = decode_icmp(data)
        discovery = self._discoveries.get(bid)
        if discovery is None or not isinstance(message, AgentAdvertisement):
            return None
        found = discovery.heard(source, message, now.monotonic)
        return None if found is None else Heard(*found)

    def choose(self, registration: Registration) -> KnownAgent | None:
        """The agent to register through, or None for none.

        With an address of its own an uplink goes through an agent only where
        one demands it (R, RFC 5944 section 2.1.1) and the mode leaves it open.
        """
        bid, mode = registration.bid, self._modes.get(registration.bid, "colocated")
        discovery = self._discoveries.get(bid)
        if discovery is None or mode == "colocated":
            return None
        current = registration.agent.address if registration.agent is not None else None
        best = discovery.best(current, self._shunned(bid))
        own = registration.colocated and registration.care_of_address is not None
        if mode == "auto" and own and (best is None or not best.agent.registration_required):
            return None
        return best

    def avoid(self, bid: int, agent: IPv4Address, now: Instant) -> None:
        """This agent refused us: try others for a minute."""
        self._now = now.monotonic
        self._avoided[bid, agent] = now.monotonic + _AVOID_FOR

    def tick(self, now: Instant, effects: list[Effect]) -> list[tuple[int, KnownAgent]]:
        """Solicit where it is time, and tell which agents fell silent."""
        self._now = now.monotonic
        self._avoided = {key: until for key, until in self._avoided.items() if until > now.monotonic}
        lost = []
        for bid, discovery in self._discoveries.items():
            lost += [(bid, agent) for agent in discovery.expire(now.monotonic)]
            self._solicit(bid, now, effects)
        return lost

    def wakes(self) -> list[float]:
        moments = []
        for bid, discovery in self._discoveries.items():
            moment = discovery.next_wake(solicits=self._modes[bid] != "colocated")
            moments += [moment] if moment is not None else []
        return moments

    def _solicit(self, bid: int, now: Instant, effects: list[Effect]) -> None:
        if self._modes[bid] != "colocated" and self._discoveries[bid].solicits(now.monotonic):
            effects.append(Solicit(bid, AgentSolicitation().encode()))

    def _shunned(self, bid: int) -> set[IPv4Address]:
        return {
            agent for (number, agent), until in self._avoided.items() if number == bid and until > self._now
        }
