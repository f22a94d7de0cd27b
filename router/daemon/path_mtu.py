"""Path MTU discovery of the mobile node's uplinks: a search, a socket and a watch for each that is bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import IPv4Address
from typing import NamedTuple

from router.clock import Instant
from router.daemon.now import now
from router.daemon.timer import Timer
from router.mip.effect import Event
from router.path.black_hole import LOOK, BlackHoleWatch
from router.path.mtu import MtuSearch, Phase, Probe
from router.uplink.mtu_probe import EchoSocket, learnt_mtu

__all__ = ["CareOfPath", "PathMtus"]

_LONGEST = 65535


class CareOfPath(NamedTuple):
    """What a search is about: when any of it changes, nothing is known any more."""

    name: str
    device: str
    address: IPv4Address
    home_agent: IPv4Address
    gateway: IPv4Address | None
    link_mtu: int


class _Follower:
    """One path under observation."""

    def __init__(self, path: CareOfPath, tunnel: str, socket: EchoSocket, at: Instant) -> None:
        self.path, self.tunnel, self.socket = path, tunnel, socket
        self.search = MtuSearch(min(_LONGEST, path.link_mtu))
        self.watch = BlackHoleWatch(at)
        self.logged = path.link_mtu
        self.reported = 0
        self.disbelieved = 0
        """What the kernel has learnt and the probes refuted."""


class PathMtus:
    """`changed()` is called when the MTU of a path is another; `statistics()` gives the tunnels' counters.

    `report(bid, mtu)` is for the home agent: at once what is less than before,
    what is more only when the search is over; None where the link is no wider.
    """

    def __init__(
        self,
        changed: Callable[[], None],
        report: Callable[[int, int | None], None],
        tell: Callable[[Event], None],
        statistics: Callable[[], Mapping[str, Mapping[str, int]]],
    ) -> None:
        self._changed, self._report, self._tell, self._statistics = changed, report, tell, statistics
        self._followers: dict[int, _Follower] = {}
        self._timer = Timer(self._tick)
        self._look_at = 0.0
        self.counters = dict.fromkeys(
            ("mtu_probes_sent", "mtu_probe_octets", "mtu_probes_answered", "mtu_black_holes"), 0
        )

    def mtu(self, bid: int) -> int | None:
        """Of the path, as far as it is known."""
        follower = self._followers.get(bid)
        return follower.search.mtu if follower is not None else None

    def follow(self, bid: int, path: CareOfPath | None, tunnel: str) -> None:
        """Measure this path, which `tunnel` uses; None: there is none now."""
        follower = self._followers.get(bid)
        if follower is not None and follower.path != path:
            self._followers.pop(bid).socket.close()
            follower = None
        if path is None or follower is not None:
            return
        at = now()
        answered, too_big = partial(self._answered, bid), partial(self._too_big, bid)
        try:
            socket = EchoSocket(path.device, path.address, path.home_agent, answered, too_big)
        except OSError as error:
            text = f"path MTU of {path.name}: cannot send probes: {error}"
            self._tell(Event("warning", "mtu", text, bid))
            return
        self._look_at = self._look_at if self._followers else at.monotonic + LOOK
        follower = self._followers[bid] = _Follower(path, tunnel, socket, at)
        self._send(follower, follower.search.begin(at))
        self._arm()

    def close(self) -> None:
        self._timer.cancel()
        for bid in list(self._followers):
            self._followers.pop(bid).socket.close()

    def _answered(self, bid: int, sequence: int) -> None:
        self.counters["mtu_probes_answered"] += 1
        follower = self._followers.get(bid)
        if follower is not None:
            self._step(bid, follower, lambda at: follower.search.answered(sequence, at))

    def _too_big(self, bid: int, sequence: int, hint: int) -> None:
        follower = self._followers.get(bid)
        if follower is not None:
            self._step(bid, follower, lambda at: follower.search.too_big(sequence, at, hint))

    def _tick(self, at: Instant) -> None:
        for bid, follower in list(self._followers.items()):
            self._step(bid, follower, follower.search.tick)
        if at.monotonic >= self._look_at:
            self._look_at = at.monotonic + LOOK
            self._look(at)
        self._arm()

    def _look(self, at: Instant) -> None:
        statistics = self._statistics() if self._followers else {}
        for bid, follower in list(self._followers.items()):
            found = statistics.get(follower.tunnel)
            if found is None:
                continue
            octets = found["rx_bytes"] + found["tx_bytes"]
            due = follower.watch.look(found["tx_packets"], found["rx_packets"], octets, at)
            hint = self._learnt(follower)
            if due or hint:
                self._step(bid, follower, partial(follower.search.suspect, hint=hint))

    @staticmethod
    def _learnt(follower: _Follower) -> int:
        """What the kernel has learnt from an ICMP error meanwhile, if that is less; 0: nothing new."""
        path, search = follower.path, follower.search
        learnt = learnt_mtu(path.device, path.address, path.home_agent)
        if learnt is None or search.mtu is None or learnt >= search.mtu or search.phase is not Phase.COMPLETE:
            return 0
        new, follower.disbelieved = learnt != follower.disbelieved, learnt
        return learnt if new else 0

    def _step(self, bid: int, follower: _Follower, event: Callable[[Instant], list[Probe]]) -> None:
        search = follower.search
        before, holes = search.mtu, search.black_holes
        self._send(follower, event(now()))
        if search.black_holes > holes:
            self.counters["mtu_black_holes"] += search.black_holes - holes
            text = f"{follower.path.name}: packets of {before} octets arrive no more: probing for what does"
            self._tell(Event("warning", "mtu", text, bid))
        if search.mtu != before:
            self._changed()
        if search.mtu is not None:
            self._say(bid, follower, search.mtu, final=search.phase is Phase.COMPLETE)
        self._arm()

    def _say(self, bid: int, follower: _Follower, mtu: int, *, final: bool) -> None:
        path = follower.path
        if final and mtu != follower.logged:
            follower.logged = mtu
            self._tell(Event("info", "mtu", _said(path, mtu), bid))
        if mtu != follower.reported and (final or mtu < follower.reported or not follower.reported):
            follower.reported = mtu
            self._report(bid, mtu if mtu < path.link_mtu else None)

    def _send(self, follower: _Follower, probes: Iterable[Probe]) -> None:
        search, waiting = follower.search, list(probes)
        while waiting:
            probe = waiting.pop(0)
            if follower.socket.send(probe.size, probe.sequence):
                self.counters["mtu_probes_sent"] += 1
                self.counters["mtu_probe_octets"] += probe.size
            else:
                waiting.extend(search.too_big(probe.sequence, now()))

    def _arm(self) -> None:
        wakes = [
            wake for follower in self._followers.values() if (wake := follower.search.next_wake()) is not None
        ]
        self._timer.at(min((*wakes, self._look_at)) if self._followers else None)


def _said(path: CareOfPath, mtu: int) -> str:
    rest = f"less than the link's {path.link_mtu}" if mtu < path.link_mtu else "as much as the link's"
    return f"path MTU of {path.name} is {mtu}: {rest}"
