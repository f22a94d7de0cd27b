"""A dialogue and an emulated modem on one stepped clock."""

from modem.dialogue import Modem
from router.lab.modem import PERSONALITIES, Emulator
from router.lab.modem.script import Event, parse


class Rig:
    """Time goes on only in `run`; both sides wake when they want to."""

    def __init__(self, personality="quectel-ec25", *, settings=None, memory=None, events=(), **options):
        self.now = 0.0
        self.modem = Modem(settings, memory, 0.0)
        self.emulator = Emulator(PERSONALITIES[personality], 0.0, script=parse(events), **options)
        self.sent, self.effects, self.times = [], [], []
        self.listening = True

    def run(self, seconds):
        """The snapshot after so many seconds."""
        end = self.now + seconds
        while True:
            self._exchange()
            wakes = [w for w in (self.modem.next_wake(), self.emulator.next_wake()) if w is not None]
            wake = max(self.now + 0.001, min(wakes, default=end))
            if wake >= end:
                self.now = end
                self._exchange()
                return self.modem.snapshot()
            self.now = wake

    def until(self, good, seconds):
        end = self.now + seconds
        while self.now < end and not good(self.modem.snapshot()):
            self.run(0.1)
        assert good(self.modem.snapshot()), self.modem.snapshot()
        return self.modem.snapshot()

    def happen(self, name, text=""):
        self.emulator.happen(Event(0.0, name, text), self.now)

    def commands(self, since=0.0):
        """Commands sent after `since`, without AT."""
        return [text for when, text in self.sent if when >= since]

    def _exchange(self):
        for _ in range(50):
            self.modem.tick(self.now)
            out = self.modem.output(self.now)
            self._do(self.modem.take_effects())
            for line in out.decode("latin-1").split("\r"):
                if line.strip("\x1b"):
                    self.sent.append((self.now, line[2:] if line[:2] == "AT" else line))
            if out and self.listening:
                self.emulator.feed(out, self.now)
            heard = self.emulator.output(self.now)
            self.emulator.take_effects()
            if heard and self.listening:
                self.modem.feed(heard, self.now)
            elif not out:
                return

    def _do(self, effects):
        for effect in effects:
            self.effects.append((self.now, *effect))
            if effect[0] in ("reopen", "usb_reset"):
                self.modem.restart(self.now)
