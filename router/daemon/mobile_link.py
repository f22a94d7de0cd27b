"""One uplink of the mobile node: its sockets, and the agents heard on it."""

from __future__ import annotations

import errno
from ipaddress import IPv4Address

from router.daemon.discovery import ALL_HOSTS, ALL_ROUTERS, DiscoverySocket
from router.daemon.discovery import Received as Heard
from router.daemon.link_addresses import LinkAddresses
from router.daemon.transport import Receiver, RegistrationSocket
from router.daemon.unnumbered import udp_packet
from router.mip.effect import Send
from router.mip.wire.numbers import PORT
from router.plane.neighbour import Neighbours

__all__ = ["MobileLink"]


class MobileLink:
    """Without `address` the uplink has no care-of address of its own, and registers through an agent.

    Raises OSError when the device is gone or the address cannot be bound.
    """

    def __init__(self, device: str, address: IPv4Address | None, received: Receiver, heard: Heard) -> None:
        self.device = device
        self.registration: RegistrationSocket | None = None
        """From the care-of address."""
        self._received = received
        self._home: RegistrationSocket | None = None
        self._addresses = LinkAddresses(device)
        self._neighbours = Neighbours(device)
        self._discovery: DiscoverySocket | None = None
        try:
            self._discovery = DiscoverySocket(device, (ALL_HOSTS,), heard)
            if address is not None:
                self.registration = self._bind(address)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        for sock in (self.registration, self._home, self._discovery):
            if sock is not None:
                sock.close()
        self._neighbours.close()
        self._addresses.close()

    def send(self, effect: Send, home_address: IPv4Address) -> None:
        """Raises OSError."""
        link = self._addresses.of(effect.to)[0]
        if link is not None:
            # An agent's link address comes from its advertisements, not from ARP (RFC 5944 section 3.6.1.1).
            self._neighbours.place(effect.to, link.hex(":"))
        sock = self._from_home(home_address) if effect.as_home_address else self.registration
        if sock is None:
            return
        if effect.as_home_address and home_address.is_unspecified and link is not None:
            packet = udp_packet(effect.data, sock.port, (effect.to, effect.port), effect.ttl)
            self._addresses.send(packet, link)
        else:
            sock.send(effect.data, (str(effect.to), effect.port), effect.ttl)

    def solicit(self, icmp: bytes) -> None:
        """Raises OSError."""
        if self._discovery is not None:
            self._discovery.send(icmp, ALL_ROUTERS)

    def _bind(self, address: IPv4Address) -> RegistrationSocket:
        """At port 434 if it is free: revocations come there (RFC 3543 section 3.3)."""
        try:
            return RegistrationSocket(address, PORT, self._received, self.device)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return RegistrationSocket(address, 0, self._received, self.device)

    def _from_home(self, home_address: IPv4Address) -> RegistrationSocket:
        if self._home is not None and self._home.address != home_address:
            self._home.close()
            self._home = None
        if self._home is None:
            self._home = RegistrationSocket(home_address, 0, self._received, self.device)
        return self._home
