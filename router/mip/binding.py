"""Bindings as each end keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router.config.model import Mobile
from router.mip.extension import Multipath
from router.mip.message import RegistrationRequest
from router.mip.replay import ReplayGuard

__all__ = ["Binding", "Bindings", "MobileBinding"]

_SLOTS = range(1, 16)


@dataclass(frozen=True)
class MobileBinding:
    """A registration the home agent accepted, as the mobile node sees it.  Times are monotonic seconds."""

    bid: int
    care_of_address: IPv4Address
    home_agent: IPv4Address
    encapsulation: str
    """`ipip` (RFC 2003) or `udp` (RFC 3519)."""
    nat: bool
    lifetime: int
    """Seconds granted."""
    expires: float
    keepalive: int
    """Seconds between RFC 3519 keepalives; meaningful with `udp`."""

    @property
    def terms(self) -> str:
        """What was agreed, in words."""
        nat = ", NAT found" if self.nat else ""
        return f"registered for {self.lifetime} s, {self.encapsulation}{nat}"


@dataclass(frozen=True)
class Binding:
    """One care-of address of one mobile node at the home agent.  Times are monotonic seconds."""

    mobile: Mobile
    bid: int
    """0 for a registration without a Multipath extension."""
    slot: int
    """Lowest free number of this mobile node, 1..15: what packet marks carry in place of the BID."""
    label: int
    access_technology: int
    care_of_address: IPv4Address
    source: IPv4Address
    source_port: int
    """Where the request came from; behind NAT this, not the care-of address, is where tunnels go."""
    encapsulation: str
    nat: bool
    granted: int
    expires: float
    mobile_networks: tuple[IPv4Network, ...] = ()

    @property
    def terms(self) -> str:
        """Where it leads and how, in words."""
        where = f"{self.care_of_address}"
        if self.nat:
            where += f" behind NAT at {self.source}:{self.source_port}"
        return f"binding {self.bid} at {where}, {self.granted} s, {self.encapsulation}"


class Bindings:
    """All that the home agent knows of one mobile node: its bindings by BID, its replay marks."""

    def __init__(self, mobile: Mobile, floor: int) -> None:
        self.mobile = mobile
        self.by_bid: dict[int, Binding] = {}
        self.guard = ReplayGuard(floor, mobile.security.tolerance)

    def kept_by(self, multipath: Multipath | None) -> set[int]:
        """BIDs whose bindings a registration leaves alone.

        Without a Multipath extension the request replaces all (S is not
        offered: code 1); with it, all others stay, but for a plain binding
        and for overwrite, which RFC 7629 section 4.1 makes wipe them.
        """
        if multipath is None or multipath.overwrite:
            return set()
        return set(self.by_bid) - {0}

    def removed_by(self, request: RegistrationRequest, multipath: Multipath | None) -> list[int]:
        """BIDs whose bindings a de-registration means.

        An unknown BID or care-of address is no error: the wish is already fulfilled.
        """
        if request.care_of_address == self.mobile.home_address or (multipath is not None and multipath.bulk):
            return sorted(self.by_bid)
        if multipath is not None:
            return [multipath.bid] if multipath.bid in self.by_bid else []
        care_of = request.care_of_address
        return [bid for bid, binding in self.by_bid.items() if binding.care_of_address == care_of]

    def slot_for(self, bid: int, keep: set[int]) -> int:
        """The binding's own number, or the lowest that no kept binding has.

        There is always one: `max_bindings` is at most 15.
        """
        if bid in self.by_bid:
            return self.by_bid[bid].slot
        taken = {self.by_bid[kept].slot for kept in keep}
        return next(slot for slot in _SLOTS if slot not in taken)
