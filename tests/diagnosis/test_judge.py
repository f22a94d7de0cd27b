"""From how things stand to what is wrong: causes, never consequences, and what is said once."""

import pytest

from router.diagnosis import running
from router.diagnosis.judge import judge, span
from router.diagnosis.steps import as_text, steps
from router.diagnosis.summary import MOST_OCTETS, summary
from router.diagnosis.summary import as_text as screen
from router.diagnosis.words import FAULT, NOTE, WARNING, WORDS, finding

PATH = {"liveness": "up", "suppressed": False, "rtt": 23.4, "down": 20_000, "up": 5_000, "loss": 0.0}
GOOD = {
    "name": "wifi", "kind": "wifi", "state": "usable", "device": "wlan0", "address": "192.0.2.10", "gateway": "192.0.2.1",
    "mtu": 1500, "path_mtu": 1500, "registration": "registered", "detail": "", "path": PATH, "modem": None,
}  # fmt: skip
MODEM = {"state": "registered", "sim": "READY", "operator": "Testnet", "technology": "E-UTRAN", "rsrp": -95.0}
LOST = {**GOOD, "registration": "no reply", "path": None, "detail": "home agent does not answer"}
SEEN = {"gateway": 1.0, "home_agent": None, "neighbour": True, "refused": False}


def status(*rows, **more):
    return {
        "version": "0.1.0", "role": ["mobile_node"], "uptime": 250.0, "home_address": "10.99.0.2",
        "home_agent": "198.51.100.2", "uplinks": list(rows), "problem": None, **more,
    }  # fmt: skip


def lte(**more):
    return {**GOOD, "name": "lte", "kind": "cellular", "device": "wwan0", "modem": MODEM, **more}


def nothing(state, **facts):
    return lte(
        state="no address",
        address=None,
        registration="idle",
        path=None,
        modem={**MODEM, "state": state, **facts},
    )


def codes(found):
    return [(item["code"], item["uplink"]) for item in found]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (GOOD, None),
        (nothing("no modem with IMEI 861075023456789"), "no_modem"),
        (nothing("no tty: hung up"), "no_modem"),
        (nothing("cannot talk to modems: install roamd-modem"), "no_modem"),
        (nothing("no answer"), "modem_silent"),
        (nothing("opening"), "modem_starting"),
        (nothing("sim: absent", sim="absent"), "no_sim"),
        (nothing("sim: sim pin (option pin is missing)", sim="SIM PIN"), "pin_needed"),
        (nothing("sim: sim pin (PIN was refused before: not tried again)", sim="SIM PIN"), "pin_wrong"),
        (nothing("sim: sim puk", sim="SIM PUK"), "puk_needed"),
        (nothing("sim: failure", sim="failure"), "sim_fault"),
        (nothing("radio off"), "radio_off"),
        (nothing("denied"), "registration_denied"),
        (nothing("searching"), "searching"),
        (nothing("searching", rsrp=None), "no_signal"),
        (nothing("registered", session="failed: +CGACT: +CME ERROR: 33"), "wrong_apn"),
        (nothing("registered", session="failed: no address: is the APN right?"), "wrong_apn"),
        (nothing("registered", session="failed: the network ended it"), "no_session"),
        (nothing("registered", session="up"), "no_address"),
        ({**LOST, "state": "no device"}, "no_device"),
        ({**LOST, "state": "link down"}, "link_down"),
        ({**LOST, "state": "no carrier"}, "no_carrier"),
        ({**LOST, "state": "no gateway"}, "no_gateway"),
        ({**LOST, "detail": "held down"}, "held"),
        ({**LOST, "registration": "idle", "detail": "cap of 10 MB reached"}, "barred"),
        (LOST, "unanswered"),
        ({**LOST, "registration": "registering"}, "registering"),
        ({**LOST, "reach": SEEN}, "home_agent_down"),
        ({**LOST, "reach": {**SEEN, "gateway": None, "neighbour": False}}, "gateway_silent"),
        ({**LOST, "reach": {**SEEN, "home_agent": 9.0}}, "udp_blocked"),
        ({**LOST, "reach": {**SEEN, "refused": True}}, "agent_refuses_port"),
        ({**LOST, "reach": {**SEEN, "home_agent": 9.0}, "disbelieved": "bad authenticator in a reply with code 131"}, "wrong_key"),
        ({**LOST, "registration": "denied", "code": 131}, "wrong_key"),
        ({**LOST, "registration": "denied", "code": 133}, "clock_mismatch"),
        ({**LOST, "registration": "denied", "code": 129, "detail": "administratively prohibited"}, "refused"),
        ({**LOST, "registration": "discovering", "state": "no address"}, "no_agent"),
        ({**GOOD, "path": {**PATH, "liveness": "down"}}, "path_silent"),
        ({**GOOD, "path": {**PATH, "suppressed": True}}, "flapping"),
        ({**GOOD, "path": {**PATH, "loss": 0.25}}, "lossy"),
        ({**GOOD, "path_mtu": 1300}, "mtu_black_hole"),
        ({**GOOD, "path_mtu": 1300, "mtu_given": True}, None),
        (lte(modem={**MODEM, "rsrp": -121.0}), "weak_signal"),
    ],
)  # fmt: skip
def test_the_first_cause_is_named(row, code):
    assert [item["code"] for item in judge(status(row))] == ([] if code is None else [code])


