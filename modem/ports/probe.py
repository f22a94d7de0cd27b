"""Which port of a modem takes AT commands, and whose modem it is: a gentle dialogue with each.  Pure.

A port of which nothing is known is listened to for a second first: a GNSS receiver speaks once a second, and is
never written to, nor is a port that speaks in frames.  Then `AT`, what the engine finds its step with where that is
not answered, and `+CGSN`.  Runs unchanged on CPython and MicroPython.
"""

from modem import replies
from modem.at import Engine, Response, TimedOut
from modem.ports.roles import AT, MODEM

__all__ = ("DeviceProbe", "Outcome", "PortProbe")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LISTEN = 1.1
"""Seconds; NMEA 0183 receivers speak once a second."""
AT_TIMEOUT = 0.8
IDENTITY_TIMEOUT = 1.0
MODEM_DELAY = 1.0
"""Seconds before the port that PPP may want is tried: by then the AT port has answered, if there is one."""
GRACE = 0.5
"""Seconds that a likelier port has, once another one has answered."""
OPENING = 6.0
"""Seconds to open a port: the kernel waits 5 for a control transfer."""
_ATTEMPTS = 2
_MAX_HEARD = 65536
_TAIL = 512
_PRINTABLE = frozenset(range(32, 127)) | {0x00, 0x09, 0x0A, 0x0D}
_TALKER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

SILENT, NMEA, FRAMES, NOISE = "does not answer", "speaks NMEA", "speaks in frames", "speaks without end"


class Outcome:
    """`port` took AT commands (None: no port did) and its modem has this IMEI, if it told one."""

    def __init__(
        self, port: "str | None", imei: "str | None" = None, reasons: "dict[str, str] | None" = None
    ) -> None:
        self.port = port
        self.imei = imei
        self.reasons = reasons or {}
        """Why the others were not taken, for people."""


class PortProbe:
    """The dialogue with one port; `done` when `answers` or `reason` is set."""

    def __init__(self, listen: bool, now: float) -> None:
        self._listen = LISTEN if listen else 0.0
        self._engine: Engine | None = None
        self._deadline: float = now + OPENING
        self._open = False
        self._heard = 0
        self._tail = b""
        self._missed = 0
        self._asked = False
        self.answers = False
        self.imei: str | None = None
        self.reason: str | None = None

    @property
    def done(self) -> bool:
        return self.answers or self.reason is not None

    def opened(self, now: float) -> None:
        self._open = True
        self._deadline = now + self._listen

    def failed(self, why: str) -> None:
        if not self.done:
            self.reason = why

    def output(self, now: float) -> bytes:
        return self._engine.output(now) if self._engine is not None and not self.done else b""

    def feed(self, data: bytes, now: float) -> None:
        if self.done:
            return
        self._heard += len(data)
        self._tail = (self._tail + data)[-_TAIL:]
        self.reason = NOISE if self._heard > _MAX_HEARD else _other_language(self._tail)
        if self._engine is not None and not self.done:
            self._take(self._engine.feed(data, now))

    def tick(self, now: float) -> None:
        if self.done:
            return
        if self._engine is not None:
            self._take(self._engine.tick(now))
        elif now >= self._deadline:
            if not self._open:
                self.reason = "does not open"
                return
            self._engine = Engine()
            self._engine.send("", AT_TIMEOUT)

    def next_wake(self) -> "float | None":
        if self.done:
            return None
        return self._engine.next_wake() if self._engine is not None else self._deadline

    def _take(self, events: "Sequence[object]") -> None:
        for event in events:
            if isinstance(event, TimedOut):
                self._missed += 1
            elif isinstance(event, Response) and self._asked:
                self.imei = replies.digits(event.lines, 15, 15) if event.ok else None
                self.answers = True
                return
        if self._asked:
            # It has answered before, so it is an AT port all the same.
            self.answers = self._missed > 0
        elif self._missed >= _ATTEMPTS:
            self.reason = SILENT
        elif self._engine is not None and self._engine.idle():
            # In step, whatever it took.
            self._asked = True
            self._missed = 0
            self._engine.send("+CGSN", IDENTITY_TIMEOUT)


class DeviceProbe:
    """All ports of one device side by side: `ports` are (name, role), the likeliest first."""

    def __init__(self, ports: "Sequence[tuple[str, str | None]]", now: float) -> None:
        self._order = [name for name, _ in ports]
        self._ports: dict[str, PortProbe] = {}
        self._roles = dict(ports)
        self._begin = {name: now + (MODEM_DELAY if role == MODEM else 0.0) for name, role in ports}
        if AT not in self._roles.values():
            self._begin = dict.fromkeys(self._begin, now)
        self._first_answer: float | None = None
        self.outcome: Outcome | None = None if ports else Outcome(None)

    def to_open(self, now: float) -> "list[str]":
        """Ports to be opened now; each is named once."""
        if self.outcome is not None:
            return []
        due = [name for name in self._order if name not in self._ports and now >= self._begin[name]]
        for name in due:
            self._ports[name] = PortProbe(self._roles[name] is None, now)
        return due

    def opened(self, name: str, now: float) -> None:
        self._ports[name].opened(now)

    def failed(self, name: str, why: str, now: float) -> None:
        self._ports[name].failed(why)
        self._judge(now)

    def feed(self, name: str, data: bytes, now: float) -> None:
        self._ports[name].feed(data, now)
        self._judge(now)

    def tick(self, now: float) -> None:
        for probe in self._ports.values():
            probe.tick(now)
        self._judge(now)

    def output(self, now: float) -> "list[tuple[str, bytes]]":
        """(port, octets) to be written now."""
        written = [(name, probe.output(now)) for name, probe in self._ports.items()]
        return [item for item in written if item[1]]

    def finished(self) -> "list[str]":
        """Ports that may be closed: there is nothing more to learn from them."""
        return [name for name, probe in self._ports.items() if probe.done and not probe.answers]

    def next_wake(self) -> "float | None":
        if self.outcome is not None:
            return None
        moments = [probe.next_wake() for probe in self._ports.values()]
        moments += [self._begin[name] for name in self._order if name not in self._ports]
        if self._first_answer is not None:
            moments.append(self._first_answer + GRACE)
        return min((moment for moment in moments if moment is not None), default=None)

    def _judge(self, now: float) -> None:
        """Settle once no likelier port can answer any more, or has had its time."""
        if self.outcome is not None:
            return
        likelier_waits = False
        for name in self._order:
            probe = self._ports.get(name)
            if probe is not None and probe.answers:
                if self._first_answer is None:
                    self._first_answer = now
                if not likelier_waits or now >= self._first_answer + GRACE:
                    self.outcome = Outcome(name, probe.imei, self._reasons())
                    return
            elif probe is None or not probe.done:
                likelier_waits = True
        if not likelier_waits:
            self.outcome = Outcome(None, None, self._reasons())

    def _reasons(self) -> "dict[str, str]":
        return {name: probe.reason for name, probe in self._ports.items() if probe.reason is not None}


def _other_language(heard: bytes) -> "str | None":
    """What a port speaks that is not for us: NMEA sentences, or frames that begin or end with 0x7e."""
    for line in heard.replace(b"\r", b"\n").split(b"\n")[1 if len(heard) == _TAIL else 0 :]:
        if line[:1] == b"$" and line[6:7] == b"," and all(octet in _TALKER for octet in line[1:6]):
            return NMEA
    if 0x7E in heard and any(octet not in _PRINTABLE for octet in heard):
        return FRAMES
    return None
