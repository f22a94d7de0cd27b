"""The uplinks of the mobile node that are in use, and what goes through their sockets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address

from router.daemon.arp import announce
from router.daemon.mobile_link import MobileLink
from router.daemon.transport import RegistrationSocket
from router.mip.effect import Event, GratuitousArp, Send, Solicit
from router.mip.keepalive import may_be_echo
from router.plane.plane import Plane
from router.uplink.model import UplinkView

__all__ = ["MobileLinks"]

Received = Callable[[int, bytes, tuple[IPv4Address, int]], None]
"""BID, a message of the protocol, and who sent it."""
Heard = Callable[[int, bytes, IPv4Address], None]
"""BID, an ICMP message of router discovery, and who sent it."""


class MobileLinks:
    """Links by BID.  What comes out of a socket goes to the plane where it is the tunnel's, else to `received`."""

    def __init__(self, plane: Plane, received: Received, heard: Heard, tell: Callable[[Event], None]) -> None:
        self._plane = plane
        self._received, self._heard, self._tell = received, heard, tell
        self._links: dict[int, MobileLink] = {}
        self.counters = {"send_failed": 0}

    def __contains__(self, bid: int) -> bool:
        return bid in self._links

    def get(self, bid: int) -> MobileLink | None:
        return self._links.get(bid)

    def socket(self, bid: int) -> RegistrationSocket | None:
        """Bound to the uplink's care-of address; None where it has none of its own."""
        link = self._links.get(bid)
        return link.registration if link is not None else None

    def open(self, view: UplinkView) -> MobileLink | None:
        """None where it cannot be used, which is told."""
        device, bid = view.device, view.bid
        if device is None:
            return None
        take, hear = partial(self._take, bid), partial(self._heard, bid)
        try:
            link = MobileLink(device, view.address if view.usable else None, take, hear)
        except OSError as error:
            text = f"uplink {view.name}: cannot use {view.address} on {device}: {error}"
            self._tell(Event("warning", "uplink", text, bid))
            return None
        self._links[bid] = link
        if link.registration is not None:
            sock = link.registration
            self._plane.attach(sock.address, sock.port, sock.socket)
        return link

    def remove(self, bid: int) -> MobileLink:
        """The link, which is the caller's to close: something may still have to be said through others first."""
        link = self._links.pop(bid)
        if link.registration is not None:
            self._plane.detach(link.registration.address, link.registration.port)
        return link

    def send(
        self, effect: Send | Solicit | GratuitousArp, bid: int | None, home_address: IPv4Address
    ) -> None:
        """What cannot be sent is sent again by the protocol, or belongs to an uplink that is going away."""
        if bid is None or bid not in self._links:
            return
        link = self._links[bid]
        try:
            if isinstance(effect, Send):
                link.send(effect, home_address)
            elif isinstance(effect, Solicit):
                link.solicit(effect.data)
            else:
                announce(link.device, effect.address)
        except OSError as error:
            self.counters["send_failed"] += 1
            self._tell(Event("warning", "send", f"device {link.device}: cannot send: {error}", bid))

    def _take(self, bid: int, data: bytes, source: tuple[str, int]) -> None:
        sock = self.socket(bid)
        if data[:1] == b"\x04" and sock is not None:
            self._plane.deliver(sock.address, sock.port, source, data)
            if not may_be_echo(data):
                return
        self._received(bid, data, (IPv4Address(source[0]), source[1]))
