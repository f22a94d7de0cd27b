"""Revocations under way, and bindings ended by one, at whichever agent (RFC 3543 section 4.2).

A revocation is sent again with a new identifier, ever more rarely, until it is
acknowledged or the binding would have ended by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import SecurityAssociation
from router.mip.auth import append, verify
from router.mip.identification import LOW, from_wall
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment

__all__ = ["PACE", "Ended", "Revoking", "Subject", "UnderWay", "later", "timestamp"]

PACE = 1.0
"""Seconds from one message of a binding, revocation or registration, to the next (section 3.3)."""
_LONGEST_WAIT = 32.0

Subject = tuple[IPv4Address, IPv4Address, IPv4Address]
"""See `Revocation.subject`."""


def timestamp(wall: float) -> int:
    """The 32 bits of an identifier and of a Revocation Support extension: seconds, as NTP counts them."""
    return from_wall(wall) >> 32


def later(one: int, other: int) -> bool:
    """Whether one 32-bit time stamp is later than the other, across their wrapping."""
    return 0 < (one - other) & LOW < 1 << 31


@dataclass(slots=True)
class Revoking:
    """One binding's revocation, until `ends`.  Times are monotonic seconds."""

    message: Revocation
    """Its identifier is the time stamp of the registration, which all that are sent must exceed."""
    security: SecurityAssociation
    authentication: int
    """Type of the authentication extension that protects it."""
    address: IPv4Address
    port: int
    ends: float
    next_at: float
    wait: float = PACE
    sent_at: float | None = None
    identifiers: tuple[int, ...] = ()

    def departs(self, at: float, wall: float) -> bytes:
        """The octets to send now."""
        identifier = timestamp(wall)
        previous = self.identifiers[-1] if self.identifiers else self.message.identifier
        if not later(identifier, previous):
            identifier = (previous + 1) & LOW
        self.identifiers = (*self.identifiers, identifier)[-8:]
        self.sent_at, self.next_at = at, at + self.wait
        self.wait = min(_LONGEST_WAIT, 2 * self.wait)
        octets = self.message._replace(identifier=identifier).encode()
        return append(octets, self.authentication, self.security)

    def is_answered_by(self, data: bytes, message: RevocationAcknowledgment, source: IPv4Address) -> bool:
        """Whether `message`, decoded from `data`, acknowledges this.

        Two that are asked in the same second get the same identifier: the source tells them apart.
        """
        if message.home_address != self.message.home_address or message.identifier not in self.identifiers:
            return False
        return source == self.address and verify(data, message.extensions, self.security, self.authentication)


class UnderWay:
    """Revocations of ours that wait for their acknowledgments."""

    def __init__(self) -> None:
        self._items: list[Revoking] = []

    def add(self, item: Revoking) -> None:
        self._items.append(item)

    def due(self, now: Instant) -> list[tuple[bytes, IPv4Address, int]]:
        """Datagrams to send now, with where to."""
        self._items = [item for item in self._items if item.ends > now.monotonic]
        waiting = [item for item in self._items if item.next_at <= now.monotonic]
        return [(item.departs(now.monotonic, now.wall), item.address, item.port) for item in waiting]

    def wakes(self) -> list[float]:
        return [item.next_at for item in self._items]

    def acknowledged(
        self, data: bytes, message: RevocationAcknowledgment, source: tuple[IPv4Address, int]
    ) -> Revoking | None:
        """The one that this answers, which is then done."""
        found = [item for item in self._items if item.is_answered_by(data, message, source[0])]
        if not found:
            return None
        # Two uplinks behind one NAT differ by their ports alone.
        done = min(found, key=lambda item: item.port != source[1])
        self._items.remove(done)
        return done

    def registered(self, subject: Subject) -> None:
        """This binding is in force again: the revocation of the former one would end it."""
        self._items = [item for item in self._items if item.message.subject != subject]

    def is_telling(self, subject: Subject, now: Instant) -> bool:
        """Whether a revocation is about to leave, or did so within the second: nothing else may be said then."""
        return any(
            item.sent_at is None or now.monotonic < item.sent_at + PACE
            for item in self._items
            if item.message.subject == subject and item.ends > now.monotonic
        )

    def hold(self, subject: Subject, until: float) -> None:
        """A request for this binding goes on: its answer says whether it is still over."""
        for item in self._items:
            if item.message.subject == subject:
                item.next_at = max(item.next_at, until)


class Ended:
    """Bindings ended by a revocation of either side, for as long as they might have lived.

    The other side asks again when our acknowledgment was lost, or revokes at
    the same moment as we: it is answered though the binding is gone.
    """

    def __init__(self) -> None:
        self._known: dict[Subject, tuple[int, bool, float]] = {}

    def note(self, subject: Subject, stamp: int, expires: float, at: float, *, inform: bool) -> None:
        """A binding ended; `stamp` is the other side's at its registration, `inform` whether I was agreed on."""
        self._known = {key: item for key, item in self._known.items() if item[2] > at}
        self._known[subject] = (stamp, inform, expires)

    def answer(self, message: Revocation, at: float) -> bool | None:
        """I of the acknowledgment; None for a revocation that is old, or of nothing we know."""
        stamp, inform, expires = self._known.get(message.subject, (message.identifier, False, at))
        if expires <= at or not later(message.identifier, stamp):
            return None
        self._known[message.subject] = (message.identifier, inform, expires)
        return message.inform and inform
