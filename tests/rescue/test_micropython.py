"""The rescue tool under a real MicroPython: its package, in its heap, with emulated modems; its types."""

import json
import os
import subprocess
import sys
import time
from glob import glob

import pytest

from modem import families
from openwrt.packaging.tree import write_tree
from router import __version__ as VERSION
from router.lab.modem.emulator import Emulator
from router.lab.modem.network import Network
from router.lab.modem.personalities import PERSONALITIES
from router.lab.modem.sim import Sim
from tests.modem.machine import Machine, Mute
from tests.modem.test_micropython import ROOT, STUBS, need_stubs, run, tool

SOURCES = sorted(glob(os.path.join(ROOT, "openwrt", "rescue", "*.py")))
HEAP = "heapsize=256k"
CONFIG = "config uplink 'lte'\n\toption type cellular\n"


@pytest.fixture(scope="module")
def installed(packages, tmp_path_factory):
    """What the package installs, below a folder."""
    folder = tmp_path_factory.mktemp("router")
    write_tree(packages["roamd-rescue"], str(folder))
    return folder


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.close()


def rescue(installed, tmp_path, *options):
    """The exit status and all that was found out."""
    config = tmp_path / "roamd.config"
    config.write_text(CONFIG)
    start = installed / "usr/lib/roamd-rescue/start.py"
    words = [tool("micropython"), "-X", HEAP, str(start), "--json", "--dry-run"]
    done = subprocess.run(
        [*words, "--config", str(config), "--root", str(tmp_path), *options],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=tmp_path,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    facts = json.loads(done.stdout)
    assert facts["failed"] == []
    return done.returncode, facts


def faults(facts):
    return [(item["uplink"], item["code"]) for item in facts["summary"]["findings"]]


def emulator(name="quectel-ec25", **options):
    return Emulator(PERSONALITIES[name], time.monotonic(), imei="861075023456789", **options)


def at_port(name):
    """A personality's interface for AT."""
    vendor, product = PERSONALITIES[name].usb
    roles = families.by_usb(vendor, product).roles
    table = roles.get(product) or roles.get(None, {})
    return next((number for number, role in table.items() if role == "at"), 2)


@pytest.mark.parametrize("name", PERSONALITIES)
def test_every_kind_of_modem_is_asked_within_the_heap(name, installed, machine, tmp_path):
    machine.plug("1-1", *PERSONALITIES[name].usb, {at_port(name): emulator(name)}, network="wwan0")
    _, facts = rescue(installed, tmp_path)
    (found,) = facts["modems"]
    assert (found["imei"], found["sim"], found["registration"]) == ("861075023456789", "READY", "registered")
    assert found["address"] == "10.64.0.10"
    assert found["apn"] == "internet"
    assert found["networks"] == ["wwan0"]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"sim": "absent"}, "no_sim"),
        ({"pin": "1234"}, "pin_needed"),
        ({"network": "denied"}, "registration_denied"),
    ],
)
def test_a_fault_of_sim_or_network_is_named(options, fault, installed, machine, tmp_path):
    sim = Sim(pin=options.get("pin"), puk="12345678")
    sim.fault = options.get("sim")
    who = PERSONALITIES["quectel-ec25"]
    network = Network(outcome=options.get("network", "home"), search=0.1, technology=who.technology)
    machine.plug("1-1", *who.usb, {2: emulator(sim=sim, network=network)})
    status, facts = rescue(installed, tmp_path)
    assert status == 1
    assert ("lte", fault) in faults(facts)
    # Not even a PIN was tried.
    assert sim.tries == 3


def test_two_modems_and_a_silent_one(installed, machine, tmp_path):
    usb = PERSONALITIES["quectel-ec25"].usb
    machine.plug("1-1", *usb, {2: emulator()})
    machine.plug("1-2", *usb, {2: emulator()}, first=4)
    machine.plug("1-3", *usb, {2: Mute()}, first=8)
    _, facts = rescue(installed, tmp_path)
    assert [modem.get("model") for modem in facts["modems"]] == ["EC25", "EC25", None]
    assert facts["modems"][2]["why"] == "ttyUSB8 does not answer"


def test_a_port_that_somebody_has_is_left_alone(installed, machine, tmp_path):
    talker = Mute()
    machine.plug("1-1", *PERSONALITIES["quectel-ec25"].usb, {2: talker})
    with open(f"{machine.dev}/ttyUSB0", "rb", buffering=0) as port:
        holder = subprocess.Popen(["sleep", "60"], stdin=port)
    try:
        _, facts = rescue(installed, tmp_path)
    finally:
        holder.kill()
        holder.wait()
    assert (None, "port_taken") in faults(facts)
    assert facts["modems"][0]["owner"] == f"sleep (pid {holder.pid}) has ttyUSB0"
    assert talker.heard == b""


def test_without_a_modem_that_is_said_and_links_are_told_all_the_same(installed, tmp_path):
    status, facts = rescue(installed, tmp_path)
    assert status == 1
    assert ("lte", "no_modem") in faults(facts)
    with open("/proc/net/dev") as file:
        names = {line.split(":")[0].strip() for line in file if ":" in line} - {"lo"}
    assert {link["name"] for link in facts["links"]} == names


def test_the_screen_and_the_words_that_make_no_sense(installed, tmp_path):
    start = str(installed / "usr/lib/roamd-rescue/start.py")
    words = [tool("micropython"), "-X", HEAP, start]
    done = subprocess.run([*words, "--root", str(tmp_path), "--dry-run"], capture_output=True, text=True)
    assert done.stdout.startswith(f"roamd {VERSION} rescue, ")
    assert "FAULT: there is no configuration\n" in done.stdout
    assert subprocess.run([*words, "--version"], capture_output=True, text=True).stdout.split()[1] == VERSION
    done = subprocess.run([*words, "--colour"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (
        2,
        "roamd-rescue: --colour: unknown, or its value is missing; try --help\n",
    )


def test_the_wrapper_starts_it_in_its_heap(installed, tmp_path):
    (tmp_path / "micropython").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "micropython").chmod(0o755)
    done = subprocess.run(
        ["sh", str(installed / "usr/sbin/roamd-rescue"), "--json"],
        capture_output=True,
        text=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert done.stdout == f"-X {HEAP} /usr/lib/roamd-rescue/start.py --json\n"


def test_its_types_are_micropythons():
    need_stubs()
    config = os.path.join(ROOT, "tests", "modem", "micro", "mypy.ini")
    run(sys.executable, "-m", "mypy", "--config-file", config, "--custom-typeshed-dir", STUBS, *SOURCES)
