"""The foreign-agent role: advertises, relays registrations, carries visitors' packets."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import Config
from router.daemon.discovery import ALL_AGENTS, ALL_ROUTERS, DiscoverySocket
from router.daemon.journal import Journal
from router.daemon.keeper import PlaneKeeper
from router.daemon.link_addresses import LinkAddresses
from router.daemon.now import now
from router.daemon.replies import Replies
from router.daemon.timer import Timer
from router.daemon.transport import RegistrationSocket
from router.flow.foreign_plan import foreign_plan
from router.mip.effect import Advertise, Effect, Event, Reply, Visiting, VisitorLeft
from router.mip.foreign.agent import ForeignAgent
from router.mip.foreign.visitor import Visitor
from router.mip.wire.advertisement import AgentSolicitation, decode_icmp
from router.mip.wire.numbers import PORT
from router.plane.model import PlaneState
from router.plane.neighbour import Neighbours
from router.plane.plane import Plane

__all__ = ["ForeignAgentRole"]

_ANY = IPv4Address("0.0.0.0")
_EVERYBODY = IPv4Address("255.255.255.255")


class ForeignAgentRole:
    """One foreign agent on this machine.  `start()` and `stop()` once each."""

    def __init__(self, config: Config, journal: Journal) -> None:
        if config.foreign_agent is None:
            raise ValueError("the configuration has no foreign_agent section")
        self.settings = config.foreign_agent
        self._journal = journal
        self.machine = ForeignAgent(self.settings, now(), random.SystemRandom())
        self.plane = Plane(self.settings.plane, record=f"{config.control}.foreign_agent")
        self.keeper = PlaneKeeper(self.plane, self.plan)
        self._timer = Timer(self._tick)
        self._visitors: dict[tuple[IPv4Address, IPv4Address, int], Visitor] = {}
        self._replies = Replies(self.keeper, self._reply)
        self.counters = {"send_failed": 0}

    async def start(self) -> None:
        """Raises OSError when the device is not there or port 434 is taken."""
        device, care_of = self.settings.device, self.settings.care_of_address
        try:
            self._socket = RegistrationSocket(care_of, PORT, self._received, shared=True)
            self._socket.report_unreachable(self._unreachable)
            self._visited = RegistrationSocket(_ANY, PORT, self._received, device, shared=True)
            self._link = LinkAddresses(device)
            self._neighbours = Neighbours(device)
            self._discovery = DiscoverySocket(device, (ALL_ROUTERS, ALL_AGENTS), self._heard)
        except OSError as error:
            raise OSError(f"foreign agent {care_of} on {device}: {error.strerror}") from None
        await self.keeper.start()
        self.keeper.changed()
        self._tick(now())

    async def stop(self) -> None:
        self._timer.cancel()
        self._perform(self.machine.revoke(None, now()))
        self._timer.cancel()
        self._replies.close()
        self._discovery.close()
        self._neighbours.close()
        self._link.close()
        self._visited.close()
        self._socket.close()
        await self.keeper.close()

    def plan(self) -> PlaneState:
        """The kernel state wanted now."""
        return foreign_plan(self.settings, list(self._visitors.values()))

    @property
    def visitors(self) -> list[Visitor]:
        return list(self._visitors.values())

    def revoke(self, home_address: IPv4Address | None) -> int:
        """End the visits of one mobile node, or all (None); how many there were."""
        before = len(self._visitors)
        self._perform(self.machine.revoke(home_address, now()))
        return before - len(self._visitors)

    def _received(self, data: bytes, source: tuple[str, int]) -> None:
        address = IPv4Address(source[0])
        link, ttl = self._link.of(address)
        self._perform(self.machine.receive(data, (address, source[1]), now(), ttl=ttl, link=link))

    def _heard(self, icmp: bytes, source: IPv4Address) -> None:
        if isinstance(decode_icmp(icmp), AgentSolicitation):
            self._perform(self.machine.solicited(source, now()))

    def _unreachable(self, destination: str, code: int) -> None:
        self._perform(self.machine.unreachable(IPv4Address(destination), code, now()))

    def _tick(self, at: Instant) -> None:
        self._perform(self.machine.tick(at))

    def _perform(self, effects: Iterable[Effect]) -> None:
        replies: list[Reply] = []
        gained: set[IPv4Address] = set()
        changed = False
        for effect in effects:
            if isinstance(effect, Visiting):
                if self._visiting(effect.visitor):
                    gained.add(effect.visitor.home_address)
            elif isinstance(effect, VisitorLeft):
                changed = self._left(effect.visitor) or changed
            elif isinstance(effect, Reply):
                replies.append(effect)
            elif isinstance(effect, Advertise):
                self._advertise(effect)
            elif isinstance(effect, Event):
                self._journal.write(effect, now().monotonic)
        if changed or gained:
            self.keeper.changed()
        self._replies.send(replies, gained)
        self._timer.at(self.machine.next_wake())

    def _visiting(self, visitor: Visitor) -> bool:
        key = (visitor.home_address, visitor.home_agent, visitor.bid)
        before, self._visitors[key] = self._visitors.get(key), visitor
        if visitor.link is not None:
            self._neighbours.place(visitor.home_address, visitor.link.hex(":"))
        return before is None or _carried(before) != _carried(visitor)

    def _left(self, visitor: Visitor) -> bool:
        gone = self._visitors.pop((visitor.home_address, visitor.home_agent, visitor.bid), None)
        if not self._is_visitor(visitor.home_address):
            self._neighbours.place(visitor.home_address, None)
        return gone is not None

    @contextmanager
    def _at_hand(self, address: IPv4Address) -> Iterator[None]:
        """Who has sent to us is not asked for by ARP: not yet a visitor, or no more (RFC 5944 section 4.2.2)."""
        link = None if self._is_visitor(address) else self._link.of(address)[0]
        if link is None:
            yield
            return
        self._neighbours.place(address, link.hex(":"))
        try:
            yield
        finally:
            self._neighbours.place(address, None)

    def _is_visitor(self, home_address: IPv4Address) -> bool:
        return any(home == home_address for home, _, _ in self._visitors)

    def _reply(self, reply: Reply) -> None:
        sock = self._visited if reply.on_link else self._socket
        try:
            with self._at_hand(reply.address):
                sock.send(reply.data, (str(reply.address), reply.port))
        except OSError as error:
            self._failed(f"cannot send to {reply.address}:{reply.port}: {error}")

    def _advertise(self, effect: Advertise) -> None:
        to = effect.to or _EVERYBODY
        try:
            with self._at_hand(to):
                self._discovery.send(effect.data, str(to))
        except OSError as error:
            self._failed(f"cannot advertise on {self.settings.device}: {error}")

    def _failed(self, text: str) -> None:
        self.counters["send_failed"] += 1
        self._journal.write(Event("warning", "send", text), now().monotonic)


def _carried(visitor: Visitor) -> tuple[object, ...]:
    """What the plan depends on."""
    keys = (visitor.gre_key, visitor.asked.gre_key)
    return visitor.reverse_tunnel, visitor.colocated, visitor.delivery, visitor.encapsulation, keys
