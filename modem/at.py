"""The AT engine: octets in, events out (ITU-T V.250, 3GPP TS 27.007).

Runs unchanged on CPython and MicroPython.  It never blocks, reads no clock, and all it keeps is bounded:
time comes as seconds of any steady clock.  Lines hold one character an octet (`modem.text` reads more).
"""

from modem import results
from modem.events import Data, Prompt, QueueFull, Response, TimedOut, Unsolicited
from modem.results import final_result, is_boot, name_of, numeric_result
from modem.sync import AGAIN, FOUND, PROBE_NAME, SYNC_TIMEOUT, Sync

__all__ = (
    "GRACE",
    "MAX_ANSWER",
    "MAX_LINE",
    "MAX_LINES",
    "MAX_QUEUE",
    "SYNC_TIMEOUT",
    "Data",
    "Engine",
    "Prompt",
    "QueueFull",
    "Response",
    "TimedOut",
    "Unsolicited",
)

MAX_LINE = 2048
"""Octets of one line, and of a quoted text over several lines."""
MAX_LINES = 256
MAX_ANSWER = 32768
"""Octets of the lines of one answer."""
MAX_QUEUE = 64
GRACE = 0.25
"""Seconds of silence after which what may be a final result is one."""

_CTRL_Z, _ESCAPE = b"\x1a", b"\x1b"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modem.events import Event


