"""The dialogue with emulated modems of several families, on a stepped clock."""

import pytest

from modem import families
from modem.dialogue import Modem
from router.lab.modem import PERSONALITIES
from router.lab.modem.network import Network
from router.lab.modem.radio import read
from router.lab.modem.sim import Sim
from router.path.radio import estimate
from router.uplink.model import ModemInfo
from tests.modem.rig import Rig


def registered(found):
    return found["state"] == "registered" and found["address"] is not None


@pytest.mark.parametrize("name", sorted(PERSONALITIES))
def test_every_family_is_identified_registers_and_tells_its_signal(name):
    rig = Rig(name)
    rig.run(1.0)
    rig.modem.command("+CGACT=1,1", 150.0)
    found = rig.until(lambda found: found["state"] == "registered" and found.get("operator"), 30.0)
    found = rig.run(15.0)
    vendor = name.split("-")[0]
    assert any(known.startswith(vendor) for known in families.names()) == (found["family"] != "generic")
    assert found["model"] and found["imei"] and found["sim"] == "READY"
    assert found["technology"] in ("E-UTRAN", "EN-DC", "NR")
    assert -141 <= found["rsrp"] <= -44
    assert ModemInfo.of(found).state == "registered"
    assert estimate(found).down > 0


def test_a_sim_that_is_not_there_is_named():
    sim = Sim()
    sim.fault = "absent"
    assert Rig(sim=sim).run(10.0)["state"] == "sim: absent"


def test_a_locked_sim_without_a_pin_is_named_and_left_alone():
    sim = Sim(pin="1234")
    found = Rig(sim=sim).run(60.0)
    assert found["state"] == "sim: sim pin (option pin is missing)"
    assert sim.tries == 3


def test_a_pin_is_entered_once():
    sim = Sim(pin="1234")
    rig = Rig(sim=sim, settings={"pin": "1234"})
    rig.until(lambda found: found["state"] == "registered", 20.0)
    assert len([text for text in rig.commands() if text.startswith("+CPIN=")]) == 1
    assert rig.effects[-1][1:] == ("remember", {"pins": {}, "watchdog": []})


def test_a_wrong_pin_is_tried_once_and_after_no_restart_again():
    sim = Sim(pin="1234")
    rig = Rig(sim=sim, settings={"pin": "9999"})
    found = rig.run(40.0)
    assert sim.tries == 2
    assert "refused before" in found["state"]
    rig.happen("reset", "5")
    rig.run(40.0)
    kept = rig.effects[-1][2]
    again = Rig(sim=sim, settings={"pin": "9999"}, memory=kept)
    again.run(40.0)
    assert sim.tries == 2
    # Another PIN has one attempt as well, but not where two are left.
    third = Rig(sim=sim, settings={"pin": "8888"}, memory=kept)
    assert "2 tries left" in third.run(40.0)["state"]
    assert sim.tries == 2


def test_a_pin_is_remembered_before_it_is_sent():
    rig = Rig(sim=Sim(pin="1234"), settings={"pin": "9999"})
    rig.run(30.0)
    when = next(when for when, text in rig.sent if text.startswith("+CPIN="))
    first = next(effect for effect in rig.effects if effect[1] == "remember")
    assert first[0] <= when
    assert list(first[2]["pins"].values()) == [["9999"]]


def test_a_network_that_denies_or_is_not_there_resets_nothing():
    for outcome, state in (("denied", "denied"), ("none", "searching"), ("searching", "searching")):
        rig = Rig(network=Network(outcome=outcome))
        found = rig.run(400.0)
        assert found["state"] in (state, "idle")
        assert [effect for effect in rig.effects if effect[1] != "remember"] == []
        assert not [text for text in rig.commands() if text.startswith("+CFUN=")]


def test_a_bad_sim_resets_nothing():
    sim = Sim()
    sim.fault = "failure"
    rig = Rig(sim=sim)
    assert rig.run(400.0)["state"] == "sim: failure"
    assert rig.effects == [] and not [text for text in rig.commands() if text.startswith("+CFUN=")]


def test_a_modem_that_hangs_is_named_and_climbs_the_ladder():
    rig = Rig()
    rig.run(10.0)
    rig.listening = False
    found = rig.run(240.0)
    assert found["state"] == "no answer" and "given up" in found["watchdog"]
    names = [effect[1] for effect in rig.effects if effect[1] != "remember"]
    assert names[:2] == ["reopen", "usb_reset"]
    assert "+CFUN=1,1" in rig.commands()
    rig.listening = True
    assert rig.until(lambda found: found["state"] == "registered", 90.0)
    assert rig.run(90.0)["watchdog"] is None


