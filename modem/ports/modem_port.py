"""One modem on one line: runs its dialogue on asyncio.  CPython only; decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from modem.dialogue import Modem
from modem.ports.line import Line, open_line

__all__ = ["ModemPort"]

_log = logging.getLogger("roamd.modem")
_REOPEN_FIRST, _REOPEN_MAX = 1.0, 30.0


class ModemPort:
    """Runs the dialogue on `where` (a tty's path, or a URL) and calls `changed(snapshot)` when that differs.

    A port that is missing, taken or lost is named in the snapshot's `state`
    and opened again with back-off.
    """

    def __init__(
        self,
        where: str,
        changed: Callable[[dict[str, Any]], None],
        effect: Callable[[tuple[Any, ...]], None] | None = None,
        modem: Modem | None = None,
    ) -> None:
        """`effect` is called with what the dialogue wants done and a port cannot do, such as ("usb_reset",)."""
        self.where = where
        self.modem = modem if modem is not None else Modem()
        self.answered: Callable[[], None] | None = None
        """Called when the dialogue may have answers to commands (`Modem.take_answers`)."""
        self.tap: Callable[[str, bytes, float], None] | None = None
        """Called with ("in" or "out", octets, seconds) of all that passes, while somebody records."""
        self._changed = changed
        self._effect = effect
        self._line: Line | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reopen = _REOPEN_FIRST
        self._talking = False
        self._last: dict[str, Any] | None = None

    def start(self, loop: asyncio.AbstractEventLoop, line: Line | None = None) -> None:
        """On `line`, if it is open already."""
        self._loop = loop
        if line is None:
            self._open()
            return
        self._hold(line)
        self._begin()

    def close(self) -> None:
        self._cancel_timer()
        self._shut()
        self._loop = None

    def poke(self) -> None:
        """There is something new to do: the dialogue was given a command, or the port may have come back."""
        if self._loop is None:
            return
        if self._line is None:
            self._reopen = _REOPEN_FIRST
            self._cancel_timer()
            self._open()
        elif self._talking:
            self._advance()

    def hurry(self) -> None:
        """Ask quickly for a while, if there is anybody to ask."""
        if self._loop is not None and self._talking:
            self.modem.hurry(self._loop.time())
            self._advance()

    def rests(self) -> bool:
        """Whether a dialogue that was told to stop has said all that it can."""
        return not self._talking or self.modem.stopped()

    def _open(self) -> None:
        assert self._loop is not None
        self._hold(open_line(self.where, self._loop))

    def _hold(self, line: Line) -> None:
        self._line = line
        line.opened = self._begin
        line.received = self._received
        line.lost = self._lost

    def _begin(self) -> None:
        assert self._loop is not None
        self._talking = True
        self.modem.restart(self._loop.time())
        self._advance()

    def _shut(self) -> None:
        self._talking = False
        if self._line is not None:
            self._line.close()
            self._line = None

    def _lost(self, why: str, advice: str) -> None:
        assert self._loop is not None
        self._shut()
        if self._last is None or self._last["state"] != why:
            _log.warning("modem on %s: %s%s", self.where, why, f" ({advice})" if advice else "")
        self._again(self._reopen)
        self._reopen = min(_REOPEN_MAX, self._reopen * 2)
        self._tell({**dict.fromkeys(self.modem.snapshot()), "state": why})

    def _again(self, seconds: float) -> None:
        assert self._loop is not None
        self._cancel_timer()
        self._timer = self._loop.call_later(seconds, self._open)

    def _received(self, data: bytes) -> None:
        assert self._loop is not None
        self._reopen = _REOPEN_FIRST
        now = self._loop.time()
        if self.tap is not None:
            self.tap("in", data, now)
        self.modem.feed(data, now)
        self._advance()

    def _advance(self) -> None:
        """Write what is due, set the alarm, tell what changed, pass on what is wanted."""
        if self._loop is None or self._line is None:
            return
        now = self._loop.time()
        self.modem.tick(now)
        data = self.modem.output(now)
        # What must not be forgotten is kept before the modem hears of it.
        self._carry_out()
        if self._line is None:
            return
        if data:
            if self.tap is not None:
                self.tap("out", data, now)
            self._line.write(data)
        self._cancel_timer()
        wake = self.modem.next_wake()
        if wake is not None:
            self._timer = self._loop.call_at(wake + 0.001, self._advance)
        self._tell(self.modem.snapshot())
        if self.answered is not None:
            self.answered()

    def _carry_out(self) -> None:
        for effect in self.modem.take_effects():
            if effect[0] == "reopen":
                self._shut()
                self._again(_REOPEN_FIRST)
            elif self._effect is not None:
                self._effect(effect)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self, snapshot: dict[str, Any]) -> None:
        if snapshot != self._last:
            self._last = snapshot
            self._changed(snapshot)
