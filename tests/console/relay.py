"""A serial line between two pseudo-terminals that can be slow, spoil octets, be cut and be unplugged."""

import contextlib
import os
import pty
import random
import select
import threading
import time
import tty


class Relay:
    """`router` and `laptop` are the paths of its ends.  `rate` in octets a second, `noise` of one octet in so many."""

    def __init__(self, folder, rate=None, noise=0.0, seed=1):
        self.router, self.laptop = str(folder / "router"), str(folder / "laptop")
        self.rate, self.noise, self.cut = rate, noise, False
        self._random = random.Random(seed)
        self._ends = [-1, -1]
        self._slaves = [-1, -1]
        self._lock = threading.Lock()
        self._wake = os.pipe()
        self._running = True
        self._waiting = [bytearray(), bytearray()]
        self._credit, self._at = [0.0, 0.0], time.monotonic()
        for side in (0, 1):
            self._plug(side)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def unplug(self):
        """The router's end goes: whoever has it open is hung up."""
        with self._lock:
            os.unlink(self.router)
            os.close(self._slaves[0])
            os.close(self._ends[0])
            self._ends[0] = -1
        os.write(self._wake[1], b"x")

    def plug(self):
        with self._lock:
            self._plug(0)
        os.write(self._wake[1], b"x")

    def close(self):
        self._running = False
        os.write(self._wake[1], b"x")
        self._thread.join()
        for fd in (*self._ends, *self._slaves, *self._wake):
            with contextlib.suppress(OSError):
                os.close(fd)
        for path in (self.router, self.laptop):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _plug(self, side):
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        # Ours keeps the line up while nobody else has it open.
        self._ends[side], self._slaves[side] = master, slave
        os.symlink(os.ttyname(slave), (self.router, self.laptop)[side])

    def _run(self):
        while self._running:
            with self._lock:
                self._turn()

    def _turn(self):
        readers = [fd for side, fd in enumerate(self._ends) if fd >= 0 and len(self._waiting[side]) < 64]
        pending = any(self._waiting)
        ready, _, _ = select.select([*readers, self._wake[0]], [], [], 0.002 if pending else 0.02)
        if self._wake[0] in ready:
            os.read(self._wake[0], 64)
        now = time.monotonic()
        for side in (0, 1):
            fd = self._ends[side]
            if fd in ready:
                with contextlib.suppress(OSError):
                    self._waiting[side] += os.read(fd, 64 if self.rate else 4096)
            self._forward(side, now - self._at)
        self._at = now

    def _forward(self, side, passed):
        waiting, out = self._waiting[side], self._ends[1 - side]
        if self.rate:
            self._credit[side] = min(self._credit[side] + passed * self.rate, max(16.0, self.rate / 50))
        count = len(waiting) if not self.rate else min(len(waiting), int(self._credit[side]))
        if not count:
            return
        data = self._spoilt(bytes(waiting[:count])) if not self.cut else b""
        if out >= 0:
            # What a full line does not take is lost, as on a UART.
            with contextlib.suppress(OSError):
                os.write(out, data)
        del waiting[:count]
        self._credit[side] -= count

    def _spoilt(self, data):
        if not self.noise:
            return data
        out = bytearray()
        for octet in data:
            if self._random.random() >= self.noise:
                out.append(octet)
            elif self._random.random() < 0.5:
                out.append(octet ^ 1 << self._random.randrange(8))
        return bytes(out)
