"""What dialogues with modems must not forget outlives the process."""

import os
import stat

import pytest

from modem.watchdog import USB, Watchdog
from router.uplink.modem_memory import ModemMemory


class Wall:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


def test_ages_go_on_while_nothing_runs(tmp_path):
    path, wall = str(tmp_path / "state" / "modems.json"), Wall()
    ModemMemory(path, wall).keep("lte", {"pins": {"8949": ["1234"]}, "watchdog": [[USB, 10.0]]})
    wall.now += 600.0
    found = ModemMemory(path, wall).recall("lte")
    assert found == {"pins": {"8949": ["1234"]}, "watchdog": [[USB, 610.0]]}
    assert Watchdog(found["watchdog"], 0.0).memory(0.0) == [[USB, 610.0]]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_clock_that_went_back_makes_nothing_younger(tmp_path):
    path, wall = str(tmp_path / "modems.json"), Wall()
    ModemMemory(path, wall).keep("lte", {"pins": {}, "watchdog": [[USB, 10.0]]})
    wall.now = 0.0
    assert ModemMemory(path, wall).recall("lte")["watchdog"] == [[USB, 10.0]]


def test_a_wrong_pin_is_known_to_all_modems():
    memory = ModemMemory(None)
    memory.keep("one", {"pins": {"8949": ["1234"]}, "watchdog": [[USB, 1.0]]})
    assert memory.recall("two") == {"pins": {"8949": ["1234"]}, "watchdog": []}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lte": 1}', '{"lte": {"saved": "x", "memory": []}}', '{"lte": {"saved": 1, "memory": {"pins": 3, "watchdog": {"a": 1}}}}', "\x00" * 99])  # fmt: skip
def test_a_spoilt_file_is_as_none(tmp_path, text):
    path = tmp_path / "modems.json"
    path.write_text(text)
    assert ModemMemory(str(path)).recall("lte") == {"pins": {}, "watchdog": []}


def test_a_file_that_cannot_be_written_is_said_once(tmp_path, caplog):
    (tmp_path / "state").write_text("a file where the folder should be")
    memory = ModemMemory(str(tmp_path / "state" / "modems.json"))
    memory.keep("lte", {"pins": {}, "watchdog": []})
    memory.keep("lte", {"pins": {}, "watchdog": []})
    assert len(caplog.records) == 1
