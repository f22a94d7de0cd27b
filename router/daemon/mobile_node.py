"""The mobile-node role: uplinks in, registrations and tunnels out."""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address

from router.clock import Instant
from router.config.model import Config, Uplink
from router.daemon.discovery import ALL_HOSTS, ALL_ROUTERS, DiscoverySocket
from router.daemon.journal import Journal
from router.daemon.keeper import PlaneKeeper
from router.daemon.now import now
from router.daemon.timer import Timer
from router.daemon.transport import RegistrationSocket
from router.flow.buckets import assign
from router.flow.mobile_plan import MobilePath, mobile_plan, tunnel_mtu
from router.mip.effect import Bound, Effect, Event, Send, Solicit, Unbound
from router.mip.mobile.node import MobileBinding, MobileNode
from router.mip.wire.numbers import PORT, AccessTechnology, MessageType
from router.path.capacity import Capacity, capacity
from router.plane.model import PlaneState, Tunnel
from router.plane.plane import Plane
from router.uplink.model import UplinkState, UplinkView
from router.uplink.watch import UplinkWatcher

__all__ = ["MobileNodeRole"]

_ICMP = 1
_TUNNEL_DATA_HEADER = 4
_STOP_WAIT = 2.5

_TECHNOLOGY = {
    "ethernet": AccessTechnology.IEEE_802_3,
    "wifi": AccessTechnology.IEEE_802_11,
    "cellular": AccessTechnology.E_UTRAN,
}


