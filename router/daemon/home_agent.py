"""The home-agent role: registrations in, bindings and tunnels out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from router.clock import Instant
from router.config.model import Config
from router.daemon.home_link import HomeLink
from router.daemon.journal import Journal
from router.daemon.keeper import PlaneKeeper
from router.daemon.now import now
from router.daemon.timer import Timer
from router.daemon.transport import RegistrationSocket
from router.flow.home_plan import HomeMobile, home_plan, shared_tunnel_name, tunnel_name
from router.flow.home_policy import home_policies
from router.flow.mobile_plan import tunnel_mtu
from router.mip.effect import Effect, Event, Granted, GratuitousArp, ProxyArp, Removed, Reply
from router.mip.home.agent import HomeAgent
from router.mip.home.binding import Binding
from router.mip.keepalive import may_be_echo
from router.mip.wire.numbers import PORT
from router.plane.model import PlaneState, Tunnel
from router.plane.plane import Plane

__all__ = ["HomeAgentRole"]

_LINK_MTU = 1500

# Text and address again and again, for the same peers: worth a third of a refresh.
_parsed = lru_cache(4096)(IPv4Address)
_written = lru_cache(4096)(str)


class _Way(NamedTuple):
    """What carries the packets of one binding."""

    tunnel: Tunnel
    nested: Tunnel | None
    """For mobile networks behind a foreign agent, inside `tunnel`."""


class HomeAgentRole:
    """One home agent on this machine.  `start()` and `stop()` once each."""

    def __init__(self, config: Config, journal: Journal) -> None:
        if config.home_agent is None:
            raise ValueError("the configuration has no home_agent section")
        self.settings = config.home_agent
        self.config = config
        self._journal = journal
        self.networks = tuple(home.prefix for home in config.home_networks)
        self.machine = HomeAgent(self.settings, config.mobiles, config.home_networks, now())
        self.plane = Plane(self.settings.plane)
        self.keeper = PlaneKeeper(self.plane, self.plan)
        self._timer = Timer(self._tick)
        self._ways: dict[IPv4Address, dict[int, _Way]] = {}
        """By home address and path number."""
        self._numbers: dict[IPv4Address, set[int]] = {}
        self._terms: dict[IPv4Address, object] = {}
        # A configured network without a binding is unreachable here, like its router.
        self._configured = {
            mobile.home_address: mobile.mobile_networks
            for mobile in config.mobiles
            if not mobile.home_address.is_unspecified
        }
        self._flows = tuple(flow for flow in config.flows if flow.labels or flow.drop)
        self._home_link: HomeLink | None = None
        self._socket: RegistrationSocket | None = None
        self._late: set[asyncio.Task[None]] = set()
        self.counters = {"send_failed": 0}

    async def start(self) -> None:
        """Raises OSError when port 434 of the home agent's address cannot be bound."""
        try:
            shared = self.settings.device is not None
            self._socket = RegistrationSocket(self.settings.address, PORT, self._received, shared=shared)
        except OSError as error:
            raise OSError(f"home agent {self.settings.address}, UDP port {PORT}: {error.strerror}") from None
        self.plane.attach(self._socket.address, PORT, self._socket.socket)
        if self.settings.device is not None:
            heard = partial(self._received, broadcast=True)
            self._home_link = HomeLink(
                self.settings, self.settings.device, self.networks, self._received, heard
            )
        await self.keeper.start()
        self.keeper.changed()

    async def stop(self) -> None:
        self._timer.cancel()
        for task in self._late:
            task.cancel()
        if self._home_link is not None:
            self._home_link.close()
        if self._socket is not None:
            self.plane.detach(self._socket.address, PORT)
            self._socket.close()
        await self.keeper.close()

    def plan(self) -> PlaneState:
        """The kernel state wanted now."""
        # On a real home link whoever is at home is reached as ever.
        homes = self.networks if self._home_link is None else ()
        everyone = sorted({*self._configured, *self._ways})
        return home_plan(self.settings, homes, [self._mobile(address) for address in everyone])

    def tunnel(self, binding: Binding) -> Tunnel:
        udp = binding.encapsulation == "udp"
        shared = not udp and not binding.colocated
        name = shared_tunnel_name(binding.care_of_address) if shared else None
        return Tunnel(
            device=name or tunnel_name(binding.home_address, binding.slot),
            local=self.settings.address,
            remote=binding.source if udp else binding.care_of_address,
            encapsulation="udp" if udp else "ipip",
            local_port=PORT if udp else 0,
            remote_port=binding.source_port if udp else 0,
            mtu=tunnel_mtu(_LINK_MTU, binding.encapsulation),
        )

    def nested(self, binding: Binding) -> Tunnel | None:
        """For mobile networks behind a foreign agent: from here to the home address, inside the agent's tunnel."""
        if binding.colocated or not self.networks_of(binding.home_address):
            return None
        carrier = self.tunnel(binding)
        return Tunnel(
            device=tunnel_name(binding.home_address, binding.slot),
            local=self.settings.address,
            remote=binding.home_address,
            encapsulation="ipip",
            mtu=tunnel_mtu(carrier.mtu, "ipip"),
            link=carrier.device,
        )

    def networks_of(self, home_address: IPv4Address) -> tuple[IPv4Network, ...]:
        """The mobile networks in force for a mobile node."""
        node = self.machine.node(home_address)
        return node.networks if node is not None else ()

    def revoke(self, home_address: IPv4Address, bid: int | None) -> int:
        """End one binding of a mobile node, or all (None); how many there were."""
        node = self.machine.node(home_address)
        before = len(node.bindings) if node is not None else 0
        self._perform(self.machine.revoke(home_address, bid, now()))
        return before - (len(node.bindings) if node is not None else 0)

    def _mobile(self, home: IPv4Address) -> HomeMobile:
        ways = sorted(self._ways.get(home, {}).items())
        tunnels = tuple((slot, way.tunnel) for slot, way in ways)
        nested = tuple((slot, way.nested) for slot, way in ways if way.nested is not None)
        numbers = self._numbers.get(home, set()) if tunnels else set()
        node = self.machine.node(home)
        networks = node.networks if node is not None else ()
        policies = home_policies(self._flows, node) if node is not None else ()
        return HomeMobile(
            home,
            networks or self._configured.get(home, ()),
            tunnels,
            tuple(sorted(numbers)),
            nested,
            policies,
        )

    def _received(self, data: bytes, source: tuple[str, int], *, broadcast: bool = False) -> None:
        if data[:1] == b"\x04":
            self.plane.deliver(self.settings.address, PORT, source, data)
            if not may_be_echo(data):
                return
        peer = (_parsed(source[0]), source[1])
        self._perform(self.machine.receive(data, peer, now(), broadcast=broadcast))

    def _tick(self, at: Instant) -> None:
        self._perform(self.machine.tick(at))

    def _perform(self, effects: Iterable[Effect]) -> None:
        replies: list[Reply] = []
        gained = lost = False
        for effect in effects:
            if isinstance(effect, Granted):
                gained = self._granted(effect.binding) or gained
            elif isinstance(effect, Removed):
                lost = self._removed(effect.binding) or lost
            elif isinstance(effect, Event):
                self._journal.write(effect, now().monotonic)
            elif isinstance(effect, Reply):
                replies.append(effect)
            elif isinstance(effect, ProxyArp | GratuitousArp) and self._home_link is not None:
                self._home_link.perform(effect)
        if gained or lost:
            self.keeper.changed(hurry=lost)
        if gained:
            # The mobile node sends as soon as it is answered: its tunnel must stand by then.
            task = asyncio.get_running_loop().create_task(self._reply_when_settled(replies))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            self._reply(replies)
        self._timer.at(self.machine.next_wake())

    def _granted(self, binding: Binding) -> bool:
        home, ways = binding.home_address, self._ways.setdefault(binding.home_address, {})
        way = _Way(self.tunnel(binding), self.nested(binding))
        before, ways[binding.slot] = ways.get(binding.slot), way
        self._numbers.setdefault(home, set()).add(binding.slot)
        node = self.machine.node(home)
        terms = (node.networks, node.flow_bindings) if node is not None else ((), ())
        changed, self._terms[home] = self._terms.get(home) != terms, terms
        return changed or before != way

    def _removed(self, binding: Binding) -> bool:
        home = binding.home_address
        ways = self._ways.get(home, {})
        gone = ways.pop(binding.slot, None)
        if not ways:
            self._ways.pop(home, None)
            self._numbers.pop(home, None)
            self._terms.pop(home, None)
        return gone is not None

    async def _reply_when_settled(self, replies: list[Reply]) -> None:
        await self.keeper.settled()
        self._reply(replies)

    def _reply(self, replies: list[Reply]) -> None:
        for reply in replies:
            sock = self._home_link.socket if self._home_link is not None and reply.on_link else self._socket
            if sock is None:
                return
            try:
                sock.send(reply.data, (_written(reply.address), reply.port))
            except OSError as error:
                self.counters["send_failed"] += 1
                event = Event("warning", "send", f"cannot answer {reply.address}:{reply.port}: {error}")
                self._journal.write(event, now().monotonic)
