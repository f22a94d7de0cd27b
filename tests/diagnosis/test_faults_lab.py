"""The table of faults against diagnoses: a router with each fault, and what `show summary` and `test uplink` say."""

import json

import pytest

from router.diagnosis.summary import MOST_OCTETS
from tests.diagnosis.faults import KEY, NODE, FaultLab

pytestmark = pytest.mark.lab

BLOCKED = "table ip wall { chain forward { type filter hook forward priority filter; udp dport 434 drop; }; }"
HOLE = (
    "table ip wall { chain forward { type filter hook forward priority filter; meta length > 1300 drop; }; }"
)
OURS = "\toption session at\n\toption apn 'wrong.example'\n"


@pytest.fixture
def lab(tmp_path):
    lab = FaultLab(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()


def without_card(lab):
    lab.modem("--sim", "absent")
    lab.no_address()
    lab.start()


def with_pin(lab):
    lab.modem("--pin", "1234")
    lab.no_address()
    lab.start()


def wrong_apn(lab):
    lab.modem("--apn", "internet.example")
    lab.no_address()
    lab.start(NODE + OURS)


def denied(lab):
    lab.modem("--network", "denied")
    lab.no_address()
    lab.start()


def no_modem(lab):
    lab.no_address()
    lab.start()


def no_gateway(lab):
    lab.modem()
    lab.topology.run("mr", "ip", "route", "del", "default", "dev", "wlan0")
    lab.start()


def no_carrier(lab):
    lab.modem()
    lab.topology.set_wifi(False)
    lab.start()


def gateway_gone(lab):
    lab.modem()
    lab.topology.run("wifi", "ip", "address", "flush", "dev", "ap0")
    lab.start()


def blocked(lab):
    lab.modem()
    lab.topology.run("wifi", "nft", "-f", "-", text=BLOCKED)
    lab.start()


def walled_garden(lab):
    lab.modem()
    lab.topology.run("wifi", "nft", "-f", "-", text=BLOCKED.replace("udp dport 434 ", ""))
    lab.start()


def black_hole(lab):
    lab.modem()
    lab.topology.run("wifi", "nft", "-f", "-", text=HOLE)
    lab.start()
    lab.cast.wait("the search's end", lambda: lab.cast.status("mr")["uplinks"][0]["path_mtu"] == 1300, 40)


def wrong_key(lab):
    lab.modem()
    lab.start(NODE.replace(KEY, "another 16 octets"))


def wrong_clock(lab):
    lab.modem()
    lab.start_with_clock(-3600)


def without_modules(lab):
    lab.modem()
    lab.start(NODE.replace("\toption plane userspace\n", ""))
    lab.cast.wait("a tunnel", lambda: lab.cast.status("mr")["tunnels"] != [], 10)
    if all(row["plane"] == "kernel" for row in lab.cast.status("mr")["tunnels"]):
        pytest.skip("this kernel has the modules")


def agent_down(lab):
    lab.modem()
    lab.topology.run("ha", "ip", "link", "set", "eth0", "down")
    lab.start(agent=None)


def agent_lost(lab):
    lab.modem()
    lab.start()
    # Only who has answered once can be missed.
    lab.cast.wait(
        "both to have answered", lambda: lab.cast.status("mr")["counters"]["probes_answered"] >= 2, 20
    )
    lab.topology.run("ha", "ip", "link", "set", "eth0", "down")


def agent_not_started(lab):
    lab.modem()
    lab.start(agent=None)


# What is done to the router, the uplink it is found at (None: all), the finding, and the step that says it.
FAULTS = [
    (without_card, "lte", "no_sim", "SIM"),
    (with_pin, "lte", "pin_needed", "SIM"),
    (denied, "lte", "registration_denied", "network"),
    (wrong_apn, "lte", "wrong_apn", "APN"),
    (no_modem, "lte", "no_modem", "modem"),
    (no_carrier, "wifi", "no_carrier", "link"),
    (no_gateway, "wifi", "no_gateway", "gateway"),
    (gateway_gone, "wifi", "gateway_silent", "gateway"),
    (walled_garden, "wifi", "no_way", "home agent"),
    (agent_down, None, "home_agent_down", "home agent"),
    (agent_lost, None, "home_agent_down", "home agent"),
    (blocked, "wifi", "udp_blocked", "UDP 434"),
    (agent_not_started, None, "agent_refuses_port", "UDP 434"),
    (wrong_key, None, "wrong_key", "registration"),
    (wrong_clock, None, "clock_off", "registration"),
    (without_modules, None, "modules_missing", "tunnel"),
    (black_hole, "wifi", "mtu_black_hole", "MTU"),
]


@pytest.mark.parametrize(("fault", "where", "code", "step"), FAULTS, ids=[row[0].__name__ for row in FAULTS])
def test_a_fault_is_named_by_summary_and_test(lab, fault, where, code, step):
    fault(lab)
    lab.cast.wait(f"finding {code}, not {lab.codes()}", lambda: code in lab.codes().get(where, []), 40)
    found = {item["code"]: item for item in lab.ask("summary")["findings"]}
    _, text = lab.roamctl("show", "summary")
    assert found[code]["verdict"] in " ".join(text.split()) and found[code]["next"] in " ".join(text.split())
    assert len(text.encode()) <= MOST_OCTETS and len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 80
    # Nothing else is to blame for what this fault has done.
    faults = [item["code"] for item in found.values() if item["level"] == "fault"]
    assert set(faults) <= {code}
    status, text = lab.roamctl("test", "uplink", where or "wifi", "--json")
    tested = json.loads(text)
    row = next(row for row in tested["steps"] if row["step"] == step)
    assert row["verdict"] == ("FAIL" if found[code]["level"] == "fault" else "warn")
    assert row["text"] == found[code]["verdict"] and row["next"]
    assert tested["carries"] == (row["verdict"] != "FAIL")
    assert status == (0 if tested["carries"] else 1)


def test_a_healthy_router_has_no_faults(lab):
    lab.modem()
    lab.start()
    lab.cast.wait("both bindings", lambda: {"wifi", "lte"} <= set(lab.cast.bound()), 20)
    found = lab.ask("summary")
    assert found["verdict"] == "OK" and [item for item in found["findings"] if item["level"] != "note"] == []
    assert "OK: 2 of 2 uplinks carry traffic" in lab.roamctl("show", "summary")[1]
    for name in ("wifi", "lte"):
        status, text = lab.roamctl("test", "uplink", name)
        assert (
            status == 0 and "FAIL" not in text and "tunnel" in text and max(map(len, text.splitlines())) <= 80
        )
