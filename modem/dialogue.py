"""The dialogue with one modem: which commands, in which order, and what they told.

Sans I/O: octets and seconds in, octets, a snapshot and effects out.  Effects are tuples for who owns the port
and the network device:

    ("reopen",)              open the port anew
    ("usb_reset",)           take the USB device off its bus and put it back
    ("remember", memory)     keep `memory` for the next start, before anything more is written
    ("configure", {...}), ("deconfigure",)    see `modem.session`

Runs unchanged on CPython and MicroPython.
"""

from modem import families, network
from modem.at import Engine, Prompt, Response, TimedOut, Unsolicited
from modem.belief import Belief
from modem.errands import PIN, REPAIR, SETUP, USER, Errand, Errands
from modem.errands import SESSION as SESSION_COMMAND
from modem.knowledge import Knowledge
from modem.outcome import Refusals, address_of, describe
from modem.pace import STATE, Pace
from modem.pin import PinKeeper
from modem.results import is_boot
from modem.session import UP, Session
from modem.watchdog import ASK, RADIO, REOPEN, RESET, SESSION, SILENT, USB, Watchdog

OPENING = "opening"
NO_ANSWER = "no answer"

_SILENT_AFTER = 2
_RETRY_FIRST, _RETRY_MAX = 1.0, 30.0
_BLIND = 3.0
_ASKED_AGAIN = 6
# What may be asked for by `reset`: effect, or commands of the family.
RESETS = (RADIO, RESET, USB, REOPEN)

_OPENING = (("", 1.0), ("E0", 1.0), ("V1", 1.0), ("+CMEE=1", 1.0))

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modem.errands import Answer
    from modem.events import Event
    from modem.families import Family


