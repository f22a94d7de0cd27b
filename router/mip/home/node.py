"""All that the home agent knows of one mobile node."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from router.config.model import Mobile
from router.mip.home.binding import Binding
from router.mip.home.replay_guard import ReplayGuard
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.registration import RegistrationRequest

__all__ = ["Node", "plain_key"]

_SLOTS = range(1, 16)


def plain_key(care_of_address: IPv4Address) -> int:
    """Key of a binding registered without a Binding ID: above every BID, one for each care-of address."""
    return int(care_of_address) << 8 | 0x100


class Node:
    """Bindings by key, replay marks, flow bindings and mobile networks of one mobile node."""

    __slots__ = (
        "bindings",
        "flow_bindings",
        "guard",
        "home_address",
        "mobile",
        "networks",
        "refreshes",
        "refused_at",
        "silent",
    )

    def __init__(self, mobile: Mobile, guard: ReplayGuard) -> None:
        self.mobile = mobile
        self.home_address = mobile.home_address
        self.bindings: dict[int, Binding] = {}
        self.guard = guard
        self.flow_bindings: tuple[FlowBinding, ...] = ()
        self.networks: tuple[IPv4Network, ...] = ()
        self.silent: frozenset[int] = frozenset()
        """Binding IDs that carry nothing, as the mobile node has found out."""
        self.refreshes: tuple[bytes, ...] = ()
        """Keys of the answers remembered for this mobile node's refreshes."""
        self.refused_at = float("-inf")
        """When it was last told that its key is wrong, monotonic."""

    @property
    def in_force(self) -> list[Binding]:
        """The bindings that packets may be sent to."""
        return [binding for binding in self.bindings.values() if binding.port_known]

    @property
    def silenced(self) -> list[Binding]:
        """The bindings whose paths are silent; none where no other is left."""
        found = [binding for binding in self.in_force if binding.key in self.silent]
        return found if len(found) < len(self.in_force) else []

    def kept_by(
        self, request: RegistrationRequest, multipath: Multipath | None, *, simultaneous: bool
    ) -> set[int]:
        """Keys of the bindings that a registration leaves alone, beside its own.

        With a Multipath extension all others stay, but for plain ones, and for
        overwrite, which RFC 7629 section 4.1 makes wipe them.  Without one the
        rule is RFC 5944's: all go unless S is asked for and offered.
        """
        if multipath is not None:
            return set() if multipath.overwrite else {key for key in self.bindings if key < 256}
        return set(self.bindings) if request.simultaneous and simultaneous else set()

    def removed_by(self, request: RegistrationRequest, multipath: Multipath | None) -> list[int]:
        """Keys of the bindings that a de-registration means.

        An unknown BID or care-of address is no error: the wish is already fulfilled.
        """
        if request.care_of_address == self.home_address or (multipath is not None and multipath.bulk):
            return sorted(self.bindings)
        if multipath is not None:
            return [multipath.bid] if multipath.bid in self.bindings else []
        care_of = request.care_of_address
        return [key for key, binding in self.bindings.items() if binding.care_of_address == care_of]

    def slot_for(self, key: int, keep: set[int]) -> int:
        """The binding's own number; else its BID, so that it is the same after a restart; else the lowest free.

        There is always one: `max_bindings` is at most 15.
        """
        if key in self.bindings:
            return self.bindings[key].slot
        taken = {self.bindings[kept].slot for kept in keep}
        if key in _SLOTS and key not in taken:
            return key
        return next(slot for slot in _SLOTS if slot not in taken)
