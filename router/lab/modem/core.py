"""The modem without its line: card, radio, network, contexts, and how they hang together.

No clock: `now` is seconds of the caller's, given to `execute` and `tick`.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.lab.modem import standard
from router.lab.modem.contexts import Context, Contexts, Lease
from router.lab.modem.errors import Refused, report
from router.lab.modem.line import Line
from router.lab.modem.network import ROAMING, Network
from router.lab.modem.personality import Answer, Personality, Session
from router.lab.modem.radio import Samples, drift
from router.lab.modem.sim import Sim
from router.lab.modem.syntax import Command, parameters
from router.lab.modem.view import USUAL_CELL, View, radio, session

__all__ = ["Core", "Result"]

_RATES = (250_000, 40_000)
"""Octets a second down and up while connected, so that counters move."""


@dataclass(frozen=True)
class Result:
    """Information lines, the final result code, and lines said after it."""

    lines: tuple[str, ...]
    code: str = "OK"
    after: tuple[str, ...] = ()


class Core:
    """One modem, from power-on to power-off.

    `said` collects unsolicited lines, `wishes` what the line has to do after the answer: `reset`, `prompt`, `dial`.
    """

    def __init__(
        self,
        personality: Personality,
        now: float,
        *,
        line: Line,
        sim: Sim | None = None,
        network: Network | None = None,
        lease: Lease | None = None,
        samples: Samples | None = None,
        apn: str = "internet",
        imei: str | None = None,
    ) -> None:
        self.personality = personality
        self.line = line
        self.sim = sim or Sim()
        self.network = network or Network(technology=personality.technology)
        self.contexts = Contexts(lease or Lease(), Context(*personality.context, apn))
        self.imei = imei or personality.imei
        self.samples = samples or drift()
        self.said: list[str] = []
        self.wishes: list[str] = []
        self.operator_format = self.operator_mode = 0
        self._answers = {text.upper(): answer for text, answer in personality.answers.items()}
        self._resets = {text.upper() for text in personality.resets}
        self._born = self.now = now
        self._connected: tuple[int, float] | None = None
        self.power_on(now)

    def power_on(self, now: float) -> None:
        self.now = now
        self.functionality = 1
        self.sim.power_cycle()
        self.network.stop()
        self.contexts.detached()
        self._connected = None
        self.said.clear()
        self.wishes.clear()
        self.operator_mode = 0
        self.factory()
        self._told: dict[str, tuple[object, ...]] = {
            name: (self.network.stat_of(name),) for name in standard.REGISTRATIONS
        }
        self._start_radio()

    def factory(self) -> None:
        """`&F` and what a power cycle makes of the settings."""
        self.line.restart()
        self.detail = self.personality.detail
        self.reporting = dict.fromkeys(standard.REGISTRATIONS, 0)
        self.operator_format = 0
        self.packet_events = False

    def boot_lines(self) -> list[str]:
        return [self._fill(line) for line in self.personality.boot]

    def chatter(self) -> list[str]:
        """What it says unasked now and then."""
        return [self._fill(line) for line in self.personality.chatter] if self.network.registered else []

    def execute(self, command: Command, now: float) -> Result:
        """Do one command."""
        self.now = now
        try:
            answer = self._answers.get(command.text.upper())
            if answer is not None:
                return self._tabled(answer)
            return Result(tuple(self._ordered(command)))
        except Refused as refusal:
            return Result((), report(refusal.code, self.detail, dict(self.personality.errors)))
        finally:
            self._changed()

    def tick(self, now: float) -> None:
        """Time went by: a search may have ended, a sample may have brought another technology."""
        self.now = now
        technology = self.samples.row(now - self._born).get("technology")
        if isinstance(technology, str):
            self.network.technology = technology
        if self.network.tick(now) and self.network.registered:
            self.contexts.attached()
            self._packet_event(f"ME PDN ACT {self.contexts.default}")
        self._changed()

    def next_wake(self) -> float | None:
        row = self.samples.next_row(self.now - self._born)
        moments = [self.network.due, None if row is None else self._born + row]
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def heard(self) -> bool:
        """Whether there is a signal to measure."""
        return self.functionality == 1 and self.network.outcome != "none"

    def view(self, cid: int | None = None) -> View:
        signal = self.samples.at(self.now - self._born)
        found = radio(self.personality.cell, signal if self.heard else {})
        found.update(self._session_view(cid))
        found.update(
            imei=self.imei, imsi=self.sim.imsi, iccid=self.sim.iccid, pin=self._pin(),
            tries=self.sim.tries, puk_tries=self.sim.puk_tries,
            roaming=int(self.network.stat == ROAMING), act=self.network.act, technology=self.network.technology,
        )  # fmt: skip
        return found

    # What commands do.

    def set_functionality(self, level: int) -> None:
        self.functionality = level
        if level == 1:
            self._start_radio()
        else:
            self.leave_network()

    def reset_after_answer(self, level: int) -> None:
        self.wishes.append("reset")

    def sim_ready(self) -> None:
        self.said += ["+CPIN: READY"]
        self._start_radio()

    def search_network(self) -> None:
        self._start_radio()

    def leave_network(self) -> None:
        self.network.stop()
        self._down()

    def prompt(self) -> None:
        self.wishes.append("prompt")

    def dial(self) -> None:
        """Raises Refused."""
        self.connect(self.contexts.default)
        self.wishes.append("dial")

    def connect(self, cid: int, announce: Session | None = None) -> None:
        """The network device gets its session.  Raises Refused."""
        self.contexts.activate(cid, self.network.registered)
        self._connected = cid, self.now
        if announce is not None and announce.up is not None:
            self.said.append(self._fill(announce.up, cid))

    def disconnect(self, cid: int, announce: Session | None = None) -> None:
        if self._connected is None or self._connected[0] != cid:
            return
        self._connected = None
        if announce is not None and announce.down is not None:
            self.said.append(self._fill(announce.down, cid))

    @property
    def connected(self) -> bool:
        return self._connected is not None

    # What the world does.

    def set_network(self, outcome: str) -> None:
        """The network changes its mind; the modem finds out at once and searches."""
        self.network.outcome = outcome
        if self.functionality == 1 and self.sim.ready:
            self.network.start(self.now)
            if not self.network.registered:
                self._down()
        self._changed()

    def set_sim(self, fault: str | None) -> None:
        """The card is pulled out, breaks, or is well again."""
        self.sim.fault = fault
        if fault is None:
            self._start_radio()
        else:
            self.leave_network()
            self.said.append("+CPIN: NOT READY" if fault != "busy" else "+CPIN: SIM BUSY")
        self._changed()

    def lose_session(self) -> None:
        """The network ends the session and keeps the modem registered."""
        for announce in self.personality.sessions.values():
            if self._connected is not None:
                self.disconnect(self._connected[0], announce)
        self._connected = None
        for context in self.contexts.all():
            if context.active:
                self._packet_event(f"NW PDN DEACT {context.cid}")
        self.contexts.detached()
        self._changed()

    def _start_radio(self) -> None:
        if self.functionality == 1 and self.sim.ready:
            self.network.start(self.now)

    def _packet_event(self, text: str) -> None:
        """+CGEV, for whoever asked for it by +CGEREP."""
        if self.packet_events:
            self.said.append(f"+CGEV: {text}")

    def _down(self) -> None:
        if any(context.active for context in self.contexts.all()):
            self._packet_event("NW DETACH")
        self.contexts.detached()
        self._connected = None

    def _changed(self) -> None:
        """Registrations that are other than last time are said, as far as asked for."""
        places = self._places()
        for name, before in self._told.items():
            stat = self.network.stat_of(name)
            now = (stat, *places) if self.network.registered and self.network.knows(name) else (stat,)
            if now == before:
                continue
            self._told[name] = now
            line = standard.registration_urc(self, name, moved=stat == before[0])
            if line is not None and name not in self.personality.absent:
                self.said.append(line)

    def _places(self) -> tuple[object, ...]:
        """Technology, area and cell."""
        row, cell = self.samples.row(self.now - self._born), self.personality.cell
        tac, ci = (row.get(name) or cell.get(name) or USUAL_CELL[name] for name in ("tac", "ci"))
        return self.network.act, tac, ci

    def _tabled(self, answer: Answer) -> Result:
        if answer.sim:
            self.sim.require()
        lines = answer.by.get(self.network.technology, answer.lines)
        if not self.network.registered and answer.idle is not None:
            if isinstance(answer.idle, int):
                raise Refused(answer.idle)
            lines = answer.idle
        if answer.session and not self.connected:
            lines = ()
        view = self.view()
        filled = tuple(line.format_map(view) for line in lines)
        return Result(filled, after=tuple(line.format_map(view) for line in answer.after))

    def _ordered(self, command: Command) -> list[str]:
        if command.text.upper() in self._resets:
            self.reset_after_answer(1)
            return []
        announce = self.personality.sessions.get(command.name)
        if announce is not None and command.how == "set":
            return self._session(announce, command)
        if command.name in self.personality.accepted:
            return []
        handler = standard.handler(command)
        if handler is None or command.name in self.personality.absent:
            raise Refused(self.personality.unknown)
        return handler(self, command)

    def _session(self, announce: Session, command: Command) -> list[str]:
        words = parameters(command.rest)
        try:
            on = announce.on is None or int(words[announce.on]) in announce.values
            cid = int(words[announce.context]) if announce.context is not None else self.contexts.default
        except (IndexError, ValueError):
            raise Refused(50) from None
        self.sim.require()
        if not on:
            self.disconnect(cid, announce)
            return []
        self.connect(cid, announce)
        return [self._fill(announce.answer, cid)] if announce.answer is not None else []

    def _session_view(self, cid: int | None) -> View:
        if cid is None:
            cid = self._connected[0] if self._connected is not None else self.contexts.default
        table = {context.cid: context for context in self.contexts.all()}
        found = session(table.get(cid, Context(cid)), self.contexts.lease, self.connected)
        span = self.now - self._connected[1] if self._connected is not None else 0.0
        found["received"], found["sent"] = (int(rate * span) for rate in _RATES)
        return found

    def _pin(self) -> str:
        try:
            return self.sim.state
        except Refused:
            return "NOT READY"

    def _fill(self, line: str, cid: int | None = None) -> str:
        return line.format_map(self.view(cid))
