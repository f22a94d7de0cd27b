"""The dialogue with one modem: which commands, in which order, and what they told.

Sans I/O: octets and seconds in, octets and a snapshot out.  Runs unchanged
on CPython and MicroPython.
"""

from modem import replies, signal
from modem.at import Engine, Response, TimedOut, Unsolicited

OPENING = "opening"
NO_ANSWER = "no answer"

_GIVE_UP_AFTER = 3
_RETRY_FIRST, _RETRY_MAX = 2.0, 30.0
_POLL = 5.0
_POLL_SOON = 1.0

# (command, seconds to wait).  Echo off, words, numeric +CME errors, and
# registration changes reported with cell and technology.
_SETUP = (
    ("", 1.0),
    ("E0", 1.0),
    ("V1", 1.0),
    ("+CMEE=1", 1.0),
    ("+CREG=2", 1.0),
    ("+CEREG=2", 1.0),
    ("+CGMI", 1.0),
    ("+CGMM", 1.0),
    ("+CGMR", 1.0),
    ("+CGSN", 1.0),
)
_ROUND = (
    ("+CPIN?", 5.0),
    ("+CREG?", 2.0),
    ("+CEREG?", 2.0),
    ("+COPS?", 10.0),
    ("+CSQ", 2.0),
    ("+CESQ", 2.0),
    ("+CGPADDR=1", 2.0),
)
_REGISTRATIONS = ("+CREG", "+CEREG")
_CME_NO_SIM = ("10", "13", "15")


class Modem:
    """Asks a modem who it is, then polls how it is."""

    def __init__(self) -> None:
        self.engine = Engine()
        self._facts: dict[str, object] = {}
        self._registration: dict[str, tuple[str, bool, str | None]] = {}
        self._known = False
        self._missed = 0
        self._retry = _RETRY_FIRST
        self._next_round: float | None = None
        self._state: str | None = OPENING
        self._begin()

    def snapshot(self) -> dict[str, object]:
        """What is known now, keyed as `router.uplink.model.ModemInfo`; unknown values are None."""
        best = self._best_registration()
        facts = self._facts
        return {
            "state": self._describe(best),
            "manufacturer": facts.get("manufacturer"),
            "model": facts.get("model"),
            "revision": facts.get("revision"),
            "imei": facts.get("imei"),
            "sim": facts.get("sim"),
            "operator": facts.get("operator"),
            "technology": (best[2] if best else None) or facts.get("technology"),
            "roaming": best[1] if best and best[0] == "registered" else None,
            "rssi": facts.get("rssi"),
            "rsrp": facts.get("rsrp"),
            "rsrq": facts.get("rsrq"),
            "sinr": None,
            "address": facts.get("address"),
        }

    def output(self, now: float) -> bytes:
        """Octets to write to the port now."""
        if self._next_round is not None and now >= self._next_round and self.engine.idle():
            self._next_round = None
            self._ask(_ROUND if self._known else _SETUP)
        return self.engine.output(now)

    def feed(self, data: bytes, now: float) -> bool:
        """Octets from the port; True when the snapshot may have changed."""
        return self._take(self.engine.feed(data, now), now)

    def tick(self, now: float) -> bool:
        """Time went by; True when the snapshot may have changed."""
        return self._take(self.engine.tick(now), now)

    def next_wake(self) -> float | None:
        """When `tick` or `output` has something to do."""
        moments = [m for m in (self.engine.next_wake(), self._next_round) if m is not None]
        return min(moments) if moments else None

    def restart(self) -> None:
        """The port was opened anew: the modem may be another one."""
        self.engine.reset()
        self._facts = {}
        self._registration = {}
        self._known = False
        self._missed = 0
        self._next_round = None
        self._state = OPENING
        self._begin()

    def _begin(self) -> None:
        self._ask(_SETUP)

    def _ask(self, commands: tuple[tuple[str, float], ...]) -> None:
        for command, timeout in commands:
            self.engine.send(command, timeout)

    def _take(self, events: "list[Response | Unsolicited] | list[TimedOut]", now: float) -> bool:
        for event in events:
            if isinstance(event, Response):
                self._missed = 0
                self._retry = _RETRY_FIRST
                self._answer(event)
            elif isinstance(event, Unsolicited):
                self._unsolicited(event.line)
            elif isinstance(event, TimedOut):
                self._silence(now)
        if self._next_round is None and self.engine.idle():
            # The set-up is done: who it is, is known; from now on, how it is.
            self._next_round = now if not self._known else now + self._pause()
            self._known = True
        return bool(events)

    def _pause(self) -> float:
        """Seconds to the next round: short while something a registered modem knows is missing."""
        settled = self._facts.get("address") and self._facts.get("operator")
        return _POLL if settled else _POLL_SOON

    def _silence(self, now: float) -> None:
        self._missed += 1
        if self._missed >= _GIVE_UP_AFTER:
            self._state = NO_ANSWER
            self.engine.reset()
            self._known = False
            self._next_round = now + self._retry
            self._retry = min(_RETRY_MAX, self._retry * 2)

    def _answer(self, event: Response) -> None:
        self._state = None
        command, lines, facts = event.command, event.lines, self._facts
        if command == "+CPIN?":
            facts["sim"] = replies.sim_state(lines) if event.ok else _sim_error(event.result)
        elif not event.ok:
            if command == "+CGPADDR=1":
                facts["address"] = None
        elif command == "+CGMI":
            facts["manufacturer"] = replies.plain(lines)
        elif command == "+CGMM":
            facts["model"] = replies.plain(lines)
        elif command == "+CGMR":
            facts["revision"] = replies.plain(lines)
        elif command == "+CGSN":
            facts["imei"] = replies.imei(lines)
        elif command == "+CSQ":
            facts["rssi"] = signal.csq(lines)
        elif command == "+CESQ":
            facts["rsrp"], facts["rsrq"] = signal.cesq(lines)
        elif command == "+CGPADDR=1":
            facts["address"] = replies.address(lines)
        elif command == "+COPS?":
            chosen = replies.operator(lines)
            facts["operator"], facts["technology"] = chosen if chosen else (None, None)
        elif command[:-1] in _REGISTRATIONS:
            found = replies.registration(lines, command[:-1])
            if found is not None:
                self._registration[command[:-1]] = found

    def _unsolicited(self, line: str) -> None:
        for name in _REGISTRATIONS:
            found = replies.registration_urc(line, name)
            if found is not None:
                self._registration[name] = found

    def _best_registration(self) -> tuple[str, bool, str | None] | None:
        """Packet service counts first: an LTE modem may be 'not registered' for calls only."""
        found = [self._registration[name] for name in ("+CEREG", "+CREG") if name in self._registration]
        for wanted in ("registered", "searching", "denied"):
            for item in found:
                if item[0] == wanted:
                    return item
        return found[0] if found else None

    def _describe(self, best: tuple[str, bool, str | None] | None) -> str:
        if self._state is not None:
            return self._state
        sim = self._facts.get("sim")
        if "sim" in self._facts and sim != "READY":
            return "sim: %s" % str(sim or "unknown").lower()
        if best is None:
            return OPENING
        return best[0]


def _sim_error(result: str) -> str:
    code = result.split(":")[-1].strip()
    return "absent" if code in _CME_NO_SIM else "error %s" % code
