"""How long it takes from plugging a modem in to knowing it: called by `invoke bench modem`.

The modems are emulators on pseudo-terminals that take 60 ms for a command, 150 ms for `+COPS?`, as EC25s on USB do,
in a sysfs of the real shape; hotplug is told by the kernel (as root; otherwise the look that follows is made at
once).  Identified is a modem whose IMEI, model and family are known to its uplink.  Each figure is the worst of some
runs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from router.config.model import Uplink
from router.lab.modem.emulator import Emulator
from router.lab.modem.personalities import PERSONALITIES
from router.uplink.cellular import Modems
from tests.bench.figures import Figure, command_line, report
from tests.modem.machine import Diagnostic, Machine, Receiver, uevent

RUNS = 3
LATENCY = 0.06
SLOW = {"+COPS?": 0.15}
TIME_LIMIT = 60.0
KNOWN, UNKNOWN = (0x2C7C, 0x0125), (0xFFF0, 0x0001)
"""USB ids: one that tells which port is for what, and one that tells nothing."""


def figures() -> list[Figure]:
    """Discovery of one modem, known and unknown by its USB id, and of two side by side."""
    return [
        Figure("discovery: 4 ports, 2 answer, unknown USB id", worst(1, UNKNOWN), "s", 3.0, True),
        Figure("discovery: 4 ports, 2 answer, known USB id", worst(1, KNOWN), "s", 3.0, True),
        Figure("discovery: two modems, 8 ports, unknown USB id", worst(2, UNKNOWN), "s", 4.0, True),
    ]


def worst(modems: int, identity: tuple[int, int]) -> float:
    return max(discover(modems, identity) for _ in range(RUNS))


def discover(count: int, identity: tuple[int, int]) -> float:
    """Seconds from plugging `count` modems in until the last of them is identified."""
    folder = tempfile.mkdtemp(prefix="roamd-bench-")
    machine = Machine(folder)
    try:
        return asyncio.run(_discover(machine, count, identity))
    finally:
        machine.close()
        shutil.rmtree(folder)


async def _discover(machine: Machine, count: int, identity: tuple[int, int]) -> float:
    uplinks = tuple(Uplink(f"lte{number}", number + 1, "cellular") for number in range(count))
    changed = asyncio.Event()
    modems = Modems(uplinks, changed.set, sysfs_root=machine.sysfs, device_folder=machine.dev)
    modems.start(asyncio.get_running_loop())
    try:
        begin = time.monotonic()
        for number in range(count):
            talkers = {0: Diagnostic(), 1: Receiver(), 2: _modem(number), 3: _modem(number)}
            machine.plug(f"1-{number + 1}", *identity, talkers, first=4 * number, network=f"wwan{number}")
        if os.geteuid() == 0:
            uevent()
        else:
            modems.look()
        while not all(_identified(modems, uplink.name) for uplink in uplinks):
            await asyncio.wait_for(changed.wait(), TIME_LIMIT)
            changed.clear()
        return time.monotonic() - begin
    finally:
        modems.close()


def _modem(number: int) -> Emulator:
    imei = ("861075023456789", "861075023456797")[number]
    personality = PERSONALITIES["quectel-ec25"]
    return Emulator(personality, time.monotonic(), latency=LATENCY, latencies=SLOW, imei=imei)


def _identified(modems: Modems, uplink: str) -> bool:
    info = modems.info(uplink)
    return info is not None and None not in (info.imei, info.model, info.family)


if __name__ == "__main__":
    report(figures(), command_line("modem"), None)
