"""PPP on a modem's data port: pppd's options, and pppd run again when it ends."""

import asyncio

from router.config.model import ModemSettings, Uplink
from router.uplink.ppp import Ppp, ppp_device, ppp_options


def uplink(**settings):
    return Uplink("lte", 3, "cellular", modem=ModemSettings(session="ppp", **settings))


def test_the_generic_dial_on_the_context_that_was_given():
    text = ppp_options(uplink(apn="internet", cid=2), "/dev/ttyUSB3")
    assert "/dev/ttyUSB3\n" in text and "unit 103\n" in text and "nodefaultroute\n" in text
    assert '\'AT+CGDCONT=2,\\"IP\\",\\"internet\\"\' OK ATD*99***2# CONNECT' in text
    assert "password" not in text
    assert ppp_device(uplink()) == "ppp103"


def test_who_we_are():
    text = ppp_options(uplink(auth="pap", username="bus 42", password="a'b"), "/dev/ttyUSB3")
    assert 'user "bus 42"\n' in text and 'password "a\'b"\n' in text and "refuse-chap\n" in text
    assert "refuse-pap\n" in ppp_options(uplink(auth="chap", username="bus"), "/dev/x")


def test_it_is_run_again_and_its_secrets_are_nobody_elses(tmp_path):
    """In the place of pppd stands a program that notes the file it was given, and ends."""
    notes = tmp_path / "notes"
    program = (
        "/bin/sh",
        "-c",
        f'stat -c %a "$2" >> {notes}; grep -c password "$2" >> {notes}; exit 7',
        "pppd",
    )

    async def run():
        given = uplink(auth="pap", username="bus", password="geheim")
        ppp = Ppp(given, "/dev/ttyUSB3", program, again=(0.0,))
        ppp.start(asyncio.get_running_loop())
        while not notes.exists() or len(notes.read_text().split()) < 6:
            await asyncio.sleep(0.01)
        ppp.stop()
        await ppp.ended()

    asyncio.run(asyncio.wait_for(run(), 20))
    assert notes.read_text().split()[:4] == ["600", "1", "600", "1"]


def test_a_pppd_that_is_missing_is_said(caplog):
    async def run():
        ppp = Ppp(uplink(), "/dev/ttyUSB3", ("/nowhere/pppd",))
        ppp.start(asyncio.get_running_loop())
        while not caplog.records:
            await asyncio.sleep(0.01)
        ppp.stop()
        await ppp.ended()

    asyncio.run(asyncio.wait_for(run(), 20))
    assert "/nowhere/pppd: No such file" in caplog.text
