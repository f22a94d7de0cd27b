"""The visitor list: who visits, and which requests wait (RFC 5944 section 3.7.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address

from router.config.model import ForeignAgent as Settings
from router.mip.effect import Effect, Event, Visiting, VisitorLeft
from router.mip.foreign.checks import NOBODY, Denied
from router.mip.foreign.pending import Pending
from router.mip.foreign.visitor import Visitor
from router.mip.wire.numbers import ReplyCode
from router.mip.wire.registration import RegistrationReply

__all__ = ["Visitors"]


class Visitors:
    """Registrations in force and requests pending, each by its key.  Times are monotonic seconds."""

    def __init__(self, settings: Settings) -> None:
        self._most_pending = settings.max_pending
        self._most_visitors = settings.max_visitors
        self._pending: dict[object, Pending] = {}
        self._visitors: dict[object, Visitor] = {}

    @property
    def in_force(self) -> list[Visitor]:
        return list(self._visitors.values())

    @property
    def pending(self) -> int:
        """How many requests wait."""
        return len(self._pending)

    @property
    def is_full(self) -> bool:
        return len(self._visitors) >= self._most_visitors

    def wakes(self) -> list[float]:
        ends = [item.ends for item in self._pending.values()]
        return ends + [visitor.expires for visitor in self._visitors.values()]

    # Requests that wait

    def former(self, request: Pending) -> Pending | None:
        """The request that this one takes the place of."""
        return self._pending.get(request.key)

    def gre_key(self, request: Pending) -> int | None:
        """The key that its packets come with so far: a renewal changes no tunnel."""
        visitor = self._visitors.get((request.home_address, request.home_agent, request.bid))
        before = self.former(request) or (visitor.asked if visitor is not None else None)
        return before.gre_key if before is not None else None

    def check(self, request: Pending) -> None:
        """Whether there is a place for it.  Raises Denied."""
        self._check_address(request)
        self._check_room(request)

    def wait_for(self, request: Pending) -> None:
        """It goes on to its home agent."""
        self._pending.pop(request.key, None)
        self._pending[request.key] = request

    def answered_by(self, reply: RegistrationReply, source: IPv4Address) -> Pending | None:
        return next((item for item in self._pending.values() if item.is_answered_by(reply, source)), None)

    def done(self, request: Pending) -> None:
        """It waits no longer."""
        del self._pending[request.key]

    def overdue(self, at: float) -> list[Pending]:
        """Those to be given up by now; they wait no longer."""
        return self._taken(item for item in self._pending.values() if item.ends <= at)

    def asked_of(self, home_agent: IPv4Address) -> list[Pending]:
        """Those relayed to this home agent; they wait no longer."""
        return self._taken(item for item in self._pending.values() if item.home_agent == home_agent)

    def asked_by(self, home_addresses: Collection[IPv4Address]) -> list[Pending]:
        """Those of these mobile nodes; they wait no longer."""
        return self._taken(item for item in self._pending.values() if item.home_address in home_addresses)

    def _taken(self, items: Iterable[Pending]) -> list[Pending]:
        found = list(items)
        for item in found:
            self.done(item)
        return found

    def _check_address(self, request: Pending) -> None:
        """Two with one private address cannot be told apart on the link: the second is sent away (RFC 3024 A.4)."""
        if request.home_address == NOBODY or not request.lifetime:
            return
        others: list[Visitor | Pending] = [*self._visitors.values(), *self._pending.values()]
        for other in others:
            same = other.home_address == request.home_address and other.home_agent != request.home_agent
            if same and other.link != request.link:
                raise Denied(
                    ReplyCode.FA_ADMINISTRATIVELY_PROHIBITED,
                    "a visitor of another home agent has this address",
                )

    def _check_room(self, request: Pending) -> None:
        if self.former(request) is None and len(self._pending) >= self._most_pending:
            raise Denied(ReplyCode.FA_INSUFFICIENT_RESOURCES, "too many requests wait for their answers")
        known = any(visitor.home_address == request.home_address for visitor in self._visitors.values())
        if request.lifetime and not known and self.is_full:
            raise Denied(ReplyCode.FA_INSUFFICIENT_RESOURCES, "too many visitors")

    # Visits

    def arrive(self, visitor: Visitor) -> list[Effect]:
        """A registration is in force, or was renewed (RFC 5944 section 3.7.3.2)."""
        effects: list[Effect] = []
        if not visitor.bid:
            # A plain registration is the only one.
            others = [other for other in self._bindings_of(*visitor.key[:2]) if other.bid]
            effects += [effect for other in others for effect in self.leave(other, "replaced")]
        if visitor.key not in self._visitors:
            who = f"visitor {visitor.home_address} of {visitor.home_agent}"
            text = f"{who}, binding {visitor.bid}, {visitor.lifetime} s"
            effects.append(Event("info", "visitor", text))
        self._visitors[visitor.key] = visitor
        return [*effects, Visiting(visitor)]

    def deregistered(self, request: Pending, home_address: IPv4Address) -> list[Effect]:
        """The home agent has ended what this request names: one binding, or all."""
        bindings = self._bindings_of(home_address, request.home_agent)
        gone = [visitor for visitor in bindings if request.everything or visitor.bid == request.bid]
        return [effect for visitor in gone for effect in self.leave(visitor, "de-registered")]

    def expire(self, at: float) -> list[Effect]:
        ended = [visitor for visitor in self._visitors.values() if visitor.expires <= at]
        return [effect for visitor in ended for effect in self.leave(visitor, "lifetime expired")]

    def leave(self, visitor: Visitor, reason: str) -> list[Effect]:
        del self._visitors[visitor.key]
        text = f"visitor {visitor.home_address}, binding {visitor.bid}, gone: {reason}"
        return [VisitorLeft(visitor, reason), Event("info", "visitor", text)]

    def _bindings_of(self, home_address: IPv4Address, home_agent: IPv4Address) -> list[Visitor]:
        """One mobile node's: of another home agent, the same (private) home address is somebody else's."""
        return [
            visitor
            for visitor in self._visitors.values()
            if (visitor.home_address, visitor.home_agent) == (home_address, home_agent)
        ]
