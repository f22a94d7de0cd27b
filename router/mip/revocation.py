"""A revocation under way, at whichever agent sends it (RFC 3543 section 4.2).

Sent again with a new identifier, ever more rarely, until it is acknowledged or
the binding would have ended by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from router.config.model import SecurityAssociation
from router.mip.auth import append
from router.mip.identification import LOW, from_wall
from router.mip.wire.revocation import Revocation

__all__ = ["Revoking", "later", "timestamp"]

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 32.0


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
    security: SecurityAssociation
    authentication: int
    """Type of the authentication extension that protects it."""
    address: IPv4Address
    port: int
    ends: float
    next_at: float
    wait: float = _FIRST_WAIT
    identifiers: tuple[int, ...] = ()

    def departs(self, at: float, wall: float) -> bytes:
        """The octets to send now."""
        identifier = timestamp(wall)
        previous = self.identifiers[-1] if self.identifiers else (self.message.identifier - 1) & LOW
        if not later(identifier, previous):
            identifier = (previous + 1) & LOW
        self.identifiers = (*self.identifiers, identifier)[-8:]
        self.next_at = at + self.wait
        self.wait = min(_LONGEST_WAIT, 2 * self.wait)
        octets = self.message._replace(identifier=identifier).encode()
        return append(octets, self.authentication, self.security)