class Modem:
    """Asks a modem who it is, keeps asking how it is, and keeps it alive.

    `settings`: {"pin", "session", "agree"} and those of `modem.session`, each optional; `session` is "at" where
    the data session is ours, `agree` how often an answer must be heard before it is believed: more than once on a
    line that may spoil octets, which USB does not.  `memory`: what the last ("remember", memory) effect gave, its
    ages brought up to date.  Raises ValueError for settings that cannot stand in a command.
    """

    def __init__(
        self, settings: "dict[str, object] | None" = None, memory: object = None, now: float = 0.0
    ) -> None:
        kept: dict[str, object] = memory if isinstance(memory, dict) else {}
        self._settings = dict(settings or {})
        pin = self._settings.get("pin")
        self._pin = PinKeeper(pin if isinstance(pin, str) else None, kept.get("pins"))
        self._watchdog = Watchdog(kept.get("watchdog"), now)  # type: ignore[arg-type]
        self._session = Session(self._settings, now) if self._settings.get("session") == "at" else None
        agree = self._settings.get("agree")
        self.agreed = agree if isinstance(agree, int) else 1
        """How often an answer must be heard before it is believed."""
        self._belief = Belief(self.agreed) if self.agreed > 1 else None
        self.engine = Engine()
        self._effects: list[tuple[object, ...]] = []
        self._errands = Errands()
        self._family: Family = families.load("generic")
        self._known = False
        self._facts: dict[str, object] = {}
        self._state: str | None = OPENING
        self._stopping = False
        self._missed = 0
        self._retry = _RETRY_FIRST
        self._retry_at: float | None = None
        self._begin(now)

    def snapshot(self) -> "dict[str, object]":
        """The facts (`modem.facts`), and state, family, session, watchdog, address (dotted) for people."""
        facts = self._facts
        result = dict(facts)
        result["state"] = self._state or describe(facts, self._pin.said)
        result["family"] = self._family.name if self._known else None
        result["session"] = self._session.describe() if self._session is not None else None
        result["watchdog"] = self._watchdog.said
        result["address"] = address_of(facts, self._settings.get("cid"))
        for name in ("carriers", "contexts"):
            listed = facts.get(name)
            result[name] = list(listed) if isinstance(listed, (list, tuple)) else []
        return result

    def memory(self, now: float) -> "dict[str, object]":
        """What shall outlive this process: {"pins", "watchdog"}, the watchdog's in seconds ago."""
        return {"pins": self._pin.memory(), "watchdog": self._watchdog.memory(now)}

    def take_effects(self) -> "list[tuple[object, ...]]":
        """What is to be done now, oldest first; to be done before `output` is written."""
        if self._session is not None:
            self._effects += self._session.take_effects()
        effects, self._effects = self._effects, []
        return effects

    def take_answers(self) -> "list[Answer]":
        """(token, ok, result, lines) of commands given by `command`; the result of a silent modem is ""."""
        return self._errands.take_answers()

    def command(self, text: str, timeout: float = 10.0, token: object = None) -> None:
        """Send a command (without `AT`) for somebody, before all else.  Raises ValueError for line ends, what is
        no ASCII, and when too many wait."""
        self._errands.for_somebody(text, timeout, token)

    def reset(self, how: str, now: float) -> None:
        """Do one of RESETS because somebody wants it.  Raises ValueError for anything else."""
        if how not in RESETS:
            raise ValueError("reset %r: one of %s" % (how, ", ".join(RESETS)))
        self._repair(how, now)

    def hurry(self, now: float) -> None:
        """Ask quickly for a while: flows suffer, or somebody watches the signal."""
        self._pace.hurry(now)

    @property
    def family(self) -> "Family":
        """The generic one until the modem has said who it is."""
        return self._family

    def ask_all(self) -> None:
        """Ask everything once more, so that a recording that begins now has it all."""
        if self._known:
            family = self._family
            self._errands.ask(family.identity + family.state + family.signal + family.slow)

    def stop(self, now: float) -> None:
        """Take the data session down; `stopped` tells when that is done."""
        self._stopping = True
        self._errands.clear()
        if self._session is not None:
            self._session.stop(self._family, now)

    def stopped(self) -> bool:
        waits = self._session is not None and not self._session.idle()
        return self._stopping and (self._state is not None or (not waits and self._errands.current is None))

    def output(self, now: float) -> bytes:
        """Octets to write to the port now."""
        self._wake(now)
        if self._errands.current is None and self.engine.idle():
            errand = self._errands.current = self._next(now)
            if errand is not None:
                self.engine.send(errand.command, errand.timeout)
        return self.engine.output(now)

    def feed(self, data: bytes, now: float) -> bool:
        """Octets from the port; True when the snapshot may have changed."""
        return self._take(self.engine.feed(data, now), now)

    def tick(self, now: float) -> bool:
        """Time went by; True when the snapshot may have changed."""
        changed = self._take(self.engine.tick(now), now)
        rung = self._watchdog.tick(now)
        if rung is not None:
            self._climb(rung, now)
        return changed or rung is not None

    def next_wake(self) -> "float | None":
        """When `tick` or `output` has something to do."""
        moments = [self.engine.next_wake(), self._watchdog.next_wake()]
        if self._errands.current is None and self.engine.idle() and not self._stopping:
            moments += [self._retry_at, self._pace.next_wake()]
            if self._session is not None and self._known:
                moments.append(self._session.next_wake())
        found = [moment for moment in moments if moment is not None]
        return min(found) if found else None

    def restart(self, now: float) -> None:
        """The port was opened anew: the modem may have started anew, or be another one."""
        self.engine.reset()
        # Answers to another program, or to us before, may still be on their way.
        self.engine.resync(now)
        self._begin(now)

    def _begin(self, now: float) -> None:
        """Nothing is known of the modem."""
        self._family = families.load("generic")
        self._known = False
        self._knowledge = Knowledge()
        self._facts = {}
        self._refusals = Refusals()
        if self._belief is not None:
            self._belief.forget()
        self._pace = Pace()
        self._errands.clear()
        self._errands.current = None
        self._missed = 0
        self._retry = _RETRY_FIRST
        self._retry_at = None
        self._state = OPENING
        self._stopping = False
        if self._session is not None:
            self._session.begin(now)
        for command, timeout in _OPENING:
            self._errands.add(SETUP, command, timeout)
        self._errands.ask(self._family.identity[:4])

    def _begin_again(self, now: float) -> None:
        """After silence: with the patience it has cost so far."""
        retry, state = self._retry, self._state
        self._begin(now)
        self._retry, self._state = retry, state

    def _wake(self, now: float) -> None:
        """Begin the round that is due."""
        if self._retry_at is not None and now >= self._retry_at and self.engine.idle():
            self._retry_at = None
            if not self._known:
                self._begin_again(now)
        if self._errands.waiting() or not self._known or self._stopping:
            return
        due = self._pace.due(now)
        if due is None:
            return
        self._pace.asked(due, now)
        queries = getattr(self._family, due)
        self._errands.ask(tuple(query for query in queries if self._refusals.may(query.command, now)))

    def _next(self, now: float) -> "Errand | None":
        somebodys = self._errands.next_for_somebody()
        if somebodys is not None:
            return somebodys
        if self._session is not None and self._known and (self._stopping or not self._locked()):
            found = self._session.next_command(self._family, now)
            if found is not None:
                return Errand(SESSION_COMMAND, found[0], found[1])
        return self._errands.next_own()

    def _locked(self) -> bool:
        """A SIM that is not ready comes first."""
        return self._errands.has(PIN, SETUP, REPAIR)

    def _take(self, events: "list[Event]", now: float) -> bool:
        for event in events:
            if isinstance(event, Response):
                self._missed = 0
                self._retry = _RETRY_FIRST
                self._watchdog.answered(now)
                self._answer(event.ok, event.lines, event.result, now)
            elif isinstance(event, Unsolicited):
                self._unsolicited(event.line, now)
            elif isinstance(event, Prompt):
                # Nothing that we send, and nobody who asks through us, has data for it.
                self.engine.abort_prompt()
            elif isinstance(event, TimedOut):
                self._silence(now)
        if events:
            self._learnt(now)
        return bool(events)

    def _answer(self, ok: bool, lines: "list[str]", result: str, now: float) -> None:
        item, self._errands.current = self._errands.current, None
        if item is None:
            return
        self._state = None
        if self.engine.data_mode:
            # Somebody has dialled: this port is for commands.
            self.engine.leave_data_mode()
            self.engine.resync(now)
        if item.kind == USER:
            self._errands.answered(item, ok, result, lines)
        elif item.kind == SESSION_COMMAND and self._session is not None:
            self._session.answered(ok, lines, result, now)
        elif item.kind == PIN:
            self._pin_answered(ok, now)
        elif item.query is not None:
            self._refusals.answered(item.command, ok, now)
            self._told(item, ok, lines, result)
        if not self._errands.waiting():
            self._go_on(now)

    def _told(self, item: Errand, ok: bool, lines: "list[str]", result: str) -> None:
        query = item.query
        if query is None:
            return
        if ok:
            facts = query.parser(lines)
        else:
            facts = network.sim_error(result) if query.command == "+CPIN?" and "CME" in result else {}
        if self._belief is None or self._belief.weigh(query.command, lines if ok else [result], facts):
            self._knowledge.answer(query.command, facts)
        elif item.asked < _ASKED_AGAIN:
            self._errands.again(item)

    def _unsolicited(self, line: str, now: float) -> None:
        if is_boot(line):
            self._begin(now)
            return
        facts = self._family.facts_of(line)
        if facts:
            self._knowledge.unasked(line, facts)
            if "registration" in facts or "sim" in facts:
                self._pace.soon(STATE, now)
                self._refusals.forget()
        if self._session is not None:
            self._session.unsolicited(line, now)

    def _silence(self, now: float) -> None:
        """A command, or the `AT` that should follow it, got no answer."""
        item, self._errands.current = self._errands.current, None
        self._missed += 1
        if item is not None:
            if item.kind == USER:
                self._errands.answered(item, False, "", [])
            elif item.kind == SESSION_COMMAND and self._session is not None:
                self._session.answered(False, [], "", now)
            elif item.query is not None:
                self._knowledge.answer(item.command, {})
                self._refusals.answered(item.command, False, now)
        if self._missed < _SILENT_AFTER:
            return
        self._watchdog.fault(SILENT, now)
        self._state = NO_ANSWER
        self._known = False
        self._errands.keep(REPAIR)
        self._pace.stop()
        self._knowledge = Knowledge()
        self._errands.dismiss()
        # The engine would ask without end: let it be, and begin anew in a while.
        self.engine.reset()
        if not self._errands.waiting():
            self._retry_at = now + self._retry
            self._retry = min(_RETRY_MAX, self._retry * 2)

    def _go_on(self, now: float) -> None:
        """The queue is empty: after the identification comes the family's set-up, then the rounds."""
        if self._known or self._stopping:
            return
        facts = self._knowledge.facts()
        manufacturer, model = facts.get("manufacturer"), facts.get("model")
        self._family = families.by_identity(
            manufacturer if isinstance(manufacturer, str) else None, model if isinstance(model, str) else None
        )
        self._known = True
        family = self._family
        asked = [command for command, _ in _OPENING]
        for command, timeout in family.setup + family.urc_setup:
            if command not in asked:
                self._errands.add(SETUP, command, timeout)
        self._knowledge.order(
            [query.command for query in family.identity + family.state + family.slow + family.signal]
        )
        self._errands.ask(tuple(query for query in family.identity if query.command not in _IDENTIFIED))
        self._pace.begin(now)

    def _learnt(self, now: float) -> None:
        """Draw the conclusions from what is known now."""
        before = self._facts.get("sim")
        self._facts = facts = self._knowledge.facts()
        sim = facts.get("sim")
        if sim == "READY" and self._pin.accepted():
            self._remember(now)
        if sim != before:
            self._refusals.forget()
        if self._known and not self._errands.waiting() and self._errands.current is None:
            command = self._pin.command(facts)
            if command is not None:
                self._remember(now)
                self._errands.add_first(Errand(PIN, command, 10.0))
        settled = facts.get("registration") == "registered" and address_of(facts, None) is not None
        self._pace.found(facts, bool(settled and facts.get("operator")), now)
        if self._session is not None:
            self._session.network(facts, now)
            if self._session.faulty() and facts.get("registration") == "registered":
                self._watchdog.fault(SESSION, now)
            elif self._session.state == UP:
                self._watchdog.session_up(now)

    def _pin_answered(self, ok: bool, now: float) -> None:
        if not ok:
            self._pin.refused()
        elif self._pin.accepted():
            self._remember(now)
        self._refusals.forget()
        self._pace.soon(STATE, now)

    def _remember(self, now: float) -> None:
        self._effects.append(("remember", self.memory(now)))

    def _climb(self, rung: str, now: float) -> None:
        if rung != ASK:
            self._remember(now)
            self._repair(rung, now)
        elif self._state == NO_ANSWER and self._retry_at is not None:
            self._retry_at = now

    def _repair(self, how: str, now: float) -> None:
        if how == REOPEN:
            self._effects.append(("reopen",))
        elif how == USB:
            self._effects.append(("usb_reset",))
        else:
            commands = self._family.restart_radio if how == RADIO else self._family.reset
            silent = self._state == NO_ANSWER
            self._errands.clear()
            for command, timeout in commands:
                self._errands.add(REPAIR, command, _BLIND if silent else timeout)
            self._retry_at = None
            if silent:
                # It may hear what it cannot answer.
                self.engine.reset()
                self._errands.current = None
            if how == RESET and self._session is not None:
                self._session.begin(now)


_IDENTIFIED = ("+CGMI", "+CGMM", "+CGMR", "+CGSN")
