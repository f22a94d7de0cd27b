"""Keeps a plane equal to the newest plan, one application at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Hashable

from router.plane.model import PlaneState
from router.plane.plane import Plane, PlaneError

__all__ = ["PlaneKeeper"]

_RETRY = 5.0


class PlaneKeeper:
    """Applies `plan()` whenever told, in the background; what fails is retried.

    Routes of tables that exist move at once and synchronously (`hurry`),
    because a fail-over must not wait for an nft process.
    """

    def __init__(self, plane: Plane, plan: Callable[[], PlaneState]) -> None:
        self._plane = plane
        self._plan = plan
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._whole = True
        self._parts: set[Hashable] = set()
        """What has changed since the last application, unless the whole plan may have."""
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
            self._whole = True
        else:
            self._parts.update(parts)
        self._settled.clear()
        self._wanted.set()

    async def settled(self) -> None:
        """Wait until the newest plan has been applied (or has failed)."""
        await self._settled.wait()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self._closing:
                return
            parts = None if self._whole else self._parts
            self._whole, self._parts = False, set()
            try:
                await self._plane.apply(self._plan(), parts)
                self.counters["plane_applied"] += 1
                self.problem = None
            except PlaneError as error:
                self._whole = True
                self._failed(error)
            if not self._wanted.is_set():
                self._settled.set()

    def _failed(self, error: PlaneError) -> None:
        self.counters["plane_failed"] += 1
        if self.problem != str(error):
            logging.getLogger("roamd").warning("%s; trying again every %.0f s", error, _RETRY)
        self.problem = str(error)
        asyncio.get_running_loop().call_later(_RETRY, self._wanted.set)
