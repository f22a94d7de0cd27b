"""What the mobile node has learnt of its home agent, and asks for by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from router.config.model import MobileNode as Settings
from router.mip.mobile.support import MultipathSupport
from router.mip.wire.mobile_network import MobileNetworkRequest
from router.mip.wire.multipath import FlowBinding

__all__ = ["NOBODY", "Session"]

NOBODY = IPv4Address("0.0.0.0")
_ANYBODY = (NOBODY, IPv4Address("255.255.255.255"))


@dataclass
class Session:
    """Begins as configured; replies change it."""

    home_address: IPv4Address
    home_agent: IPv4Address
    lifetime: int
    udp: bool
    support: MultipathSupport
    networks: tuple[MobileNetworkRequest, ...]
    """Asked for in every request: a prefix left out is taken away (RFC 5177 section 6.1)."""
    requested: IPv4Address | None = None
    """Home agent we were redirected to (RFC 4433 section 5.1)."""
    granted_networks: tuple[IPv4Network, ...] = ()
    refused_networks: set[IPv4Network] = field(default_factory=set)
    silent: frozenset[int] = frozenset()
    """BIDs whose paths carry nothing: every request says them."""
    agent_flows: tuple[FlowBinding, ...] = ()
    """The home agent's own policies, as its newest acceptance says them."""
    tried: set[IPv4Address] = field(default_factory=set)
    """Home agents that sent us on: none is followed twice."""

    @classmethod
    def begin(cls, settings: Settings) -> Session:
        networks = [MobileNetworkRequest.of(prefix) for prefix in settings.mobile_networks]
        if settings.delegated_length is not None:
            networks.append(MobileNetworkRequest(NOBODY, settings.delegated_length))
        return cls(
            home_address=settings.home_address,
            home_agent=settings.home_agent,
            lifetime=settings.lifetime,
            udp=settings.udp_tunnel != "off",
            support=MultipathSupport(settings.multipath),
            networks=tuple(networks),
        )

    @property
    def is_homeless(self) -> bool:
        """We have no home address yet: the first reply brings it."""
        return self.home_address == NOBODY

    @property
    def knows_home_agent(self) -> bool:
        return self.home_agent not in _ANYBODY

    def sent_on_to(self, home_agent: IPv4Address) -> bool:
        """Follow a home agent's word to another one.  False when that leads in a circle, or nowhere."""
        self.tried.add(self.home_agent)
        if home_agent in self.tried or home_agent in _ANYBODY:
            return False
        self.home_agent = home_agent
        return True

    def without_network(self, address: IPv4Address, prefix_length: int) -> None:
        """Ask no more for what was refused (RFC 5177 section 5.1)."""
        refused = MobileNetworkRequest(address, prefix_length)
        self.networks = tuple(item for item in self.networks if item != refused)
        if refused.prefix is not None:
            self.refused_networks.add(refused.prefix)
