"""The mobile-node role: uplinks in, registrations and tunnels out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterable
from functools import partial

from router.clock import Instant
from router.config.model import Config, Uplink
from router.daemon.journal import Journal
from router.daemon.keeper import PlaneKeeper
from router.daemon.now import now
from router.daemon.timer import Timer
from router.daemon.transport import RegistrationSocket
from router.flow.buckets import assign
from router.flow.mobile_plan import MobilePath, mobile_plan, tunnel_mtu
from router.mip.effect import Bound, Effect, Event, Send, Unbound
from router.mip.mobile_node import MobileBinding, MobileNode
from router.mip.numbers import PORT, AccessTechnology, MessageType
from router.path.capacity import Capacity, capacity
from router.plane.model import PlaneState, Tunnel
from router.plane.plane import Plane
from router.uplink.model import UplinkView
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
        self.machine = MobileNode(self.settings, random.Random())
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
        for bid in list(self._sockets):
            self._close_socket(bid)
        await self.keeper.close()

    def plan(self) -> PlaneState:
        """The kernel state wanted now."""
        return mobile_plan(self.settings, self.paths(), self.config.flows, self.buckets)

    def paths(self) -> list[MobilePath]:
        return [self._path(uplink) for uplink in self.config.uplinks]

    def capacity(self, bid: int) -> Capacity:
        return capacity(self.uplinks[bid], self.views.get(bid))

    def _path(self, uplink: Uplink) -> MobilePath:
        view = self.views.get(uplink.bid)
        usable = view is not None and view.usable
        return MobilePath(
            bid=uplink.bid,
            name=uplink.name,
            device=view.device if view is not None else uplink.device,
            care_of_address=view.address if view is not None and usable else None,
            gateway=view.gateway if view is not None else None,
            weight=self.capacity(uplink.bid).down,
            tunnel=self._tunnel(uplink.bid),
        )

    def _tunnel(self, bid: int) -> Tunnel | None:
        binding, sock = self.bindings.get(bid), self._sockets.get(bid)
        view = self.views.get(bid)
        if binding is None or sock is None or view is None:
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
        sock = self._sockets.get(bid)
        if sock is not None and (not view.usable or self._moved(sock, view)):
            self._lose(bid)
            sock = None
        if view.usable and sock is None:
            self._gain(view)
        elif before is not None and (before.gateway, before.mtu) != (view.gateway, view.mtu):
            self.keeper.changed()
        self._weigh()

    @staticmethod
    def _moved(sock: RegistrationSocket, view: UplinkView) -> bool:
        return sock.address != view.address or sock.device != view.device

    def _lose(self, bid: int) -> None:
        # Signal first: the home agent is a round trip away, our own routes are not.
        effects = self.machine.uplink_down(bid, now())
        self._close_socket(bid)
        self._perform(effects)
        self.keeper.changed(hurry=True)

    def _gain(self, view: UplinkView) -> None:
        if view.address is None:
            return
        try:
            received = partial(self._received, view.bid)
            self._sockets[view.bid] = RegistrationSocket(view.address, 0, received, view.device)
        except OSError as error:
            self._log("warning", f"uplink {view.name}: cannot bind {view.address} on {view.device}: {error}")
            return
        sock = self._sockets[view.bid]
        self.plane.attach(sock.address, sock.port, sock.socket)
        self.keeper.changed()
        self._spawn(self._register(view, sock))

    async def _register(self, view: UplinkView, sock: RegistrationSocket) -> None:
        """Register once the uplink's own table routes for its care-of address."""
        await self.keeper.settled()
        if self._sockets.get(view.bid) is not sock:
            return
        uplink = self.uplinks[view.bid]
        technology = _TECHNOLOGY[uplink.kind]
        self._perform(self.machine.uplink_up(view.bid, sock.address, technology, uplink.label, now()))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close_socket(self, bid: int) -> None:
        sock = self._sockets.pop(bid)
        self.plane.detach(sock.address, sock.port)
        sock.close()

    def _received(self, bid: int, data: bytes, source: tuple[str, int]) -> None:
        if data[:1] == b"\x04":
            sock = self._sockets[bid]
            self.plane.deliver(sock.address, sock.port, source, data)
            if not _may_be_keepalive(data):
                return
        if source != (str(self.settings.home_agent), PORT):
            self.machine.counters["dropped_foreign_source"] = (
                self.machine.counters.get("dropped_foreign_source", 0) + 1
            )
            return
        self._perform(self.machine.receive(bid, data, now()))

    def _tick(self, at: Instant) -> None:
        self._perform(self.machine.tick(at))

    def _perform(self, effects: Iterable[Effect]) -> None:
        rebind, hurry = False, False
        for effect in effects:
            if isinstance(effect, Send):
                self._send(effect)
            elif isinstance(effect, Bound):
                rebind = self._bound(effect.binding) or rebind
            elif isinstance(effect, Unbound):
                hurry = self.bindings.pop(effect.bid, None) is not None or hurry
            elif isinstance(effect, Event):
                self._journal.write(effect, now().monotonic)
        if rebind or hurry:
            self._weigh()
            self.keeper.changed(hurry=hurry)
        self._timer.at(self.machine.next_wake())

    def _bound(self, binding: MobileBinding) -> bool:
        before = self._tunnel(binding.bid)
        self.bindings[binding.bid] = binding
        return self._tunnel(binding.bid) != before

    def _send(self, effect: Send) -> None:
        sock = self._sockets.get(effect.bid)
        if sock is None:
            return
        try:
            sock.send(effect.data, (str(self.settings.home_agent), PORT))
        except OSError as error:
            self.counters["send_failed"] += 1
            self._log("warning", f"uplink {self.uplinks[effect.bid].name}: cannot send: {error}", "send")

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
