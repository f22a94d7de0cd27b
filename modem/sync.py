"""Finding a modem's step again: which of its results belong to what, after one did not come in time.

The line is out of step then: the modem is asked `AT+CMEE?` until that is answered, and all that comes before, a late
answer included, belongs to nobody.  A final result without the line of the probe before it is therefore not the
probe's.  Runs unchanged on CPython and MicroPython.
"""

from modem.results import final_result, name_of

SYNC_TIMEOUT = 0.7
"""Less than the time-out of a common command, so that a lost probe and one more, answered in digits, fit into it."""

# What it answers with names itself, so that its OK is told from a late one of a command given up.
PROBE_NAME = "+CMEE"
_PROBE = b"+CMEE?"
# A command without its number has 0 (V.250 5.3.1): of Q0 one spoilt bit makes Q1, and a modem that is quiet for good.
_WAKE = b"E0V1Q"
_PROBES, _WAKES = 2, 3
"""So many of each in a row, by turns, while nothing answers."""
_ESCAPE = b"\x1b"

FOUND, AGAIN = "found", "again"


class Sync:
    """Commands sent and results seen since the step was lost."""

    def __init__(self) -> None:
        self.active = False
        self.stale = 0
        """Probes whose answers may still come."""
        # The probes among what was sent, and what the running probe and the one before it got.
        self._sent = self._finals = self._probes = self._answered = 0
        self._answered_before = False
        self._seen_probe = False
        # Of the row that was sent last: one of the two is 0.
        self._asked = self._wakes = 0

    def begin(self, sent: int) -> None:
        """The step is lost, `sent` commands being unanswered."""
        self.active = True
        self._sent = sent
        self._finals = self._probes = self._answered = self._asked = self._wakes = 0
        self._seen_probe = False

    def probe(self, prompted: bool) -> bytes:
        """What to send now: after two probes in vain what wakes a modem that is quiet, speaks digits, or sits at a prompt.

        So does a probe whose line came and no result.  A wake that is not answered may have been spoilt into one that
        makes it quiet, so it is sent again.
        """
        # A result behind an answered wake may be the wake's own, after a late one that was taken for it.
        self._answered_before = self._answered > 0 and not self._wakes
        if self._wakes:
            self._wakes = self._wakes + 1 if self._wakes < _WAKES and not self._answered else 0
        else:
            self._wakes = int(self._seen_probe or self._asked >= _PROBES)
        self._asked = 0 if self._wakes else self._asked + 1
        self._seen_probe = False
        self._answered = 0
        escape = _ESCAPE if prompted or self._wakes else b""
        self._probes += 1
        self._sent += 1
        return escape + b"\rAT" + (_WAKE if self._wakes else _PROBE) + b"\r"

    def line(self, line: str) -> "str | None":
        """FOUND when the line is in step, AGAIN when `probe` is due at once, else None.

        In step is it when the probe is answered by its name; with a modem that does not know the probe, when there are
        as many results as commands, or after a second's silence once more one.
        """
        if name_of(line) == PROBE_NAME:
            self._seen_probe = True
            return None
        if final_result(line, "") is None:
            return None
        self._finals += 1
        self._answered += 1
        if self._seen_probe or self._finals >= self._sent or self._answered_before:
            self.active = False
            self.stale = self._probes - 1 if self._seen_probe else 0
            return FOUND
        # Awake: now the question that tells its answer from others.
        return AGAIN if self._wakes else None
