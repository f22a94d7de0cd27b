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
from router.mip.revocation import Revoking, later, timestamp
from router.mip.wire.numbers import PORT, ExtensionType
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment, RevocationSupport

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
    """Those we send, until they are acknowledged; and the check of those we get."""

    def __init__(self, address: IPv4Address) -> None:
        self._address = address
        self._under_way: list[Revoking] = []
        self._seen: dict[tuple[int, int], int] = {}

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
        self._under_way.append(
            Revoking(message, security, kind, binding.source, port, binding.expires, now.monotonic)
        )

    def due(self, now: Instant) -> list[tuple[bytes, IPv4Address, int]]:
        """Datagrams to send now, with where to."""
        self._under_way = [item for item in self._under_way if item.ends > now.monotonic]
        waiting = [item for item in self._under_way if item.next_at <= now.monotonic]
        return [(item.departs(now.monotonic, now.wall), item.address, item.port) for item in waiting]

    def next(self) -> float | None:
        return min((item.next_at for item in self._under_way), default=None)

    def acknowledged(self, data: bytes, message: RevocationAcknowledgment) -> bool:
        """Whether this answers one under way, which is then done."""
        for item in self._under_way:
            if (
                item.message.home_address != message.home_address
                or message.identifier not in item.identifiers
            ):
                continue
            if verify(data, message.extensions, item.security, item.authentication):
                self._under_way.remove(item)
                return True
        return False

    def meant_by(
        self, data: bytes, message: Revocation, node: Node | None, security: SecurityAssociation | None
    ) -> Binding | None:
        """The binding a foreign agent's revocation ends, if all is as RFC 3543 section 4.2.3.2 wants it."""
        if (
            node is None
            or security is None
            or message.by_home_agent
            or message.home_domain_address != self._address
        ):
            return None
        if not verify(data, message.extensions, security, ExtensionType.FOREIGN_HOME_AUTHENTICATION):
            return None
        for binding in node.bindings.values():
            terms = binding.revocation
            if binding.care_of_address == message.foreign_domain_address and terms is not None:
                return binding if later(message.identifier, terms.theirs) else None
        return None
