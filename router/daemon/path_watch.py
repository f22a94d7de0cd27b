"""Watches the mobile node's paths: a monitor for each uplink, fed with its tunnel's counters and its probes' answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, NamedTuple

from router.clock import Instant
from router.config.model import MobileNode, Uplink
from router.daemon.now import now
from router.daemon.probe_socket import ProbeSocket
from router.daemon.timer import Timer
from router.flow.mobile_plan import OVERHEAD
from router.mip.effect import Event
from router.path.budget import DEFAULT, METERED
from router.path.capacity import Capacity
from router.path.choice import carrying, weighed
from router.path.delivery import Counters
from router.path.monitor import PathMonitor, Probe
from router.path.quality import Quality
from router.path.stamp import Reflection
from router.path.trail import Trail
from router.plane.words import mark_of

if TYPE_CHECKING:
    from router.sim.path_tape import Tape

__all__ = ["PathWatch", "TunnelPath"]

_NEWS, _PAUSE = 1.25, 2.0
"""A rate that differs by this factor is news, and such news come so many seconds apart."""


class TunnelPath(NamedTuple):
    """A tunnel of ours: when any of it changes, it is another."""

    device: str
    encapsulation: str
    care_of_address: IPv4Address
    home_address: IPv4Address
    home_agent: IPv4Address


class PathWatch:
    """`tape` hears all that the monitors are told; `changed()` is called when another set of paths carries, or rates have become quite other ones."""

    def __init__(
        self,
        uplinks: Iterable[Uplink],
        settings: MobileNode,
        capacity: Callable[[int], Capacity],
        statistics: Callable[[], Mapping[str, Mapping[str, int]]],
        changed: Callable[[], None],
        tell: Callable[[Event], None],
        tape: Tape | None = None,
    ) -> None:
        self._capacity, self._statistics = capacity, statistics
        self._changed, self._tell = changed, tell
        self._mask = settings.plane.mark_mask
        self._names: dict[int, str] = {}
        self._made = PathMonitor if tape is None else _taped(tape)
        self.monitors: dict[int, PathMonitor] = {}
        self._bound: dict[int, TunnelPath | None] = {}
        """Paths that are bound; None: by a foreign agent, whose tunnel is not ours to watch."""
        self._sockets: dict[int, ProbeSocket] = {}
        self.lost: Callable[[int], None] | None = None
        """Called with the BID of a path that has fallen silent."""
        self._timer = Timer(self._tick)
        self._carrying: frozenset[int] = frozenset()
        self._lost: set[int] = set()
        """Paths that were silent when their binding ended: the home agent may have it still."""
        self._silent: frozenset[int] = frozenset()
        """As made known by `changed`."""
        self._told: dict[int, str] = {}
        self._rates: dict[int, Quality] = {}
        self._rated_at = 0.0
        self._trails: dict[int, Trail] = {}
        self.counters = dict.fromkeys(
            ("probes_sent", "probes_answered", "probes_failed", "stamps_answered"), 0
        )
        self.configure(uplinks, damped=settings.damping)

    def configure(self, uplinks: Iterable[Uplink], *, damped: bool) -> None:
        """These are the uplinks now; what is known of those that were there before stays."""
        wanted = {uplink.bid: uplink for uplink in uplinks}
        for bid in self.monitors.keys() - wanted.keys():
            self.forget(bid)
        self._names = {bid: uplink.name for bid, uplink in wanted.items()}
        for bid, uplink in wanted.items():
            if bid in self.monitors:
                self.monitors[bid].configure(_limit(uplink), damped=damped)
            else:
                self.monitors[bid] = self._made(bid, _limit(uplink), self._capacity(bid), damped=damped)

    def forget(self, bid: int) -> None:
        """The uplink that was this path is no more; another may come in its place."""
        self._close(bid)
        self._lost.discard(bid)
        for table in (self.monitors, self._bound, self._told, self._rates, self._trails):
            table.pop(bid, None)

    def follow(self, bid: int, path: TunnelPath | None, *, bound: bool) -> None:
        """The uplink is bound, by a tunnel of ours or (None) by a foreign agent's; or it is not."""
        before, known = self._bound.get(bid), bid in self._bound
        if known == bound and before == path:
            return
        monitor, at = self.monitors[bid], now()
        self._close(bid)
        self._trails.setdefault(bid, Trail()).end()
        if bound:
            self._bound[bid] = path
            self._lost.discard(bid)
        else:
            if bid in self.silent:
                self._lost.add(bid)
            self._bound.pop(bid, None)
        if before is not None and path is not None and before.care_of_address == path.care_of_address:
            monitor.retunnelled(OVERHEAD[path.encapsulation])
        else:
            if before is not None:
                monitor.end(at)
            if path is not None:
                monitor.begin(OVERHEAD[path.encapsulation], path.care_of_address, at)
        self._judge(at, of=bid)
        self._arm(at)

    def guess(self, bid: int) -> None:
        """Configuration, radio or driver say something else of an uplink."""
        self.monitors[bid].guess(self._capacity(bid), now())

    def qualities(self) -> dict[int, Quality]:
        """Of every uplink's path, as they are now; of one that is not bound `down`."""
        at = now()
        found = {item.bid: item for item in self._qualities(at)}
        return {bid: found.get(bid) or monitor.quality(at) for bid, monitor in self.monitors.items()}

    def carries(self, bid: int) -> bool:
        """Whether packets may be given to this path; also of one that is not bound yet."""
        return bid not in self._bound or bid in self._carrying

    @property
    def silent(self) -> frozenset[int]:
        """Not to be used from the other end either."""
        return (frozenset(self._bound) - self._carrying) | self._lost

    def weight(self, bid: int) -> int:
        """kbit/s towards us, as last made known by `changed`."""
        known = self._rates.get(bid)
        return max(1, round(known.down)) if known is not None else self._capacity(bid).down

    def close(self) -> None:
        self._timer.cancel()
        for bid in list(self._sockets):
            self._close(bid)

    def status(self, bid: int) -> dict[str, Any]:
        """For `roamctl status`; rates in kbit/s, times in ms."""
        at, monitor, quality = now(), self.monitors[bid], self.qualities()[bid]
        return {
            "liveness": quality.liveness,
            "since": round(at.monotonic - monitor.live.since, 1) if monitor.live.since else None,
            "carries": bid in self._carrying,
            "rtt": _milliseconds(quality.rtt),
            "rtt_min": _milliseconds(quality.rtt_min),
            "rtt_var": _milliseconds(quality.rtt_var),
            "loss": round(quality.loss, 3),
            "down": round(quality.down),
            "up": round(quality.up),
            "confidence": round(quality.confidence, 2),
            "source": quality.source,
            "penalty": round(quality.penalty),
            "suppressed": quality.suppressed,
            "losses": monitor.live.losses,
            "probe_octets_today": monitor.budget.spent(at.monotonic),
            "probe_budget": monitor.budget.limit,
            "probes_without_budget": monitor.budget.refused,
            "oddities": monitor.oddities,
        }

    def history(self, params: dict[str, Any]) -> dict[str, Any]:
        """What each path has carried in the last minutes: rows as `Trail.told` gives them."""
        at = now().monotonic
        return {
            "history": [
                {"uplink": self._names[bid], "bid": bid, "rates": trail.told(at)}
                for bid, trail in sorted(self._trails.items())
            ]
        }

    # Looking and asking

    def _tick(self, at: Instant) -> None:
        statistics = self._statistics() if self._bound else {}
        for bid, path in list(self._bound.items()):
            if path is None:
                continue
            monitor, found = self.monitors[bid], statistics.get(path.device)
            if found is not None:
                octets = (found["rx_bytes"], found["tx_bytes"])
                self._trails[bid].look(*octets, at.monotonic)
                monitor.look(Counters(*octets, found["rx_packets"], found["tx_packets"]), at)
            for probe in monitor.tick(at):
                self._send(bid, path, probe)
        self._judge(at)
        self._arm(at)

    def _send(self, bid: int, path: TunnelPath, probe: Probe) -> None:
        """What cannot be sent is lost, as on the way: the tunnel may be about to stand."""
        try:
            sock = self._sockets.get(bid) or self._open(bid, path)
            if probe.kind == "echo":
                sock.echo(probe.sequence)
            else:
                latest = self.monitors[bid].tunnel.latest
                sock.stamp(probe.sequence, latest.tx_packets if latest is not None else 0)
            self.counters["probes_sent"] += 1
        except BlockingIOError:
            # The device's queue is full: that is load, and no fault.
            self.counters["probes_failed"] += 1
        except OSError:
            # A device made anew has another index, and wants another socket.
            self.counters["probes_failed"] += 1
            self._close(bid)

    def _open(self, bid: int, path: TunnelPath) -> ProbeSocket:
        sock = self._sockets[bid] = ProbeSocket(
            path.device,
            mark_of(bid, self._mask),
            (path.home_address, path.home_agent),
            partial(self._answered, bid),
            partial(self._reflected, bid),
            partial(self._refused, bid),
        )
        return sock

    def _close(self, bid: int) -> None:
        sock = self._sockets.pop(bid, None)
        if sock is not None:
            sock.close()

    def _answered(self, bid: int, sequence: int, rtt: float) -> None:
        at = now()
        self.counters["probes_answered"] += self.monitors[bid].answered(sequence, rtt, at)
        self._judge(at)
        self._arm(at)

    def _reflected(self, bid: int, answer: Reflection, arrived: float) -> None:
        at = now()
        self.counters["stamps_answered"] += self.monitors[bid].reflected(answer, arrived, at)
        self._judge(at)
        self._arm(at)

    def _refused(self, bid: int) -> None:
        self.monitors[bid].refused(now())

    def _arm(self, at: Instant) -> None:
        watched = [bid for bid, path in self._bound.items() if path is not None]
        wakes = [self.monitors[bid].next_wake(at.monotonic) for bid in watched]
        self._timer.at(min(wakes) if wakes else None)

    # What follows

    def _qualities(self, at: Instant) -> list[Quality]:
        return weighed(
            self.monitors[bid].quality(at) if path is not None else _unwatched(bid, self._capacity(bid))
            for bid, path in self._bound.items()
        )

    def _judge(self, at: Instant, of: int = 0) -> None:
        """Say what has changed, and let it have its effect; that `of` itself is bound or not its owner knows."""
        qualities = self._qualities(at)
        found = carrying(qualities)
        for item in qualities:
            self._say(item)
        for bid in self._told.keys() - self._bound.keys():
            del self._told[bid]
        self._rates |= {item.bid: item for item in qualities if item.bid == of}
        before, self._carrying = self._carrying, found
        others_change = found - {of} != before - {of} or self.silent != self._silent
        if others_change or self._are_news(qualities, at):
            self._silent = self.silent
            self._rates = {item.bid: item for item in qualities}
            self._rated_at = at.monotonic
            self._changed()

    def _are_news(self, qualities: Iterable[Quality], at: Instant) -> bool:
        if at.monotonic - self._rated_at < _PAUSE:
            return False
        known = ((self._rates.get(item.bid), item) for item in qualities)
        return any(old is None or not _are_near(old, new) for old, new in known)

    def _say(self, quality: Quality) -> None:
        """A line in the log when a path is lost or comes back; suspicion alone is nobody's business."""
        state = "suppressed" if quality.suppressed else quality.liveness
        before = self._told.get(quality.bid, "up")
        if state == "suspect" or state == before:
            return
        self._told[quality.bid] = state
        name = self._names[quality.bid]
        if state == "down":
            text = f"path {name} is silent: nothing comes out of its tunnel, probes are not answered"
            self._tell(Event("warning", "path", text, quality.bid))
            if self.lost is not None:
                self.lost(quality.bid)
        elif state == "suppressed":
            text = f"path {name} has come and gone too often (penalty {quality.penalty:.0f}): left alone for a while"
            self._tell(Event("warning", "path", text, quality.bid))
        else:
            again = "carries again, on probation" if state == "probation" else "carries"
            self._tell(Event("info", "path", f"path {name} {again}", quality.bid))


def _limit(uplink: Uplink) -> int:
    if uplink.probe_budget is not None:
        return uplink.probe_budget
    return METERED if uplink.metered else DEFAULT


def _unwatched(bid: int, found: Capacity) -> Quality:
    return Quality(bid, "up", found.down, found.up, found.confidence, found.source)


def _are_near(old: Quality, new: Quality) -> bool:
    pairs = ((old.down, new.down), (old.up, new.up))
    return all(one < _NEWS * other and other < _NEWS * one for one, other in pairs)


def _milliseconds(seconds: float | None) -> float | None:
    return round(1000 * seconds, 1) if seconds is not None else None


def _taped(tape: Tape) -> Callable[..., PathMonitor]:
    """Only who can record has these."""
    from router.sim.path_tape import TapedMonitor

    return partial(TapedMonitor, tape)
