"""The console: a summary on slow lines, machine mode through noise, files, and what the process costs.

The lines are pseudo-terminals behind a relay that lets through as many octets a second as the speed allows, and spoils
them.  Ten thousand requests go through the same two state machines with a clock of their own, since they would take
hours on a real line; some hundred go through the real process as well.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from router.control.client import ControlError
from router.control.serial_line import SerialLine
from router.diagnosis.summary import summary
from router.scram import ROUNDS, salted
from tests.bench.figures import Figure, command_line, report
from tests.bench.rescue_figures import rescue_figures
from tests.console.rig import PASSWORD, Rig
from tests.console.virtual_line import VirtualLine
from tests.diagnosis.test_judge import LOST, status

_NOISE = 0.01


def full_screen() -> dict[str, object]:
    """As much as a summary may say."""
    rows = [{**LOST, "name": f"uplink{number}", "state": "no carrier"} for number in range(8)]
    events = [{"clock": "12:00:00", "text": "binding 1: " + "x" * 60}] * 3
    return summary(status(*rows, clock_offset=9e5, lacking=["kmod-ipip", "kmod-fou"]), events)


def at_speed(folder: Path, speed: int, goal: float) -> list[Figure]:
    """From the Enter behind the command to the next prompt; and the same by `roamctl --serial`."""
    methods = {"summary": lambda params: full_screen()}
    options = f"\toption speed '{speed}'\n\toption terminal 'dumb'\n"
    with Rig(folder, methods, options=options, rate=speed / 10) as rig:
        rig.log_in()
        rig.type("show summary")
        rig.expect("show summary")
        began = time.monotonic()
        rig.type("\r")
        shown = rig.expect("> ")
        console = time.monotonic() - began
        rig.type("exit\r")
        line = SerialLine(rig.relay.laptop, speed, lambda: PASSWORD)
        began = time.monotonic()
        line.ask("summary")
        first = time.monotonic() - began
        began = time.monotonic()
        line.ask("summary")
        again = time.monotonic() - began
        line.close()
    return [
        Figure(f"show summary at {speed}", console, "s", goal, at_most=True),
        Figure(
            f"its octets at {speed}, prompt included", len(shown.encode()), "octets", 1200 + 20, at_most=True
        ),
        Figure(f"roamctl --serial, summary at {speed}", again, "s"),
        Figure(f"roamctl --serial, login and summary at {speed}", first, "s"),
    ]


def virtual(requests: int) -> list[Figure]:
    """Answers are as long as those of a router are: 20 to 2,000 octets, and each says which request it is to."""
    draw = random.Random(7)
    line = VirtualLine(lambda request: request * draw.randrange(1, 40), noise=_NOISE)
    right = wrong = 0
    for number in range(requests):
        request = b'{"method":"status","number":%d}' % number
        answer = line.ask(request)
        if answer is not None and answer and answer == request * (len(answer) // len(request)):
            right += 1
        else:
            wrong += 1
    spoilt = sum(reader.spoilt for reader in line.readers)
    return [
        Figure("requests with 1 % of octets spoilt, right", right, "", requests),
        Figure("wrong", wrong, "", 0, at_most=True),
        Figure("spoilt frames among them", spoilt, ""),
        Figure("time of the line for each, 115200", line.now / requests, "s"),
        Figure("octets for each, both ways", line.sent / requests, "octets"),
    ]


def real(folder: Path, requests: int) -> list[Figure]:
    """The process, a pseudo-terminal, and pyserial."""
    right = refused = wrong = 0
    with Rig(folder, {"echo": lambda params: params}, noise=_NOISE) as rig:
        line = SerialLine(rig.relay.laptop, 115200, lambda: PASSWORD)
        began = time.monotonic()
        for number in range(requests):
            asked = {"number": number, "text": "x" * (number % 300)}
            try:
                answer = line.ask("echo", asked)
            except ControlError:
                refused += 1
                continue
            right, wrong = right + (answer == asked), wrong + (answer != asked)
        spent = time.monotonic() - began
        line.close()
    return [
        Figure("the same by the real process, right", right, ""),
        Figure("refused", refused, ""),
        Figure("wrong, real process", wrong, "", 0, at_most=True),
        Figure("time for each", spent / requests, "s"),
    ]


def a_file(folder: Path, size: int = 100_000) -> list[Figure]:
    octets = os.urandom(size)
    with Rig(folder, {}, rate=11520) as rig:
        (folder / "roamd-files").mkdir()
        (folder / "roamd-files/support").write_bytes(octets)
        line = SerialLine(rig.relay.laptop, 115200, lambda: PASSWORD)
        line.ask("file_list")
        began, got = time.monotonic(), b""
        while len(got) < size:
            got += line.ask("file_read", {"name": "support", "offset": len(got), "length": 4096}, 30.0)
        spent = time.monotonic() - began
        line.close()
        resident = resident_of(rig.process.pid)
    assert got == octets
    return [
        Figure("a file of 100 kB at 115200", spent, "s"),
        Figure("part of the line it used", size / spent / 11520, ""),
        Figure("memory of roamd console, resident", resident, "MB"),
    ]


def resident_of(pid: int) -> float:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) / 1000 for line in file if line.startswith("VmRSS"))


def a_login() -> list[Figure]:
    began = time.perf_counter()
    salted(b"correct horse", b"0123456789abcdef", ROUNDS)
    return [Figure(f"a password's {ROUNDS:,} rounds, without OpenSSL", time.perf_counter() - began, "s")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--requests", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--real-requests", type=int, default=500, help="default: %(default)s")
    arguments = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in "abcd"]
        for folder in folders:
            folder.mkdir()
        figures += at_speed(folders[0], 9600, 2.0)
        figures += at_speed(folders[1], 115200, 0.3)
        figures += virtual(arguments.requests)
        figures += real(folders[2], arguments.real_requests)
        figures += a_file(folders[3])
    figures += a_login()
    figures += rescue_figures()
    report(figures, command_line("console"), arguments.json)


if __name__ == "__main__":
    main()
