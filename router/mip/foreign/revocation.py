"""Registration revocation at the foreign agent (RFC 3543 sections 4.2.2.2 and 4.2.3.1)."""

from __future__ import annotations

from collections.abc import Iterable

from router.clock import Instant
from router.config.model import SecurityAssociation
from router.mip.auth import verify
from router.mip.foreign.relay import Relay
from router.mip.foreign.visitor import Visitor
from router.mip.revocation import PACE, Ended, Revoking, UnderWay, later
from router.mip.wire.numbers import PORT, ExtensionType
from router.mip.wire.revocation import Revocation

__all__ = ["Revocations"]

_FOREIGN_HOME = ExtensionType.FOREIGN_HOME_AUTHENTICATION


class Revocations:
    """Those we send, in `under_way` until they are acknowledged; and the check of those we get."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.under_way = UnderWay()
        self._ended = Ended()

    def add(self, visitor: Visitor, asked_at: float, now: Instant) -> None:
        """Tell the home agent that this visit is over, where it has agreed to hear of it.

        `asked_at` is when it last got a request of this visitor.  I stays off,
        for we have not offered it (RFC 3543 section 3.3).
        """
        security, terms = self._relay.with_agent(visitor.home_agent), visitor.revocation
        if security is None or terms is None:
            return
        message = Revocation(
            visitor.home_address, visitor.home_agent, visitor.care_of_address, terms.ours,
            by_home_agent=False,
        )  # fmt: skip
        first = max(now.monotonic, asked_at + PACE)
        self.under_way.add(
            Revoking(message, security, _FOREIGN_HOME, visitor.home_agent, PORT, visitor.expires, first)
        )
        self.note(visitor, now)

    def note(self, visitor: Visitor, now: Instant) -> None:
        """A revocation, ours or the home agent's, ends this visit."""
        terms = visitor.revocation
        if terms is not None:
            # Whoever sets I, agreed on or not, gets it back: the mobile node is told in any case.
            self._ended.note(visitor.subject, terms.theirs, visitor.expires, now.monotonic, inform=True)

    @staticmethod
    def is_authentic(data: bytes, message: Revocation, security: SecurityAssociation) -> bool:
        """Whether a home agent with this key says it, and not we ourselves."""
        return message.by_home_agent and verify(data, message.extensions, security, _FOREIGN_HOME)

    @staticmethod
    def meant_by(message: Revocation, visitors: Iterable[Visitor]) -> list[Visitor]:
        """The visits that an authentic revocation ends: registered before it was sent."""
        return [
            visitor
            for visitor in visitors
            if visitor.subject == message.subject
            and visitor.revocation is not None
            and later(message.identifier, visitor.revocation.theirs)
        ]

    def answer(self, message: Revocation, now: Instant) -> bool | None:
        """I of the acknowledgment of an authentic revocation, or None when it deserves none."""
        return self._ended.answer(message, now.monotonic)
