"""Replay protection by time stamps (RFC 5944 section 5.7.1), with several uplinks at once.

The RFC wants every time stamp to be greater than all accepted before.  Two
requests of one mobile node sent at the same moment through uplinks of
different delay arrive in any order, though, so the home agent keeps its mark
per Binding ID, which the authenticator covers.  A request that touches
several bindings must be newer than all of them, and nothing older than it is
accepted afterwards.
"""

from __future__ import annotations

from router.mip.identification import from_wall, to_wall
from router.mip.replay import newer

__all__ = ["ReplayGuard"]

_ERAS = 8


class ReplayGuard:
    """The home agent's marks of one mobile node.  They outlive the bindings they came from.

    `floor` is the identification that belongs to the home agent's start: what
    was sent before it may have been accepted then, and the memory of it is gone.

    Should our own clock have been ahead and be put back, its marks would keep the mobile node out until they come true.
    So what was accepted between two steps of our clock is remembered as a span: one that lies ahead was the wrong clock's.
    """

    __slots__ = ("_ahead", "_era", "_eras", "_floor", "_marks", "_tolerance")

    def __init__(self, floor: int, tolerance: float) -> None:
        self._floor = floor
        self._tolerance = tolerance
        self._marks: dict[int, int] = {}
        self._era: tuple[int, int] | None = floor, floor
        """The first and the last that was accepted since our clock stepped last."""
        self._eras: list[tuple[int, int]] = []
        """Those before."""
        self._ahead: float | None = None
        """Seconds that our wall clock was ahead of the monotonic one."""

    def heed_clock(self, wall: float, monotonic: float) -> bool:
        """Let go of marks that lie ahead of our clock, which was put back; whether there were any.

        From now on counts what is sent now, and nothing that was accepted before, whenever its time comes.
        """
        before, self._ahead = self._ahead, wall - monotonic
        if before is not None and abs(self._ahead - before) <= self._tolerance:
            return False
        era, self._era = self._era, None
        if era is None:
            return False
        self._eras.append(era)
        if len(self._eras) > _ERAS:
            (since, _), (_, until), *rest = sorted(self._eras)
            self._eras = [(since, until), *rest]
        if not newer(era[0], from_wall(wall + self._tolerance)):
            return False
        self._floor = from_wall(wall)
        self._marks.clear()
        return True

    def in_tolerance(self, identification: int, wall: float) -> bool:
        return abs(to_wall(identification) - wall) <= self._tolerance

    def is_fresh(self, identification: int, bid: int | None) -> bool:
        """Whether a request for `bid` (None: for several bindings) with this identification is new."""
        if not newer(identification, self._floor):
            return False
        if any(
            not newer(since, identification) and not newer(identification, until)
            for since, until in self._eras
        ):
            return False
        if bid is None:
            return all(newer(identification, mark) for mark in self._marks.values())
        return bid not in self._marks or newer(identification, self._marks[bid])

    def is_duplicate(self, identification: int, bid: int | None) -> bool:
        """Whether this very request was the last one accepted."""
        return identification == (self._floor if bid is None else self._marks.get(bid, self._floor))

    def accept(self, identification: int, bid: int | None) -> None:
        since, until = self._era or (identification, identification)
        self._era = since, identification if newer(identification, until) else until
        if bid is None:
            self._floor = identification
            self._marks.clear()
        else:
            self._marks[bid] = identification
