"""A whole modem, sans I/O: octets and seconds in, octets and effects out, with all that goes wrong.

It takes its time for each command, does one at a time, speaks unasked in the middle of answers, and does what a script
tells it to at which moment (`router.lab.modem.script`).
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from router.lab.modem.core import Core, Result
from router.lab.modem.line import Line
from router.lab.modem.personality import Personality
from router.lab.modem.script import Event
from router.lab.modem.syntax import Command, commands

__all__ = ["Emulator"]

_BOOT = 3.0
_READY = 0.05
_PAUSE = 0.002
_LATENCY = 0.02
_WAITING = 32
_ESCAPE = b"+++"
_SLOW: Mapping[str, float] = {"+COPS=?": 8.0, "+COPS?": 0.1, "+CFUN=": 0.5, "+CGACT=": 0.3}


class Emulator:
    """One modem at one port.  Times are seconds of the caller's steady clock; `now` never goes back.

    `latency` is per command, `latencies` says otherwise for a name (`+CSQ`) or a form (`+COPS?`, `+COPS=?`, `+CFUN=`).
    `interrupt` n: every n-th answer has unsolicited lines between its lines and its result.
    `chatter`: seconds between unsolicited lines, None for none.  Further options are those of `Core`.
    """

    def __init__(
        self,
        personality: Personality,
        now: float,
        *,
        latency: float = _LATENCY,
        latencies: Mapping[str, float] | None = None,
        interrupt: int = 7,
        chatter: float | None = None,
        boot: float = _BOOT,
        script: Iterable[Event] = (),
        seed: int = 1,
        **options: object,
    ) -> None:
        self._line = Line(spaced=personality.spaced)
        self.core = Core(personality, now, line=self._line, **options)  # type: ignore[arg-type]
        self._seconds = {**_SLOW, **personality.seconds, **(latencies or {})}
        self._latency, self._interrupt, self._chatter, self._boot = latency, interrupt, chatter, boot
        self._random = random.Random(seed)
        self._agenda: list[tuple[float, int, int, Callable[[float], None]]] = []
        self._count = self._answers = 0
        self._life = 0
        """Counts power-ons: what belongs to an earlier life does not happen any more."""
        self._out = b""
        self._effects: list[tuple[str, ...]] = []
        self._data_up = False
        self.present = True
        """Whether the port exists."""
        self._deaf_until = self._noisy_until = now
        self._noise = 0.0
        self._cut = 0
        for event in script:
            self._at(now + event.time, partial(self._do, event), life=-1)
        self._start(now)

    def feed(self, data: bytes, now: float) -> None:
        """Octets from the host."""
        self._run(now)
        if not self.present or now < self._deaf_until:
            return
        if self._data:
            self._escape(data, now)
            return
        typed = self._line.text
        echo, lines = self._line.feed(data)
        self._say(echo, now)
        if typed and lines:
            self._text_done(now)
            return
        for line in lines:
            if len(self._lines) < _WAITING:
                self._lines.append(line)
        self._next(now)

    def output(self, now: float) -> bytes:
        """Octets to the host up to now."""
        self._run(now)
        out, self._out = self._out, b""
        return out

    def next_wake(self) -> float | None:
        """When `output` has something to do, or None."""
        moments = [self._agenda[0][0]] if self._agenda else []
        if self.core.next_wake() is not None and self.present:
            moments.append(self.core.next_wake())  # type: ignore[arg-type]
        return min(moments, default=None)

    def take_effects(self) -> list[tuple[str, ...]]:
        """What happens outside the line since last asked: `("vanish",)`, `("appear",)`, `("data", "up" or "down")`."""
        effects, self._effects = self._effects, []
        return effects

    def happen(self, event: Event, now: float) -> None:
        """An event of the script's kind, at once."""
        self._run(now)
        self._do(event, now)

    # Time.

    def _at(self, when: float, what: Callable[[float], None], life: int | None = None) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (when, self._count, self._life if life is None else life, what))

    def _run(self, now: float) -> None:
        while True:
            due = self.core.next_wake() if self.present else None
            first = self._agenda[0][0] if self._agenda else None
            if due is not None and due <= now and (first is None or due <= first):
                self.core.tick(due)
                self._say_unasked(due)
            elif first is not None and first <= now:
                when, _, life, what = heapq.heappop(self._agenda)
                if life in (-1, self._life):
                    what(when)
            else:
                break
        if self.present:
            self.core.tick(now)
            self._say_unasked(now)

    # Life and death.

    def _start(self, now: float) -> None:
        self._lines: deque[str | None] = deque()
        self._busy = self._data = False
        self._at(now + _READY, self._ready)
        if self._chatter is not None:
            self._at(now + self._chatter, self._chat)

    def _ready(self, now: float) -> None:
        for line in self.core.boot_lines():
            self._say(self._line.unsolicited(line), now)

    def _chat(self, now: float) -> None:
        if not self._data:
            for line in self.core.chatter():
                self._say(self._line.unsolicited(line), now)
        assert self._chatter is not None
        self._at(now + self._chatter, self._chat)

    def _reset(self, now: float, seconds: float) -> None:
        """Gone from the bus, and back after a while with all forgotten but what the card remembers."""
        self._life += 1
        self._busy = self._data = False
        self._lines.clear()
        if self.present:
            self._effects.append(("vanish",))
        self.present = False
        self._at(now + seconds, self._return)

    def _return(self, now: float) -> None:
        self._life += 1
        self.present = True
        self._deaf_until = now
        self._out = b""
        self.core.power_on(now)
        self._effects.append(("appear",))
        self._start(now)
        self._follow_session(now)

    # Commands.

    def _next(self, now: float) -> None:
        """Begin the next command line, if none is under way."""
        if self._lines and not self._busy:
            body = self._lines.popleft()
            found = commands(body) if body is not None else None
            self._busy = True
            if found is None:
                self._at(now + self._latency, lambda when: self._final(Result((), "ERROR"), when))
            elif not found:
                self._at(now + self._latency, lambda when: self._final(Result(()), when))
            else:
                self._begin(deque(found), now)

    def _begin(self, waiting: deque[Command], now: float) -> None:
        def done(when: float) -> None:
            result = self.core.execute(command, when)
            self._say(self._line.information(result.lines), when)
            if result.code == "OK" and waiting and not self.core.wishes:
                self._begin(waiting, when)
            elif self._interrupted():
                for line in self.core.chatter():
                    self._say(self._line.unsolicited(line), when)
                self._at(when + _PAUSE, lambda later: self._final(result, later))
            else:
                self._final(result, when)

        command = waiting.popleft()
        self._at(now + self._takes(command), done)

    def _takes(self, command: Command) -> float:
        form = command.name + {"run": "", "read": "?", "test": "=?", "set": "="}[command.how]
        return self._seconds.get(form, self._seconds.get(command.name, self._latency))

    def _interrupted(self) -> bool:
        self._answers += 1
        return self._interrupt > 0 and self._answers % self._interrupt == 0

    def _final(self, result: Result, now: float) -> None:
        wish = self.core.wishes.pop() if self.core.wishes else None
        if wish == "prompt":
            self._line.text = True
            self._say(b"\r\n> ", now)
            return
        code = "CONNECT 150000000" if wish == "dial" else result.code
        self._say(self._line.final(code), now)
        for line in result.after:
            self._say(self._line.unsolicited(line), now)
        self._data = wish == "dial"
        self._busy = False
        self._say_unasked(now)
        if wish == "reset":
            self._at(now + self._latency, lambda when: self._reset(when, self._boot))
        else:
            self._next(now)

    def _text_done(self, now: float) -> None:
        text = self._line.take_text()
        result = Result(() if text is None else ("+CMGS: 1",))

        def done(when: float) -> None:
            self._say(self._line.information(result.lines), when)
            self._final(result, when)

        self._at(now + self._latency, done)

    def _escape(self, data: bytes, now: float) -> None:
        """Data mode: all is swallowed until `+++` alone (the guard times of V.250's escape are the caller's)."""
        if data == _ESCAPE:
            self._data = False
            self._say(self._line.final("OK"), now)

    # Octets.

    def _say(self, data: bytes, now: float) -> None:
        if not self.present or now < self._deaf_until:
            return
        if self._cut and data:
            data, self._cut = data[: self._cut], 0
        if now < self._noisy_until:
            data = self._spoilt(data)
        self._out += data

    def _say_unasked(self, now: float) -> None:
        """Registration changes and the like; never while a data connection has the line."""
        said, self.core.said = self.core.said, []
        if not self._data:
            for line in said:
                self._say(self._line.unsolicited(line), now)
        self._follow_session(now)

    def _follow_session(self, now: float) -> None:
        if self.core.connected != self._data_up:
            self._data_up = self.core.connected
            self._effects.append(("data", "up" if self._data_up else "down"))
            if self._data and not self._data_up:
                self._data = False
                self._say(self._line.final("NO CARRIER"), now)

    def _spoilt(self, data: bytes) -> bytes:
        """Each octet is dropped, changed or followed by noise with the probability of the noise."""
        spoilt = bytearray()
        for octet in data:
            if self._random.random() >= self._noise:
                spoilt.append(octet)
                continue
            what = self._random.randrange(3)
            if what == 1:
                spoilt.append(octet ^ 1 << self._random.randrange(8))
            elif what == 2:
                spoilt += bytes([octet, self._random.randrange(256)])
        return bytes(spoilt)

    def _do(self, event: Event, now: float) -> None:
        """One event of the script."""
        words = event.words
        if event.name == "urc":
            self._say(self._line.unsolicited(event.text), now)
        elif event.name == "garbage":
            self._say(bytes(self._random.randrange(256) for _ in range(int(words[0]))), now)
        elif event.name == "flood":
            self._flood(int(words[0]), int(words[1]), now)
        elif event.name == "hang":
            self._deaf_until = now + float(words[0])
        elif event.name == "noise":
            self._noisy_until, self._noise = now + float(words[0]), float(words[1])
        elif event.name == "cut":
            self._cut = int(words[0])
        elif event.name == "reset":
            self._reset(now, float(words[0]) if words else self._boot)
        elif self.present:
            self._do_to_core(event, now)

    def _do_to_core(self, event: Event, now: float) -> None:
        self.core.now = now
        if event.name == "network":
            self.core.set_network(event.words[0])
        elif event.name == "sim":
            self.core.set_sim(None if event.words[0] == "ready" else event.words[0])
        elif event.name == "session":
            self.core.lose_session()
        self._say_unasked(now)

    def _flood(self, lines: int, rate: int, now: float) -> None:
        self._say(self._line.unsolicited(f'+QIND: "flood",{lines}'), now)
        if lines > 1:
            self._at(now + 1 / rate, partial(self._flood, lines - 1, rate))
