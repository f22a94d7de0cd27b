"""Both halves of machine mode over a line with a clock of its own: slow, late, and spoiling octets."""

import heapq
import random

from router.control.answering import Answerer
from router.control.calling import Call, Line
from router.control.framing import Frame, Reader, encode

ROUTER, LAPTOP = 0, 1


class VirtualLine:
    """`noise` is the part of all octets that is lost or flipped, each half of it."""

    def __init__(self, answer, speed=115200, noise=0.0, delay=0.004, seed=1):
        self.answer, self.noise, self.delay = answer, noise, delay
        self.octet = 10 / speed
        self.now, self.sent, self.cut = 0.0, 0, False
        self.line, self.answerer = Line(self.octet), Answerer()
        self.readers = (Reader(), Reader())
        self._random = random.Random(seed)
        self._busy = [0.0, 0.0]
        self._queue, self._count, self._number = [], 0, -1

    def ask(self, request, tries=2000):
        """The answer; None where the router knows nothing of the session."""
        self._number = (self._number + 1) % 0x10000
        call = Call(self.line, 77, self._number, request)
        self._send(ROUTER, call.begin(self.now))
        while call.answer is None and not call.unknown:
            if self._queue and self._queue[0][0] <= call.deadline:
                self._arrive(call)
                continue
            assert tries, "no answer"
            tries -= 1
            self.now = call.deadline
            self._send(ROUTER, call.repeat(self.now))
        return call.answer

    def _arrive(self, call):
        self.now, _, to, data = heapq.heappop(self._queue)
        for frame in self.readers[to].feed(data, self.now):
            if not isinstance(frame, Frame):
                continue
            if to == LAPTOP:
                self._send(ROUTER, call.receive(frame, self.now))
                continue
            self._send(LAPTOP, self.answerer.receive(frame))
            if self.answerer.request is not None:
                self._send(LAPTOP, self.answerer.answer(self.answer(self.answerer.request)))

    def _send(self, to, frames):
        for frame in frames:
            data = encode(frame)
            self.sent += len(data)
            self._busy[to] = max(self.now, self._busy[to]) + len(data) * self.octet
            self._count += 1
            if not self.cut:
                heapq.heappush(
                    self._queue, (self._busy[to] + self.delay, self._count, to, self._spoilt(data))
                )

    def _spoilt(self, data):
        if not self.noise:
            return data
        out = bytearray()
        for octet in data:
            chance = self._random.random()
            if chance >= self.noise / 2:
                out.append(octet ^ 1 << self._random.randrange(8) if chance < self.noise else octet)
        return bytes(out)