def test_what_an_uplink_cannot_do_alone_is_blamed_on_its_network():
    assert codes(judge(status({**LOST, "reach": SEEN}, lte()))) == [("no_way", "wifi")]
    assert codes(judge(status({**LOST, "reach": SEEN}, lte(registration="no reply", reach=SEEN)))) == [
        ("home_agent_down", None)
    ]


def test_one_key_serves_all_uplinks():
    refused = {**LOST, "disbelieved": "bad authenticator in a reply with code 131"}
    other = lte(registration="no reply", reach={**SEEN, "home_agent": 9.0})
    assert codes(judge(status(refused, other))) == [("wrong_key", None)]


def test_a_silent_tunnel_is_looked_into():
    down = {**PATH, "liveness": "down"}
    assert codes(judge(status({**GOOD, "path": down, "reach": {**SEEN, "home_agent": 9.0}}))) == [
        ("path_silent", "wifi")
    ]
    assert codes(judge(status({**GOOD, "path": down, "reach": SEEN}, lte()))) == [("no_way", "wifi")]
    both = status({**GOOD, "path": down, "reach": SEEN}, lte(path=down, reach=SEEN))
    assert codes(judge(both)) == [("home_agent_down", None)]


def test_the_router_itself_can_be_at_fault():
    found = judge(
        status(
            GOOD,
            clock_offset=3600.2,
            lacking=["kmod-ipip"],
            problem="nft: no",
            config_problem=[{"text": "line 7"}],
        )
    )
    assert {code for code, _ in codes(found)} == {"clock_off", "modules_missing", "plane", "config"}
    assert found[0]["code"] == "plane", "the worst first"
    assert "1 h behind" in next(item["verdict"] for item in found if item["code"] == "clock_off")
    assert judge(status(GOOD, clock_offset=-8.0)) == []
    states = [
        {"state": "clock not set", "text": "it says 1970"},
        {"state": "flash full", "text": "/etc/roamd/x: No space"},
    ]
    found = judge(status(GOOD, clock_offset=1.7e9, states=states))
    assert [item["code"] for item in found] == ["clock_unset", "unwritten"] and found[1][
        "verdict"
    ] == "flash full"
    assert codes(judge(status())) == [("no_uplinks", None)]


def test_every_word_can_be_said():
    values = dict.fromkeys(
        ("why", "device", "gateway", "home_agent", "path_mtu", "mtu", "loss", "apn", "reply", "state"), "x"
    )
    assert running.WORDS is WORDS
    for code, (level, *_) in WORDS.items():
        said = finding(code, "lte", **values)
        assert (
            level in (FAULT, WARNING, NOTE) and "%" not in said["verdict"].replace("x%", "") and said["next"]
        )
        assert len(said["next"]) <= 90


