"""The AT engine: octets in, events out (ITU-T V.250, 3GPP TS 27.007).

Runs unchanged on CPython and MicroPython.  It never blocks, reads no clock
and keeps a bounded buffer: time comes as seconds of any steady clock.
"""

_FINAL_OK = ("OK", "CONNECT")
_FINAL_ERROR = (
    "ERROR",
    "NO CARRIER",
    "NO ANSWER",
    "NO DIALTONE",
    "BUSY",
    "COMMAND NOT SUPPORT",
    "TOO MANY PARAMETERS",
)
_NUMERIC = {"0": "OK", "3": "NO CARRIER", "4": "ERROR", "6": "NO DIALTONE", "7": "BUSY", "8": "NO ANSWER"}
_ERROR_PREFIXES = ("+CME ERROR:", "+CMS ERROR:")
_CONNECT = "CONNECT "

MAX_LINE = 2048
MAX_LINES = 256
SYNC_TIMEOUT = 1.0

_DELIVERED_ALONE = (
    "RING",
    "NO CARRIER",
    "RDY",
    "POWERED DOWN",
    "NORMAL POWER DOWN",
    "SMS READY",
    "CALL READY",
)


class Response:
    """The answer to `command`: its information lines, and the final result code."""

    __slots__ = ("command", "lines", "ok", "result")

    def __init__(self, command: str, lines: list[str], result: str, ok: bool) -> None:
        self.command = command
        self.lines = lines
        self.result = result
        self.ok = ok

    def __repr__(self) -> str:
        return "Response(%r, %r, %r)" % (self.command, self.lines, self.result)


class Unsolicited:
    """A line nobody asked for."""

    __slots__ = ("line",)

    def __init__(self, line: str) -> None:
        self.line = line

    def __repr__(self) -> str:
        return "Unsolicited(%r)" % (self.line,)


class TimedOut:
    """No final result came in time; the engine resynchronises before the next command."""

    __slots__ = ("command",)

    def __init__(self, command: str) -> None:
        self.command = command

    def __repr__(self) -> str:
        return "TimedOut(%r)" % (self.command,)


class Engine:
    """One serial line to a modem.

    Commands are queued and sent one at a time.  After a time-out the line is
    out of step: the engine sends `AT` until a clean OK, and all that comes
    before it, a late answer included, belongs to nobody.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._queue: list[tuple[str, float]] = []
        self._out = b""
        self._buffer = b""
        self._command: str | None = None
        self._prefix = ""
        self._lines: list[str] = []
        self._deadline: float | None = None
        self._resyncing = False
        self._skipping = False

    def send(self, command: str, timeout: float = 1.0) -> None:
        """Queue `command` (without `AT`), to be answered within `timeout` seconds of its sending."""
        if "\r" in command or "\n" in command:
            raise ValueError("AT command %r: no line ends allowed" % command)
        self._queue.append((command, timeout))

    def idle(self) -> bool:
        return self._command is None and not self._queue and not self._resyncing

    def output(self, now: float) -> bytes:
        """Octets to write now; starts the next command when the line is free."""
        if self._command is None and not self._resyncing and self._queue:
            self._command, timeout = self._queue.pop(0)
            self._prefix = _prefix_of(self._command)
            self._lines = []
            self._deadline = now + timeout
            self._out += b"AT" + self._command.encode() + b"\r"
        out, self._out = self._out, b""
        return out

    def feed(self, data: bytes, now: float) -> "list[Response | Unsolicited]":
        """Take in octets; a list of Response and Unsolicited."""
        events: list[Response | Unsolicited] = []
        self._buffer += data.replace(b"\0", b"")
        while True:
            cut = _line_end(self._buffer)
            if cut < 0:
                break
            raw, self._buffer = self._buffer[:cut], self._buffer[cut + 1 :]
            if self._skipping:
                self._skipping = False
                continue
            line = _text(raw).strip()
            if line:
                self._line(line, events)
        if len(self._buffer) > MAX_LINE:
            # Noise without a line end: forget it, and what is left of it too.
            self._buffer = b""
            self._skipping = True
        return events

    def tick(self, now: float) -> "list[TimedOut]":
        """Give up what is overdue; a list of TimedOut."""
        if self._deadline is None or now < self._deadline:
            return []
        events = []
        # A resynchronisation that is not answered is a time-out too, of `AT` itself.
        events.append(TimedOut(self._command if self._command is not None else ""))
        self._command = None
        self._resyncing = True
        self._deadline = now + SYNC_TIMEOUT
        self._buffer = b""
        self._out += b"\rAT\r"
        return events

    def next_wake(self) -> float | None:
        """When `tick` has something to do, or None."""
        return self._deadline

    def reset(self) -> None:
        """Forget everything: the line was opened anew."""
        self._start()

    def _line(self, line: str, events: "list[Response | Unsolicited]") -> None:
        if self._resyncing:
            if line == "OK":
                self._resyncing = False
                self._deadline = None
            return
        if self._command is None:
            if not line.startswith("AT"):
                events.append(Unsolicited(line))
            return
        if line == "AT" + self._command:
            return
        result = _final(line)
        if result is not None and not (result == "NO CARRIER" and not self._command.startswith("D")):
            ok = result in _FINAL_OK or result.startswith(_CONNECT)
            events.append(Response(self._command, self._lines, result, ok))
            self._command = None
            self._deadline = None
        elif self._is_ours(line):
            if len(self._lines) < MAX_LINES:
                self._lines.append(line)
        else:
            events.append(Unsolicited(line))

    def _is_ours(self, line: str) -> bool:
        """Whether a line belongs to the running command's answer or came in between.

        An answer's line bears the command's name, or none at all (`+CGMI`);
        a line with another name is unsolicited.  `+CREG: 1` in the middle of
        the answer to `+CREG?` is told apart by its reader, which counts fields.
        """
        if line in _DELIVERED_ALONE:
            return False
        name = _name_of(line)
        if name is None:
            return True
        return name == self._prefix or self._prefix == ""


def _line_end(data: bytes) -> int:
    at_cr = data.find(b"\r")
    at_lf = data.find(b"\n")
    if at_cr < 0 or at_lf < 0:
        return max(at_cr, at_lf)
    return min(at_cr, at_lf)


def _text(raw: bytes) -> str:
    return "".join([chr(c) for c in raw if 32 <= c < 127 or c >= 160])


def _prefix_of(command: str) -> str:
    """`+CREG?` -> `+CREG`; `I`, `E0` and the like bear no name."""
    if not command or command[0] not in "+^!#$*%":
        return ""
    end = len(command)
    for sign in "?=;":
        at = command.find(sign)
        if 0 <= at < end:
            end = at
    return command[:end].upper()


def _name_of(line: str) -> str | None:
    """The name in front of the colon of `+NAME: ...`, or None."""
    if line[0] not in "+^!#$*%":
        return None
    at = line.find(":")
    if at < 0:
        return None
    name = line[:at]
    return name.upper() if " " not in name else None


def _final(line: str) -> str | None:
    if line in _FINAL_OK or line in _FINAL_ERROR or line.startswith(_CONNECT):
        return line
    for prefix in _ERROR_PREFIXES:
        if line.startswith(prefix):
            return line
    return _NUMERIC.get(line)
