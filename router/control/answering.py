"""The router's half of machine mode: takes requests piece by piece, and gives pieces of the answer as often as asked.

It keeps no time and repeats nothing by itself.  A request is done once however often its frames come: its number says
whether it is the one that is being done, the next, or a late copy of an old one.
"""

from __future__ import annotations

from dataclasses import replace

from router.control.framing import MAX_DATA, Frame, Kind

__all__ = ["Answerer"]

MAX_REQUEST = 65536
_MAX_PIECES = 16
_NUMBERS = 0x10000


class Answerer:
    """`receive` frames; when `request` is not None do it, and `answer` it."""

    def __init__(self) -> None:
        self.session: int | None = None
        self.number = 0
        self.request: bytes | None = None
        """The request that is to be done now; None once it is answered."""
        self._had = bytearray()
        self._whole = False
        self._answer: bytes | None = None
        self._piece = MAX_DATA

    def end(self) -> None:
        """Forget the session."""
        self.__init__()  # type: ignore[misc]

    def receive(self, frame: Frame) -> list[Frame]:
        """The frames to send back.  A new request takes the place of one that is not answered yet."""
        if frame.kind == Kind.BYE and frame.session == self.session:
            self.end()
            return []
        if frame.kind not in (Kind.REQUEST, Kind.READ):
            return []
        if frame.session != self.session:
            if frame.kind != Kind.REQUEST or frame.number != 0:
                return [Frame(Kind.UNKNOWN, frame.session, frame.number)]
            self.session = frame.session
            self._begin(0)
        elif frame.kind == Kind.REQUEST and frame.number == (self.number + 1) % _NUMBERS:
            self._begin(frame.number)
        if frame.number != self.number:
            return []
        self._piece = max(1, min(frame.piece, MAX_DATA))
        return self._take(frame) if frame.kind == Kind.REQUEST else self._read(frame.offset, frame.total)

    def answer(self, octets: bytes) -> list[Frame]:
        """The first pieces go without being asked for."""
        self.request, self._answer = None, octets
        return self._read(0, 2 * self._piece)

    def _begin(self, number: int) -> None:
        self.number, self.request = number, None
        self._had, self._whole, self._answer = bytearray(), False, None

    def _take(self, frame: Frame) -> list[Frame]:
        if self._answer is not None:
            return self._read(0, 2 * self._piece)
        if not self._whole and frame.offset <= len(self._had) and frame.total <= MAX_REQUEST:
            self._had += frame.data[len(self._had) - frame.offset :]
            if len(self._had) == frame.total:
                self._whole, self.request = True, bytes(self._had)
        return [self._frame(Kind.ACCEPTED, offset=len(self._had), total=frame.total)]

    def _read(self, offset: int, wanted: int) -> list[Frame]:
        if self._answer is None:
            return [self._frame(Kind.BUSY if self._whole else Kind.ACCEPTED, offset=len(self._had))]
        total = len(self._answer)
        end = min(offset + wanted, offset + _MAX_PIECES * self._piece, total)
        made = self._frame(Kind.DATA, total=total)
        return [
            replace(made, offset=start, data=self._answer[start : min(start + self._piece, end)])
            for start in range(offset, end, self._piece)
        ]

    def _frame(self, kind: Kind, offset: int = 0, total: int = 0) -> Frame:
        return Frame(kind, self.session or 0, self.number, self._piece, offset, total)
