"""Probes the ports of one device on asyncio.  CPython only; decides nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial

from modem.ports.line import Line, open_line
from modem.ports.probe import DeviceProbe, Outcome

__all__ = ["Prober"]

_NODE_EVERY, _NODE_TRIES = 0.1, 30
"""Without devtmpfs somebody makes the device node when the kernel tells of it: soon, but later than we hear."""


class Prober:
    """Calls `done(outcome, line)` once: the line of the port that answered is open, and no longer ours."""

    def __init__(
        self,
        ports: Sequence[tuple[str, str | None]],
        loop: asyncio.AbstractEventLoop,
        done: Callable[[Outcome, Line | None], None],
        folder: str = "/dev",
    ) -> None:
        self._loop = loop
        self._done = done
        self._folder = folder
        self._probe = DeviceProbe(ports, loop.time())
        self._lines: dict[str, Line] = {}
        self._waits: dict[str, asyncio.TimerHandle] = {}
        self._timer: asyncio.Handle | None = loop.call_soon(self._advance)
        self._over = False

    def cancel(self) -> None:
        """Close everything; nobody is told."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        for wait in self._waits.values():
            wait.cancel()
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _advance(self) -> None:
        if self._over:
            return
        now = self._loop.time()
        self._probe.tick(now)
        for name in self._probe.to_open(now):
            self._await_node(name, _NODE_TRIES)
        for name, data in self._probe.output(now):
            if name in self._lines:
                self._lines[name].write(data)
        for name in self._probe.finished():
            line = self._lines.pop(name, None)
            if line is not None:
                line.close()
        outcome = self._probe.outcome
        if outcome is not None:
            chosen = self._lines.pop(outcome.port, None) if outcome.port is not None else None
            self.cancel()
            self._done(outcome, chosen)
            return
        if self._timer is not None:
            self._timer.cancel()
        wake = self._probe.next_wake()
        self._timer = self._loop.call_at(wake + 0.001, self._advance) if wake is not None else None

    def _await_node(self, name: str, tries: int) -> None:
        self._waits.pop(name, None)
        path = f"{self._folder}/{name}"
        if tries and not os.path.exists(path):
            self._waits[name] = self._loop.call_later(_NODE_EVERY, self._await_node, name, tries - 1)
            return
        line = self._lines[name] = open_line(path, self._loop)
        line.opened = partial(self._opened, name)
        line.received = partial(self._received, name)
        line.lost = partial(self._lost, name)

    def _opened(self, name: str) -> None:
        self._probe.opened(name, self._loop.time())
        self._advance()

    def _received(self, name: str, data: bytes) -> None:
        self._probe.feed(name, data, self._loop.time())
        self._advance()

    def _lost(self, name: str, why: str, _advice: str) -> None:
        self._lines.pop(name, None)
        self._probe.failed(name, why, self._loop.time())
        self._advance()
