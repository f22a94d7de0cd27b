"""Spoilt octets in scripted dialogues: what comes of them, on a stepped clock.

A modem of one family is asked all its family knows, over and over.  Its line drops, flips or inserts an octet,
cuts what is left of an answer, or holds it back for up to 2.5 seconds, in a quarter of all exchanges, commands
and answers alike.

*Believed* is what `modem.belief` lets through, as the dialogue does: an answer is taken when its like came
AGREE times in a row, and asked again at once otherwise.  A believed answer is *wrong* when it differs from the
modem's in anything but a level within the tolerance of TOLERANCES (a spoilt last digit of a level passes as the
noise that levels have).  How many spoilt answers could be read as something else is told beside it.

A *hang* is half a minute without a result.  The time to *resynchronise* is from the time-out of a command, or
the last fault that fell into the search for the step, to the moment when the next command can be sent.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

from modem import families
from modem.at import Engine, Response, TimedOut
from modem.belief import Belief, alike
from modem.families import Query

TIMEOUT = 1.0
LATENCY = 0.02
SHARE = 0.25
HUNG = 30.0
KINDS = ("drop", "flip", "insert", "cut", "delay")

ANSWERS = {
    "+CGMI": ["Quectel"],
    "+CGMM": ["EC25"],
    "+CGMR": ["EC25EFAR06A03M4G"],
    "+CGSN": ["861075023456789"],
    "+CIMI": ["262011234567890"],
    "+QCCID": ["+QCCID: 89490200001234567890"],
    "+CPIN?": ["+CPIN: READY"],
    "+CFUN?": ["+CFUN: 1"],
    "+CREG?": ['+CREG: 2,1,"B4A9","2D8C40B",7'],
    "+CGREG?": ['+CGREG: 2,1,"B4A9","2D8C40B",7'],
    "+CEREG?": ['+CEREG: 2,1,"B4A9","2D8C40B",7'],
    "+COPS?": ['+COPS: 0,0,"Testnet",7'],
    "+CGACT?": ["+CGACT: 1,1", "+CGACT: 2,0"],
    "+CGPADDR": ['+CGPADDR: 1,"10.64.1.2"', "+CGPADDR: 2"],
    "+CGCONTRDP": ['+CGCONTRDP: 1,5,"internet","10.64.1.2.255.255.255.252","10.64.1.1","9.9.9.9","1.1.1.1"'],
    "+CSQ": ["+CSQ: 20,99"],
    "+CESQ": ["+CESQ: 99,99,255,255,19,47"],
    "+QNWINFO": ['+QNWINFO: "FDD LTE","26201","LTE BAND 3",1444'],
    '+QENG="servingcell"': [
        '+QENG: "servingcell","NOCONN","LTE","FDD",262,01,2D8C40B,310,1444,3,5,5,B4A9,-94,-11,-62,150,40'
    ],
    "+QCAINFO": [
        '+QCAINFO: "PCC",1444,100,"LTE BAND 3",1,310,-94,-11,-62,14',
        '+QCAINFO: "SCC",2850,50,"LTE BAND 7",2,122,-101,-13,-71,6',
    ],
    "+CGDCONT?": ['+CGDCONT: 1,"IP","internet","",0,0'],
    "+QTEMP": ["+QTEMP: 34,31,33"],
    "+QGDCNT?": ["+QGDCNT: 1000,2000"],
}


@dataclass
class Outcome:
    faults: int = 0
    exchanges: int = 0
    misread: int = 0
    """Answers that could be read, as something else than was sent."""
    believed: int = 0
    wrong: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    hangs: int = 0
    slowest: float = 0.0
    """Seconds to resynchronise."""
    resyncs: int = 0


class Line:
    """A scripted modem at the end of a line that spoils octets; octets come in the order in which they left."""

    def __init__(self, rng: random.Random, echo: bool) -> None:
        self._rng = rng
        self._echo = echo
        self._quiet = False
        self._words = True
        self._typed = b""
        self._wire: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._free = 0.0
        self.faults = 0
        self.last_fault = 0.0

    def write(self, data: bytes, now: float) -> None:
        if self._rng.random() < SHARE * 0.3:
            data, _ = self._spoil(data, now, KINDS[:4])
        self._typed += data
        while b"\r" in self._typed:
            command, _, self._typed = self._typed.partition(b"\r")
            command = command.strip(b"\n \x1b\0")
            if command[:2] == b"AT" or command[:2] == b"at":
                self._answer(command, now)

    def next(self) -> float | None:
        return self._wire[0][0] if self._wire else None

    def read(self, now: float) -> bytes:
        data = b""
        while self._wire and self._wire[0][0] <= now:
            data += heapq.heappop(self._wire)[2]
        return data

    def _answer(self, command: bytes, now: float) -> None:
        echoed = command + b"\r" if self._echo else b""
        name = command[2:].decode("latin-1")
        lines, ok = ANSWERS.get(name, []), name in ANSWERS or name == ""
        if name == "+CMEE?":
            lines, ok = ["+CMEE: 1"], True
        if name[:1] in ("E", "Q", "V"):
            ok = True
            self._echo = "E1" in name or (self._echo and "E" not in name)
            self._quiet = "Q1" in name or (self._quiet and "Q" not in name)
            self._words = "V1" in name or (self._words and "V" not in name)
        result = ("OK" if ok else "ERROR") if self._words else ("0" if ok else "4")
        text = "".join(f"\r\n{line}\r\n" for line in lines)
        if not self._quiet:
            text += f"\r\n{result}\r\n" if self._words else f"{result}\r"
        if self._rng.random() < 0.05:
            text = '\r\n+QIND: "csq",20,99\r\n' + text
        self._send(echoed + text.encode(), now + LATENCY)

    def _send(self, data: bytes, when: float) -> None:
        pause = 0.0
        if data and self._rng.random() < SHARE * 0.7:
            at = self._rng.randrange(len(data))
            kept = data[:at]
            data, pause = self._spoil(data, when, KINDS)
            if pause:
                self._put(kept, when)
                data = data[at:]
        self._put(data, when + pause)
        if pause:
            self.last_fault = max(self.last_fault, when + pause)

    def _put(self, data: bytes, when: float) -> None:
        self._free = max(self._free, when)
        self._count += 1
        heapq.heappush(self._wire, (self._free, self._count, data))

    def _spoil(self, data: bytes, now: float, kinds: tuple[str, ...]) -> tuple[bytes, float]:
        rng, kind = self._rng, self._rng.choice(kinds)
        self.faults += 1
        self.last_fault = max(self.last_fault, now)
        at = rng.randrange(len(data))
        if kind == "drop":
            return data[:at] + data[at + 1 :], 0.0
        if kind == "flip":
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :], 0.0
        if kind == "insert":
            return data[:at] + bytes([rng.randrange(256)]) + data[at:], 0.0
        if kind == "cut":
            return data[:at], 0.0
        return data, rng.uniform(0.05, 2.5)


def run(faults: int, seed: int = 5) -> Outcome:
    """Dialogues until the line has spoilt something `faults` times."""
    rng = random.Random(seed)
    outcome = Outcome()
    while outcome.faults < faults:
        _dialogue(rng, outcome, rounds=10)
    return outcome


def _queries() -> list[Query]:
    family = families.load("quectel_ec2x")
    every = family.identity + family.state + family.signal + family.slow
    return [query for query in every if query.command in ANSWERS]


def _dialogue(rng: random.Random, outcome: Outcome, rounds: int) -> None:
    line, engine, belief = Line(rng, echo=rng.random() < 0.5), Engine(), Belief()
    queries = {query.command: query for query in _queries()}
    truth = {command: query.parser(ANSWERS[command]) for command, query in queries.items()}
    todo = list(queries) * rounds
    now = heard = 0.0
    lost: float | None = None
    while todo or not engine.idle():
        if engine.idle():
            engine.send(todo.pop(), TIMEOUT)
        out = engine.output(now)
        if out:
            line.write(out, now)
        moments = [moment for moment in (line.next(), engine.next_wake()) if moment is not None]
        if not moments or now - heard > HUNG:
            outcome.hangs += 1
            break
        now = max(now, min(moments))
        data = line.read(now)
        for event in (engine.feed(data, now) if data else []) + engine.tick(now):
            if isinstance(event, TimedOut) and event.command and lost is None:
                lost = now
            elif isinstance(event, Response):
                heard = now
                outcome.exchanges += 1
                _take(event, queries, truth, belief, outcome, todo)
        if lost is not None and not engine._sync.active:
            outcome.resyncs += 1
            outcome.slowest = max(outcome.slowest, now - max(lost, min(line.last_fault, now)))
            lost = None
    outcome.faults += line.faults


def _take(
    event: Response,
    queries: dict[str, Query],
    truth: dict[str, dict[str, object]],
    belief: Belief,
    outcome: Outcome,
    todo: list[str],
) -> None:
    if not event.ok or event.command not in queries:
        return
    told = queries[event.command].parser(event.lines)
    right = alike(truth[event.command], told)
    outcome.misread += not right
    if not belief.weigh(event.command, event.lines, told):
        # Asked again at once, as often as it takes.
        todo.append(event.command)
        return
    outcome.believed += 1
    if not right:
        outcome.wrong.append((event.command, told))
