"""The ladder that brings a failed modem back: pure, one per modem.

Faults of the modem climb it rung by rung, each rung given its time to help.  What is not the modem's
fault (a SIM that is refused, a network that is not there) is never reported here, so a mast outage resets
nothing.  Rungs that hurt are limited per hour and per day; when the limits leave nothing to do, the watchdog
gives up with a reason, and only asks from time to time.  The limits outlive the process: `memory` gives what to
keep, in ages, since clocks of a router jump.  Runs unchanged on CPython and MicroPython.
"""

ASK, REOPEN, RADIO, RESET, USB = "ask", "reopen", "radio", "reset", "usb_reset"
RUNGS = (ASK, REOPEN, RADIO, RESET, USB)

SILENT, SESSION = "no answer", "data session fails"

# Fault: rungs that may help against it, and the seconds each is given before the next one is tried.  A modem that
# answers nothing hardly takes a command either: these rungs are short there, but a boot takes its half minute.
_LADDERS = {
    SILENT: {ASK: 8.0, REOPEN: 10.0, RADIO: 10.0, RESET: 45.0, USB: 90.0},
    SESSION: {RADIO: 120.0, RESET: 180.0},
}
# Rung: (at most in an hour, at most in a day).
LIMITS = {RADIO: (2, 8), RESET: (2, 6), USB: (1, 4)}

_HOUR, _DAY = 3600.0, 86400.0
_WELL_AFTER = 60.0
_ASK_AGAIN, _CLIMB_AGAIN = 60.0, 3600.0
_MAX_MEMORY = 64


class Watchdog:
    """Told of faults and of answers; says what to do next."""

    def __init__(self, memory: "list[list[object]] | None" = None, now: float = 0.0) -> None:
        """`memory`: [rung, seconds ago] pairs, as `memory()` gave them; anything else in it is left out."""
        self._done = _recalled(memory, now)
        self._fault: str | None = None
        self._rung = -1
        self._due: float | None = None
        self._well_since: float | None = None
        self.said: str | None = None
        """For people: what was done last, or why nothing is; None while all is well."""

    def memory(self, now: float) -> "list[list[object]]":
        """[rung, seconds ago] of the limited rungs taken in the last day."""
        return [[rung, now - when] for rung, when in self._done if now - when < _DAY]

    def fault(self, kind: str, now: float) -> None:
        """The modem fails: SILENT or SESSION.  Reported again and again while it does."""
        self._well_since = None
        if self._fault is None:
            self._due = now
        self._fault = kind

    def answered(self, now: float) -> None:
        """A clean answer.  The ladder is forgotten after a minute without a fault."""
        if self._fault == SILENT:
            self._fault = None
            self._due = None
        self._well(now)

    def session_up(self, now: float) -> None:
        """The data session stands."""
        if self._fault == SESSION:
            self._fault = None
            self._due = None
        self._well(now)

    def next_wake(self) -> "float | None":
        return self._due

    def tick(self, now: float) -> "str | None":
        """The rung to take now, or None."""
        if self._fault is None or self._due is None or now < self._due:
            return None
        ladder = _LADDERS[self._fault]
        while self._rung + 1 < len(RUNGS):
            self._rung += 1
            rung = RUNGS[self._rung]
            if rung in ladder and self._allowed(rung, now):
                return self._take(rung, ladder[rung], now)
        return self._give_up(ladder, now)

    def _take(self, rung: str, patience: float, now: float) -> str:
        if rung in LIMITS:
            self._done = [item for item in self._done if now - item[1] < _DAY][-_MAX_MEMORY:]
            self._done.append((rung, now))
        self._due = now + patience
        self.said = "%s: %s" % (self._fault, rung.replace("_", " "))
        return rung

    def _give_up(self, ladder: "dict[str, float]", now: float) -> "str | None":
        """Asks from time to time; climbs again when the limits allow a rung once more."""
        spent = [rung for rung in ladder if rung in LIMITS and not self._allowed(rung, now)]
        why = "limit of %s reached" % ", ".join(spent).replace("_", " ") if spent else "nothing helped"
        self.said = "%s: given up, %s" % (self._fault, why)
        self._due = now + _ASK_AGAIN
        hurt = [when for rung, when in self._done if rung in ladder]
        if len(spent) < len([rung for rung in ladder if rung in LIMITS]) and (
            not hurt or now - max(hurt) >= _CLIMB_AGAIN
        ):
            self._rung = -1
        return ASK if ASK in ladder else None

    def _allowed(self, rung: str, now: float) -> bool:
        if rung not in LIMITS:
            return True
        hourly, daily = LIMITS[rung]
        ages = [now - when for name, when in self._done if name == rung]
        in_hour = len([age for age in ages if age < _HOUR])
        return in_hour < hourly and len([age for age in ages if age < _DAY]) < daily

    def _well(self, now: float) -> None:
        if self._fault is not None:
            return
        if self._well_since is None:
            self._well_since = now
        if now - self._well_since >= _WELL_AFTER:
            self._rung = -1
            self.said = None


def _recalled(memory: object, now: float) -> "list[tuple[str, float]]":
    """What was kept may come from a file that anybody has written."""
    found: list[tuple[str, float]] = []
    for item in memory if isinstance(memory, (list, tuple)) else ():
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            continue
        rung, age = item
        if isinstance(rung, str) and rung in LIMITS and isinstance(age, (int, float)) and age < _DAY:
            # An age below nothing is a clock that jumped: as if it were now.
            found.append((rung, now - max(0.0, float(age))))
    return found[-_MAX_MEMORY:]
