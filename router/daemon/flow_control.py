"""Looks at the connections, lets it be decided where they go, and puts that into the kernel."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from router.config.model import Config
from router.config.model import Flow as Policy
from router.daemon.now import cpu_seconds, now, weekday_and_minute
from router.flow.arrivals import Arrivals
from router.flow.assigner import Assigner, Decision
from router.flow.match import Traits
from router.flow.mobile_plan import BUCKETS
from router.flow.moves import Move
from router.flow.pace import Pace
from router.flow.policy import Choice, Way
from router.flow.track import Tracker
from router.path.quality import Quality
from router.plane.conntrack import Conntrack
from router.plane.conntrack_messages import FiveTuple, five_tuple
from router.plane.words import mark_of

if TYPE_CHECKING:
    from router.daemon.recorder import Recorder

__all__ = ["FlowControl", "traits_of"]

_log = logging.getLogger("roamd.flow")

_LOOK, _IDLE, _BROKEN = 0.1, 1.0, 60.0
"""Seconds between looks: while something goes on, while nothing does, while the kernel tells nothing."""
_PIECE, _SHARE = 1500, 0.05
"""Entries of the kernel's table in one look: some milliseconds; and which part of a processor looks may take."""
_HISTORY, _APART = 600, 1.0
"""How many decisions are remembered, and how many seconds lie between two at least, unless buckets changed."""
_CALM = 2.0
"""Seconds: where no new connection is to be expected in so many, nothing goes on."""

Changed = Callable[[Collection[Hashable] | None], None]


