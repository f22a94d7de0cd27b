"""Keeps a plane equal to the newest plan, one application at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field

from router.plane.model import PlaneState
from router.plane.plane import Plane, PlaneError

__all__ = ["PlaneKeeper"]

_RETRY = 5.0


@dataclass
class _Application:
    whole: bool = False
    parts: set[Hashable] = field(default_factory=set)
    """What it makes anew, unless that is the whole plan."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class PlaneKeeper:
    """Applies `plan()` whenever told, in the background; what fails is retried.

    Routes of tables that exist move at once and synchronously (`hurry`),
    because a fail-over must not wait for an nft process.
    """

    def __init__(self, plane: Plane, plan: Callable[[], PlaneState]) -> None:
        self._plane = plane
        self._plan = plan
        self._wanted = asyncio.Event()
        self._next = _Application(whole=True)
        self._current: _Application | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.counters = {"plane_applied": 0, "plane_failed": 0}
        self.problem: str | None = None

    async def start(self) -> None:
        """Raises PlaneError."""
        await self._plane.start(self.changed)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            # Not by cancelling: Python 3.11's wait_for, in the middle of an
            # application, may swallow that, and the wait would never end.
            self._closing = True
            self._wanted.set()
            await self._task
        await self._plane.close()

    def changed(self, parts: Collection[Hashable] | None = None, *, hurry: bool = False) -> None:
        """The plan may differ now, or no more of it than these parts; with `hurry`, its routes are in force on return."""
        if hurry:
            self._plane.apply_routes_now(self._plan(), parts)
        if parts is None:
            self._next.whole = True
        else:
            self._next.parts.update(parts)
        self._wanted.set()

    async def settled(self) -> None:
        """Wait until the plan as it is now has been applied (or has failed).

        What changes meanwhile is not waited for, so that it ends however often there are changes.
        """
        application = self._next if self._wanted.is_set() else self._current
        if application is not None:
            await application.ended.wait()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self._closing:
                return
            self._current, self._next = self._next, _Application()
            try:
                await self._plane.apply(self._plan(), None if self._current.whole else self._current.parts)
                self.counters["plane_applied"] += 1
                self.problem = None
            except PlaneError as error:
                self._next.whole = True
                self._failed(error)
            self._current.ended.set()
            self._current = None

    def _failed(self, error: PlaneError) -> None:
        self.counters["plane_failed"] += 1
        if self.problem != str(error):
            logging.getLogger("roamd").warning("%s; trying again every %.0f s", error, _RETRY)
        self.problem = str(error)
        asyncio.get_running_loop().call_later(_RETRY, self._wanted.set)
