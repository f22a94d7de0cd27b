"""The mobile-node role: uplinks in, registrations and tunnels out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from router.clock import Instant
from router.config.changes import Changes
from router.config.model import Config, Uplink
from router.daemon.agents import recorder
from router.daemon.flow_control import FlowControl
from router.daemon.journal import Journal
from router.daemon.keeper import PlaneKeeper
from router.daemon.leds import Leds
from router.daemon.limits import Limits
from router.daemon.mobile_link import MobileLink
from router.daemon.mobile_links import MobileLinks
from router.daemon.mobile_tunnels import care_of_path, nested_tunnel, own_tunnel, tunnel_path
from router.daemon.now import now
from router.daemon.path_mtu import PathMtus
from router.daemon.path_watch import PathWatch
from router.daemon.reach import Reach
from router.daemon.reach import Way as Direction
from router.daemon.timer import Timer
from router.daemon.uplink_news import UplinkNews
from router.flow.mobile_plan import MobilePath, mobile_plan
from router.flow.policy import Way, by_name
from router.mip.effect import Bound, Effect, Event, GratuitousArp, Send, Solicit, Unbound
from router.mip.mobile.node import MobileBinding, MobileNode
from router.mip.policy import agent_flows
from router.mip.wire.numbers import AccessTechnology
from router.path.capacity import Capacity, capacity, steady
from router.path.lamps import UplinkStand, light
from router.path.quality import Quality
from router.plane.model import PlaneState, Tunnel
from router.plane.plane import Plane
from router.uplink.model import UplinkState, UplinkView
from router.uplink.watch import UplinkWatcher

__all__ = ["MobileNodeRole"]

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
        journal.names = {uplink.bid: uplink.name for uplink in config.uplinks}
        self.views: dict[int, UplinkView] = {}
        self._news = UplinkNews(self._tell)
        self.bindings: dict[int, MobileBinding] = {}
        flows = by_name(config.flows, config.uplinks)
        self.machine = MobileNode(self.settings, random.Random(), flows, self._bid_of)
        self._granted: object = (self.machine.home_address, self.machine.mobile_networks, ())
        self._at_home: int | None = None
        """As the plane knows it."""
        self.plane = Plane(self.settings.plane, record=f"{config.control}.mobile_node")
        self.keeper = PlaneKeeper(self.plane, self.plan)
        self._links = MobileLinks(self.plane, self._received, self._heard, self._tell)
        self.watcher = UplinkWatcher(
            config.uplinks,
            self._uplink_changed,
            self.settings.plane.table_base,
            f"{config.state}/modems.json",
        )
        self.limits = Limits(config.uplinks, self.views, f"{config.state}/usage.json", self._limited)
        self._capacities: dict[int, Capacity] = {}
        self.mtus = PathMtus(self.keeper.changed, self._report_mtu, self._tell, self.plane.statistics)
        self.reach = Reach()
        self.held: set[int] = set()
        """BIDs of uplinks that somebody has taken down by hand."""
        self.recorder = recorder(config)
        self.watch = PathWatch(
            config.uplinks,
            self.settings,
            self.capacity,
            self.plane.statistics,
            self._paths_changed,
            self._tell,
            self.recorder.heard if self.recorder is not None else None,
        )
        self.watch.lost = self._doubt
        self.flows = FlowControl(
            config,
            self.ways,
            self.watch.qualities,
            self._own_prefixes,
            self.keeper.changed,
            self._carried,
            self.recorder,
        )
        self._leds = Leds()
        self._timer = Timer(self._tick)
        self._tasks: set[asyncio.Task[None]] = set()
        self.counters = self._links.counters

    async def start(self) -> None:
        await self.keeper.start()
        self.keeper.changed()
        self.flows.start()
        self.limits.start()
        self.watcher.start(asyncio.get_running_loop())

    async def stop(self) -> None:
        """De-register every binding, then take down all that was put up, data sessions last."""
        self.watcher.close()
        self._perform(self.machine.stop(now()))
        deadline = now().monotonic + _STOP_WAIT
        while not self.machine.stopped and now().monotonic < deadline:
            await asyncio.sleep(0.02)
        self._timer.cancel()
        self.flows.close()
        self.limits.close()
        self.mtus.close()
        self.watch.close()
        self.reach.close()
        if self.recorder is not None:
            self.recorder.close()
        for task in self._tasks:
            task.cancel()
        for bid in self.uplinks:
            if bid in self._links:
                self._detach(bid).close()
        self._leds.show({})
        await self.keeper.close()
        await self.watcher.modems.stop()

    def configure(self, config: Config, changes: Changes) -> None:
        """Take another configuration over, whose changes need no start anew."""
        assert config.mobile_node is not None
        for uplink in changes.gone:
            if uplink.bid in self._links:
                self._lose(uplink.bid)
            for table in (self.views, self._capacities):
                table.pop(uplink.bid, None)
            self.held.discard(uplink.bid)
            self._news.forget(uplink.bid)
        self.config, self.settings = config, config.mobile_node
        for bids in (self.uplinks, self._bid_of):
            bids.clear()
        self.uplinks.update((uplink.bid, uplink) for uplink in config.uplinks)
        self._bid_of.update((uplink.name, uplink.bid) for uplink in config.uplinks)
        self._journal.names = {uplink.bid: uplink.name for uplink in config.uplinks}
        for uplink in changes.gone:
            self.watch.forget(uplink.bid)
        self.watch.configure(config.uplinks, damped=self.settings.damping)
        self.limits.configure(config.uplinks)
        self.flows.configure(config.flows)
        self._perform(self.machine.flows(by_name(config.flows, config.uplinks), now()))
        for before, after in changes.altered:
            self._altered(before, after)
        self.watcher.configure(config.uplinks, [uplink.name for uplink in changes.come])
        self.keeper.changed()
        self.flows.decide()
        self._light()

    def _light(self) -> None:
        """Let LEDs show how uplinks are."""
        if self.config.leds or self._leds.busy:
            stands = list(map(self._stand, self.config.uplinks))
            self._leds.show({led.led: light(led, stands) for led in self.config.leds})

    def _stand(self, uplink: Uplink) -> UplinkStand:
        bid, view = uplink.bid, self.views.get(uplink.bid)
        usable = view is not None and view.usable
        return UplinkStand(uplink.name, usable, bid in self.bindings, self.watch.carries(bid))

    def _altered(self, before: Uplink, after: Uplink) -> None:
        """Of an uplink that stays attached."""
        bid = after.bid
        self._capacities.pop(bid, None)
        link, view = self._links.get(bid), self.views.get(bid)
        if view is None:
            return
        if link is not None and before.label != after.label:
            self._spawn(self._register(view, link))
        if link is not None and before.mtu != after.mtu:
            self._follow(bid)
            self._report_mtu(bid, after.mtu if after.mtu is not None and after.mtu < view.mtu else None)
        self._uplink_changed(view)

    def plan(self) -> PlaneState:
        """The kernel state wanted now."""
        machine = self.machine
        granted = replace(
            self.settings, home_address=machine.home_address, mobile_networks=machine.mobile_networks
        )
        at_home = machine.at_home is not None
        return mobile_plan(granted, self.paths(), self.flows.choices, self.flows.buckets, at_home=at_home)

    def paths(self) -> list[MobilePath]:
        return [self._path(uplink) for uplink in self.config.uplinks]

    def ways(self, qualities: Mapping[int, Quality]) -> list[Way]:
        """The uplinks as policies see them."""
        return [
            Way(
                path.bid,
                path.name,
                self.uplinks[path.bid].label,
                path.way is not None,
                self.uplinks[path.bid].metered,
                qualities[path.bid].rtt,
            )
            for path in self.paths()
        ]

    def _own_prefixes(self) -> Iterator[IPv4Network]:
        yield IPv4Network(self.machine.home_address)
        yield from self.machine.mobile_networks

    def _carried(self) -> int | None:
        """Packets through all tunnels; a foreign agent's care-of address may do without."""
        if any(binding.foreign_agent is not None for binding in self.bindings.values()):
            return None
        return sum(one["rx_packets"] + one["tx_packets"] for one in self.plane.statistics().values())

    def capacity(self, bid: int) -> Capacity:
        found = steady(self._capacities.get(bid), capacity(self.uplinks[bid], self.views.get(bid)))
        self._capacities[bid] = found
        return found

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
            weight=self.watch.weight(uplink.bid),
            tunnel=self._tunnel(uplink.bid),
            foreign_agent=binding.foreign_agent if binding is not None else None,
            silent=not self.watch.carries(uplink.bid),
        )

    def _tunnel(self, bid: int) -> Tunnel | None:
        binding, sock, view = self.bindings.get(bid), self._links.socket(bid), self.views.get(bid)
        if binding is None or view is None:
            return None
        if binding.foreign_agent is not None:
            return nested_tunnel(binding, view) if self.machine.mobile_networks else None
        return own_tunnel(binding, view, sock, self.path_mtu(bid)) if sock is not None else None

    def path_mtu(self, bid: int) -> int | None:
        """What the operator says the path carries, or what was found out; None: nothing is known."""
        return self.uplinks[bid].mtu or self.mtus.mtu(bid)

    def _follow(self, bid: int) -> None:
        """Let liveness and load be watched, and the path MTU found out, where nobody says it, of a path of our own."""
        if bid not in self.uplinks:
            return
        asked = self.uplinks[bid].mtu is None
        bound = bid in self.bindings and bid in self._links
        binding = self.bindings.get(bid)
        self.watch.follow(
            bid, tunnel_path(binding, self._tunnel(bid), self.machine.home_address), bound=bound
        )
        path = care_of_path(binding, self.views.get(bid), self._links.socket(bid))
        self.mtus.follow(bid, path if asked else None, f"roam{bid}")

    def _report_mtu(self, bid: int, mtu: int | None) -> None:
        self._perform(self.machine.path_mtu(bid, mtu, now()))

    def _paths_changed(self) -> None:
        """Signal first, as when an uplink is lost: those that send to us are a round trip away."""
        self._perform(self.machine.silent_paths(self.watch.silent, now()))
        self.keeper.changed(hurry=True)
        self.flows.decide()
        self._light()

    def _uplink_changed(self, view: UplinkView) -> None:
        bid = view.bid
        before, self.views[bid] = self.views.get(bid), view
        self._news.look(view)
        attached = bid in self._links
        if attached and (not self._can_attach(view) or self._moved(before, view)):
            self._lose(bid)
            attached = False
        if self._can_attach(view) and not attached:
            self._gain(view)
        elif before is not None and (before.gateway, before.mtu) != (view.gateway, view.mtu):
            self._follow(bid)
            self.keeper.changed()
        self.watch.guess(bid)
        self.flows.decide()
        self._light()

    def hold(self, bid: int, *, down: bool) -> None:
        """Take an uplink out of use by hand, or let it be used again."""
        if down == (bid in self.held):
            return
        (self.held.add if down else self.held.discard)(bid)
        name = self.uplinks[bid].name
        self._log("info", f"uplink {name}: {'held down' if down else 'no longer held down'} by hand", bid)
        self._limited(bid)

    def renew(self, bid: int) -> None:
        """Register this uplink anew."""
        self._perform(self.machine.renew(bid, now()))

    def direction(self, bid: int) -> Direction | None:
        """From the uplink's care-of address to the home agent; None where it has no such address."""
        view, sock = self.views.get(bid), self._links.socket(bid)
        if view is None or view.device is None or sock is None or not self.machine.session.knows_home_agent:
            return None
        return Direction(view.device, sock.address, view.gateway, self.machine.session.home_agent)

    def _limited(self, bid: int) -> None:
        view = self.views.get(bid)
        if view is not None:
            self._uplink_changed(view)

    def _can_attach(self, view: UplinkView) -> bool:
        """A foreign agent lends the care-of address: then a link is enough."""
        if view.bid in self.held or self.limits.barred(view.bid) is not None:
            return False
        if self.uplinks[view.bid].care_of == "colocated" or view.usable:
            return view.usable
        return view.state in (UplinkState.NO_ADDRESS, UplinkState.NO_GATEWAY)

    @staticmethod
    def _moved(before: UplinkView | None, view: UplinkView) -> bool:
        return before is None or (before.address, before.device) != (view.address, view.device)

    def _lose(self, bid: int) -> None:
        link = self._detach(bid)
        # Signal first: the home agent is a round trip away, our own routes are not.
        self._perform(self.machine.uplink_down(bid, now()))
        self.keeper.changed(hurry=True)
        link.close()

    def _gain(self, view: UplinkView) -> None:
        link = self._links.open(view)
        if link is not None:
            self.keeper.changed()
            self._spawn(self._register(view, link))

    async def _register(self, view: UplinkView, link: MobileLink) -> None:
        """Register once the uplink's own table routes for its care-of address."""
        await self.keeper.settled()
        if self._links.get(view.bid) is not link:
            return
        uplink = self.uplinks[view.bid]
        known = uplink.mtu if uplink.mtu is not None and uplink.mtu < view.mtu else None
        technology = _TECHNOLOGY[uplink.kind]
        address = link.registration.address if link.registration is not None else None
        self._perform(
            self.machine.uplink_up(
                view.bid,
                address,
                technology,
                uplink.label,
                now(),
                uplink.care_of,
                uplink.encapsulation,
                known,
            )
        )

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _detach(self, bid: int) -> MobileLink:
        link = self._links.remove(bid)
        self.reach.believe(bid)
        self._follow(bid)
        return link

    def _received(self, bid: int, data: bytes, source: tuple[IPv4Address, int]) -> None:
        self._perform(self.machine.receive(bid, data, now(), source))

    def _heard(self, bid: int, icmp: bytes, source: IPv4Address) -> None:
        self._perform(self.machine.advertised(bid, icmp, source, now()))

    def _tick(self, at: Instant) -> None:
        self._perform(self.machine.tick(at))
        # What the radio does meanwhile is worth a closer look.
        for bid in self.machine.doubted:
            self.watcher.modems.hurry(self.uplinks[bid].name)
            self._doubt(bid)

    def _doubt(self, bid: int) -> None:
        """Find out who is silent: the uplink's gateway, the home agent, or it alone."""
        way = self.direction(bid)
        if way is not None:
            self.reach.doubt(bid, way)

    def _perform(self, effects: Iterable[Effect]) -> None:
        if self._at_home == self.machine.at_home:
            self._do(effects)
            return
        # ARP and routes first, then what is said (RFC 5944 section 4.6).
        self._at_home = self.machine.at_home
        self.keeper.changed()
        self._spawn(self._do_when_settled(list(effects)))
        self._timer.at(self.machine.next_wake())

    async def _do_when_settled(self, effects: list[Effect]) -> None:
        await self.keeper.settled()
        self._do(effects)

    def _do(self, effects: Iterable[Effect]) -> None:
        rebind, hurry = False, False
        for effect in effects:
            if isinstance(effect, Send | Solicit | GratuitousArp):
                bid = self.machine.at_home if isinstance(effect, GratuitousArp) else effect.bid
                self._links.send(effect, bid, self.machine.home_address)
            elif isinstance(effect, Bound):
                rebind = self._bound(effect.binding) or rebind
            elif isinstance(effect, Unbound):
                hurry = self.bindings.pop(effect.bid, None) is not None or hurry
                self._follow(effect.bid)
            elif isinstance(effect, Event):
                self._journal.write(effect, now().monotonic)
        rebind = self._granted_anew() or rebind
        if rebind or hurry:
            self.keeper.changed(hurry=hurry)
            self.flows.decide()
            self._light()
        self._timer.at(self.machine.next_wake())

    def _bound(self, binding: MobileBinding) -> bool:
        before = self._tunnel(binding.bid), self._agent(binding.bid)
        self.bindings[binding.bid] = binding
        self.reach.believe(binding.bid)
        self._follow(binding.bid)
        return (self._tunnel(binding.bid), self._agent(binding.bid)) != before

    def _agent(self, bid: int) -> IPv4Address | None:
        binding = self.bindings.get(bid)
        return binding.foreign_agent if binding is not None else None

    def _granted_anew(self) -> bool:
        """Whether the home agent has given us another home address, mobile network or policy."""
        machine = self.machine
        now_granted = (machine.home_address, machine.mobile_networks, machine.agent_flows)
        names = {bid: uplink.name for bid, uplink in self.uplinks.items()}
        self.flows.assigner.agent_policies = agent_flows(machine.agent_flows, names)
        before, self._granted = self._granted, now_granted
        return before != now_granted

    def _log(self, level: str, text: str, bid: int) -> None:
        self._tell(Event(level, "uplink", text, bid))

    def _tell(self, event: Event) -> None:
        self._journal.write(event, now().monotonic)