class MobileNodeRole:
    """One mobile node on this machine.  `start()` and `stop()` once each."""

    def __init__(self, config: Config, journal: Journal) -> None:
        if config.mobile_node is None:
            raise ValueError("the configuration has no mobile_node section")
        self.settings = config.mobile_node
        self.config = config
        self._journal = journal
        self.uplinks = {uplink.bid: uplink for uplink in config.uplinks}
        self._bid_of = {uplink.name: uplink.bid for uplink in config.uplinks}
        self.views: dict[int, UplinkView] = {}
        self.bindings: dict[int, MobileBinding] = {}
        self.buckets: tuple[int, ...] = ()
        self._sockets: dict[int, RegistrationSocket] = {}
        self._home_sockets: dict[int, RegistrationSocket] = {}
        """Bound to the home address, on uplinks that have no care-of address of their own."""
        self._discoveries: dict[int, DiscoverySocket] = {}
        self.machine = MobileNode(self.settings, random.Random(), config.flows, self._bid_of)
        self._granted: object = (self.machine.home_address, self.machine.mobile_networks, None)
        self.plane = Plane(self.settings.plane)
        self.keeper = PlaneKeeper(self.plane, self.plan)
        self.watcher = UplinkWatcher(config.uplinks, self._uplink_changed, self.settings.plane.table_base)
        self._timer = Timer(self._tick)
        self._tasks: set[asyncio.Task[None]] = set()
        self.counters = {"send_failed": 0}

    async def start(self) -> None:
        await self.keeper.start()
        self.keeper.changed()
        self.watcher.start(asyncio.get_running_loop())

    async def stop(self) -> None:
        """De-register every binding, then take down all that was put up."""
        self.watcher.close()
        self._perform(self.machine.stop(now()))
        deadline = now().monotonic + _STOP_WAIT
        while not self.machine.stopped and now().monotonic < deadline:
            await asyncio.sleep(0.02)
        self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        for bid in {*self._sockets, *self._home_sockets, *self._discoveries}:
            self._close_sockets(bid)
        await self.keeper.close()

    def plan(self) -> PlaneState:
        """The kernel state wanted now."""
        machine = self.machine
        granted = replace(
            self.settings, home_address=machine.home_address, mobile_networks=machine.mobile_networks
        )
        at_home = machine.at_home is not None
        return mobile_plan(granted, self.paths(), self.config.flows, self.buckets, at_home=at_home)

    def paths(self) -> list[MobilePath]:
        return [self._path(uplink) for uplink in self.config.uplinks]

    def capacity(self, bid: int) -> Capacity:
        return capacity(self.uplinks[bid], self.views.get(bid))

    def _path(self, uplink: Uplink) -> MobilePath:
        view = self.views.get(uplink.bid)
        usable = view is not None and view.usable
        binding = self.bindings.get(uplink.bid)
        return MobilePath(
            bid=uplink.bid,
            name=uplink.name,
            device=view.device if view is not None else uplink.device,
            care_of_address=view.address if view is not None and usable else None,
            gateway=view.gateway if view is not None else None,
            weight=self.capacity(uplink.bid).down,
            tunnel=self._tunnel(uplink.bid),
            foreign_agent=binding.foreign_agent if binding is not None else None,
        )

    def _tunnel(self, bid: int) -> Tunnel | None:
        binding, sock = self.bindings.get(bid), self._sockets.get(bid)
        view = self.views.get(bid)
        if binding is None or sock is None or view is None or binding.foreign_agent is not None:
            return None
        udp = binding.encapsulation == "udp"
        return Tunnel(
            device=f"roam{bid}",
            local=sock.address,
            remote=binding.home_agent,
            encapsulation="udp" if udp else "ipip",
            local_port=sock.port if udp else 0,
            remote_port=PORT if udp else 0,
            mtu=tunnel_mtu(view.mtu, binding.encapsulation),
        )

    def _uplink_changed(self, view: UplinkView) -> None:
        bid = view.bid
        before, self.views[bid] = self.views.get(bid), view
        if before is None or before.state is not view.state:
            self._log("info" if view.usable else "warning", f"uplink {view.name}: {view.state.value}")
        attached = bid in self._discoveries
        if attached and (not self._can_attach(view) or self._moved(before, view)):
            self._lose(bid)
            attached = False
        if self._can_attach(view) and not attached:
            self._gain(view)
        elif before is not None and (before.gateway, before.mtu) != (view.gateway, view.mtu):
            self.keeper.changed()
        self._weigh()

    def _can_attach(self, view: UplinkView) -> bool:
        """A foreign agent lends the care-of address: then a link is enough."""
        if self.uplinks[view.bid].care_of == "colocated" or view.usable:
            return view.usable
        return view.state in (UplinkState.NO_ADDRESS, UplinkState.NO_GATEWAY)

    @staticmethod
    def _moved(before: UplinkView | None, view: UplinkView) -> bool:
        return before is None or (before.address, before.device) != (view.address, view.device)

    def _lose(self, bid: int) -> None:
        # Signal first: the home agent is a round trip away, our own routes are not.
        effects = self.machine.uplink_down(bid, now())
        self._close_sockets(bid)
        self._perform(effects)
        self.keeper.changed(hurry=True)

    def _gain(self, view: UplinkView) -> None:
        device = view.device
        if device is None:
            return
        try:
            heard = partial(self._heard, view.bid)
            self._discoveries[view.bid] = DiscoverySocket(device, (ALL_HOSTS,), heard)
            if view.usable and view.address is not None:
                sock = self._registration_socket(view.bid, view.address, device)
                self._sockets[view.bid] = sock
                self.plane.attach(sock.address, sock.port, sock.socket)
        except OSError as error:
            self._close_sockets(view.bid)
            self._log("warning", f"uplink {view.name}: cannot use {view.address} on {device}: {error}")
            return
        self.keeper.changed()
        self._spawn(self._register(view, self._discoveries[view.bid]))

    def _registration_socket(self, bid: int, address: IPv4Address, device: str) -> RegistrationSocket:
        """From port 434 if it is free: revocations come there (RFC 3543 section 3.3).  Raises OSError."""
        received = partial(self._received, bid)
        try:
            return RegistrationSocket(address, PORT, received, device)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return RegistrationSocket(address, 0, received, device)

    async def _register(self, view: UplinkView, discovery: DiscoverySocket) -> None:
        """Register once the uplink's own table routes for its care-of address."""
        await self.keeper.settled()
        if self._discoveries.get(view.bid) is not discovery:
            return
        uplink = self.uplinks[view.bid]
        technology = _TECHNOLOGY[uplink.kind]
        address = view.address if view.bid in self._sockets else None
        self._perform(
            self.machine.uplink_up(view.bid, address, technology, uplink.label, now(), uplink.care_of)
        )

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close_sockets(self, bid: int) -> None:
        sock = self._sockets.pop(bid, None)
        if sock is not None:
            self.plane.detach(sock.address, sock.port)
            sock.close()
        home = self._home_sockets.pop(bid, None)
        if home is not None:
            home.close()
        discovery = self._discoveries.pop(bid, None)
        if discovery is not None:
            discovery.close()

    def _received(self, bid: int, data: bytes, source: tuple[str, int]) -> None:
        sock = self._sockets.get(bid)
        if data[:1] == b"\x04" and sock is not None:
            self.plane.deliver(sock.address, sock.port, source, data)
            if not _may_be_keepalive(data):
                return
        self._perform(self.machine.receive(bid, data, now(), (IPv4Address(source[0]), source[1])))

    def _heard(self, bid: int, icmp: bytes, source: IPv4Address) -> None:
        self._perform(self.machine.advertised(bid, icmp, source, now()))

    def _tick(self, at: Instant) -> None:
        self._perform(self.machine.tick(at))

    def _perform(self, effects: Iterable[Effect]) -> None:
        rebind, hurry = False, False
        for effect in effects:
            if isinstance(effect, Send):
                self._send(effect)
            elif isinstance(effect, Solicit):
                self._solicit(effect)
            elif isinstance(effect, Bound):
                rebind = self._bound(effect.binding) or rebind
            elif isinstance(effect, Unbound):
                hurry = self.bindings.pop(effect.bid, None) is not None or hurry
            elif isinstance(effect, Event):
                self._journal.write(effect, now().monotonic)
        rebind = self._granted_anew() or rebind
        if rebind or hurry:
            self._weigh()
            self.keeper.changed(hurry=hurry)
        self._timer.at(self.machine.next_wake())

    def _bound(self, binding: MobileBinding) -> bool:
        before = self._tunnel(binding.bid), self._agent(binding.bid)
        self.bindings[binding.bid] = binding
        return (self._tunnel(binding.bid), self._agent(binding.bid)) != before

    def _agent(self, bid: int) -> IPv4Address | None:
        binding = self.bindings.get(bid)
        return binding.foreign_agent if binding is not None else None

    def _granted_anew(self) -> bool:
        """Whether the home agent has given us another home address or mobile network, or we came home."""
        machine = self.machine
        before, self._granted = (
            self._granted,
            (machine.home_address, machine.mobile_networks, machine.at_home),
        )
        return before != self._granted

    def _send(self, effect: Send) -> None:
        name = self.uplinks[effect.bid].name
        try:
            sock = self._home_socket(effect.bid) if effect.as_home_address else self._sockets.get(effect.bid)
            if sock is not None:
                sock.send(effect.data, (str(effect.to), effect.port), effect.ttl)
        except OSError as error:
            self.counters["send_failed"] += 1
            self._log("warning", f"uplink {name}: cannot send: {error}", "send")

    def _home_socket(self, bid: int) -> RegistrationSocket | None:
        """Bound to the home address on this uplink.  Raises OSError."""
        view = self.views.get(bid)
        if bid not in self._home_sockets and view is not None and view.device is not None:
            received = partial(self._received, bid)
            address = self.machine.home_address
            self._home_sockets[bid] = RegistrationSocket(address, 0, received, view.device)
        return self._home_sockets.get(bid)

    def _solicit(self, effect: Solicit) -> None:
        discovery = self._discoveries.get(effect.bid)
        if discovery is None:
            return
        try:
            discovery.send(effect.data, ALL_ROUTERS)
        except OSError as error:
            self.counters["send_failed"] += 1
            self._log("warning", f"uplink {self.uplinks[effect.bid].name}: cannot solicit: {error}", "send")

    def _weigh(self) -> None:
        weights = {bid: float(self.capacity(bid).down) for bid in self.bindings}
        buckets = assign(weights, self.buckets)
        if buckets != self.buckets:
            self.buckets = buckets
            self.keeper.changed()

    def _log(self, level: str, text: str, kind: str = "uplink") -> None:
        self._journal.write(Event(level, kind, text), now().monotonic)


def _may_be_keepalive(data: bytes) -> bool:
    protocol = _TUNNEL_DATA_HEADER + 9
    return len(data) > protocol and data[protocol] == _ICMP and data[0] == MessageType.TUNNEL_DATA
