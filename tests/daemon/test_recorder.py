import os
from dataclasses import replace

import pytest

from router.clock import Instant
from router.daemon.recorder import Recorder
from router.flow.assigner import Assigner
from router.flow.policy import Way
from router.flow.track import Tracker
from router.path.quality import Quality
from router.sim.replay import replay

WAYS = [Way(1, "wifi"), Way(2, "lte")]
QUALITIES = {
    1: Quality(1, "up", 20_000.0, 9_000.0, 0.8, "delivered"),
    2: Quality(2, "up", 5_000.0, 2_000.0, 0.3, "radio", rtt=0.04),
}


class Drive:
    """Connections that carry evenly, looked at ten times a second."""

    def __init__(self, recorder, flows=8):
        self.recorder, self.flows = recorder, flows
        self.tracker = Tracker(lambda _key: False)
        self.assigner = Assigner((), lambda _key: None)
        self.qualities = dict(QUALITIES)
        self.at = 100.0

    def look(self, count=1, octets=60_000):
        for _ in range(count):
            self.at += 0.1
            self.tracker.begin(self.at)
            grown = int((self.at - 100) * octets)
            seen = [
                (f"key {n}".encode(), 2 if n % 4 else 1, grown // 50 + 1, grown + 1, False)
                for n in range(self.flows)
            ]
            self.tracker.see(seen, self.at)
            self.tracker.end(self.at)
            decision = self.assigner.look(self.at, (0, 0), WAYS, self.qualities, self.tracker, 0.5)
            instant = Instant(self.at, 1.7e9 + self.at)
            self.recorder.look(decision, self.assigner.basis, self.qualities, instant)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "drive.jsonl"


def test_a_recorded_drive_is_decided_the_same_again(file):
    drive = Drive(Recorder(str(file), 10**6))
    drive.look(50)
    drive.qualities[1] = replace(QUALITIES[1], down=3_000.0)
    drive.look(50)
    drive.qualities[2] = replace(QUALITIES[2], liveness="suspect")
    drive.look(20)
    drive.recorder.close()
    found = replay(file.read_text().splitlines())
    assert found.looks > 10 and found.moves > 0 and found.seconds > 10
    assert found.differences == [] and found.damaged == []


def test_nobody_is_named(file):
    drive = Drive(Recorder(str(file), 10**6))
    drive.look(30)
    assert "key" not in file.read_text() and b"key".hex() not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_looks_that_change_nothing_are_written_once_a_second(file):
    drive = Drive(Recorder(str(file), 10**6), flows=0)
    drive.look(100)
    assert 9 <= len(file.read_text().splitlines()) - 1 <= 12
    assert drive.recorder.counters["looks_recorded"] <= 12


def test_two_files_of_bounded_size_each_with_a_header(file):
    drive = Drive(Recorder(str(file), 20_000))
    drive.look(3_000)
    assert sorted(os.listdir(file.parent)) == ["drive.jsonl", "drive.jsonl.1"]
    for one in (file, file.with_name("drive.jsonl.1")):
        assert one.stat().st_size <= 20_000
        assert one.read_text().startswith('{"roamd":')
        assert replay(one.read_text().splitlines()).differences == []


def test_a_recording_of_an_earlier_run_is_kept(file):
    file.write_text("before\n")
    Drive(Recorder(str(file), 10**6)).look()
    assert file.with_name("drive.jsonl.1").read_text() == "before\n"


def test_where_nothing_can_be_written_the_recording_ends_and_nothing_else(tmp_path, caplog):
    drive = Drive(Recorder(str(tmp_path / "none" / "drive.jsonl"), 10**6))
    drive.look(100)
    assert drive.recorder.counters == {"looks_recorded": 0, "record_failed": 1}
    assert len(caplog.records) == 1 and "none/drive.jsonl" in caplog.text


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    (tmp_path / "victim").write_text("precious")
    drive = Drive(Recorder(str(tmp_path / "link"), 10**6))
    drive.look(20)
    assert (tmp_path / "victim").read_text() == "precious"


def test_without_a_file_name_nothing_is_recorded():
    drive = Drive(Recorder("", 10**6))
    drive.look(20)
    assert drive.recorder.counters["looks_recorded"] == 0
