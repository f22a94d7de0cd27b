"""What `modem.py` measures under MicroPython: `heap ROUNDS`, or `throughput LINES`.  Prints one number."""

import gc
import sys

sys.path.insert(0, sys.argv[1])

from modem import facts
from modem.at import Engine, Response

CHUNK = b'\r\n+CREG: 2,1,"B4A9","2D8C40B",7\r\n\r\nOK\r\n'
LINES_OF_CHUNK = 2


def throughput(lines):
    import time

    engine = Engine()
    seen = 0
    began = time.time_ns()
    while seen < lines:
        engine.send("+CREG?", 1.0)
        engine.output(0.0)
        engine.feed(CHUNK, 0.0)
        seen += LINES_OF_CHUNK
    print(int(seen * 1000000000 / (time.time_ns() - began)))


def heap(rounds):
    """A modem of one family asked all, as the dialogue does; octets in use afterwards."""
    from modem.families import load

    family = load("quectel")
    engine = Engine()
    known = {}
    for _ in range(rounds):
        for group in (family.identity, family.state, family.signal, family.slow):
            for query in group:
                engine.send(query.command, query.timeout)
                engine.output(0.0)
                line = '\r\n+QENG: "servingcell","NOCONN","LTE","FDD",262,01,2D8C40B,310,1444,3,5,5,B4A9,-94,-11,-62,15,40\r\n'
                for event in engine.feed(line.encode() + CHUNK, 0.0):
                    if isinstance(event, Response):
                        facts.merge(known, query.parser(event.lines))
    gc.collect()
    print(gc.mem_alloc())


if sys.argv[2] == "heap":
    heap(int(sys.argv[3]))
else:
    throughput(int(sys.argv[3]))
