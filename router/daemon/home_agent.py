"""The home-agent role: registrations in, bindings and tunnels out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import Config, Mobile
from router.daemon.journal import Journal
from router.daemon.keeper import PlaneKeeper
from router.daemon.now import now
from router.daemon.timer import Timer
from router.daemon.transport import RegistrationSocket
from router.flow.home_plan import HomeMobile, home_plan, tunnel_name
from router.flow.mobile_plan import tunnel_mtu
from router.mip.binding import Binding
from router.mip.effect import Effect, Event, Granted, Removed, Reply
from router.mip.home_agent import HomeAgent
from router.mip.numbers import PORT
from router.plane.model import PlaneState, Tunnel
from router.plane.plane import Plane

__all__ = ["HomeAgentRole"]

_LINK_MTU = 1500


class HomeAgentRole:
    """One home agent on this machine.  `start()` and `stop()` once each."""

    def __init__(self, config: Config, journal: Journal) -> None:
        if config.home_agent is None:
            raise ValueError("the configuration has no home_agent section")
        self.settings = config.home_agent
        self.config = config
        self._journal = journal
        self.networks = tuple(home.prefix for home in config.home_networks)
        self.machine = HomeAgent(self.settings, config.mobiles, self.networks, now())
        self.plane = Plane(self.settings.plane)
        self.keeper = PlaneKeeper(self.plane, self.plan)
        self._timer = Timer(self._tick)
        self._tunnels: dict[tuple[IPv4Address, int], Tunnel] = {}
        self._numbers: dict[IPv4Address, set[int]] = {}
        self._socket: RegistrationSocket | None = None
        self._late: set[asyncio.Task[None]] = set()
        self.counters = {"send_failed": 0}

    async def start(self) -> None:
        """Raises OSError when port 434 of the home agent's address cannot be bound."""
        try:
            self._socket = RegistrationSocket(self.settings.address, PORT, self._received)
        except OSError as error:
            raise OSError(f"home agent {self.settings.address}, UDP port {PORT}: {error.strerror}") from None
        self.plane.attach(self._socket.address, PORT, self._socket.socket)
        await self.keeper.start()
        self.keeper.changed()

    async def stop(self) -> None:
        self._timer.cancel()
        for task in self._late:
            task.cancel()
        if self._socket is not None:
            self.plane.detach(self._socket.address, PORT)
            self._socket.close()
        await self.keeper.close()

    def plan(self) -> PlaneState:
        """The kernel state wanted now."""
        return home_plan(
            self.settings, self.networks, [self._mobile(mobile) for mobile in self.config.mobiles]
        )

    def tunnel(self, binding: Binding) -> Tunnel:
        udp = binding.encapsulation == "udp"
        return Tunnel(
            device=tunnel_name(binding.mobile.home_address, binding.slot),
            local=self.settings.address,
            remote=binding.source if udp else binding.care_of_address,
            encapsulation="udp" if udp else "ipip",
            local_port=PORT if udp else 0,
            remote_port=binding.source_port if udp else 0,
            mtu=tunnel_mtu(_LINK_MTU, binding.encapsulation),
        )

    def _mobile(self, mobile: Mobile) -> HomeMobile:
        home = mobile.home_address
        tunnels = sorted(
            (slot, tunnel) for (address, slot), tunnel in self._tunnels.items() if address == home
        )
        numbers = self._numbers.get(home, set()) if tunnels else set()
        return HomeMobile(home, mobile.mobile_networks, tuple(tunnels), tuple(sorted(numbers)))

    def _received(self, data: bytes, source: tuple[str, int]) -> None:
        if data[:1] == b"\x04":
            self.plane.deliver(self.settings.address, PORT, source, data)
            return
        peer = (IPv4Address(source[0]), source[1])
        self._perform(self.machine.receive(data, peer, now()))

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
        key = (binding.mobile.home_address, binding.slot)
        before, self._tunnels[key] = self._tunnels.get(key), self.tunnel(binding)
        self._numbers.setdefault(key[0], set()).add(binding.slot)
        return before != self._tunnels[key]

    def _removed(self, binding: Binding) -> bool:
        home = binding.mobile.home_address
        gone = self._tunnels.pop((home, binding.slot), None)
        if not any(address == home for address, _ in self._tunnels):
            self._numbers.pop(home, None)
        return gone is not None

    async def _reply_when_settled(self, replies: list[Reply]) -> None:
        await self.keeper.settled()
        self._reply(replies)

    def _reply(self, replies: list[Reply]) -> None:
        for reply in replies:
            if self._socket is None:
                return
            try:
                self._socket.send(reply.data, (str(reply.address), reply.port))
            except OSError as error:
                self.counters["send_failed"] += 1
                event = Event("warning", "send", f"cannot answer {reply.address}:{reply.port}: {error}")
                self._journal.write(event, now().monotonic)