@pytest.mark.parametrize("width", [80, 40])
def test_what_to_try_is_never_cut(width):
    row = {**LOST, "reach": {**SEEN, "home_agent": 9.0}}
    text = screen(summary(status(row), []), width)
    assert max(map(len, text.splitlines())) <= width
    assert "if that is sure, check spi and key at both ends" in " ".join(text.split())
    steps_text = as_text("wifi", steps(row, status(row), {"reach": row["reach"], "seconds": {}}), width)
    assert "if that is sure, check spi and key at both ends" in " ".join(steps_text.split())


def test_a_full_screen_stays_one():
    rows = [{**LOST, "name": f"uplink{number}", "state": "no carrier"} for number in range(8)]
    events = [{"clock": "12:00:00", "text": "binding 1: " + "x" * 100}] * 3
    found = summary(
        status(*rows, clock_offset=9e5, lacking=["kmod-ipip", "kmod-fou"], problem="y" * 300), events
    )
    text = screen(found)
    assert found["verdict"] == "DOWN" and len(text.encode()) <= MOST_OCTETS
    assert len(text.splitlines()) <= 24 and max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([GOOD, lte()], "OK"),
        ([GOOD, {**LOST, "name": "lte", "detail": "held down"}], "OK"),
        ([GOOD, nothing("denied")], "DEGRADED"),
        ([{**GOOD, "path_mtu": 1300}], "DEGRADED"),
        ([LOST], "DOWN"),
    ],
)
def test_one_word_for_the_router(rows, verdict):
    assert summary(status(*rows), [])["verdict"] == verdict


def test_a_home_agent_has_a_summary_too():
    found = summary(
        {"version": "1", "role": ["home_agent"], "uptime": 9.0, "bindings": [{"mobile": "bus"}] * 2}, []
    )
    assert screen(found) == "roamd 1, home agent, up 9 s\nOK: 2 bindings of 1 mobile nodes\n"
    assert summary({"role": ["home_agent"], "problem": "nft not found"}, [])["verdict"] == "DOWN"


def test_steps_end_where_the_way_ends():
    row = {**LOST, "reach": SEEN}
    found = steps(
        row,
        status(row),
        {"reach": {**SEEN, "home_agent": 9.0}, "renewed": False, "seconds": {"gateway": 1.0}},
    )
    assert {item["step"]: item["verdict"] for item in found} == {
        "link": "ok", "address": "ok", "gateway": "ok", "DNS": "skip", "home agent": "ok", "UDP 434": "FAIL",
        "registration": "skip", "tunnel": "skip", "MTU": "skip", "quality": "skip",
    }  # fmt: skip
    text = as_text("wifi", found)
    assert "FAIL  UDP 434" in text and "try: open UDP 434" in text and "1.0 s  192.0.2.1, 1.0 ms" in text


def test_what_is_tried_now_counts_more_than_what_stood_before():
    probes = {"reach": {**SEEN, "home_agent": 9.0}, "renewed": True, "tunnel": None, "seconds": {}}
    found = {item["step"]: item for item in steps(GOOD, status(GOOD), probes)}
    assert found["tunnel"]["verdict"] == "FAIL" and found["registration"]["verdict"] == "ok"
    found = {
        item["step"]: item for item in steps(GOOD, status(GOOD), {**probes, "reach": SEEN, "renewed": False})
    }
    assert found["home agent"]["verdict"] == "FAIL"


def test_throughput_is_a_step_where_it_was_asked_for():
    probes = {"reach": SEEN, "renewed": True, "tunnel": 20.0, "seconds": {}}
    assert "throughput" not in [item["step"] for item in steps(GOOD, status(GOOD), probes)]
    last = steps(GOOD, status(GOOD), {**probes, "throughput": 4815})[-1]
    assert (last["step"], last["verdict"]) == ("throughput", "ok") and "4815 kbit/s" in last["text"]


def test_spans():
    assert [span(value) for value in (5, 90, 3599.6, 86400, 2e6)] == [
        "5 s",
        "2 min",
        "1 h",
        "1 day",
        "23 days",
    ]


def test_who_routes_before_us_is_no_flash_that_is_full():
    text = "mwan3's rule of priority 2001 comes before ours"
    (found,) = judge(status(GOOD, states=[{"state": "others route first", "text": text}]))
    assert found["code"] == "others_first" and found["meaning"] == text
