"""A router with a wrong access point name, and a technician at the end of 9600 bit/s."""

import json
import os

import pytest

from tests.console.rig import PASSWORD, Rig
from tests.diagnosis.faults import NODE, FaultLab

pytestmark = pytest.mark.lab

WRONG = "\toption session at\n\toption apn 'wrong.example'\n"
OPTIONS = "\toption speed '9600'\n\toption terminal 'dumb'\n"


@pytest.fixture
def lab(tmp_path):
    lab = FaultLab(tmp_path)
    try:
        lab.modem("--apn", "internet.example")
        lab.no_address()
        lab.start(NODE + WRONG)
        lab.cast.wait("the fault", lambda: lab.codes() == {"lte": ["wrong_apn"]}, 20)
        yield lab
    finally:
        lab.topology.destroy()


def test_a_technician_finds_out_over_the_line(lab, tmp_path):
    (tmp_path / "console").mkdir()
    socket = os.path.join(lab.cast.directory, "mr.sock")
    with Rig(tmp_path / "console", {}, daemon=False, socket=socket, options=OPTIONS, rate=960) as rig:
        rig.type("\r")
        rig.expect("password: ")
        rig.type(PASSWORD + "\r")
        rig.expect("exit ends.")
        shown = rig.expect("> ")
        assert "DEGRADED: 1 of 2 uplinks" in shown
        assert "try: set option apn of uplink lte" in shown
        rig.type("test upl lte\r")
        assert "does not know the APN" in rig.expect("> ")
        rig.type("support now.tar.gz\r")
        assert "fetch now.tar.gz" in rig.expect("> ")
        rig.type("exit\r")
        rig.expect("password: ")
        done = rig.roamctl("--speed", "9600", "--json", "show", "summary")
        assert done.returncode == 0, done.stderr
        assert "wrong_apn" in [item["code"] for item in json.loads(done.stdout)["findings"]]
        done = rig.roamctl("--speed", "9600", "fetch", "now.tar.gz", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "now.tar.gz").read_bytes()[:2] == b"\x1f\x8b"
