"""How often a modem is asked: quickly while something happens, slowly while it stands in a garage.

Pure.  Runs unchanged on CPython and MicroPython.
"""

SIGNAL, STATE, SLOW = "signal", "state", "slow"

# Seconds between rounds: (fast, normal, parked).
_PERIODS = {SIGNAL: (1.0, 5.0, 30.0), STATE: (5.0, 10.0, 60.0), SLOW: (60.0, 60.0, 300.0)}
_UNSETTLED, _UNSETTLED_FOR = 1.0, 60.0
_FAST_FOR = 20.0
_PARKED_AFTER = 300.0
# Name: change that counts as one, dB.
_CHANGES = {"rssi": 4.0, "rsrp": 4.0, "sinr": 5.0, "rscp": 4.0}
_CELL = ("cell_id", "pci", "band", "technology", "registration")


class Pace:
    """Says which round is due; told of what was found."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._fast_until = 0.0
        self._moved = 0.0
        self._settled = False
        self._unsettled_since = 0.0
        self._last: dict[str, object] = {}

    def begin(self, now: float) -> None:
        """All rounds are due: the modem has just been set up."""
        self._due = {STATE: now, SIGNAL: now, SLOW: now}
        self._moved = self._unsettled_since = now
        self._settled = False

    def stop(self) -> None:
        self._due = {}

    def hurry(self, now: float) -> None:
        """Somebody looks, or flows suffer: ask quickly for a while."""
        self._fast_until = max(self._fast_until, now + _FAST_FOR)
        self._moved = now
        for name in (SIGNAL, STATE):
            self._sooner(name, now + _PERIODS[name][0])

    def soon(self, name: str, now: float) -> None:
        """Something has changed that this round tells."""
        self._sooner(name, now)

    def due(self, now: float) -> "str | None":
        """The round to ask now, or None."""
        for name in (STATE, SIGNAL, SLOW):
            if name in self._due and now >= self._due[name]:
                return name
        return None

    def asked(self, name: str, now: float) -> None:
        """A round has begun; the next one follows in its time."""
        if name in self._due:
            self._due[name] = now + self._period(name, now)

    def next_wake(self) -> "float | None":
        return min(self._due.values()) if self._due else None

    def found(self, facts: "dict[str, object]", settled: bool, now: float) -> None:
        """What is known now; `settled` where nothing is missing that will come soon."""
        if settled != self._settled:
            self._settled = settled
            self._unsettled_since = now
            if not settled:
                self._sooner(STATE, now + _UNSETTLED)
        if self._changed(facts):
            self._moved = now
            self._fast_until = max(self._fast_until, now + _FAST_FOR)
            self._sooner(SIGNAL, now + _PERIODS[SIGNAL][0])
            self._last = {name: facts.get(name) for name in tuple(_CHANGES) + _CELL}

    def _changed(self, facts: "dict[str, object]") -> bool:
        for name, least in _CHANGES.items():
            value, before = facts.get(name), self._last.get(name)
            if isinstance(value, (int, float)) and isinstance(before, (int, float)):
                if abs(value - before) >= least:
                    return True
            elif (value is None) != (before is None):
                return True
        return any(facts.get(name) != self._last.get(name) for name in _CELL)

    def _period(self, name: str, now: float) -> float:
        fast, normal, parked = _PERIODS[name]
        if name == STATE and not self._settled and now - self._unsettled_since < _UNSETTLED_FOR:
            return _UNSETTLED
        if now < self._fast_until:
            return fast
        return parked if now - self._moved >= _PARKED_AFTER else normal

    def _sooner(self, name: str, when: float) -> None:
        if name in self._due and when < self._due[name]:
            self._due[name] = when
