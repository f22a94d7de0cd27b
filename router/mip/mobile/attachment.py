"""Where each uplink's care-of address comes from: its own address, or an agent heard on it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address
from random import Random
from typing import NamedTuple

from router.clock import Instant
from router.mip.effect import Effect, Solicit
from router.mip.mobile.challenge import Held
from router.mip.mobile.discovery import Discovery, KnownAgent
from router.mip.mobile.registration import Registration
from router.mip.wire.advertisement import AgentAdvertisement, AgentSolicitation, decode_icmp

__all__ = ["Attachments", "Heard"]

_AVOID_FOR = 60.0
_MOST_HELD = 64


class Heard(NamedTuple):
    agent: KnownAgent
    anew: bool
    """It has started anew and lost its visitors (RFC 5944 section 2.3.2)."""


class Attachments:
    """Agent discovery by BID.  Times are monotonic seconds.

    `can_answer` tells whether we have a key to answer an agent's challenge by.
    """

    def __init__(self, rng: Random, can_answer: Callable[[IPv4Address], bool]) -> None:
        self._random = rng
        self._can_answer = can_answer
        self._discoveries: dict[int, Discovery] = {}
        self._modes: dict[int, str] = {}
        self._avoided: dict[tuple[int, IPv4Address], float] = {}
        self._held: OrderedDict[object, Held] = OrderedDict()
        self._now = 0.0

    def uplink_up(self, bid: int, mode: str, now: Instant, *, own: bool) -> list[Effect]:
        """Begin to listen for agents; also a co-located mobile node hears its home agent by this."""
        self._now = now.monotonic
        self._modes[bid] = mode
        if bid not in self._discoveries:
            self._discoveries[bid] = Discovery(self._random)
        self._discoveries[bid].search(now.monotonic, wanted=mode != "colocated" and not own)
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
        if found is None:
            return None
        known, anew = found
        self.held(known).advertised(known.challenge)
        return Heard(known, anew)

    def held(self, known: KnownAgent) -> Held:
        """The challenges of one agent, whichever uplinks it is heard on, and whenever."""
        key = (known.address, known.agent.care_of_addresses)
        held = self._held.setdefault(key, Held())
        self._held.move_to_end(key)
        if len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)
        return held

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
        best = discovery.best(current, self._now, self._shunned(bid))
        own = registration.colocated and registration.care_of_address is not None
        if mode == "auto" and own and (best is None or not best.agent.registration_required):
            return None
        return best

    def avoid(self, bid: int, agent: IPv4Address, now: Instant) -> None:
        """This agent refused us: try others for a minute."""
        self._now = now.monotonic
        self._avoided[bid, agent] = now.monotonic + _AVOID_FOR

    def solicit(self, bid: int, now: Instant) -> list[Effect]:
        """A challenge is wanted: ask the agents there are, at the pace of discovery."""
        effects: list[Effect] = []
        if bid in self._discoveries:
            if not self._discoveries[bid].is_looking:
                self._discoveries[bid].look_again(now.monotonic)
            self._solicit(bid, now, effects)
        return effects

    def why_none(self, bid: int) -> str:
        """Why there is no agent to register through."""
        discovery = self._discoveries.get(bid)
        if discovery is not None and any(map(self._is_unanswerable, discovery.agents.values())):
            return "foreign agents here want a challenge answered, and there is no key for that"
        return "looking for a foreign agent"

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
        avoided = {
            agent for (number, agent), until in self._avoided.items() if number == bid and until > self._now
        }
        heard = self._discoveries[bid].agents.values()
        return avoided | {known.address for known in heard if self._is_unanswerable(known)}

    def _is_unanswerable(self, known: KnownAgent) -> bool:
        """RFC 4721 section 3.1: a challenge must be answered, and without a key it cannot."""
        return bool(known.challenge) and not self._can_answer(known.address)
