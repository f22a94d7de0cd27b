"""What the network makes of the modem: searching, registered, denied, and the way between them (TS 27.007 7.2)."""

from __future__ import annotations

__all__ = ["OUTCOMES", "Network"]

IDLE, HOME, SEARCHING, DENIED, UNKNOWN, ROAMING = range(6)
OUTCOMES = {"home": HOME, "roaming": ROAMING, "denied": DENIED, "searching": SEARCHING, "none": SEARCHING}

# <AcT>, and which registrations a network of that kind knows.
_TECHNOLOGIES = {
    "GSM": (0, ("+CREG", "+CGREG")),
    "UTRAN": (2, ("+CREG", "+CGREG")),
    "E-UTRAN": (7, ("+CREG", "+CGREG", "+CEREG")),
    "EN-DC": (13, ("+CREG", "+CGREG", "+CEREG")),
    "NR": (11, ("+C5GREG",)),
}


class Network:
    """Registration by time.  `outcome` is one of OUTCOMES: what a search comes to after `search` seconds."""

    def __init__(self, *, outcome: str = "home", search: float = 0.8, technology: str = "E-UTRAN") -> None:
        self.outcome, self.search, self.technology = outcome, search, technology
        self.stat = IDLE
        self.due: float | None = None
        """When the search ends."""

    def start(self, now: float) -> None:
        """The radio is on, the card is ready: look for a network."""
        if self.stat not in (HOME, ROAMING) or self.stat != OUTCOMES[self.outcome]:
            self.stat = SEARCHING
            self.due = None if OUTCOMES[self.outcome] == SEARCHING else now + self.search

    def stop(self) -> None:
        self.stat, self.due = IDLE, None

    def tick(self, now: float) -> bool:
        """True when the search has come to its end."""
        if self.due is None or now < self.due:
            return False
        self.stat, self.due = OUTCOMES[self.outcome], None
        return True

    @property
    def registered(self) -> bool:
        return self.stat in (HOME, ROAMING)

    @property
    def act(self) -> int:
        """<AcT> of TS 27.007 section 7.3."""
        return _TECHNOLOGIES[self.technology][0]

    def knows(self, name: str) -> bool:
        """Whether the registration that `name` (`+CEREG`) reports exists in this network."""
        return name in _TECHNOLOGIES[self.technology][1]

    def stat_of(self, name: str) -> int:
        """<stat> for `+CREG`, `+CGREG`, `+CEREG` or `+C5GREG`."""
        return self.stat if self.knows(name) or not self.registered else IDLE
