"""The home-agent role: registrations in, bindings and tunnels out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network

from router.clock import Instant
from router.config.model import Config
from router.daemon.home_link import HomeLink
from router.daemon.journal import Journal
from router.daemon.keeper import PlaneKeeper
from router.daemon.now import now
from router.daemon.reflector import Reflector
from router.daemon.replies import Replies
from router.daemon.timer import Timer
from router.daemon.transport import RegistrationSocket
from router.flow.home_plan import home_plan
from router.flow.home_ways import HomeWays
from router.mip.effect import Effect, Event, Granted, GratuitousArp, ProxyArp, Removed, Reply
from router.mip.home.agent import HomeAgent
from router.mip.keepalive import may_be_echo
from router.mip.wire.numbers import PORT
from router.plane.model import PlaneState
from router.plane.plane import Plane

__all__ = ["HomeAgentRole"]

# Text and address again and again, for the same peers: worth a third of a refresh.
_parsed = lru_cache(4096)(IPv4Address)
_written = lru_cache(4096)(str)


class HomeAgentRole:
    """One home agent on this machine.  `start()` and `stop()` once each."""

    def __init__(self, config: Config, journal: Journal) -> None:
        if config.home_agent is None:
            raise ValueError("the configuration has no home_agent section")
        self.settings = config.home_agent
        self.config = config
        self._journal = journal
        self.networks = tuple(home.prefix for home in config.home_networks)
        self.machine = HomeAgent(self.settings, config.mobiles, config.home_networks, now(), config.flows)
        # After a restart every mobile node has told us of its bindings within a lifetime.
        self.plane = Plane(self.settings.plane, self.settings.max_lifetime, f"{config.control}.home_agent")
        self.keeper = PlaneKeeper(self.plane, self.plan)
        self._timer = Timer(self._tick)
        self.ways = HomeWays(self.settings, config)
        self._home_link: HomeLink | None = None
        self._socket: RegistrationSocket | None = None
        self.reflector: Reflector | None = None
        self._replies = Replies(self.keeper, self._reply)
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
        if self.settings.reflector:
            self._reflect()
        await self.keeper.start()
        self.keeper.changed()

    def _reflect(self) -> None:
        """Mobile nodes do without it where it cannot be."""
        try:
            self.reflector = Reflector(self.settings.address, self.plane.owns)
        except OSError as error:
            text = f"no STAMP reflector at {self.settings.address}, UDP port 862: {error.strerror}"
            self._journal.write(Event("warning", "reflector", text), now().monotonic)

    async def stop(self) -> None:
        self._timer.cancel()
        if self.reflector is not None:
            self.reflector.close()
        self._replies.close()
        if self._home_link is not None:
            self._home_link.close()
        if self._socket is not None:
            self.plane.detach(self._socket.address, PORT)
            self._socket.close()
        await self.keeper.close()

    def configure(self, config: Config) -> None:
        """Take other mobile nodes and policies over."""
        self.config = config
        self.ways.configure(config)
        self._perform(self.machine.configure(config.mobiles, config.flows, now()))
        self.keeper.changed()

    def plan(self) -> PlaneState:
        """The kernel state wanted now; its parts are made when they are looked at."""
        # On a real home link whoever is at home is reached as ever.
        homes = self.networks if self._home_link is None else ()
        return home_plan(self.settings, homes, self.ways)

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
        gained: set[IPv4Address] = set()
        lost: set[IPv4Address] = set()
        urgent = False
        for effect in effects:
            if isinstance(effect, Granted):
                node = self.machine.node(effect.binding.home_address)
                if node is not None and self.ways.granted(effect.binding, node):
                    gained.add(effect.binding.home_address)
                urgent = urgent or effect.urgent
            elif isinstance(effect, Removed):
                if self.ways.removed(effect.binding):
                    lost.add(effect.binding.home_address)
            elif isinstance(effect, Event):
                self._journal.write(effect, now().monotonic)
            elif isinstance(effect, Reply):
                replies.append(effect)
            elif isinstance(effect, ProxyArp | GratuitousArp) and self._home_link is not None:
                self._home_link.perform(effect)
        if gained or lost:
            self.keeper.changed(gained | lost, hurry=urgent or bool(lost))
        self._replies.send(replies, gained)
        self._timer.at(self.machine.next_wake())

    def _reply(self, reply: Reply) -> None:
        sock = self._home_link.socket if self._home_link is not None and reply.on_link else self._socket
        if sock is None:
            return
        try:
            sock.send(reply.data, (_written(reply.address), reply.port))
        except OSError as error:
            self.counters["send_failed"] += 1
            event = Event("warning", "send", f"cannot answer {reply.address}:{reply.port}: {error}")
            self._journal.write(event, now().monotonic)
