"""The card in the modem: PIN and PUK, and how often either may be wrong (3GPP TS 31.101 section 9.5, TS 27.007 8.3)."""

from __future__ import annotations

from router.lab.modem.errors import Refused

__all__ = ["STATES", "Sim"]

_PIN_TRIES, _PUK_TRIES = 3, 10
STATES = ("ready", "absent", "failure", "busy")


class Sim:
    """`pin` None: none is asked for.  `tries` and `puk_tries` survive a power cycle, an entered PIN does not."""

    def __init__(
        self,
        *,
        iccid: str = "8988211000000000017",
        imsi: str = "001010123456789",
        pin: str | None = None,
        puk: str = "12345678",
    ) -> None:
        self.iccid, self.imsi = iccid, imsi
        self.tries, self.puk_tries = _PIN_TRIES, _PUK_TRIES
        self._pin, self._puk = pin, puk
        self._verified = False
        self.fault: str | None = None
        """One of `absent`, `failure`, `busy`: the card cannot be read."""

    def power_cycle(self) -> None:
        self._verified = False

    @property
    def state(self) -> str:
        """As +CPIN? has it.  Raises Refused when the card cannot be read."""
        if self.fault is not None:
            raise Refused({"absent": 10, "failure": 13, "busy": 14}[self.fault])
        if self.puk_tries == 0:
            raise Refused(13)
        if self.tries == 0:
            return "SIM PUK"
        return "READY" if self._pin is None or self._verified else "SIM PIN"

    @property
    def ready(self) -> bool:
        return self.fault is None and self.tries > 0 and (self._pin is None or self._verified)

    def require(self) -> None:
        """Raises Refused, with the reason, while the card is not ready."""
        state = self.state
        if state != "READY":
            raise Refused({"SIM PIN": 11, "SIM PUK": 12}[state])

    def enter(self, secret: str, new: str | None = None) -> None:
        """+CPIN=<pin>, or +CPIN=<puk>,<new pin>.  Raises Refused."""
        state = self.state
        if state == "READY":
            raise Refused(3)
        if state == "SIM PUK":
            self._unblock(secret, new)
        elif secret != self._pin:
            self.tries -= 1
            raise Refused(12 if self.tries == 0 else 16)
        else:
            self.tries, self._verified = _PIN_TRIES, True

    def _unblock(self, secret: str, new: str | None) -> None:
        if new is None:
            raise Refused(12)
        if secret != self._puk:
            self.puk_tries -= 1
            raise Refused(13 if self.puk_tries == 0 else 16)
        if not (new.isdecimal() and 4 <= len(new) <= 8):
            raise Refused(50)
        self._pin, self._verified = new, True
        self.tries, self.puk_tries = _PIN_TRIES, _PUK_TRIES
