"""Revocations of our bindings (RFC 3543 section 4.2.2.3)."""

from __future__ import annotations

from collections.abc import Iterable

from router.config.model import SecurityAssociation
from router.mip.auth import sign, verify
from router.mip.mobile.registration import Registration
from router.mip.mobile.session import Session
from router.mip.revocation import later
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment

__all__ = ["Revoked"]


class Revoked:
    """Remembers the last identifier of each BID: a revocation repeated later is acknowledged, an old one is not."""

    def __init__(self, security: SecurityAssociation) -> None:
        self._security = security
        self._last: dict[int, int] = {}

    def meant_by(
        self, data: bytes, message: Revocation, session: Session, registrations: Iterable[Registration]
    ) -> Registration | None:
        """The registration an authentic, fresh revocation ends: ours, of this home agent, older than it."""
        ours = (
            message.home_address == session.home_address and message.home_domain_address == session.home_agent
        )
        if not message.by_home_agent or not ours:
            return None
        for registration in registrations:
            meant = registration.colocated and registration.care_of_address == message.foreign_domain_address
            if (
                meant
                and self._is_fresh(message, registration)
                and verify(data, message.extensions, self._security)
            ):
                self._last[registration.bid] = message.identifier
                return registration
        return None

    def acknowledgment(self, message: Revocation) -> bytes:
        octets = RevocationAcknowledgment(message.home_address, message.identifier, message.inform).encode()
        return sign(octets, self._security)

    def _is_fresh(self, message: Revocation, registration: Registration) -> bool:
        last, binding = self._last.get(registration.bid), registration.binding
        if last is not None and not later(message.identifier, last):
            return False
        if binding is None:
            # Ended already; our acknowledgment was lost, and it asks again.
            return last is not None
        return binding.revocation_stamp is not None and later(message.identifier, binding.revocation_stamp)
