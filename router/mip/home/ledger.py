"""The home agent's bindings and what hangs on them: every change of state is made here, and told as effects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from router.clock import Instant
from router.config.model import HomeAgent as Settings
from router.config.model import HomeNetwork, Mobile
from router.mip.effect import Effect, Event, Granted, GratuitousArp, ProxyArp, Removed
from router.mip.home.binding import Binding
from router.mip.home.checks import Denied
from router.mip.home.expiry import Expiries
from router.mip.home.node import Node
from router.mip.home.pool import AddressPool, PrefixPool
from router.mip.home.refresh import Refreshes
from router.mip.home.replay_guard import ReplayGuard
from router.mip.identification import from_wall
from router.mip.lifetime import end_of
from router.mip.wire.multipath import FlowBinding
from router.mip.wire.nai import Nai
from router.mip.wire.numbers import ReplyCode
from router.mip.wire.registration import RegistrationRequest

__all__ = ["NOBODY", "Ledger"]

NOBODY = IPv4Address("0.0.0.0")


class Ledger:
    """Mobile nodes by home address, each with its bindings."""

    def __init__(
        self, settings: Settings, mobiles: Iterable[Mobile], homes: Iterable[HomeNetwork], started: Instant
    ) -> None:
        known, networks = tuple(mobiles), tuple(homes)
        self.nodes: dict[int, Node] = {}
        self.refreshes = Refreshes()
        self.prefixes = PrefixPool(settings.prefix_pool, settings.prefix_length)
        self._settings = settings
        self._home_link = [home.prefix for home in networks] if settings.device is not None else []
        self._serve(known, started)
        self._homeless: dict[bytes, Node] = {}
        fixed = [mobile.home_address for mobile in known]
        self._addresses = AddressPool((home.pool for home in networks if home.pool is not None), fixed)
        self._expiries = Expiries()

    def _serve(self, mobiles: tuple[Mobile, ...], now: Instant) -> None:
        """From now on these, and of new ones no request that is older."""
        self._floor = from_wall(now.wall)
        self._mobiles = {
            int(mobile.home_address): mobile for mobile in mobiles if mobile.home_address != NOBODY
        }
        self._by_nai = {mobile.nai.encode(): mobile for mobile in mobiles if mobile.nai}

    def strangers(self, mobiles: Iterable[Mobile]) -> list[Node]:
        """The nodes that are not what `mobiles` say: gone, or given another key, network or limit."""
        known = {mobile.home_address: mobile for mobile in mobiles}
        return [node for node in self.nodes.values() if known.get(node.home_address) != node.mobile]

    def configure(self, mobiles: Iterable[Mobile], now: Instant) -> None:
        """Serve these; strangers among the nodes, which have no bindings any more, are forgotten."""
        wanted = tuple(mobiles)
        for node in self.nodes.values():
            self.refreshes.forget(node)
        for node in self.strangers(wanted):
            del self.nodes[int(node.home_address)]
        self._serve(wanted, now)

    # Who

    def node_of(self, request: RegistrationRequest) -> Node | None:
        """The node a request speaks of, if we serve it: by home address, else by NAI (RFC 2794)."""
        number = int(request.home_address)
        node = self.nodes.get(number)
        if node is None and number in self._mobiles:
            node = self.nodes[number] = self._new_node(self._mobiles[number])
        if node is not None:
            return node
        nai = request.find(Nai)
        mobile = self._by_nai.get(nai.nai) if nai is not None else None
        if nai is None or mobile is None:
            return None
        if mobile.home_address != NOBODY:
            return self.node_of(request._replace(home_address=mobile.home_address))
        if nai.nai not in self._homeless:
            self._homeless[nai.nai] = self._new_node(mobile)
        return self._homeless[nai.nai]

    def home_address(self, node: Node, request: RegistrationRequest) -> IPv4Address:
        """The node's home address, or one lent from the pool.  Raises Denied."""
        if node.home_address != NOBODY:
            return node.home_address
        if request.home_address != NOBODY:
            if self._addresses.claim(node.mobile.nai, request.home_address):
                return request.home_address
            text = f"home address {request.home_address} is not to be had"
            raise Denied(ReplyCode.HA_ADMINISTRATIVELY_PROHIBITED, text)
        lent = self._addresses.lend(node.mobile.nai)
        if lent is None:
            raise Denied(ReplyCode.HA_INSUFFICIENT_RESOURCES, "no home address is left in the pool")
        return lent

    def _new_node(self, mobile: Mobile) -> Node:
        return Node(mobile, ReplayGuard(self._floor, mobile.security.tolerance))

    # Bindings

    def lifetime(self, asked: int, nat: bool) -> int:
        """Seconds to grant; never more than asked for (RFC 5944 section 3.8.2.2)."""
        granted = min(asked, self._settings.max_lifetime)
        return min(granted, self._settings.nat_lifetime) if nat else granted

    def adopt(self, node: Node, home_address: IPv4Address) -> list[Effect]:
        """The node is about to get a binding: its address is ours to defend from the first one on."""
        if node.home_address != home_address:
            node.home_address = home_address
            self.nodes[int(home_address)] = node
        return self.home_link(node, returned=False) if not node.bindings else []

    def home_link(self, node: Node, *, returned: bool) -> list[Effect]:
        """Proxy and gratuitous ARP, for addresses that have a home link (RFC 5944 section 4.6)."""
        address = node.home_address
        if not any(address in network for network in self._home_link):
            return []
        return [ProxyArp(address, not returned), GratuitousArp(address, returned)]

    def grant(self, node: Node, binding: Binding) -> list[Effect]:
        old = node.bindings.get(binding.key)
        node.bindings[binding.key] = binding
        self._expiries.plan(int(node.home_address), binding, old)
        effects: list[Effect] = [Granted(binding)] if binding.port_known else []
        if old is not None and old.port_known and not binding.port_known:
            effects.append(Removed(old, "half bound"))
        if old is None or (old.source, old.source_port) != (binding.source, binding.source_port):
            effects.append(Event("info", "binding", f"{node.mobile.name}: {binding.terms}"))
        return effects

    def refresh_others(self, node: Node, key: int, lifetime: int, now: Instant) -> list[Effect]:
        """B: every binding gets this lifetime, each within its own limit."""
        effects: list[Effect] = []
        self.refreshes.forget(node)
        for other in [binding for number, binding in node.bindings.items() if number != key]:
            granted = self.lifetime(lifetime, other.nat)
            expires = end_of(granted, now.monotonic)
            effects += self.grant(node, replace(other, granted=granted, expires=expires))
        return effects

    def remove(self, node: Node, keys: Iterable[int], reason: str) -> list[Effect]:
        """End bindings; with the last one the session ends."""
        effects = self.replace(node, keys, reason)
        if effects and not node.bindings:
            effects += self._end_session(node)
        return effects

    def replace(self, node: Node, keys: Iterable[int], reason: str = "replaced") -> list[Effect]:
        """End bindings, another one being about to follow."""
        effects: list[Effect] = []
        for key in keys:
            binding = node.bindings.pop(key)
            text = f"{node.mobile.name}: binding {binding.bid} ({binding.care_of_address}) gone: {reason}"
            effects += [Removed(binding, reason), Event("info", "binding", text)]
        if effects:
            self.refreshes.forget(node)
        return effects

    def _end_session(self, node: Node) -> list[Effect]:
        """Nothing stays but the replay marks."""
        effects: list[Effect] = [
            item for item in self.home_link(node, returned=True) if isinstance(item, ProxyArp)
        ]
        for prefix in node.networks:
            self.prefixes.give_back(prefix)
        node.networks, node.flow_bindings, node.silent = (), (), frozenset()
        if node.mobile.home_address == NOBODY:
            self._addresses.give_back(node.home_address)
            self.nodes.pop(int(node.home_address), None)
            node.home_address = NOBODY
        return effects

    def expire(self, at: float) -> list[Effect]:
        """Remove what is over, without any message (RFC 5944 section 4.2.3)."""
        effects: list[Effect] = []
        for home, key in self._expiries.due(at, self._find):
            effects += self.remove(self.nodes[home], [key], "lifetime expired")
        return effects

    def next_expiry(self) -> float | None:
        return self._expiries.next()

    def _find(self, home: int, key: int) -> Binding | None:
        node = self.nodes.get(home)
        return node.bindings.get(key) if node is not None else None

    # What belongs to the mobile node, not to one binding

    def set_networks(self, node: Node, networks: tuple[IPv4Network, ...]) -> list[Effect]:
        """The newest request says all mobile networks (RFC 5177 section 6.1)."""
        for gone in set(node.networks) - set(networks):
            self.prefixes.give_back(gone)
        changed = set(node.networks) != set(networks)
        if changed:
            self.refreshes.forget(node)
        node.networks = networks
        return [Granted(binding) for binding in node.in_force] if changed else []

    def set_silent(self, node: Node, silent: frozenset[int]) -> list[Effect]:
        """The newest request says which paths carry nothing; flows leave them at once."""
        if silent == node.silent:
            return []
        # Requests that said otherwise are answered from memory no more.
        self.refreshes.forget(node)
        node.silent = silent
        names = ", ".join(map(str, sorted(silent))) or "none any more"
        return [
            *(Granted(binding, urgent=True) for binding in node.in_force),
            Event("info", "silent_path", f"{node.mobile.name}: silent paths: {names}"),
        ]

    def set_flow_bindings(self, node: Node, flows: tuple[FlowBinding, ...]) -> list[Effect]:
        """A request with flow bindings replaces the whole policy, one without leaves it."""
        if not flows or flows == node.flow_bindings:
            return []
        if not node.mobile.flow_bindings:
            text = f"{node.mobile.name}: its {len(flows)} flow bindings are not followed, ours are"
            return [Event("warning", "flow_binding", text)]
        node.flow_bindings = flows
        text = f"{node.mobile.name}: {len(flows)} flow bindings"
        return [
            *(Granted(binding) for binding in node.in_force),
            Event("info", "flow_binding", text),
        ]
