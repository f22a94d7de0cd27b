"""Figures of the rescue tool, under MicroPython with one emulated modem; `console.py` shows them."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import time

from openwrt.packaging.deflate import thorough
from openwrt.packaging.feed import feed
from openwrt.packaging.tree import package, write_tree
from router.lab.modem.emulator import Emulator
from router.lab.modem.personalities import PERSONALITIES
from tests.bench.figures import Figure
from tests.modem.machine import Machine

__all__ = ["rescue_figures"]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_HEAP = 256
_HEAPS = range(128, 1024, 16)


def rescue_figures() -> list[Figure]:
    """Time and heap of a summary with one modem, and what the files take.  The goals are for a router."""
    packed = package(ROOT, "roamd-rescue", 0)
    compiled = {file.path: len(file.content) for file in packed.files if file.path.endswith(".mpy")}
    own = sum(size for path, size in compiled.items() if "/openwrt/rescue/" in path)
    vendors = sum(size for path, size in compiled.items() if _is_vendors(path))
    # As squashfs does, in blocks larger than all of it.
    flash = len(lzma.compress(b"".join(file.content for file in packed.files), preset=9))
    sizes = [len(octets) for name, octets in feed([packed], thorough).items() if name.endswith(".ipk")]
    with tempfile.TemporaryDirectory(prefix="roamd-bench-") as folder:
        write_tree(packed, folder)
        seconds = _summary(folder, _HEAP)
        if seconds is None:
            raise SystemExit(f"the rescue tool does not run in a heap of {_HEAP} KiB")
        least = next(heap for heap in _HEAPS if _summary(folder, heap) is not None)
    return [
        Figure("rescue summary with one modem", seconds, "s", 5, at_most=True),
        Figure("rescue, least heap (64 bits)", least, "KiB", _HEAP, at_most=True),
        Figure("rescue's own files, compiled", own / 1024, "KiB", 40, at_most=True),
        Figure("rescue with modem core, diagnosis", (sum(compiled.values()) - vendors) / 1024, "KiB"),
        Figure("rescue with modem core, families, diagnosis", sum(compiled.values()) / 1024, "KiB"),
        Figure("rescue, all of it packed by xz", flash / 1024, "KiB"),
        Figure("roamd-rescue, .ipk", sizes[0] / 1024, "KiB"),
    ]


def _is_vendors(path: str) -> bool:
    return "/families/" in path and not path.endswith(("/__init__.mpy", "/generic.mpy"))


def _summary(folder: str, heap: int) -> float | None:
    """Seconds of a run that found out all of a modem; None where the heap did not do."""
    who = PERSONALITIES["quectel-ec25"]
    micropython = shutil.which("micropython", path=os.path.dirname(sys.executable))
    with tempfile.TemporaryDirectory(prefix="roamd-bench-") as there:
        machine = Machine(there)
        try:
            machine.plug("1-1", *who.usb, {2: Emulator(who, time.monotonic(), imei="861075023456789")})
            start = f"{folder}/usr/lib/roamd-rescue/start.py"
            words = [micropython or "micropython", "-X", f"heapsize={heap}k", start, "--json", "--dry-run"]
            begun = time.monotonic()
            done = subprocess.run([*words, "--root", there], capture_output=True, text=True, timeout=60)
            took = time.monotonic() - begun
        finally:
            machine.close()
    if not done.stdout.startswith("{"):
        return None
    facts = json.loads(done.stdout)
    whole = not facts["failed"] and facts["modems"][0].get("address") is not None
    return took if whole else None