def test_a_dead_modem_is_asked_seldom_and_reset_within_limits():
    rig = Rig()
    rig.run(5.0)
    rig.listening = False
    rig.run(86400.0)
    resets = [effect for effect in rig.effects if effect[1] == "usb_reset"]
    assert 1 < len(resets) <= 4
    assert len(rig.sent) < 86400 / 2


def test_a_hang_that_ends_by_itself_costs_no_reset():
    rig = Rig(events=["20 hang 6"])
    rig.run(60.0)
    assert rig.modem.snapshot()["state"] == "registered"
    assert [effect for effect in rig.effects if effect[1] != "remember"] == []


def test_a_modem_that_starts_anew_is_set_up_anew():
    rig = Rig(events=["30 reset 4"])
    rig.run(25.0)
    before = len(rig.commands())
    rig.run(40.0)
    assert "+CEREG=2" in rig.commands()[before:]
    assert rig.modem.snapshot()["state"] == "registered"


def test_unsolicited_registration_counts_at_once():
    rig = Rig()
    rig.run(330.0)
    rig.happen("network", "none")
    assert rig.run(1.5)["state"] != "registered"


def test_a_command_that_the_modem_does_not_know_is_not_asked_again_and_again():
    rig = Rig("openluat-air724ug")
    rig.run(300.0)
    asked = {}
    for text in rig.commands():
        asked[text] = asked.get(text, 0) + 1
    unknown = [text for text in asked if text in ("+C5GREG?", "+C5GQOSRDP", "+CGEQOSRDP")]
    assert unknown and max(asked[text] for text in unknown) < 8


def test_a_parked_modem_is_asked_seldom_and_a_watched_one_often():
    def rate(rig, since):
        return len([1 for when, text in rig.sent if when >= since and text == "+CSQ"]) / (rig.now - since)

    rig = Rig(samples=read("time,rsrp,rsrq,sinr,rssi\n0,-90,-10,12,-60\n"))
    rig.run(900.0)
    rig.run(300.0)
    parked = rate(rig, 900.0)
    rig.modem.hurry(rig.now)
    since = rig.now
    rig.run(15.0)
    assert parked < 1 / 20 and rate(rig, since) > 0.6


def test_a_command_for_somebody_is_answered():
    rig = Rig()
    rig.run(10.0)
    rig.modem.command("+CGMM", 5.0, "mine")
    rig.modem.command("+NONSENSE", 5.0, 2)
    rig.run(3.0)
    (one, two) = rig.modem.take_answers()
    assert one[0] == "mine" and one[1] and one[3] == ["EC25"]
    assert two[0] == 2 and not two[1] and "ERROR" in two[2]
    assert rig.modem.take_answers() == []


def test_a_command_to_a_silent_modem_is_answered_too():
    rig = Rig()
    rig.run(10.0)
    rig.listening = False
    rig.modem.command("+CGMM", 5.0, 1)
    rig.run(30.0)
    assert rig.modem.take_answers() == [(1, False, "", [])]


@pytest.mark.parametrize("text", ["+CSQ\r", "+CSQ\nAT+CFUN=0", "+X=\u00e4", "\x1a"])
def test_a_command_with_line_ends_is_refused(text):
    with pytest.raises(ValueError):
        Modem().command(text)


def test_a_reset_on_demand():
    rig = Rig()
    rig.run(20.0)
    rig.modem.reset("radio", rig.now)
    rig.run(3.0)
    assert rig.commands(20.0).count("+CFUN=4") == 1
    rig.until(registered, 60.0)
    with pytest.raises(ValueError, match="one of"):
        rig.modem.reset("harder", rig.now)


def test_garbage_and_floods_do_not_stop_it():
    rig = Rig(events=["15 garbage 4000", "20 flood 3000 2000", "30 noise 5 0.05"])
    rig.run(45.0)
    rig.until(lambda found: found["state"] == "registered", 60.0)


def test_on_a_line_that_spoils_octets_an_answer_is_heard_more_than_once():
    rig = Rig(settings={"agree": 3}, samples=read("time,rsrp,rsrq,sinr,rssi\n0,-90,-10,12,-60\n"))
    found = rig.until(lambda found: found["state"] == "registered" and found.get("rsrp"), 30.0)
    assert found["rsrp"] == -90
    assert rig.commands().count("+CGSN") == 3
    rig.happen("noise", "15 0.002")
    for _ in range(15):
        found = rig.run(1.0)
        assert found["imei"] in (None, "861075023456789")
        assert found.get("rsrp") is None or abs(found["rsrp"] + 90) <= 6
