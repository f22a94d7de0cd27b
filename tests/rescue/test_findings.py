"""The table of faults against findings, and how they are shown."""

import pytest

from openwrt.rescue import findings, summary

GOOD_MODEM = {
    "device": "1-1", "bus": "usb", "networks": ["wwan0"], "port": "ttyUSB2", "manufacturer": "Quectel", "model": "EC25",
    "imei": "861075023456789", "state": "registered", "sim": "READY", "registration": "registered", "address": "10.64.0.10",
    "apn": "internet", "rsrp": -95, "why": None,
}  # fmt: skip
GOOD_PATH = {
    "device": "wwan0", "address": "10.64.0.10", "gateway": "10.64.0.1", "metric": 0, "agent": "198.51.100.2", "wanted": 0,
    "would": None, "tried": True, "error": None, "echo": 41, "answer": {"code": 0, "authentic": True, "ms": 43},
    "refused": None, "clock_off": None, "neighbour": "reachable",
}  # fmt: skip
SILENT = {"answer": None, "echo": None}


def router(modem=(), path=(), link=(), **facts):
    """A router where all is well, but for what is given."""
    found = {
        "version": "0.1.0", "time": 1_800_000_000, "clock": "2027-01-15 08:00:00 UTC", "roamd": "is not running",
        "python": "works", "failed": [], "routes": [],
        "config": {"file": "/etc/config/roamd", "missing": False, "bad_lines": [], "error": None,
                   "uplinks": [{"name": "lte", "type": "cellular", "device": ""}]},
        "modems": [GOOD_MODEM | dict(modem)],
        "links": [{"index": 7, "name": "wwan0", "up": True, "carrier": True, "mtu": 1500, "addresses": ["10.64.0.10/24"]} | dict(link)],
        "paths": [GOOD_PATH | dict(path)],
    }  # fmt: skip
    found.update(facts)
    found["findings"] = findings.look(found)
    return found


def faults(facts):
    return [(item["where"], item["fault"]) for item in facts["findings"]]


def test_where_all_is_well_nothing_is_said():
    assert faults(router()) == []


CONFIG = {"file": "x", "missing": False, "bad_lines": [], "error": None, "uplinks": []}
WIFI = CONFIG | {"uplinks": [{"name": "wifi", "type": "wifi", "device": "wlan0"}]}


@pytest.mark.parametrize(
    ("facts", "where", "fault"),
    [
        ({"modem": {"sim": "absent", "registration": "idle"}}, "modem 1-1", "no SIM"),
        ({"modem": {"sim": "SIM PIN", "pin_tries": 2}}, "modem 1-1", "PIN needed"),
        ({"modem": {"sim": "SIM PUK"}}, "modem 1-1", "PUK needed"),
        ({"modem": {"sim": "failure"}}, "modem 1-1", "SIM fault"),
        ({"modem": {"functionality": 4}}, "modem 1-1", "radio off"),
        ({"modem": {"registration": "denied"}}, "modem 1-1", "registration denied"),
        ({"modem": {"registration": "searching"}}, "modem 1-1", "no network"),
        ({"modem": {"address": None}}, "modem 1-1", "no data session"),
        ({"modem": {"rsrp": -121}}, "modem 1-1", "weak signal"),
        ({"modem": {"rsrp": None, "rssi": -107}}, "modem 1-1", "weak signal"),
        ({"modem": {"port": None, "why": "ttyUSB2 does not answer"}}, "modem 1-1", "no answer"),
        ({"modem": {"port": None, "owner": "pppd (pid 7) has ttyUSB2"}}, "modem 1-1", "taken"),
        ({"modems": []}, "modem", "no modem"),
        ({"link": {"carrier": False}}, "link wwan0", "no carrier"),
        ({"link": {"up": False}}, "link wwan0", "link down"),
        ({"link": {"addresses": []}, "paths": []}, "link wwan0", "no address"),
        ({"paths": []}, "link wwan0", "no route"),
        ({"paths": [], "links": [], "modems": [], "config": CONFIG}, "routes", "no route"),
        ({"config": WIFI}, "link wlan0", "no device"),
        ({"path": SILENT | {"neighbour": "failed"}}, "path wwan0", "gateway silent"),
        ({"path": SILENT}, "path wwan0", "no way"),
        ({"path": SILENT | {"refused": ("host", "10.64.0.1")}}, "path wwan0", "unreachable"),
        ({"path": {"answer": None, "refused": ("port", "198.51.100.2")}}, "path wwan0", "no home agent"),
        ({"path": {"answer": None}}, "path wwan0", "no reply"),
        ({"path": {"clock_off": 3600.0}}, "path wwan0", "clock wrong"),
        ({"path": {"answer": {"code": 0, "authentic": False, "ms": 1}}}, "path wwan0", "wrong key"),
        ({"path": {"answer": {"code": 129, "authentic": True, "ms": 1}}}, "path wwan0", "denied"),
        ({"path": {"tried": False, "error": "not allowed: root is needed"}}, "path wwan0", "unreachable"),
        ({"time": 90}, "clock", "clock not set"),
        ({"python": "broken"}, "python3", "python broken"),
        ({"config": CONFIG | {"missing": True}}, "configuration", "no configuration"),
        ({"config": CONFIG | {"bad_lines": [3, 9]}}, "configuration", "bad lines"),
        ({"config": CONFIG | {"error": "option spi is missing"}}, "configuration", "bad option"),
    ],
)  # fmt: skip
def test_each_fault_is_named_alone(facts, where, fault):
    assert faults(router(**facts)) == [(where, fault)]


def test_all_words_fit_a_terminal_of_80_columns():
    facts = router()
    for fault in findings._WORDS:
        findings._add(facts["findings"], "path wwan0", fault, "code 129 administratively prohibited")
    facts["failed"] = ["modems: MemoryError('memory allocation failed, allocating 4096 bytes',)"]
    for line in summary.look(facts, True).splitlines():
        assert len(line) < 80, line


def test_a_screen_of_a_good_router():
    assert (
        summary.look(router())
        == """\
roamd-rescue 0.1.0   2027-01-15 08:00:00 UTC   roamd is not running

modem 1-1       Quectel EC25, IMEI 861075023456789, ttyUSB2
  sim           READY
  network       registered
  signal        RSRP -95 dBm
  session       internet: 10.64.0.10
link wwan0      up, 10.64.0.10/24, mtu 1500
path wwan0      gateway 10.64.0.1, home agent 198.51.100.2: echo 41 ms,
                registration answered in 43 ms

Nothing wrong found.
"""
    )


def test_a_finding_is_followed_by_what_to_try():
    text = summary.look(router(modem={"sim": "absent"}))
    assert "WRONG           modem 1-1: no SIM\n  it means      the card is missing" in text
    assert "  try           take the card out" in text
