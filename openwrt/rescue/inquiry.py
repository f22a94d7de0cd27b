"""A modem asked once, all that its family has questions for.  Pure.

It sets nothing but how answers are written (no echo, words, numbers of errors), enters no PIN and activates nothing:
`modem.dialogue` is for who wants to keep a modem working.  Its methods are those that `modem.ports.micropython.Port`
calls.
"""

from modem import families, network
from modem.at import Engine, Prompt, Response, TimedOut, Unsolicited
from modem.families import Query
from modem.knowledge import Knowledge
from modem.outcome import address_of, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

LONGEST = 25.0
"""Seconds for all questions."""
_SILENT_AFTER = 2
_LOOKS, _BETWEEN = 4, 0.7
"""So often, and so many seconds apart, a modem that searches for a network is asked whether it has found one."""
_OPENING = (("E0", 1.0), ("V1", 1.0), ("+CMEE=1", 1.0))
NO_ANSWER, TOO_SLOW, HUNG_UP = "no answer", "not all was answered in time", "the port has gone"


def _nothing(lines: "list[str]") -> "dict[str, object]":
    return {}


class Inquiry:
    """`done` when all was asked, or nothing answers any more; `why` says what went wrong then."""

    def __init__(self) -> None:
        self.done = False
        self.why: str | None = None
        self._engine = Engine()
        self._knowledge = Knowledge()
        self._family = families.load("generic")
        self._asked: Query | None = None
        self._missed = 0
        self._deadline: float | None = None
        self._left = [Query(command, timeout, _nothing) for command, timeout in _OPENING]
        self._left += self._family.identity[:4]
        self._identified = False
        self._looks = 1
        self._pause_until: float | None = None

    def restart(self, now: float) -> None:
        """The port was opened: answers to others may still be on their way."""
        self._engine.resync(now)
        self._deadline = now + LONGEST

    def output(self, now: float) -> bytes:
        if self._asked is None and self._engine.idle() and not self.done:
            if not self._left:
                self._go_on(now)
            if self._left:
                self._asked = self._left.pop(0)
                self._engine.send(self._asked.command, self._asked.timeout)
            elif self._pause_until is None:
                self.done = True
        return self._engine.output(now)

    def feed(self, data: bytes, now: float) -> bool:
        return self._take(self._engine.feed(data, now))

    def tick(self, now: float) -> bool:
        if self._deadline is not None and now >= self._deadline and not self.done:
            self._end(TOO_SLOW)
        return self._take(self._engine.tick(now))

    def next_wake(self) -> "float | None":
        return self._pause_until if self._pause_until is not None else self._engine.next_wake()

    def hung_up(self) -> None:
        """The port has gone."""
        self._end(HUNG_UP)

    def facts(self) -> "dict[str, object]":
        """As `modem.facts` names them, and state, family, address and apn for people."""
        facts = dict(self._knowledge.facts())
        facts["state"] = self.why if self.why == NO_ANSWER else describe(facts)
        facts["family"] = self._family.name if self._identified else None
        facts["address"] = address_of(facts, None)
        facts["apn"] = _apn_of(facts)
        return facts

    def _go_on(self, now: float) -> None:
        """Find more to ask."""
        if not self._identified:
            self._identify()
        elif self._pause_until is not None and now >= self._pause_until:
            self._pause_until = None
            self._looks += 1
            self._left = list(self._family.state)
        elif self._pause_until is None and self._looks < _LOOKS and self._searches():
            self._pause_until = now + _BETWEEN

    def _searches(self) -> bool:
        facts = self._knowledge.facts()
        return facts.get("sim") == "READY" and facts.get("registration") in ("searching", "idle", None)

    def _identify(self) -> None:
        facts = self._knowledge.facts()
        maker, model = facts.get("manufacturer"), facts.get("model")
        family = self._family = families.by_identity(
            maker if isinstance(maker, str) else None, model if isinstance(model, str) else None
        )
        self._identified = True
        # The order of trust, and the order of asking: what a technician needs first comes first.
        self._knowledge.order(
            [query.command for query in family.identity + family.state + family.slow + family.signal]
        )
        self._left = list(family.state + family.identity[4:] + family.signal + family.slow)

    def _take(self, events: "Sequence[object]") -> bool:
        for event in events:
            if isinstance(event, Response):
                self._missed = 0
                self._answered(event)
            elif isinstance(event, Unsolicited):
                facts = self._family.facts_of(event.line)
                if facts:
                    self._knowledge.unasked(event.line, facts)
            elif isinstance(event, Prompt):
                self._engine.abort_prompt()
            elif isinstance(event, TimedOut):
                self._asked = None
                self._missed += 1
                if self._missed > _SILENT_AFTER:
                    self._end(NO_ANSWER)
        return bool(events)

    def _answered(self, event: Response) -> None:
        query, self._asked = self._asked, None
        if query is None:
            return
        if event.ok:
            facts = query.parser(event.lines)
        else:
            facts = network.sim_error(event.result) if query.command == "+CPIN?" else {}
        self._knowledge.answer(query.command, facts)

    def _end(self, why: str) -> None:
        self.done, self.why, self._left, self._pause_until = True, why, [], None


def _apn_of(facts: "dict[str, Any]") -> "str | None":
    """Of the context that has an address, or else of the first that has a name."""
    contexts = sorted(facts.get("contexts") or [], key=lambda context: not context.get("address"))
    for context in contexts:
        if context.get("apn"):
            return str(context["apn"])
    return None
