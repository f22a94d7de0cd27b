"""Replay protection by time stamps, with several uplinks at once.

RFC 5944 section 5.7.1 wants every time stamp to be greater than all accepted
before.  Two requests of one mobile node sent at the same moment through
uplinks of different delay arrive in any order, though, so the mark is kept
per Binding ID, which the authenticator covers.  A request that touches
several bindings must be newer than all of them, and nothing older than it is
accepted afterwards.
"""

from __future__ import annotations

from router.mip.identification import to_wall

__all__ = ["ReplayGuard"]


class ReplayGuard:
    """The marks of one mobile node.  They outlive the bindings they came from.

    `floor` is the identification that belongs to the home agent's start: what
    was sent before it may have been accepted then, and the memory of it is gone.
    """

    def __init__(self, floor: int, tolerance: float) -> None:
        self._floor = floor
        self._tolerance = tolerance
        self._marks: dict[int, int] = {}

    def in_tolerance(self, identification: int, wall: float) -> bool:
        return abs(to_wall(identification) - wall) <= self._tolerance

    def is_fresh(self, identification: int, bid: int | None) -> bool:
        """Whether a request for `bid` (None: for several bindings) with this identification is new."""
        if bid is None:
            return identification > max(self._floor, *self._marks.values(), 0)
        return identification > max(self._floor, self._marks.get(bid, 0))

    def is_duplicate(self, identification: int, bid: int | None) -> bool:
        """Whether this very request was the last one accepted."""
        return identification == (self._floor if bid is None else self._marks.get(bid, self._floor))

    def accept(self, identification: int, bid: int | None) -> None:
        if bid is None:
            self._floor = identification
            self._marks.clear()
        else:
            self._marks[bid] = identification
