"""Kernel knobs go back to what they were, also when who changed them was killed."""

import os
import sys

import pytest

import router

pytestmark = pytest.mark.lab

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(router.__file__)))
NAME = "net/ipv4/fib_multipath_hash_policy"
PROGRAM = """
import os, sys
from router.plane.sysctl import OwnedSysctls
owned = OwnedSysctls(sys.argv[1])
for step in sys.argv[2:]:
    if step == "killed":
        os._exit(0)
    elif step == "restore":
        owned.restore()
    else:
        owned.set("net/ipv4/fib_multipath_hash_policy", step)
"""


class Knob:
    def __init__(self, node, record):
        self.node, self.record = node, record

    def run(self, *steps):
        environment = {**os.environ, "PYTHONPATH": ROOT}
        return self.node.command(sys.executable, "-c", PROGRAM, str(self.record), *steps, env=environment)

    @property
    def value(self):
        return self.node.sysctl(NAME)


@pytest.fixture
def knob(lone, tmp_path):
    return Knob(lone, tmp_path / "record")


def test_who_comes_after_a_kill_puts_it_back(knob):
    knob.run("1", "killed")
    assert knob.value == "1"
    knob.run("1", "restore")
    assert knob.value == "0"
    assert not knob.record.exists()


def test_several_kills_forget_nothing(knob):
    for value in ("1", "2", "1"):
        knob.run(value, "killed")
    knob.run("restore")
    assert knob.value == "0"


def test_what_somebody_has_changed_since_is_left_alone(knob):
    knob.run("1", "killed")
    knob.node.command("sysctl", "-qw", f"{NAME}=2")
    knob.run("1", "restore")
    assert knob.value == "2"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"net/ipv4/ip_forward": [1, 2]}'])
def test_a_spoilt_record_hurts_nobody(knob, text):
    knob.record.write_text(text)
    knob.run("1", "restore")
    assert knob.value == "0"


def test_where_nothing_can_be_written_down_it_works_all_the_same(lone, tmp_path):
    knob = Knob(lone, tmp_path / "no such folder" / "record")
    knob.run("1", "restore")
    assert knob.value == "0"
