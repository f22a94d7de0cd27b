"""The home link of a home agent: proxy ARP, agent advertisements, and who comes home."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from router.config.model import HomeAgent as Settings
from router.daemon.arp import announce
from router.daemon.discovery import ALL_AGENTS, ALL_ROUTERS, DiscoverySocket
from router.daemon.link_addresses import LinkAddresses
from router.daemon.now import now
from router.daemon.timer import Timer
from router.daemon.transport import Receiver, RegistrationSocket
from router.mip.effect import Advertise, GratuitousArp, ProxyArp
from router.mip.foreign.advertiser import Advertiser
from router.mip.wire.advertisement import AgentSolicitation, MobilityAgent, decode_icmp
from router.mip.wire.numbers import PORT
from router.plane.neighbour import Neighbours

__all__ = ["HomeLink"]

_log = logging.getLogger("roamd")
_EVERYBODY = IPv4Address("255.255.255.255")


class HomeLink:
    """`broadcast` gets what was sent to a broadcast address of `networks`: somebody looks for a home agent.

    Raises OSError when the device is not there.
    """

    def __init__(
        self,
        settings: Settings,
        device: str,
        networks: Iterable[IPv4Network],
        received: Receiver,
        broadcast: Receiver,
    ) -> None:
        self._settings = settings
        self._device = device
        self._neighbours = Neighbours(device)
        self._addresses = LinkAddresses(device)
        self.socket = RegistrationSocket(settings.address, PORT, received, device, shared=True)
        self._broadcast = [
            RegistrationSocket(address, PORT, broadcast, device, shared=True)
            for address in (_EVERYBODY, *(network.broadcast_address for network in networks))
        ]
        self._discovery = DiscoverySocket(device, (ALL_ROUTERS, ALL_AGENTS), self._heard)
        self._advertiser = Advertiser(
            settings.address, settings.advertise_interval, self._describe, random.Random(), now()
        )
        self._timer = Timer(lambda at: self._advertise(self._advertiser.tick(at)))
        self._advertise(self._advertiser.tick(now()))

    def close(self) -> None:
        self._timer.cancel()
        self._discovery.close()
        self._addresses.close()
        for sock in (self.socket, *self._broadcast):
            sock.close()
        self._neighbours.close()

    def perform(self, effect: ProxyArp | GratuitousArp) -> None:
        if isinstance(effect, ProxyArp):
            self._neighbours.proxy(effect.address, effect.on)
            return
        # Whoever is back has just sent its request from there.
        at = self._addresses.of(effect.address)[0] if effect.returned else None
        if effect.returned and at is None:
            # It speaks for itself on the link (RFC 5944 section 4.6).
            return
        try:
            announce(self._device, effect.address, at)
        except OSError as error:
            _log.warning("gratuitous ARP for %s on %s: %s", effect.address, self._device, error.strerror)

    def _describe(self, sequence: int) -> MobilityAgent:
        return MobilityAgent(
            sequence, self._settings.max_lifetime, home_agent=True, reverse_tunnel=True,
            revocation=self._settings.revocation,
        )  # fmt: skip

    def _heard(self, icmp: bytes, source: IPv4Address) -> None:
        if isinstance(decode_icmp(icmp), AgentSolicitation):
            self._advertise(self._advertiser.solicited(source, now()))

    def _advertise(self, effects: list[Advertise]) -> None:
        for effect in effects:
            try:
                self._discovery.send(effect.data, str(effect.to or _EVERYBODY))
            except OSError as error:
                _log.warning("agent advertisement on %s: %s", self._device, error.strerror)
        self._timer.at(self._advertiser.next_wake())
