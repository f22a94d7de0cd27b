"""What a daemon records under real traffic is decided the same again."""

import os

import pytest

from router.control.cli import main
from router.lab.topology import CORRESPONDENT
from router.sim.replay import replay
from tests.daemon.test_daemon_lab import Lab
from tests.daemon.test_flows_lab import ROUTED, SERVED

pytestmark = pytest.mark.lab

RECORDING = ROUTED.replace("config roamd\n", "config roamd\n	option record '{directory}/drive.jsonl'\n", 1)


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()


def test_a_recorded_drive_replays_to_the_same_decisions(lab, capsys):
    lab.drive(RECORDING, SERVED)
    client = lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=5001, flows=8, seconds=6)
    assert not lab.cast.result(client, 15)["errors"]
    assert lab.cast.stop_daemon("mr") == 0
    name = os.path.join(lab.cast.directory, "drive.jsonl")
    with open(name, encoding="ascii") as file:
        found = replay(file)
    assert found.looks >= 6 and found.decisions > found.looks and found.heard > 100
    assert found.differences == [] and found.damaged == []
    assert main(["simulate", "--replay", name]) == 0
    assert "0 otherwise than recorded" in capsys.readouterr().out
