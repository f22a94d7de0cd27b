"""Registration revocation at the foreign agent (RFC 3543 sections 4.2.2.2 and 4.2.3.1)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from router.clock import Instant
from router.mip.auth import verify
from router.mip.foreign.relay import Relay
from router.mip.foreign.visitor import Visitor
from router.mip.revocation import Revoking, later
from router.mip.wire.numbers import PORT, ExtensionType
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment

__all__ = ["Revocations"]

_FOREIGN_HOME = ExtensionType.FOREIGN_HOME_AUTHENTICATION


class Revocations:
    """Those we send, until they are acknowledged; and the check of those we get."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._under_way: list[Revoking] = []

    def add(self, visitor: Visitor, now: Instant) -> None:
        """Tell the home agent that this visit is over, where it has agreed to hear of it."""
        security, terms = self._relay.with_agent(visitor.home_agent), visitor.revocation
        if security is None or terms is None:
            return
        message = Revocation(
            visitor.home_address, visitor.home_agent, visitor.care_of_address, terms.ours,
            by_home_agent=False, inform=terms.inform,
        )  # fmt: skip
        self._under_way.append(
            Revoking(
                message, security, _FOREIGN_HOME, visitor.home_agent, PORT, visitor.expires, now.monotonic
            )
        )

    def due(self, now: Instant) -> list[tuple[bytes, IPv4Address]]:
        """Datagrams to send now, with where to."""
        self._under_way = [item for item in self._under_way if item.ends > now.monotonic]
        waiting = [item for item in self._under_way if item.next_at <= now.monotonic]
        return [(item.departs(now.monotonic, now.wall), item.address) for item in waiting]

    def wakes(self) -> list[float]:
        return [item.next_at for item in self._under_way]

    def meant_by(self, data: bytes, message: Revocation, visitors: Iterable[Visitor]) -> list[Visitor]:
        """The visits a home agent's revocation ends; none when it is not authentic, or old."""
        security = self._relay.with_agent(message.home_domain_address)
        if security is None or not message.by_home_agent:
            return []
        if not verify(data, message.extensions, security, _FOREIGN_HOME):
            return []
        return [
            visitor
            for visitor in visitors
            if visitor.home_address == message.home_address
            and visitor.home_agent == message.home_domain_address
            and visitor.care_of_address == message.foreign_domain_address
            and visitor.revocation is not None
            and later(message.identifier, visitor.revocation.theirs)
        ]

    def acknowledged(self, data: bytes, message: RevocationAcknowledgment) -> bool | None:
        """Whether to tell the mobile node, when this answers one under way, which is then done; else None."""
        for item in self._under_way:
            same = (
                item.message.home_address == message.home_address and message.identifier in item.identifiers
            )
            if same and verify(data, message.extensions, item.security, _FOREIGN_HOME):
                self._under_way.remove(item)
                return message.inform and item.message.inform
        return None
