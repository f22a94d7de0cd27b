"""The home agent's bindings as tunnels, mobile node by mobile node."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from router.config.model import Config, HomeAgent
from router.flow.home_plan import (
    HomeMobile,
    home_part,
    keyed_tunnel_name,
    shared_tunnel_name,
    tunnel_name,
)
from router.flow.home_policy import home_policies
from router.flow.mobile_plan import tunnel_mtu
from router.flow.tables import Tables
from router.mip.home.binding import Binding
from router.mip.home.node import Node
from router.mip.home.reply import gre_key
from router.mip.wire.numbers import PORT
from router.plane.model import Part, Tunnel

__all__ = ["HomeWays"]

_LINK_MTU = 1500


class _Way(NamedTuple):
    """What carries the packets of one binding."""

    tunnel: Tunnel
    nested: Tunnel | None
    """For mobile networks behind a foreign agent, inside `tunnel`."""


class HomeWays(Mapping[Hashable, Part]):
    """The plane's parts by home address, each made when it is looked at: fed with bindings that come and go."""

    def __init__(self, settings: HomeAgent, config: Config) -> None:
        self._settings = settings
        self._tables = Tables(settings.plane)
        self.configure(config)
        self._ways: dict[IPv4Address, dict[int, _Way]] = {}
        self._numbers: dict[IPv4Address, set[int]] = {}
        self._nodes: dict[IPv4Address, Node] = {}
        self._terms: dict[IPv4Address, object] = {}

    def configure(self, config: Config) -> None:
        """These are the policies and the mobile nodes now."""
        self._flows = tuple(flow for flow in config.flows if flow.labels or flow.drop)
        # A configured network without a binding is unreachable here, like its router.
        self._configured = {
            mobile.home_address: mobile.mobile_networks
            for mobile in config.mobiles
            if not mobile.home_address.is_unspecified
        }

    def __getitem__(self, home: Hashable) -> Part:
        if not isinstance(home, IPv4Address) or (home not in self._ways and home not in self._configured):
            raise KeyError(home)
        return home_part(self._settings, self._mobile(home))

    def __iter__(self) -> Iterator[IPv4Address]:
        return iter(sorted({*self._configured, *self._ways}))

    def __len__(self) -> int:
        return len({*self._configured, *self._ways})

    def granted(self, binding: Binding, node: Node) -> bool:
        """Whether the binding, new or refreshed, changes this mobile node's part."""
        home, ways = binding.home_address, self._ways.setdefault(binding.home_address, {})
        way = _Way(self.tunnel(binding), self._nested(binding, node.networks))
        before, ways[binding.slot] = ways.get(binding.slot), way
        self._numbers.setdefault(home, set()).add(binding.slot)
        self._nodes[home] = node
        terms = (node.networks, node.flow_bindings, node.silent)
        changed, self._terms[home] = self._terms.get(home) != terms, terms
        return changed or before != way

    def removed(self, binding: Binding) -> bool:
        """Whether the end of this binding changes the mobile node's part."""
        home = binding.home_address
        ways = self._ways.get(home, {})
        gone = ways.pop(binding.slot, None)
        if not ways:
            for known in (self._ways, self._numbers, self._nodes, self._terms):
                known.pop(home, None)
        return gone is not None

    def tunnel(self, binding: Binding) -> Tunnel:
        """Behind NAT to where the request came from, else to the care-of address."""
        if binding.encapsulation == "gre" and binding.gre_key is not None:
            return self._keyed(binding, binding.gre_key)
        udp, gre = binding.encapsulation == "udp", binding.encapsulation == "gre"
        shared = not udp and not binding.colocated
        name = shared_tunnel_name(binding.care_of_address, gre=gre) if shared else None
        return Tunnel(
            device=name or tunnel_name(binding.home_address, binding.slot),
            local=self._settings.address,
            remote=binding.end,
            encapsulation=binding.encapsulation,
            local_port=PORT if udp else 0,
            remote_port=binding.source_port if udp else 0,
            mtu=tunnel_mtu(_path_mtu(binding), binding.encapsulation),
            group=self._tables.unmarked if shared else self._tables.path(binding.slot),
            hidden=udp,
        )

    def _keyed(self, binding: Binding, theirs: int) -> Tunnel:
        """One of several tunnels between the same ends, told apart by keys."""
        ours = gre_key(binding)
        return Tunnel(
            device=keyed_tunnel_name(binding.home_address, binding.slot),
            local=self._settings.address,
            remote=binding.care_of_address,
            encapsulation="gre",
            mtu=tunnel_mtu(_path_mtu(binding), "gre", keyed=True),
            key_in=ours,
            # A key of 0 leaves both to us (RFC 6245 section 4.2).
            key_out=theirs or ours,
            group=self._tables.path(binding.slot),
        )

    def _nested(self, binding: Binding, networks: tuple[IPv4Network, ...]) -> Tunnel | None:
        """For mobile networks behind a foreign agent: from here to the home address, inside the agent's tunnel."""
        if binding.colocated or not networks:
            return None
        carrier = self.tunnel(binding)
        return Tunnel(
            device=tunnel_name(binding.home_address, binding.slot),
            local=self._settings.address,
            remote=binding.home_address,
            encapsulation="ipip",
            mtu=tunnel_mtu(carrier.mtu, "ipip"),
            link=carrier.device,
            group=self._tables.path(binding.slot),
        )

    def _mobile(self, home: IPv4Address) -> HomeMobile:
        ways = sorted(self._ways.get(home, {}).items())
        node = self._nodes.get(home)
        networks = node.networks if node is not None else ()
        return HomeMobile(
            home_address=home,
            networks=networks or self._configured.get(home, ()),
            tunnels=tuple((slot, way.tunnel) for slot, way in ways),
            numbers=tuple(sorted(self._numbers.get(home, ()))),
            nested=tuple((slot, way.nested) for slot, way in ways if way.nested is not None),
            policies=home_policies(self._flows, node) if node is not None else (),
            silent=tuple(binding.slot for binding in node.silenced) if node is not None else (),
        )


def _path_mtu(binding: Binding) -> int:
    """As the mobile node said, of a path of its own: an agent's tunnel is others' too."""
    said = binding.path_mtu if binding.colocated else None
    return min(_LINK_MTU, said or _LINK_MTU)
