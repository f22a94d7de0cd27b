"""The dialogue, with the emulator on a stepped clock, and with recorded modems."""

import heapq
import json
import os
from glob import glob

import pytest

from modem import replies, signal
from modem.at import Engine, Response
from modem.dialogue import Modem
from router.lab.modem_emulator import ModemEmulator
from router.uplink.model import ModemInfo

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDINGS = sorted(glob(os.path.join(HERE, "..", "..", "..", "shared", "transcripts", "*", "dialogue.json")))


class Line:
    """A serial line between a dialogue and an emulated modem."""

    def __init__(self, **options):
        self.now, self.count, self.wire = 0.0, 0, []
        self.modem = Modem()
        self.emulator = ModemEmulator("100.64.0.10", 0.0, **options) if options.pop("plugged", True) else None
        if self.emulator:
            self.put(self.emulator.power_on(0.0))

    def put(self, out):
        for when, data in out:
            self.count += 1
            heapq.heappush(self.wire, (when, self.count, data))

    def run(self, seconds):
        end = self.now + seconds
        while self.now < end:
            out = self.modem.output(self.now)
            if out and self.emulator:
                self.put(self.emulator.feed(out, self.now))
            while self.wire and self.wire[0][0] <= self.now:
                self.modem.feed(heapq.heappop(self.wire)[2], self.now)
            self.modem.tick(self.now)
            self.now += 0.005
        return self.modem.snapshot()


def test_a_modem_is_identified_and_registers():
    found = Line().run(12)
    assert (found["manufacturer"], found["model"], found["imei"]) == ("Quectel", "EC25", "861075023456789")
    assert (found["state"], found["sim"], found["operator"]) == ("registered", "READY", "Testnet")
    assert (found["technology"], found["roaming"], found["address"]) == ("E-UTRAN", False, "100.64.0.10")
    assert -113 <= found["rssi"] <= -51
    ModemInfo(**found)


@pytest.mark.parametrize(("sim", "state"), [("SIM PIN", "sim: sim pin"), ("", "sim: absent")])
def test_a_sim_that_is_not_ready_is_named(sim, state):
    assert Line(sim=sim).run(8)["state"] == state


def test_a_modem_that_never_answers_is_named_and_asked_less_and_less():
    line = Line()
    line.emulator = None
    assert line.run(5)["state"] == "no answer"
    assert line.modem.next_wake() > line.now


def test_a_modem_that_comes_back_is_found():
    line = Line()
    silent, line.emulator = line.emulator, None
    line.run(6)
    line.emulator = silent
    assert line.run(40)["state"] == "registered"


def test_a_slow_modem_is_waited_for():
    assert Line(latency=0.7).run(30)["operator"] == "Testnet"


@pytest.mark.skipif(not RECORDINGS, reason="the recorded dialogues are not beside this checkout")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: os.path.basename(os.path.dirname(path)))
def test_recorded_dialogues_are_read(path):
    with open(path) as file:
        recorded = json.load(file)
    pairs = list(_pairs(recorded))
    assert pairs
    read = 0
    for command, response in pairs:
        command = command.strip().upper()
        engine = Engine()
        engine.send(command[2:] if command.startswith("AT") else command, 5.0)
        engine.output(0.0)
        answers = [
            event for event in engine.feed(response.encode("latin-1"), 0.0) if isinstance(event, Response)
        ]
        if not answers or not answers[0].ok:
            continue
        read += _check(answers[0])
    assert read


def _check(answer):
    lines = answer.lines
    if answer.command == "+CPIN?":
        assert replies.sim_state(lines)
    elif answer.command == "+CSQ":
        value = signal.csq(lines)
        assert value is None or -113 <= value <= -51
    elif answer.command in ("+CREG?", "+CEREG?", "+C5GREG?"):
        assert replies.registration(lines, answer.command[:-1]) is not None
    elif answer.command in ("+CGMM", "+CGMI"):
        assert replies.plain(lines) or lines[0].endswith('""')
    elif answer.command == "+COPS?":
        assert replies.operator(lines)
    else:
        return 0
    return 1


def _pairs(value):
    """(command, response) of every object that has both, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("command"), str) and isinstance(value.get("response"), str):
            yield value["command"], value["response"]
        for child in value.values():
            yield from _pairs(child)
    elif isinstance(value, list):
        for child in value:
            yield from _pairs(child)