class FlowControl:
    """`start()` and `close()` once each; `decide()` when a path or a binding has changed.

    `ways` and `qualities` say how the paths are, `own` which prefixes are
    ours, `changed` makes the plane follow: the parts named, or everything;
    `carried` counts packets through tunnels, None where some go without one.
    """

    def __init__(
        self,
        config: Config,
        ways: Callable[[Mapping[int, Quality]], Sequence[Way]],
        qualities: Callable[[], Mapping[int, Quality]],
        own: Callable[[], Iterable[IPv4Network]],
        changed: Changed,
        carried: Callable[[], int | None],
        recorder: Recorder | None,
    ) -> None:
        if config.mobile_node is None:
            raise ValueError("the configuration has no mobile_node section")
        self._mask = config.mobile_node.plane.mark_mask
        self._shift = (self._mask & -self._mask).bit_length() - 1
        self._ways, self._qualities, self._own, self._changed = ways, qualities, own, changed
        self._carried, self._recorder = carried, recorder
        self.tracker = Tracker(self._inbound)
        self.assigner = Assigner(config.flows, traits_of)
        self.history: deque[Decision] = deque(maxlen=_HISTORY)
        self._conntrack: Conntrack | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._arrivals = Arrivals()
        self._pace = Pace()
        self._begun: tuple[float, int | None] = (0.0, None)
        """When the look that goes on began, and what tunnels had carried by then."""
        self._cost = 0.0
        self._looked = 0.0
        self._problem = ""
        self.counters = {"flows_moved": 0, "bucket_changes": 0, "conntrack_failed": 0}

    @property
    def choices(self) -> tuple[Choice, ...]:
        return self.assigner.decision.choices

    @property
    def buckets(self) -> Mapping[str, tuple[int, ...]]:
        return self.assigner.decision.buckets

    def configure(self, policies: Iterable[Policy]) -> None:
        """Other policies from the next decision on; connections keep their paths."""
        self.assigner.policies = tuple(policies)

    def start(self) -> None:
        self.decide()
        self._again(0.0)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._conntrack is not None:
            self._conntrack.close()
            self._conntrack = None

    def decided_at(self, when: float) -> Decision | None:
        """What was in force at a moment (monotonic seconds); None where it is forgotten."""
        found = bisect_right(self.history, when, key=lambda decision: decision.at)
        return self.history[found - 1] if found else None

    def decide(self) -> None:
        """Choose anew from what is known of paths and connections."""
        at = now()
        before, qualities = self.assigner.decision, self._qualities()
        decision = self.assigner.look(
            at.monotonic,
            weekday_and_minute(at),
            self._ways(qualities),
            qualities,
            self.tracker,
            self._arrivals.expected(max(_LOOK, at.monotonic - self._looked)),
        )
        if decision.choices != before.choices or decision.buckets.keys() != before.buckets.keys():
            self._changed(None)
        elif decision.buckets != before.buckets:
            self.counters["bucket_changes"] += 1
            self._changed((BUCKETS,))
        if self._recorder is not None:
            self._recorder.look(decision, self.assigner.basis, qualities, at)
        self._remember(decision, anyhow=decision.buckets != before.buckets)
        for move in decision.moves:
            self._move(move, at.monotonic)

    def _remember(self, decision: Decision, *, anyhow: bool) -> None:
        if anyhow or not self.history or decision.at - self.history[-1].at >= _APART:
            self.history.append(decision)

    def _move(self, move: Move, at: float) -> None:
        key = move.key
        if self._conntrack is None or not isinstance(key, bytes):
            return
        if self._conntrack.move(key, mark_of(move.target, self._mask), self._mask):
            self.tracker.moved(key, move.target, at)
            self.counters["flows_moved"] += 1

    def _again(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._tick)

    def _tick(self) -> None:
        at, began = now().monotonic, cpu_seconds()
        through = not self._worth_a_look(at)
        if not through:
            try:
                through = self._look(at)
            except OSError as error:
                self._failed(error)
                self._again(_BROKEN)
                return
            self._cost += cpu_seconds() - began
            if through:
                self._pace.looked(*self._begun, self._cost)
        if through:
            self.decide()
            self._looked = at
        self._again(max(_LOOK if self._busy or not through else _IDLE, (cpu_seconds() - began) / _SHARE))

    @property
    def _busy(self) -> bool:
        return bool(self.tracker.active) or self._arrivals.expected(_CALM) > 1

    def _worth_a_look(self, at: float) -> bool:
        """A look that goes on is; one that would begin, while something goes on."""
        if self._conntrack is not None and self._conntrack.reading:
            return True
        carried = self._carried()
        if not self._busy and not self._pace.due(at, carried):
            return False
        self._begun, self._cost = (at, carried), 0.0
        return True

    def _look(self, at: float) -> bool:
        """Read a piece of the table; whether that was the last.  Raises OSError."""
        if self._conntrack is None:
            self._conntrack = Conntrack()
        conntrack, mask, shift = self._conntrack, self._mask, self._shift
        if not conntrack.reading:
            conntrack.begin()
            self.tracker.begin(at)
        found = conntrack.read(_PIECE, mask)
        self.tracker.see(
            (
                (key, (mark & mask) >> shift, original, reply, closed)
                for key, mark, original, reply, closed in found
            ),
            at,
        )
        if conntrack.reading:
            return False
        self.tracker.end(at)
        self._arrivals.seen(self.tracker.fresh, at)
        return True

    def _failed(self, error: OSError) -> None:
        """Without a view of the connections all else goes on: paths, policies, buckets by estimate."""
        self.counters["conntrack_failed"] += 1
        if self._problem != str(error):
            _log.warning(
                "cannot read the connections (%s): install kmod-nf-conntrack-netlink", error.strerror
            )
        self._problem = str(error)

    def _inbound(self, key: Hashable) -> bool:
        found = _five(key)
        if found is None:
            return False
        own = tuple(self._own())
        return any(found.destination in prefix for prefix in own) and not any(
            found.source in prefix for prefix in own
        )


def _five(key: Hashable) -> FiveTuple | None:
    return five_tuple(key) if isinstance(key, bytes) else None


def traits_of(key: Hashable) -> Traits | None:
    """What the kernel's entry shows of a connection."""
    found = _five(key)
    if found is None:
        return None
    protocol, source, destination, source_port, destination_port = found
    return Traits(protocol, source, destination, source_port, destination_port)
