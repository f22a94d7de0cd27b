"""The modem's end of a serial line (ITU-T V.250 sections 5 and 6.2): octets to command lines, answers to octets."""

from __future__ import annotations

__all__ = ["NUMERIC", "Line"]

NUMERIC = {
    "OK": "0", "CONNECT": "1", "RING": "2", "NO CARRIER": "3", "ERROR": "4",
    "NO DIALTONE": "6", "BUSY": "7", "NO ANSWER": "8",
}  # fmt: skip
_ESCAPE = 0x1B
_CONTROL_Z = 0x1A
_LONGEST = 1024


class Line:
    """Echo, S registers, result codes in words or digits, `A/`.

    `feed` gives what to echo and the command lines that are complete, each without `AT`; a line too long is None.
    While `text` is set (a prompt was sent) all octets up to Ctrl-Z or ESC are one line of text.
    """

    def __init__(self, *, spaced: bool = False) -> None:
        self._spaced = spaced
        self.restart()

    def restart(self) -> None:
        """Factory settings (`&F`): echo, words."""
        self.echo = True
        self.verbose = True
        self.quiet = False
        self.text = False
        self.registers = {0: 0, 3: 13, 4: 10, 5: 8}
        self._body: str | None = None
        self._before = ""
        self._last = ""
        self._typed = b""

    def feed(self, data: bytes) -> tuple[bytes, list[str | None]]:
        echo = bytearray()
        lines: list[str | None] = []
        for octet in data:
            if self.echo:
                echo.append(octet)
            taken = self._octet(octet)
            lines += taken
        return bytes(echo), lines

    def take_text(self) -> bytes | None:
        """What was typed at a prompt; None when it was given up with ESC."""
        typed, self._typed = self._typed, b""
        return None if typed.endswith(bytes([_ESCAPE])) else typed[:-1]

    def information(self, lines: list[str] | tuple[str, ...]) -> bytes:
        """Information text: as one block, or with a blank line before each line where the modem does so."""
        if not lines:
            return b""
        end = self._end()
        if not self.verbose:
            return "".join(line + end for line in lines).encode("latin-1")
        if self._spaced:
            return "".join(end + line + end for line in lines).encode("latin-1")
        return (end + end.join(lines) + end).encode("latin-1")

    def final(self, code: str) -> bytes:
        """A result code in the form that V and Q ask for."""
        if self.quiet:
            return b""
        if self.verbose:
            return (self._end() + code + self._end()).encode("latin-1")
        if code in NUMERIC:
            return (NUMERIC[code] + chr(self.registers[3])).encode("latin-1")
        return (code + self._end()).encode("latin-1")

    def unsolicited(self, line: str) -> bytes:
        return (self._end() + line + self._end()).encode("latin-1")

    def _end(self) -> str:
        return chr(self.registers[3]) + chr(self.registers[4])

    def _octet(self, octet: int) -> list[str | None]:
        if self.text:
            return self._text_octet(octet)
        if self._body is None:
            return self._hunt(octet)
        if octet == self.registers[3]:
            body, self._body = self._body, None
            if len(body) > _LONGEST:
                return [None]
            self._last = body
            return [body]
        if octet == self.registers[5]:
            self._body = self._body[:-1]
        elif octet >= 0x20 and len(self._body) <= _LONGEST:
            self._body += chr(octet)
        return []

    def _hunt(self, octet: int) -> list[str | None]:
        """Look for `AT` or `A/`; all else before it is noise."""
        pair, self._before = self._before + chr(octet).upper(), chr(octet).upper()
        if pair == "AT":
            self._body, self._before = "", ""
        elif pair == "A/":
            self._before = ""
            return [self._last]
        return []

    def _text_octet(self, octet: int) -> list[str | None]:
        self._typed = (self._typed + bytes([octet]))[-4096:]
        if octet not in (_ESCAPE, _CONTROL_Z):
            return []
        self.text = False
        return [""]
