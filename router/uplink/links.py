"""What netlink said, as a table, and what follows for an uplink.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from router.config.model import Uplink
from router.uplink.model import ModemInfo, UplinkState, UplinkView, WifiInfo

__all__ = ["LinkTable"]

_IFF_UP, _IFF_POINTOPOINT, _IFF_LOWER_UP = 0x1, 0x10, 0x10000
_AF_INET = 2
_SCOPE_GLOBAL = 0
_NEWLINK, _DELLINK, _NEWADDR, _DELADDR, _NEWROUTE, _DELROUTE = 16, 17, 20, 21, 24, 25
_UNICAST = 1
_HOST = 32


@dataclass
class _Link:
    index: int
    name: str
    flags: int = 0
    carrier: bool = False
    mtu: int = 1500


@dataclass(frozen=True)
class _DefaultRoute:
    metric: int
    table: int
    gateway: IPv4Address | None


@dataclass
class LinkTable:
    """Links, IPv4 addresses and default routes of this machine.

    `ignored_tables` (first, past the last) are roamd's own and tell nothing.
    """

    ignored_tables: tuple[int, int] = (0, 0)
    _links: dict[int, _Link] = field(default_factory=dict)
    _addresses: dict[int, dict[IPv4Address, bool]] = field(default_factory=dict)
    """By interface: address to 'has a peer or stands alone' (no gateway needed)."""
    _defaults: dict[int, set[_DefaultRoute]] = field(default_factory=dict)

    def clear(self) -> None:
        self._links.clear()
        self._addresses.clear()
        self._defaults.clear()

    def apply(self, message: Any) -> None:
        """Take in one parsed rtnetlink message; kinds it does not know are ignored."""
        kind = message["header"]["type"]
        if kind in (_NEWLINK, _DELLINK):
            self._link(message, kind == _NEWLINK)
        elif kind in (_NEWADDR, _DELADDR):
            self._address(message, kind == _NEWADDR)
        elif kind in (_NEWROUTE, _DELROUTE):
            self._route(message, kind == _NEWROUTE)

    def view(
        self, uplink: Uplink, device: str | None, wifi: WifiInfo | None, modem: ModemInfo | None
    ) -> UplinkView:
        """The uplink as it stands, on network device `device`."""
        link = next((item for item in self._links.values() if item.name == device), None)
        addresses = self._addresses.get(link.index, {}) if link is not None else {}
        address = min(addresses) if addresses else None
        gateway, alone = self._gateway(uplink, link, address)
        return UplinkView(
            name=uplink.name,
            bid=uplink.bid,
            kind=uplink.kind,
            state=_state(link, address, gateway is not None or alone),
            device=device,
            ifindex=link.index if link is not None else None,
            address=address,
            gateway=gateway,
            mtu=link.mtu if link is not None else 1500,
            wifi=wifi,
            modem=modem,
        )

    def device_with(self, address: IPv4Address) -> str | None:
        """The device that carries `address`, or None."""
        for index, addresses in self._addresses.items():
            if address in addresses and index in self._links:
                return self._links[index].name
        return None

    def _gateway(
        self, uplink: Uplink, link: _Link | None, address: IPv4Address | None
    ) -> tuple[IPv4Address | None, bool]:
        if uplink.gateway is not None:
            return uplink.gateway, False
        if link is None or address is None:
            return None, False
        alone = bool(link.flags & _IFF_POINTOPOINT) or self._addresses[link.index][address]
        routes = sorted(self._defaults.get(link.index, ()), key=lambda route: (route.metric, route.table))
        gateway = next((route.gateway for route in routes if route.gateway is not None), None)
        return gateway, alone

    def _link(self, message: Any, new: bool) -> None:
        index = message["index"]
        if not new:
            for table in (self._links, self._addresses, self._defaults):
                table.pop(index, None)
            return
        flags = message["flags"]
        carrier = message.get_attr("IFLA_CARRIER")
        self._links[index] = _Link(
            index=index,
            name=message.get_attr("IFLA_IFNAME"),
            flags=flags,
            # Drivers that know no carrier state say LOWER_UP alone.
            carrier=bool(flags & _IFF_LOWER_UP) and carrier != 0,
            mtu=message.get_attr("IFLA_MTU") or 1500,
        )
        if not flags & _IFF_UP:
            # The kernel drops the routes of a link that goes down without a message for each.
            self._defaults.pop(index, None)

    def _address(self, message: Any, new: bool) -> None:
        if message["family"] != _AF_INET or message["scope"] != _SCOPE_GLOBAL:
            return
        local = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
        peer = message.get_attr("IFA_ADDRESS")
        addresses = self._addresses.setdefault(message["index"], {})
        if new:
            has_peer = peer is not None and peer != local
            addresses[IPv4Address(local)] = has_peer
        else:
            addresses.pop(IPv4Address(local), None)

    def _route(self, message: Any, new: bool) -> None:
        if message["family"] != _AF_INET or message["dst_len"] != 0 or message["type"] != _UNICAST:
            return
        table = message.get_attr("RTA_TABLE") or message["table"]
        first, past = self.ignored_tables
        index = message.get_attr("RTA_OIF")
        if index is None or first <= table < past:
            return
        gateway = message.get_attr("RTA_GATEWAY")
        route = _DefaultRoute(
            message.get_attr("RTA_PRIORITY") or 0, table, IPv4Address(gateway) if gateway else None
        )
        routes = self._defaults.setdefault(index, set())
        if new:
            routes.add(route)
        else:
            routes.discard(route)


def _state(link: _Link | None, address: IPv4Address | None, reachable: bool) -> UplinkState:
    if link is None:
        return UplinkState.NO_DEVICE
    if not link.flags & _IFF_UP:
        return UplinkState.DOWN
    if not link.carrier:
        return UplinkState.NO_CARRIER
    if address is None:
        return UplinkState.NO_ADDRESS
    return UplinkState.USABLE if reachable else UplinkState.NO_GATEWAY
