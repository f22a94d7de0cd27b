"""A data session by AT commands, brought up, watched and restored, against emulated modems."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modem.families import load
from modem.session import HOLDING, UP, Session
from router.lab.modem.contexts import Lease
from router.lab.modem.network import Network
from tests.modem.rig import Rig

OURS = {"session": "at", "apn": "internet", "cid": 1}


def done(rig, *names):
    return [effect[1:] for effect in rig.effects if effect[1] in names]


def up(found):
    return found["session"] == "up"


def test_a_session_comes_up_and_says_what_the_device_gets():
    rig = Rig(settings=OURS)
    rig.until(up, 30.0)
    ((word, wanted),) = done(rig, "configure", "deconfigure")
    assert word == "configure"
    assert wanted == {
        "cid": 1, "by": "dhcp", "address": "10.64.0.10", "prefix_length": 24, "gateway": "10.64.0.1", "mtu": 1430,
        "dns": ["10.64.0.53", "10.64.0.54"],
    }  # fmt: skip
    assert '+CGDCONT=1,"IP","internet"' in rig.commands()
    assert any(text.startswith("+QNETDEVCTL=1,1") for text in rig.commands())


def test_without_at_session_nothing_is_connected():
    rig = Rig(settings={"session": "netifd", "apn": "internet"})
    rig.run(60.0)
    assert not [text for text in rig.commands() if text.startswith(("+CGDCONT=", "+QNETDEVCTL=", "+CGATT="))]
    assert done(rig, "configure", "deconfigure") == []


def test_it_waits_for_the_network():
    rig = Rig(settings=OURS, network=Network(outcome="searching"))
    assert rig.run(60.0)["session"] == "waiting for the network"
    rig.happen("network", "home")
    rig.until(up, 90.0)


def test_a_session_that_the_network_ends_comes_back():
    rig = Rig(settings=OURS)
    rig.until(up, 30.0)
    rig.happen("session", "down")
    rig.until(lambda found: not up(found), 15.0)
    rig.until(up, 30.0)
    assert [effect[0] for effect in done(rig, "configure", "deconfigure")] == [
        "configure", "deconfigure", "configure"
    ]  # fmt: skip


def test_a_wrong_apn_is_named_asked_less_and_less_and_resets_nothing():
    rig = Rig(settings={**OURS, "apn": "wrong"}, lease=Lease(apns=("internet",)))
    found = rig.run(1000.0)
    assert found["session"].startswith("failed: ")
    tries = [when for when, text in rig.sent if text.startswith("+QNETDEVCTL=1")]
    gaps = [b - a for a, b in pairwise(tries)]
    assert gaps and gaps[-1] > 250.0
    assert done(rig, "reopen", "usb_reset") == []
    assert not [text for text in rig.commands() if text.startswith("+CFUN=")]


def test_a_modem_that_starts_anew_gets_its_session_again():
    rig = Rig(settings=OURS)
    rig.until(up, 30.0)
    rig.happen("reset", "4")
    rig.run(8.0)
    rig.until(up, 60.0)
    words = [effect[0] for effect in done(rig, "configure", "deconfigure")]
    assert words[0] == words[-1] == "configure" and "deconfigure" in words


def test_the_session_is_taken_down_at_the_end():
    rig = Rig(settings=OURS)
    rig.until(up, 30.0)
    rig.modem.stop(rig.now)
    rig.run(5.0)
    assert rig.modem.stopped()
    assert done(rig, "configure", "deconfigure")[-1] == ("deconfigure",)
    assert rig.commands()[-1].startswith("+QNETDEVCTL=0,1")


def test_the_end_waits_for_the_answer_to_what_is_under_way():
    session, family = Session({"apn": "internet"}, 0.0), load("quectel")
    session.network({"registration": "registered", "sim": "READY"}, 0.0)
    assert session.next_command(family, 0.0)[0].startswith("+CGDCONT=")
    session.stop(family, 0.0)
    session.answered(True, [], "OK", 0.1)
    assert not session.idle()
    assert session.next_command(family, 0.1)[0] == "+QNETDEVCTL=0,1,1"
    session.answered(True, [], "OK", 0.2)
    assert session.idle() and session.next_command(family, 9.0) is None


def test_how_the_device_comes_to_its_address_may_be_given():
    rig = Rig(settings={**OURS, "addressing": "static"})
    rig.until(up, 30.0)
    assert done(rig, "configure")[0][1]["by"] == "static"


def connected(lines, refusal="+CME ERROR: 3"):
    """A session of which the modem refuses to connect it, and answers its own question with `lines`."""
    session, family = Session({"apn": "internet"}, 0.0), load("simcom")
    session.network({"registration": "registered", "sim": "READY"}, 0.0)
    now = 0.0
    while session.state not in (UP, HOLDING) and now < 20.0:
        found = session.next_command(family, now)
        if found is not None:
            refused = found[0].startswith("$QCRMCALL=")
            said = lines if found[0] == "$QCRMCALL?" else answers(found[0])
            session.answered(not refused, said, refusal if refused else "OK", now)
        now += 0.5
    return session


def test_what_stands_already_may_be_refused():
    assert connected(["$QCRMCALL: 1, V4"]).state == UP
    session = connected([])
    assert session.state == HOLDING and session.describe() == "failed: $QCRMCALL: +CME ERROR: 3"


def test_a_device_that_lost_its_session_while_the_context_stands_gets_it_again():
    session = connected(["$QCRMCALL: 1, V4"])
    session.take_effects()
    now, family = 100.0, load("simcom")
    while session.state == UP:
        found = session.next_command(family, now)
        session.answered(True, answers(found[0]), "OK", now)
    assert session.describe() == "failed: the network ended it"
    assert session.take_effects() == [("deconfigure",)]


def test_a_context_without_vendors_command_is_activated():
    session = Session({"apn": "internet"}, 0.0)
    session.network({"registration": "registered", "sim": "READY"}, 0.0)
    asked = drive(session, lambda command: (True, answers(command)))
    assert asked[:3] == ['+CGDCONT=1,"IP","internet"', "+CGATT=1", "+CGACT=1,1"]
    assert session.state == UP
    assert session.take_effects() == [
        ("configure", {"address": "10.0.0.2", "prefix_length": None, "gateway": None, "mtu": None, "dns": None, "cid": 1, "by": "static"})
    ]  # fmt: skip


def answers(command):
    return ['+CGPADDR: 1,"10.0.0.2"'] if command.startswith("+CGPADDR") else []


def drive(session, answer, limit=12):
    asked, family, now = [], load("generic"), 0.0
    while len(asked) < limit and session.state not in (UP, HOLDING):
        found = session.next_command(family, now)
        if found is None:
            now += 1.0
            continue
        asked.append(found[0])
        ok, lines = answer(found[0])
        session.answered(ok, lines, "OK" if ok else "+CME ERROR: 132", now)
    return asked


def test_who_we_are_goes_into_its_own_command_and_into_no_reason():
    settings = {"apn": "fleet", "auth": "chap", "username": "bus42", "password": "geheim"}
    session = Session(settings, 0.0)
    session.network({"registration": "registered", "sim": "READY"}, 0.0)
    asked = drive(session, lambda command: (not command.startswith("+CGAUTH"), []))
    assert asked[1] == '+CGAUTH=1,2,"bus42","geheim"'
    assert session.describe() == "failed: +CGAUTH: +CME ERROR: 132"


@pytest.mark.parametrize("name", ["apn", "username", "password"])
@pytest.mark.parametrize("text", ['a"b', "a\rb", "a\nAT+CFUN=0", "m\u00fc", "x" * 200])
def test_what_cannot_be_quoted_is_refused(name, text):
    with pytest.raises(ValueError):
        Session({"auth": "pap", name: text})


def test_a_session_that_worked_and_fails_ever_since_is_the_modems_fault():
    session, family, now = Session({"apn": "internet"}, 0.0), load("generic"), 0.0
    session.network({"registration": "registered", "sim": "READY"}, now)

    def minutes(count, good):
        nonlocal now
        for _ in range(count * 60):
            now += 1.0
            while (found := session.next_command(family, now)) is not None:
                session.answered(good, answers(found[0]) if good else [], "OK" if good else "ERROR", now)

    minutes(60, good=False)
    assert not session.faulty()
    minutes(10, good=True)
    assert session.state == UP and not session.faulty()
    session.begin(now)
    session.network({"registration": "registered", "sim": "READY"}, now)
    minutes(10, good=False)
    assert session.faulty()


LINES = st.sampled_from(['+CGPADDR: 1,"10.0.0.2"', "+CGPADDR: 1", "+CGACT: 1,0", "+CGACT: 1,1", "+CGACT: 2,0", "+CGCONTRDP: 1,5,x,10.1.2.3.255.255.255.0"])  # fmt: skip


@given(st.lists(st.tuples(st.booleans(), st.lists(LINES | st.text(max_size=20), max_size=3)), max_size=60))
def test_any_answers_leave_device_and_session_agreed(script):
    session, family, now, configured = Session({"apn": "internet"}, 0.0), load("generic"), 0.0, False
    session.network({"registration": "registered", "sim": "READY"}, 0.0)
    for ok, lines in script:
        now += 10.0
        if session.next_command(family, now) is not None:
            session.answered(ok, lines, "OK" if ok else "ERROR", now)
        for effect in session.take_effects():
            configured = effect[0] == "configure"
        assert configured or session.state != UP
