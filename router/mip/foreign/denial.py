"""Denials of our own (RFC 5944 section 3.7.2.3)."""

from __future__ import annotations

from ipaddress import IPv4Address

from router.mip.counters import Counters
from router.mip.effect import Effect, Event
from router.mip.foreign.challenge import Challenges
from router.mip.foreign.checks import Denied
from router.mip.foreign.pending import Pending
from router.mip.foreign.relay import Relay
from router.mip.wire.numbers import ReplyCode
from router.mip.wire.registration import RegistrationRequest

__all__ = ["Denials"]

_PACE = 1.0
_MOST_REMEMBERED = 1024


class Denials:
    """Of requests that just came, and of those whose home agent stays silent.  Times are monotonic seconds."""

    def __init__(self, relay: Relay, challenges: Challenges, counters: Counters) -> None:
        self._relay = relay
        self._challenges = challenges
        self._counters = counters
        self._denied_at: dict[tuple[IPv4Address, object], float] = {}
        self._too_distant_at = float("-inf")

    def deny(self, request: RegistrationRequest, asked: Pending, denied: Denied) -> list[Effect]:
        """Refuse a request that just came, and is not relayed."""
        self._counters.count(f"denied_{int(denied.code)}")
        if not self._pace_allows(asked, denied.code):
            return []
        lifetime = request.lifetime if denied.lifetime is None else denied.lifetime
        return self._said(request, asked, denied.code, denied.why, lifetime)

    def give_up(self, asked: Pending, code: ReplyCode, why: str) -> list[Effect]:
        """Refuse a request that was relayed to no avail."""
        self._counters.count(f"denied_{int(code)}")
        request = RegistrationRequest(
            asked.lifetime, asked.home_address, asked.home_agent, asked.care_of_address, asked.identification
        )
        return self._said(request, asked, code, why, asked.lifetime)

    def _said(
        self, request: RegistrationRequest, asked: Pending, code: ReplyCode, why: str, lifetime: int
    ) -> list[Effect]:
        octets = self._relay.denial(request, code, why, lifetime, self._challenges.offer(asked.who))
        text = f"visitor {asked.home_address}: denied with code {int(code)}: {why}"
        return [asked.answer(octets), Event("warning", f"denied_{int(code)}", text)]

    def _pace_allows(self, asked: Pending, code: ReplyCode) -> bool:
        """At most one denial a second for each mobile node (RFC 5944 section 3.7.2)."""
        # Those without an address share one source.
        who, at = (asked.source[0], asked.who), asked.since
        if at - self._denied_at.get(who, float("-inf")) < _PACE:
            return False
        if code is ReplyCode.FA_MN_TOO_DISTANT:
            # RFC 3024 section 4.2.1: whoever is too distant, for strangers can invent home addresses.
            if at - self._too_distant_at < _PACE:
                return False
            self._too_distant_at = at
        if len(self._denied_at) >= _MOST_REMEMBERED:
            self._denied_at.clear()
        self._denied_at[who] = at
        return True