class Engine:
    """One serial line to a modem.

    Commands are queued and sent one at a time.  After a time-out the engine finds the modem's step again
    (`modem.sync`) before it sends the next one.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._queue: list[tuple[str, float, bytes | None]] = []
        self._out = b""
        self._buffer = b""
        self._skipping = False
        self._command: str | None = None
        self._deadline: float | None = None
        self._numeric = False
        self.data_mode = False
        self._fresh = False
        self._sync = Sync()
        self._clear_answer()

    def _clear_answer(self) -> None:
        self._prefix = ""
        self._lines: list[str] = []
        self._size = 0
        self._truncated = False
        self._data: bytes | None = None
        self._prompted = False
        self._skip_final = False
        # A quoted text that goes on in the next line, and whether it is the answer's.
        self._open: str | None = None
        self._open_ours = False
        # What is a final result if nothing follows, and from when on it is one.
        self._held: str | None = None
        self._held_until = 0.0

    def send(self, command: str, timeout: float = 1.0, data: "bytes | None" = None) -> None:
        """Queue `command` (without `AT`), to be answered within `timeout` seconds of its sending.

        `data` follows at the prompt, and the octet that ends it.  ValueError for a command with line ends or
        other than printable ASCII, QueueFull when MAX_QUEUE are waiting.
        """
        for c in command:
            if not " " <= c <= "~":
                raise ValueError("AT command %r: no line ends or controls allowed" % command)
        if len(self._queue) >= MAX_QUEUE:
            raise QueueFull("AT command %r: %d are waiting" % (command, MAX_QUEUE))
        self._queue.append((command, timeout, data))

    def idle(self) -> bool:
        return self._command is None and not self._queue and not self._sync.active

    def output(self, now: float) -> bytes:
        """Octets to write now; starts the next command when the line is free."""
        if self._command is None and self._queue and not self._sync.active and not self.data_mode:
            command, timeout, data = self._queue.pop(0)
            self._clear_answer()
            self._command = command
            self._data = data
            self._prefix = results.prefix_of(command)
            self._deadline = now + timeout
            self._out += b"AT" + command.encode() + b"\r"
        out, self._out = self._out, b""
        return out

    def answer_prompt(self, data: bytes) -> None:
        """Send `data` at the prompt, and the octet that ends it."""
        if self._prompted:
            self._prompted = False
            self._out += data + _CTRL_Z

    def abort_prompt(self) -> None:
        """Leave the prompt without sending."""
        if self._prompted:
            self._prompted = False
            self._out += _ESCAPE

    def resync(self, now: float) -> None:
        """Find the modem's step before the next command: nobody knows what the line has seen."""
        self._lose_step(0)
        self._clear_answer()
        self._probe(now)

    def leave_data_mode(self) -> None:
        """The data call was ended by other means."""
        self.data_mode = False
        self._buffer = b""

    def reset(self) -> None:
        """Forget everything: the line was opened anew."""
        self._start()

    def next_wake(self) -> "float | None":
        """When `tick` has something to do, or None."""
        if self._held is not None and (self._deadline is None or self._held_until < self._deadline):
            return self._held_until
        return self._deadline

    def tick(self, now: float) -> "list[Event]":
        """Time went by: held results become final, what is overdue is given up."""
        events: list[Event] = []
        if self._held is not None and now >= self._held_until:
            self._settle(events, now)
        if self._deadline is None or now < self._deadline:
            return events
        events.append(TimedOut(self._command if self._command is not None else ""))
        self._give_up(now)
        return events

    def feed(self, data: bytes, now: float) -> "list[Event]":
        """Take in octets."""
        events: list[Event] = []
        if self.data_mode:
            self._feed_data(data, events)
            return events
        buffer = self._buffer + (data.replace(b"\0", b"") if b"\0" in data else data)
        start = 0
        while not self.data_mode:
            cut = _line_end(buffer, start)
            if cut < 0:
                break
            raw = buffer[start:cut]
            start = cut + 1
            if self._held is not None and (raw or buffer[cut] == 10):
                self._unhold(raw, buffer[cut] == 10, events, now)
            if self._skipping:
                self._skipping = False
            elif raw:
                # A bare CR ends a numeric result; what follows decides, if it is there already.
                bare = buffer[cut] == 13 and (start >= len(buffer) or buffer[start] != 10)
                self._take(raw, bare, start >= len(buffer), events, now)
        self._buffer = buffer[start:] if start else buffer
        if self.data_mode:
            rest, self._buffer = self._buffer, b""
            self._fresh = True
            self._feed_data(rest, events)
        elif self._buffer:
            self._rest(events)
        return events

    # Lines

    def _take(self, raw: bytes, bare: bool, last: bool, events: "list[Event]", now: float) -> None:
        line = _text(raw.strip())
        if not line:
            return
        if len(line) <= 2 and "0" <= line[0] <= "9":
            result = self._digit(line, bare)
            if result is not None:
                if last and not self._expects_digits():
                    # A LF may follow, and then it is an information line.
                    self._hold(result, now)
                else:
                    self._line(result, events, now)
                return
        self._line(line, events, now)

    def _expects_digits(self) -> bool:
        return self._numeric or (self._command is not None and results.sets_numeric(self._command) is True)

    def _digit(self, line: str, bare: bool) -> "str | None":
        """The result in words that a line of digits means here, or None where it is information."""
        if self._command is None and not self._sync.active:
            return None
        return numeric_result(line) if bare or self._expects_digits() else None

    def _line(self, line: str, events: "list[Event]", now: float) -> None:
        if self._sync.active:
            self._sync_line(line, now)
            return
        if self._open is not None and self._continue(line, events, now):
            return
        if self._command is None:
            self._idle_line(line, events)
            return
        if results.is_echo(line, self._command) or self._is_data_echo(line):
            return
        result = final_result(line, self._command)
        if result is not None:
            self._final(line, result, events, now)
            return
        name = name_of(line)
        if name == PROBE_NAME and self._prefix != PROBE_NAME and self._sync.stale:
            # An answer to a probe sent again before it was heard: its result follows.
            self._skip_final = True
            return
        ours = results.is_ours(line, name, self._prefix, self._command)
        if name and line.count('"') % 2:
            self._open, self._open_ours = line, ours
        elif ours:
            self._keep(line)
        else:
            events.append(Unsolicited(line))
            if is_boot(line):
                events.append(TimedOut(self._command))
                self._give_up(now)

    def _idle_line(self, line: str, events: "list[Event]") -> None:
        if line[:2].upper() == "AT" or final_result(line, "") is not None:
            # An echo or a result that nobody waits for any more.
            return
        if name_of(line) and line.count('"') % 2:
            self._open, self._open_ours = line, False
        else:
            events.append(Unsolicited(line))

    def _final(self, line: str, ok: bool, events: "list[Event]", now: float) -> None:
        if self._skip_final:
            self._skip_final = False
            self._sync.stale -= 1
            return
        command = self._command or ""
        if self._sync.stale and not self._lines and command[-1:] == "?" and ok:
            # A question is not answered with a bare OK: one of a probe's, its line was lost.
            self._sync.stale -= 1
            return
        numeric = results.sets_numeric(command)
        if ok and numeric is not None:
            self._numeric = numeric
        events.append(Response(command, self._lines, line, ok, self._truncated))
        self._sync.stale = 0
        self._command = None
        self._deadline = None
        self._clear_answer()
        if ok and line.startswith("CONNECT"):
            self.data_mode = True

    def _keep(self, line: str) -> None:
        if len(self._lines) < MAX_LINES and self._size + len(line) <= MAX_ANSWER:
            self._lines.append(line)
            self._size += len(line)
        else:
            self._truncated = True

    def _is_data_echo(self, line: str) -> bool:
        if self._data is None:
            return False
        text = _text(self._data)
        return line[:1] == ">" or line == text or line in text.split("\n")

    # Quoted text over several lines, and results that are none if more follows

    def _continue(self, line: str, events: "list[Event]", now: float) -> bool:
        """Whether `line` belongs to the quoted text begun before; else that is closed as it is."""
        opened = self._open or ""
        closes = line.count('"') % 2 == 1
        if not closes and (name_of(line) or len(opened) + len(line) > MAX_LINE):
            self._close(events)
            return False
        if not closes and self._command is not None and final_result(line, self._command) is not None:
            self._hold(line, now)
            return True
        self._open = opened + "\n" + line
        if closes:
            self._close(events)
        return True

    def _close(self, events: "list[Event]") -> None:
        line, self._open = self._open or "", None
        if self._open_ours and self._command is not None:
            self._keep(line)
        else:
            events.append(Unsolicited(line))

    def _hold(self, line: str, now: float) -> None:
        self._held = line
        self._held_until = now + GRACE

    def _settle(self, events: "list[Event]", now: float) -> None:
        """Silence followed: what was held is the final result."""
        line, self._held = self._held or "", None
        if self._open is not None:
            self._close(events)
        self._line(line, events, now)

    def _unhold(self, raw: bytes, after_lf: bool, events: "list[Event]", now: float) -> None:
        """More follows what was held."""
        line = self._held or ""
        if self._open is not None:
            text = _text(raw.strip())
            if not text:
                return
            self._held = None
            if name_of(text) and text.count('"') % 2 == 0:
                self._close(events)
                self._line(line, events, now)
            else:
                self._open += "\n" + line
            return
        self._held = None
        if raw or not after_lf:
            self._line(line, events, now)
            return
        code = results.numeric_code(line)
        self._line(code if code is not None else line, events, now)

    # What has no line end

    def _rest(self, events: "list[Event]") -> None:
        if len(self._buffer) > MAX_LINE:
            # Noise without a line end: forget it, and what is left of it too.
            self._buffer = b""
            self._skipping = True
            return
        rest = self._buffer.strip()
        if rest in (b">", b"@") and self._command is not None and results.may_prompt(self._command):
            self._buffer = b""
            self._prompted = True
            if self._data is not None:
                self.answer_prompt(self._data)
            else:
                events.append(Prompt(self._command))

    def _feed_data(self, data: bytes, events: "list[Event]") -> None:
        if self._fresh and data:
            # The second half of CONNECT's line end.
            self._fresh = False
            data = data[1:] if data[0] == 10 else data
        if not data:
            return
        joined = self._buffer + data
        end = joined.find(b"\r\nNO CARRIER\r\n")
        if end < 0:
            self._buffer = joined[-13:]
            events.append(Data(data))
            return
        events.append(Data(data))
        events.append(Unsolicited("NO CARRIER"))
        self.leave_data_mode()

    # Finding the step again

    def _give_up(self, now: float) -> None:
        if not self._sync.active:
            self._lose_step(1)
        prompted = self._prompted
        self._clear_answer()
        self._prompted = prompted
        self._probe(now)

    def _lose_step(self, sent: int) -> None:
        self._command = None
        self._sync.begin(sent)

    def _probe(self, now: float) -> None:
        self._buffer = b""
        self._skipping = False
        self._out += self._sync.probe(self._prompted)
        self._prompted = False
        self._deadline = now + SYNC_TIMEOUT

    def _sync_line(self, line: str, now: float) -> None:
        found = self._sync.line(line)
        if found == FOUND:
            self._deadline = None
            self._numeric = False
        elif found == AGAIN:
            self._probe(now)


def _line_end(data: bytes, start: int) -> int:
    at_cr = data.find(b"\r", start)
    at_lf = data.find(b"\n", start)
    if at_cr < 0 or at_lf < 0:
        return max(at_cr, at_lf)
    return min(at_cr, at_lf)


def _text(raw: bytes) -> str:
    if not raw:
        return ""
    if min(raw) >= 32 and max(raw) < 127:
        return raw.decode()
    return "".join([chr(c) for c in raw if 32 <= c < 127 or c >= 128 or c == 9])
