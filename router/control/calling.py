"""The laptop's half of machine mode: one request at a time, repeated until its whole answer is there.

It alone keeps time.  How long it waits follows the line's round trip; how large pieces are, and how many it asks for
at once, follows what gets through: long frames do not survive noise, short ones waste a quiet line.
"""

from __future__ import annotations

from router.control.framing import MAX_DATA, OVERHEAD, Frame, Kind

__all__ = ["Call", "Line"]

_LEAST_PIECE = 24
_MAX_WINDOW = 16
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 2.0


class Line:
    """What is known of a line, kept from one request to the next."""

    def __init__(self, octet: float = 0.0) -> None:
        self.octet = octet
        """Seconds that an octet takes."""
        self.piece = MAX_DATA // 2
        self.window = 2
        self._trip: float | None = None

    def wait(self, octets: int) -> float:
        """Seconds until a frame that has been asked for by `octets` must be there, with some patience."""
        spent = self.octet * (octets + 1.5 * (OVERHEAD + self.piece))
        return spent + (_FIRST_WAIT if self._trip is None else 0.005 + 3 * self._trip)

    def took(self, seconds: float, octets: int) -> None:
        """A round trip in which `octets` were on the line, both ways."""
        trip = max(0.0, seconds - self.octet * octets)
        self._trip = trip if self._trip is None else 0.8 * self._trip + 0.2 * trip

    def worse(self) -> None:
        self.piece = max(_LEAST_PIECE, self.piece * 3 // 4)
        self.window = max(1, self.window // 2)

    def better(self) -> None:
        self.piece = min(MAX_DATA, self.piece * 5 // 4)
        self.window = min(_MAX_WINDOW, self.window + 1)


class Call:
    """One request: `begin` it, hand in what comes, and `repeat` it when `deadline` has passed."""

    def __init__(self, line: Line, session: int, number: int, request: bytes) -> None:
        self.answer: bytes | None = None
        """Once it is whole."""
        self.unknown = False
        """The router knows nothing of the session."""
        self.taken = False
        """The router has the whole request."""
        self.deadline = 0.0
        self.progress = 0
        """Octets of the answer that are there."""
        self.total: int | None = None
        """Of the answer."""
        self._line, self._session, self._number, self._request = line, session, number, request
        self._accepted = 0
        self._octets = bytearray()
        self._missing: list[tuple[int, int]] = []
        self._asked_end = 0
        self._asked_at: float | None = None
        self._asked_octets = 0
        self._patience = 1.0

    def begin(self, now: float) -> list[Frame]:
        return self._ask(now)

    def repeat(self, now: float) -> list[Frame]:
        """The deadline has passed without what was expected."""
        if self.taken and self.total is None:
            # It works on the request; what it sent may be lost as well.
            self._patience = min(2 * self._patience, 8.0)
        else:
            self._line.worse()
            self._patience = min(1.5 * self._patience, 4.0)
        frames = self._ask(now)
        self._asked_at = None
        return frames

    def receive(self, frame: Frame, now: float) -> list[Frame]:
        """The frames to send next."""
        if (frame.session, frame.number) != (self._session, self._number) or self.answer is not None:
            return []
        if frame.kind == Kind.UNKNOWN:
            self.unknown = True
            return []
        if self._asked_at is not None:
            self._line.took(now - self._asked_at, self._asked_octets + OVERHEAD + len(frame.data))
            self._asked_at = None
        if frame.kind != Kind.BUSY:
            self._patience = 1.0
        if frame.kind == Kind.DATA:
            return self._data(frame, now)
        if frame.kind == Kind.BUSY or frame.offset >= len(self._request):
            self.taken = True
            self.deadline = now + self._wait(0)
        elif frame.kind == Kind.ACCEPTED and frame.offset > self._accepted:
            self._accepted = frame.offset
            return self._ask(now)
        return []

    def _data(self, frame: Frame, now: float) -> list[Frame]:
        if self.total is None:
            self.taken, self.total = True, frame.total
            self._octets, self._missing = bytearray(frame.total), [(0, frame.total)]
            self._asked_end = min(2 * frame.piece, frame.total)
        start, end = frame.offset, frame.offset + len(frame.data)
        if frame.total != self.total or end > self.total:
            return []
        self._octets[start:end] = frame.data
        self._missing = _without(self._missing, start, end)
        self.progress = self.total - sum(last - first for first, last in self._missing)
        if not self._missing:
            self.answer = bytes(self._octets)
            self._judge()
            return []
        if end >= self._asked_end:
            self._judge()
            return self._ask(now)
        self.deadline = now + self._wait(0)
        return []

    def _judge(self) -> None:
        """All that was asked for has come or is lost."""
        if self._missing and self._missing[0][0] < self._asked_end:
            self._line.worse()
        else:
            self._line.better()

    def _ask(self, now: float) -> list[Frame]:
        frames = self._reads() if self.taken else self._requests()
        self._asked_octets = sum(OVERHEAD + len(frame.data) for frame in frames)
        self._asked_at = now
        self.deadline = now + self._wait(self._asked_octets)
        return frames

    def _wait(self, octets: int) -> float:
        return min(self._line.wait(octets) * self._patience, _LONGEST_WAIT + self._line.octet * octets)

    def _requests(self) -> list[Frame]:
        piece, total = self._line.piece, len(self._request)
        starts = range(self._accepted, total, piece)[: self._line.window]
        return [self._frame(Kind.REQUEST, at, total, self._request[at : at + piece]) for at in starts]

    def _reads(self) -> list[Frame]:
        if self.total is None:
            return [self._frame(Kind.READ, 0, 2 * self._line.piece)]
        frames, left = [], self._line.window * self._line.piece
        for start, end in self._missing[: self._line.window]:
            wanted = min(end - start, left)
            if wanted <= 0:
                break
            frames.append(self._frame(Kind.READ, start, wanted))
            self._asked_end, left = start + wanted, left - wanted
        return frames

    def _frame(self, kind: Kind, offset: int, total: int, data: bytes = b"") -> Frame:
        return Frame(kind, self._session, self._number, self._line.piece, offset, total, data)


def _without(ranges: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    kept = []
    for first, last in ranges:
        kept += [(first, min(last, start))] if first < start else []
        kept += [(max(first, end), last)] if last > end else []
    return [(first, last) for first, last in kept if first < last]
