"""The table of faults against findings, and how all of it is shown."""

import pytest

from openwrt.rescue import details, status
from router.diagnosis.words import WORDS, without_commands

GOOD_MODEM = {
    "device": "1-1", "bus": "usb", "networks": ["wwan0"], "port": "ttyUSB2", "manufacturer": "Quectel", "model": "EC25",
    "imei": "861075023456789", "state": "registered", "sim": "READY", "registration": "registered", "address": "10.64.0.10",
    "apn": "internet", "rsrp": -95, "why": None,
}  # fmt: skip
UPLINK = {"name": "lte", "type": "cellular", "device": "", "usb": "", "imei": "", "tty": ""}
GOOD_PATH = {
    "device": "wwan0", "address": "10.64.0.10", "gateway": "10.64.0.1", "metric": 0, "agent": "198.51.100.2", "wanted": 0,
    "would": None, "tried": True, "error": None, "echo": 41, "answer": {"code": 0, "authentic": True, "ms": 43},
    "refused": None, "clock_off": None, "neighbour": "reachable",
    "mtu": 1500, "path_mtu": 1500,
}  # fmt: skip
SILENT = {"answer": None, "echo": None}


def router(modem=(), path=(), link=(), **facts):
    """A router where all is well, but for what is given."""
    found = {
        "version": "0.1.0", "time": 1_800_000_000, "clock": "2027-01-15 08:00:00 UTC", "roamd": "is not running",
        "python": "works", "failed": [], "routes": [], "lacking": [],
        "config": CONFIG | {"uplinks": [UPLINK]},
        "modems": [GOOD_MODEM | dict(modem)],
        "links": [{"index": 7, "name": "wwan0", "up": True, "carrier": True, "mtu": 1500, "addresses": ["10.64.0.10/24"]} | dict(link)],
        "paths": [GOOD_PATH | dict(path)],
    }  # fmt: skip
    found.update(facts)
    found["summary"] = status.look(found)
    return found


CONFIG = {
    "file": "/etc/config/roamd",
    "missing": False,
    "bad_lines": [],
    "error": None,
    "home_agent": "198.51.100.2",
    "uplinks": [],
}
WIFI = CONFIG | {"uplinks": [UPLINK | {"name": "lte", "type": "wifi", "device": "wlan0"}]}
LOST = {"paths": []}


def codes(facts):
    return [(item["uplink"], item["code"]) for item in facts["summary"]["findings"]]


def test_where_all_is_well_nothing_is_said():
    facts = router()
    assert codes(facts) == []
    assert facts["summary"]["verdict"] == "OK"


@pytest.mark.parametrize(
    ("facts", "uplink", "code"),
    [
        ({"modem": {"state": "sim: absent", "sim": "absent"}, **LOST}, "lte", "no_sim"),
        ({"modem": {"state": "sim: sim pin", "sim": "SIM PIN"}, **LOST}, "lte", "pin_needed"),
        ({"modem": {"state": "sim: sim puk", "sim": "SIM PUK"}, **LOST}, "lte", "puk_needed"),
        ({"modem": {"state": "sim: failure", "sim": "failure"}, **LOST}, "lte", "sim_fault"),
        ({"modem": {"state": "radio off"}, **LOST}, "lte", "radio_off"),
        ({"modem": {"state": "denied"}, **LOST}, "lte", "registration_denied"),
        ({"modem": {"state": "searching"}, **LOST}, "lte", "searching"),
        ({"modem": {"state": "searching", "rsrp": None}, **LOST}, "lte", "no_signal"),
        ({"modem": {"address": None}, **LOST}, "lte", "no_session"),
        ({"modem": {"rsrp": -121}}, "lte", "weak_signal"),
        ({"path": {"path_mtu": 1400}}, "lte", "mtu_black_hole"),
        ({"lacking": ["kmod-ipip"]}, None, "modules_missing"),
        ({"lacking": ["kmod-ipip", "kmod-tun"]}, None, "no_tunnels"),
        ({"modem": {"port": None, "why": "ttyUSB2 does not answer"}, **LOST}, "lte", "modem_silent"),
        ({"modem": {"port": None, "owner": "pppd (pid 7) has ttyUSB2"}}, None, "port_taken"),
        ({"modems": [], "links": [], **LOST}, "lte", "no_modem"),
        ({"link": {"carrier": False}, **LOST}, "lte", "no_carrier"),
        ({"link": {"up": False}, **LOST}, "lte", "link_down"),
        ({"link": {"addresses": []}, **LOST}, "lte", "no_address"),
        (LOST, "lte", "no_gateway"),
        ({"config": WIFI, **LOST}, "lte", "no_device"),
        ({"path": SILENT | {"neighbour": "failed"}}, "lte", "gateway_silent"),
        ({"path": SILENT}, "lte", "home_agent_down"),
        ({"path": {"answer": None, "refused": ("port", "198.51.100.2")}}, "lte", "agent_refuses_port"),
        ({"path": {"answer": None}}, "lte", "udp_blocked"),
        ({"path": {"clock_off": 3600.0}}, None, "clock_off"),
        ({"path": {"answer": {"code": 131, "authentic": False, "ms": 1}}}, "lte", "wrong_key"),
        ({"path": {"answer": {"code": 129, "authentic": True, "ms": 1}}}, "lte", "refused"),
        ({"time": 90}, None, "clock_unset"),
        ({"python": "broken"}, None, "python_broken"),
        ({"config": CONFIG | {"missing": True}}, None, "no_config"),
        ({"config": CONFIG | {"bad_lines": [3, 9]}}, None, "config"),
        ({"config": CONFIG | {"error": "option spi is missing"}}, None, "config"),
    ],
)  # fmt: skip
def test_each_fault_is_named_alone(facts, uplink, code):
    facts = router(**facts)
    assert codes(facts) == [(uplink, code)]
    assert facts["summary"]["verdict"] != "OK" or code in ("weak_signal",)


