"""What has happened: kept in order, asked for by uplink and time, over a restart where that is wanted."""

import logging

import pytest

from router.daemon.events import EventRing
from router.daemon.journal import Journal
from router.mip.effect import Event


@pytest.fixture
def ring(tmp_path):
    logging.getLogger("roamd").setLevel(logging.INFO)
    made = EventRing(str(tmp_path / "flash" / "events.jsonl"))
    made.begin()
    yield made
    made.end()


def texts(ring, **params):
    return [entry["text"] for entry in ring.found(params)["events"]]


def test_events_know_their_uplink_however_they_were_said(ring):
    journal = Journal()
    journal.names = {2: "lte"}
    journal.write(Event("warning", "registration", "binding 2: no reply", 2), 1.0)
    logging.getLogger("roamd.uplink").info("uplink %s: modem on %s", "lte", "/dev/ttyUSB2")
    logging.getLogger("roamd").info("uplink %s: link down", "wifi")
    logging.getLogger("roamd").debug("nothing")
    assert texts(ring) == [
        "binding 2: no reply",
        "uplink lte: modem on /dev/ttyUSB2",
        "uplink wifi: link down",
    ]
    assert texts(ring, uplink="lte") == ["binding 2: no reply", "uplink lte: modem on /dev/ttyUSB2"]
    assert texts(ring, level="warning") == ["binding 2: no reply"]
    assert texts(ring, after=2) == ["uplink wifi: link down"]
    assert texts(ring, limit=1) == ["uplink wifi: link down"]
    assert ring.found({"after": 3}) == {"events": [], "last": 3}


def test_old_events_are_left_out_and_the_oldest_forgotten(ring):
    for number in range(500):
        logging.getLogger("roamd").info("event %d", number)
    found = ring.found({"limit": 1000})["events"]
    assert len(found) == 400 and found[-1]["text"] == "event 499"
    found[-2]["wall"] -= 60
    assert texts(ring, seconds=30, after=498) == ["event 499"]


def test_a_restart_goes_on_where_the_file_ends(ring, tmp_path):
    logging.getLogger("roamd").info("before")
    ring.end()
    path = tmp_path / "flash" / "events.jsonl"
    path.write_text(path.read_text() + '{"number": 2, "wa\nnull\n')
    again = EventRing(str(path))
    again.begin()
    logging.getLogger("roamd").info("after")
    assert [(entry["number"], entry["text"]) for entry in again.found({})["events"]] == [
        (1, "before"),
        (2, "after"),
    ]
    again.end()


def test_a_file_that_cannot_be_written_hurts_nobody(tmp_path):
    (tmp_path / "file").write_text("")
    ring = EventRing(str(tmp_path / "file" / "events.jsonl"))
    ring.begin()
    logging.getLogger("roamd").info("one")
    ring.end()
    assert texts(ring)[0] == "one"


@pytest.mark.parametrize("params", [{"after": -1}, {"limit": "x"}, {"seconds": "now"}, {"level": "loud"}])
def test_wrong_questions_are_named(ring, params):
    with pytest.raises(ValueError, match=next(iter(params))):
        ring.found(params)
