"""De-registrations: told through whatever uplink lives, until the home agent knows."""

from __future__ import annotations

from collections.abc import Mapping

from router.clock import Instant
from router.mip.effect import Effect
from router.mip.identification import LOW
from router.mip.mobile.farewell import Farewell
from router.mip.mobile.reaction import CHALLENGING, meaning
from router.mip.mobile.registration import GOOD, Registration, event
from router.mip.mobile.sender import Sender
from router.mip.mobile.session import Session
from router.mip.wire.numbers import ReplyCode
from router.mip.wire.registration import RegistrationReply

__all__ = ["Farewells"]


class Farewells:
    """By BID.  Times are monotonic seconds."""

    def __init__(self, session: Session, sender: Sender, registrations: Mapping[int, Registration]) -> None:
        self._session = session
        self._sender = sender
        self._registrations = registrations
        self._by_bid: dict[int, Farewell] = {}

    def __bool__(self) -> bool:
        return bool(self._by_bid)

    @property
    def leaving(self) -> dict[int, Registration]:
        return {bid: farewell.registration for bid, farewell in self._by_bid.items()}

    def add(self, farewell: Farewell) -> None:
        self._by_bid[farewell.registration.bid] = farewell

    def abandon(self, bid: int) -> None:
        """A newer request supersedes it."""
        self._by_bid.pop(bid, None)

    def abandon_all(self) -> None:
        self._by_bid.clear()

    def carrier_lost(self, bid: int, at: float) -> None:
        for farewell in self._by_bid.values():
            if farewell.carriers[-1:] == [bid]:
                farewell.hurry(at)

    def carrier_found(self, at: float) -> None:
        for farewell in self._by_bid.values():
            if not farewell.carriers:
                farewell.hurry(at)

    def last_words(self, deadline: float, at: float) -> None:
        """The daemon stops: say what is left at once."""
        for farewell in self._by_bid.values():
            carrier = self._carrier(farewell)
            farewell.via = carrier.bid if carrier is not None else None
            farewell.deadline = deadline
            farewell.hurry(at)

    def wakes(self) -> list[float]:
        return [farewell.wake() for farewell in self._by_bid.values()]

    def answered_by(self, reply: RegistrationReply) -> Farewell | None:
        """The one this reply belongs to."""
        low = reply.identification & LOW
        return next((item for item in self._by_bid.values() if low in item.pending), None)

    def say(self, now: Instant) -> list[Effect]:
        """Send what is due."""
        effects: list[Effect] = []
        for farewell in list(self._by_bid.values()):
            if farewell.wake() <= now.monotonic:
                effects += self._say_one(farewell, now)
        return effects

    def settle(self, farewell: Farewell, reply: RegistrationReply, now: Instant) -> list[Effect]:
        """An authentic answer came."""
        bid = farewell.registration.bid
        if reply.code == ReplyCode.HA_IDENTIFICATION_MISMATCH and not farewell.hopeless:
            self._sender.resynchronise(reply, now)
            farewell.pending.clear()
            farewell.next_at = self._sender.earliest(bid)
            return []
        carrier = self._registrations.get(farewell.carriers[-1], farewell.registration)
        if reply.code in CHALLENGING and carrier.challenge.value and not farewell.hopeless:
            farewell.pending.clear()
            farewell.next_at = self._sender.earliest(bid)
            return []
        del self._by_bid[bid]
        what = "all bindings" if farewell.bulk or farewell.home else f"binding {bid}"
        if reply.code in GOOD:
            return [event("info", f"{what}: de-registered", bid)]
        text = f"{what}: de-registration denied with code {reply.code}: {meaning(reply.code)}"
        return [event("warning", text, bid)]

    def _say_one(self, farewell: Farewell, now: Instant) -> list[Effect]:
        registration = farewell.registration
        if farewell.hopeless or farewell.deadline <= now.monotonic:
            del self._by_bid[registration.bid]
            text = f"binding {registration.bid}: de-registration unanswered; the home agent lets it expire"
            return [event("warning", text, registration.bid)]
        if farewell.home:
            effects, identification = self._sender.home_coming(registration.bid, now)
            farewell.departs(identification & LOW, registration.bid, now.monotonic)
            return effects
        carrier = registration if farewell.via == registration.bid else self._carrier(farewell)
        if carrier is None:
            farewell.wait_for_a_carrier()
            return []
        effects, identification = self._sender.deregister(
            registration, carrier, now, multipath=self._session.support.several, bulk=farewell.bulk
        )
        farewell.departs(identification & LOW, carrier.bid, now.monotonic, carrier.agent)
        return effects

    def _carrier(self, farewell: Farewell) -> Registration | None:
        """The registered uplink that was tried least, of these the one that answers fastest."""
        bound = [item for item in self._registrations.values() if item.binding is not None]
        bound.sort(
            key=lambda item: (farewell.carriers.count(item.bid), item.attempts, item.rtt or 0.0, item.bid)
        )
        return bound[0] if bound else None
