"""A modem's port under MicroPython: `machine.UART` (opened with timeout=0), or a tty of the unix port.

port = Port(machine.UART(1, 115200, timeout=0))     # or Port(open_tty("/dev/ttyUSB2"))
port.begin()
while True:
    if port.step(1000):
        print(port.modem.snapshot())
"""

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 512


class Clock:
    """Seconds that only go forward, from a counter of milliseconds that wraps."""

    def __init__(self) -> None:
        self._last = time.ticks_ms()
        self._passed = 0

    def now(self) -> float:
        """To be called at least every few days, lest the counter wrap unseen."""
        ticks = time.ticks_ms()
        self._passed += time.ticks_diff(ticks, self._last)
        self._last = ticks
        return self._passed / 1000


class Stream:
    """Octets of a `machine.UART` or a file as they come."""

    def __init__(self, stream: "Any") -> None:
        self._stream = stream
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)

    def write(self, data: bytes) -> None:
        self._stream.write(data)

    def close(self) -> None:
        self._stream.close()

    def read(self, longest: int) -> bytes:
        """What is there, bounded, after at most `longest` milliseconds.  Raises OSError at the end of the stream."""
        if not self._poll.poll(longest):
            return b""
        waiting = getattr(self._stream, "any", None)
        if waiting is not None:
            return self._stream.read(min(_CHUNK, waiting())) or b""
        # A file's read waits for all that it was asked for.
        data = b""
        while len(data) < _CHUNK and self._poll.poll(0):
            octet = self._stream.read(1)
            if not octet:
                raise OSError("hung up")
            data += octet
        return data


class Port:
    """Runs a dialogue on a stream; waits in `step` and nowhere else.

    The dialogue is `modem.dialogue.Modem` or what has its restart, tick, output, feed and next_wake.
    """

    def __init__(self, stream: "Any", modem: "Any" = None) -> None:
        if modem is None:
            # It is large, and not all who use this module want it.
            from modem.dialogue import Modem

            modem = Modem()
        self.modem = modem
        self._stream = stream if isinstance(stream, Stream) else Stream(stream)
        self._clock = Clock()

    def begin(self) -> None:
        """The stream was opened."""
        self.modem.restart(self._clock.now())

    def step(self, longest: int) -> bool:
        """Do what is due, then wait for the modem or the next moment, `longest` milliseconds at most.

        True when the snapshot may have changed.  Raises OSError when the port has gone.
        """
        now = self._clock.now()
        changed = self.modem.tick(now)
        data = self.modem.output(now)
        if data:
            self._stream.write(data)
        wake = self.modem.next_wake()
        data = self._stream.read(
            longest if wake is None else max(0, min(longest, int((wake - now) * 1000) + 1))
        )
        return self.modem.feed(data, self._clock.now()) or changed if data else changed


def open_tty(path: str) -> "Any":
    """A tty of the unix port, raw.  Raises OSError."""
    import termios

    stream = open(path, "r+b", 0)  # noqa: SIM115 - it is the caller's
    termios.setraw(stream.fileno())
    return stream