def test_a_fault_of_the_router_itself_brings_all_down():
    assert router(python="broken")["summary"]["verdict"] == "DOWN"


@pytest.mark.parametrize("running", [False, True])
def test_advice_names_no_command_that_is_not_there(running):
    facts = router(
        modem={"state": "radio off"}, paths=[], roamd="is running" if running else "is not running"
    )
    (item,) = facts["summary"]["findings"]
    assert item["next"] == (
        "modem reset --how radio --uplink lte; or take its power away for 10 s"
        if running
        else "take its power away for 10 s"
    )


OF_A_DAEMON = ("held", "waiting")
"""Who is not the daemon never finds these out."""


@pytest.mark.parametrize("code", [code for code in WORDS if code not in OF_A_DAEMON])
def test_each_advice_says_something_without_roamd(code):
    left = without_commands(WORDS[code][3])
    assert left
    assert not any(
        word in left for word in ("roamctl", "see: show", "modem reset", "roamd check", "uplink up")
    )


def test_one_dead_way_of_two_is_the_ways_fault():
    wifi = GOOD_PATH | {"device": "wlan0"}
    links = [
        {"index": at, "name": name, "up": True, "carrier": True, "mtu": 1500, "addresses": ["192.0.2.10/24"]}
        for at, name in ((7, "wwan0"), (8, "wlan0"))
    ]
    uplinks = [UPLINK, UPLINK | {"name": "wifi", "type": "wifi", "device": "wlan0"}]
    facts = router(config=CONFIG | {"uplinks": uplinks}, links=links, paths=[GOOD_PATH | SILENT, wifi])
    assert codes(facts) == [("lte", "no_way")]
    assert facts["summary"]["text"] == "1 of 2 uplinks lead to the home agent"


@pytest.mark.parametrize(
    ("names", "modem"),
    [
        ({"usb": "1-2"}, "1-2"),
        ({"imei": "861075023456790"}, "1-2"),
        ({"tty": "/dev/ttyUSB6"}, "1-2"),
        ({"device": "wwan1"}, "1-2"),
        ({}, "1-1"),
        ({"usb": "1-9"}, None),
    ],
)
def test_an_uplink_has_the_modem_it_names(names, modem):
    second = GOOD_MODEM | {
        "device": "1-2", "imei": "861075023456790", "port": "ttyUSB6", "networks": ["wwan1"]
    }  # fmt: skip
    found = status._modem_of(UPLINK | names, [GOOD_MODEM, second])
    assert (found and found["device"]) == modem


def test_a_screen_of_a_good_router():
    assert (
        details.look(router())
        == """\
roamd 0.1.0 rescue, roamd is not running, 2027-01-15 08:00:00 UTC
OK: 1 of 1 uplinks lead to the home agent
lte  ok     RSRP -95

modem 1-1       Quectel EC25, IMEI 861075023456789, ttyUSB2
  sim           READY
  network       registered
  signal        RSRP -95 dBm
  session       internet: 10.64.0.10
link wwan0      up, 10.64.0.10/24, mtu 1500
way wwan0       gateway 10.64.0.1, home agent 198.51.100.2: echo 41 ms,
                registration answered in 43 ms, packets of 1500 octets
"""
    )


def test_a_fault_is_followed_by_what_to_try_and_fits_80_columns():
    facts = router(modem={"state": "sim: absent", "sim": "absent"}, paths=[], failed=["links: OSError(105,)"])
    text = details.look(facts, True)
    assert "DOWN: 0 of 1 uplinks lead to the home agent\nlte  FAULT  no SIM card\n     try: push" in text
    assert "NOT LOOKED AT   links: OSError(105,)\n" in text
    assert max(map(len, text.splitlines())) <= 80
    brief = details.look(facts, True, True)
    assert text.startswith(brief[: brief.index("NOT LOOKED AT")])
    assert brief.endswith("another card\nNOT LOOKED AT   links: OSError(105,)\n")
