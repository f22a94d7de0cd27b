"""A dialogue as a file: with times, and without what tells who the subscriber is.

JSON lines, the first of which says what it is:

    {"format": "modem dialogue", "version": 1}
    {"t": 0.0, "out": "AT+CGSN\r"}
    {"t": 0.02, "in": "\r\n350000000000019\r\n"}

`t` is seconds since the first octet; octets are Latin-1 characters.  Runs unchanged on CPython and MicroPython.
"""

import json

from modem.redact import Redactor

FORMAT, VERSION = "modem dialogue", 1
IN, OUT = "in", "out"
_MAX_PENDING = 4096


class Recorder:
    """Octets of both directions in, lines of the file out."""

    def __init__(self) -> None:
        self._redactor = Redactor()
        self._start: float | None = None
        self._pending = {IN: b"", OUT: b""}
        self._since = {IN: 0.0, OUT: 0.0}

    def head(self) -> str:
        return json.dumps({"format": FORMAT, "version": VERSION})

    def take(self, direction: str, data: bytes, now: float) -> "list[str]":
        """Octets that passed: IN or OUT.  What has no line end yet waits for it, since it may be half a number."""
        if self._start is None:
            self._start = now
        if not self._pending[direction]:
            self._since[direction] = now
        joined = self._pending[direction] + data
        cut = max(joined.rfind(b"\n"), joined.rfind(b"\r")) + 1
        if len(joined) - cut > _MAX_PENDING or joined[cut:].strip() == b">":
            cut = len(joined)
        self._pending[direction] = joined[cut:]
        return self._entry(direction, joined[:cut], self._since[direction]) if cut else []

    def end(self) -> "list[str]":
        """What still waits."""
        result: list[str] = []
        for direction in (OUT, IN):
            rest, self._pending[direction] = self._pending[direction], b""
            if rest:
                result += self._entry(direction, rest, self._since[direction])
        return result

    def _entry(self, direction: str, data: bytes, when: float) -> "list[str]":
        text = "".join([chr(octet) for octet in data])
        clean = self._redactor.clean(text, direction == OUT)
        return [json.dumps({"t": round(when - (self._start or 0.0), 3), direction: clean})]


def read(text: str) -> "list[tuple[float, str, bytes]]":
    """(seconds, IN or OUT, octets) of a recording.  ValueError for what is none."""
    lines = [line for line in text.split("\n") if line.strip()]
    head = json.loads(lines[0]) if lines else None
    if not isinstance(head, dict) or head.get("format") != FORMAT or head.get("version") != VERSION:
        raise ValueError("no %s of version %d" % (FORMAT, VERSION))
    return [_read(line) for line in lines[1:]]


def _read(line: str) -> "tuple[float, str, bytes]":
    entry = json.loads(line)
    if isinstance(entry, dict) and isinstance(entry.get("t"), (int, float)):
        for direction in (IN, OUT):
            text = entry.get(direction)
            if isinstance(text, str) and all(ord(sign) < 256 for sign in text):
                return float(entry["t"]), direction, bytes([ord(sign) for sign in text])
    raise ValueError("no entry of a recording: %s" % line[:80])


class Replay:
    """Plays the modem of a recording: each command gets the answer that it got then.

    A command asked several times gets its answers in turn, the last one again and again; one that was never
    asked gets ERROR.
    """

    def __init__(self, entries: "list[tuple[float, str, bytes]]") -> None:
        self._answers: dict[str, list[tuple[float, bytes]]] = {}
        self._unasked: list[tuple[float, bytes]] = []
        self._line = b""
        asked: tuple[str, float] | None = None
        for when, direction, octets in entries:
            if direction == OUT:
                asked = (_command(octets), when)
                self._answers.setdefault(asked[0], []).append((0.0, b""))
            elif asked is not None:
                command, since = asked
                delay, said = self._answers[command][-1]
                self._answers[command][-1] = (delay or max(0.0, when - since), said + octets)
            else:
                self._unasked.append((when, octets))

    def start(self, now: float) -> "list[tuple[float, bytes]]":
        """What it said before it was asked anything, as (when, octets)."""
        return [(now + when, octets) for when, octets in self._unasked]

    def feed(self, data: bytes, now: float) -> "list[tuple[float, bytes]]":
        """(when, octets) that answer what was written."""
        self._line += data
        result: list[tuple[float, bytes]] = []
        while b"\r" in self._line:
            cut = self._line.find(b"\r")
            command, self._line = _command(self._line[:cut]), self._line[cut + 1 :]
            answers = self._answers.get(command)
            if answers is None:
                result.append((now, b"\r\nERROR\r\n"))
                continue
            delay, octets = answers.pop(0) if len(answers) > 1 else answers[0]
            result.append((now + delay, octets))
        return result


def _command(octets: bytes) -> str:
    return "".join([chr(octet) for octet in octets]).strip().upper()
