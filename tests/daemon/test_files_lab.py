"""A full flash and one that is read-only: every file of ours that cannot be written is a state, said once, and no more."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.lab

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

WRITERS = """
import asyncio, json, logging, os, sys
from router.clock import Instant
from router.config.model import Uplink
from router.daemon.events import EventRing
from router.daemon.limits import Limits
from router.daemon.recorder import Recorder
from router.files import troubles
from router.plane.sysctl import OwnedSysctls
from router.uplink.modem_memory import ModemMemory

folder = sys.argv[1]
lines = []
class Lines(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())
logging.getLogger("roamd").addHandler(Lines())
logging.getLogger("roamd").setLevel(logging.INFO)
ring = EventRing(f"{folder}/events.json")
ring.begin()
recorder = Recorder(f"{folder}/record", 10_000)
limits = Limits([Uplink("lte", 1, "cellular", cap=5)], {}, f"{folder}/usage.json", print)
memory = ModemMemory(f"{folder}/modems.json")
sysctls = OwnedSysctls(f"{folder}/sysctls")

def all_write():
    recorder.heard(1, "begin", [20], Instant(1.0, 1.0))
    limits._save()
    memory.keep("lte", {"pins": {"89": ["1234"]}})
    sysctls.set("net/ipv4/ip_forward", "1")
    sysctls.restore()
    ring._save()

for _ in range(3):
    all_write()
found = [(one["state"], one["text"].split(":")[0]) for one in troubles()]
said = [line for line in lines if folder in line]
heal = sys.argv[2]
if heal:
    os.system(heal)
    all_write()
print(json.dumps({"states": found, "said": len(said), "after": troubles(), "left": sorted(os.listdir(folder))}))
"""


def run(tmp_path, prepare, heal=""):
    folder = tmp_path / "state"
    folder.mkdir()
    script = tmp_path / "writers.py"
    script.write_text(WRITERS)
    # Mounts and sysctls of its own, which end with it.
    inside = f'{prepare} && exec "{sys.executable}" -B "{script}" "{folder}" "{heal}"'
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", inside.format(folder=folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


FULL = (
    "mount -t tmpfs -o size=64k none {folder} && "
    "{{ dd if=/dev/zero of={folder}/ballast bs=1k count=100 2>/dev/null; true; }}"
)


def test_a_full_flash(tmp_path):
    folder, found = run(tmp_path, FULL, f"rm {tmp_path}/state/ballast")
    names = {"events.json", "modems.json", "record", "sysctls", "usage.json"}
    assert {state for state, _ in found["states"]} == {"flash full"}
    assert {os.path.basename(path) for _, path in found["states"]} == names
    assert found["said"] == len(names)
    # There is room again: what is written over and over is good, a recording has ended.
    assert [one["text"].partition(":")[0] for one in found["after"]] == [f"{folder}/record"]
    assert not [name for name in found["left"] if name.endswith(".new")]


def test_a_read_only_flash(tmp_path):
    prepare = "mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    _, found = run(tmp_path, prepare)
    assert {state for state, _ in found["states"]} == {"flash read-only"}
    assert len(found["states"]) == found["said"] == 5 and found["left"] == []
