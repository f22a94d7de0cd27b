"""Registration revocation at the home agent (RFC 3543): what was agreed, what is under way."""

from __future__ import annotations

from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import HomeAgent as Settings
from router.config.model import SecurityAssociation
from router.mip.auth import verify
from router.mip.home.binding import Binding, RevocationTerms
from router.mip.home.checks import Asked
from router.mip.home.node import Node
from router.mip.lifetime import end_of
from router.mip.revocation import PACE, Ended, Revoking, UnderWay, later, timestamp
from router.mip.wire.numbers import PORT, ExtensionType
from router.mip.wire.revocation import Revocation, RevocationSupport

__all__ = ["Revocations", "agreed"]


def agreed(asked: Asked, settings: Settings, now: Instant) -> RevocationTerms | None:
    """What the two ends agree on for a binding, or None.

    The extension counts where somebody vouches for it: the mobile node, when
    it has the care-of address itself, or else the foreign agent.
    """
    offers = asked.request.extensions if asked.request.decapsulation else asked.foreign
    offer = next((item for item in offers if isinstance(item, RevocationSupport)), None)
    if offer is None or not settings.revocation:
        return None
    return RevocationTerms(offer.timestamp, timestamp(now.wall), offer.inform)


class Revocations:
    """Those we send, in `under_way` until they are acknowledged; and the check of those we get."""

    def __init__(self, address: IPv4Address) -> None:
        self._address = address
        self.under_way = UnderWay()
        self._ended = Ended()

    def add(self, binding: Binding, peer: SecurityAssociation | None, now: Instant) -> None:
        """Tell the far end of `binding` that it is over.

        Its port is 434, but for a mobile node behind NAT, which only the
        mapping of its registration reaches.
        """
        terms = binding.revocation
        direct = binding.colocated
        if terms is None or (not direct and peer is None):
            return
        message = Revocation(
            binding.home_address, self._address, binding.care_of_address, terms.ours,
            by_home_agent=True, inform=direct or terms.inform,
        )  # fmt: skip
        kind = (
            ExtensionType.MOBILE_HOME_AUTHENTICATION if direct else ExtensionType.FOREIGN_HOME_AUTHENTICATION
        )
        security = binding.mobile.security if direct or peer is None else peer
        port = binding.source_port if binding.nat else PORT
        answered = binding.expires - end_of(binding.granted, 0.0)
        first = max(now.monotonic, answered + PACE)
        self.under_way.add(Revoking(message, security, kind, binding.source, port, binding.expires, first))
        self.note(binding, now)

    def note(self, binding: Binding, now: Instant) -> None:
        """A revocation, ours or the foreign agent's, ends this binding."""
        terms = binding.revocation
        if terms is not None:
            subject = (binding.home_address, self._address, binding.care_of_address)
            self._ended.note(subject, terms.theirs, binding.expires, now.monotonic, inform=terms.inform)

    def is_authentic(self, data: bytes, message: Revocation, security: SecurityAssociation) -> bool:
        """Whether a foreign agent with this key says it of a binding with us, and not we ourselves."""
        if message.by_home_agent or message.home_domain_address != self._address:
            return False
        return verify(data, message.extensions, security, ExtensionType.FOREIGN_HOME_AUTHENTICATION)

    def answer(self, message: Revocation, now: Instant) -> bool | None:
        """I of the acknowledgment of an authentic revocation, or None when it deserves none."""
        return self._ended.answer(message, now.monotonic)

    @staticmethod
    def meant_by(message: Revocation, node: Node) -> Binding | None:
        """The binding that an authentic revocation ends: registered before it was sent."""
        for binding in node.bindings.values():
            terms = binding.revocation
            if binding.care_of_address == message.foreign_domain_address and terms is not None:
                return binding if later(message.identifier, terms.theirs) else None
        return None
