"""The PIN of a SIM: tried once, remembered when it was wrong (3GPP TS 27.007 8.3, TS 22.030).

A SIM locks itself after three wrong PINs.  A PIN is marked as tried before it is sent, and the mark is taken
away only by success: no crash, time-out or restart makes a wrong one go out a second time.  Runs unchanged
on CPython and MicroPython.
"""

TRIES_NEEDED = 3
_MOST = 32


class PinKeeper:
    """Decides whether the configured PIN may be tried on the SIM at hand."""

    def __init__(self, pin: "str | None", memory: object = None) -> None:
        """`memory`: {SIM: [PINs tried and not known to be good]}, as `memory()` gave it."""
        self._pin = pin if pin is not None and 4 <= len(pin) <= 8 and _digits(pin) else None
        self._tried = _recalled(memory)
        self._open: tuple[str, str] | None = None
        """(SIM, PIN) sent, and its answer not known yet."""
        self.said: str | None = None
        """Why the PIN is not tried; None where nothing keeps it from it."""

    def memory(self) -> "dict[str, list[str]]":
        return {sim: list(pins) for sim, pins in self._tried.items()}

    def command(self, facts: "dict[str, object]") -> "str | None":
        """The command that enters the PIN, once; None where it must not be sent."""
        if facts.get("sim") != "SIM PIN":
            return None
        pin, sim, left = self._pin, _name(facts), facts.get("pin_tries")
        if pin is None:
            self.said = "option pin is missing"
        elif self._was_tried(pin, facts):
            self.said = "PIN was refused before: not tried again"
        elif isinstance(left, int) and left < TRIES_NEEDED:
            self.said = "%d tries left: enter the PIN by hand" % left
        else:
            self.said = None
            self._mark(sim, pin)
            self._open = (sim, pin)
            return '+CPIN="%s"' % pin
        return None

    def refused(self) -> None:
        """The SIM said no to the PIN: the mark stays."""
        self._open = None

    def accepted(self) -> bool:
        """The SIM took the PIN, or is ready after one that got no answer; True where a mark went away."""
        self.said = None
        if self._open is None:
            return False
        sim, pin = self._open
        self._open = None
        self._tried[sim] = [other for other in self._tried[sim] if other != pin]
        if not self._tried[sim]:
            del self._tried[sim]
        return True

    def _was_tried(self, pin: str, facts: "dict[str, object]") -> bool:
        """On this SIM, or on one of which it is not known whether it is this one."""
        marked = [sim for sim, pins in self._tried.items() if pin in pins]
        if facts.get("iccid") is None:
            return bool(marked)
        return _name(facts) in marked or _seat(facts) in marked

    def _mark(self, sim: str, pin: str) -> None:
        while len(self._tried) >= _MOST and sim not in self._tried:
            self._tried.pop(next(iter(self._tried)))
        self._tried[sim] = (self._tried.get(sim, []) + [pin])[-_MOST:]


def _name(facts: "dict[str, object]") -> str:
    """The SIM by its ICCID; where that cannot be read while locked, by the modem it sits in."""
    return str(facts.get("iccid") or _seat(facts))


def _seat(facts: "dict[str, object]") -> str:
    return "in %s" % facts.get("imei")


def _digits(text: str) -> bool:
    return all(sign in "0123456789" for sign in text)


def _recalled(memory: object) -> "dict[str, list[str]]":
    found: dict[str, list[str]] = {}
    if isinstance(memory, dict):
        for sim, pins in memory.items():
            if isinstance(sim, str) and isinstance(pins, list):
                found[sim] = [pin for pin in pins if isinstance(pin, str)]
    return found
