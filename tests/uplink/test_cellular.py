"""The modems of the uplinks, on pseudo-terminals beside a sysfs of the real shape, and with the kernel's events."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

from router.config.model import ModemSettings, Uplink
from router.lab.modem.emulator import Emulator
from router.lab.modem.personalities import PERSONALITIES
from router.uplink import cellular as module
from router.uplink.cellular import Modems
from tests.modem.machine import Diagnostic, Flood, Machine, Mute, Receiver, uevent

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes the kernel tell of a device")

A, B = "861075023456789", "861075023456797"
HOLD = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.close()


def modem(imei=A, name="quectel-ec25"):
    return Emulator(PERSONALITIES[name], time.monotonic(), imei=imei)


def quectel(imei=A):
    """Its four ports: diagnostic, NMEA, AT, modem."""
    return {0: Diagnostic(), 1: Receiver(), 2: modem(imei), 3: modem(imei)}


def cellular(name, **options):
    return Uplink(name, 1, "cellular", **options)


def run(machine, uplinks, story, seconds=30.0):
    """`story(modems, until)` with the modems of `uplinks` watched; `until(what)` waits for a change that makes it so."""

    async def main():
        changed = asyncio.Event()
        modems = Modems(uplinks, changed.set, sysfs_root=machine.sysfs, device_folder=machine.dev)

        async def until(what):
            while not what():
                await changed.wait()
                changed.clear()

        modems.start(asyncio.get_running_loop())
        try:
            await asyncio.wait_for(story(modems, until), seconds)
        finally:
            modems.close()

    asyncio.run(main())


def state(modems, name):
    info = modems.info(name)
    return info.state if info is not None else None


def imei(modems, name):
    info = modems.info(name)
    return info.imei if info is not None else None


def test_a_modem_that_is_plugged_in_serves_and_comes_back_under_other_names(machine):
    uplink = cellular("lte")
    ports = quectel()

    async def story(modems, until):
        assert state(modems, "lte") == "no modem"
        machine.plug("1-1.2", 0x2C7C, 0x0125, ports, network="wwan0")
        uevent()
        await until(lambda: imei(modems, "lte") == A)
        assert modems.port("lte").where == f"{machine.dev}/ttyUSB2"
        assert modems.device_by_sysfs(uplink) == "wwan0"
        machine.unplug("1-1.2")
        uevent()
        await until(lambda: state(modems, "lte") == "no modem")
        assert modems.device_by_sysfs(uplink) is None
        machine.plug("1-1.2", 0x2C7C, 0x0125, quectel(), first=4, network="wwan1")
        uevent()
        await until(lambda: imei(modems, "lte") == A)
        assert modems.port("lte").where == f"{machine.dev}/ttyUSB6"
        assert modems.device_by_sysfs(uplink) == "wwan1"

    run(machine, (uplink,), story)
    # The ports that the tables know not to be for us were not touched.
    assert (ports[0].heard, ports[1].heard) == (b"", b"")


def test_two_modems_side_by_side_go_where_they_are_named(machine):
    machine.plug("1-1", 0x2C7C, 0x0125, quectel(A), network="wwan0")
    machine.plug("1-2", 0x2C7C, 0x0125, quectel(B), first=4, network="wwan1")
    uplinks = cellular("other"), cellular("named", imei=A)

    async def story(modems, until):
        await until(lambda: imei(modems, "named") == A and imei(modems, "other") == B)

    run(machine, uplinks, story)


def test_the_ports_of_an_unknown_modem_are_told_by_what_they_say(machine):
    ports = {0: Diagnostic(), 1: Receiver(), 2: Mute(), 3: modem()}
    machine.plug("1-1", 0xFFF0, 0x0001, ports)

    async def story(modems, until):
        await until(lambda: imei(modems, "lte") == A)
        assert modems.port("lte").where == f"{machine.dev}/ttyUSB3"

    run(machine, (cellular("lte"),), story)
    assert (ports[0].heard, ports[1].heard) == (b"", b"")


def test_a_program_that_has_the_port_is_named(machine):
    names = machine.plug("1-1", 0x2C7C, 0x0125, {2: modem()})
    path = f"{machine.dev}/{names[2]}"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "open\n"

    async def story(modems, until):
        await until(lambda: f"(pid {holder.pid})" in str(state(modems, "found")))
        assert state(modems, "found").startswith("no AT port at usb 1-1 (ttyUSB0: port in use by python")
        holder.communicate("")
        await until(lambda: imei(modems, "found") == A)

    run(machine, (cellular("found"),), story)


def test_a_modem_that_floods_does_not_delay_another(machine):
    machine.plug("1-1", 0x2C7C, 0x0125, {2: Flood()})
    machine.plug("1-2", 0x2C7C, 0x0125, quectel(B), first=4)

    async def story(modems, until):
        await until(lambda: imei(modems, "two") == B)
        # The one that floods is talked to none the less, as the user wants it.
        assert modems.port("one") is not None

    run(machine, (cellular("one", tty=f"{machine.dev}/ttyUSB0"), cellular("two", usb="1-2")), story)


def test_nobody_to_serve_is_nobody_disturbed(machine):
    port = Mute()
    machine.plug("1-1", 0x2C7C, 0x0125, {2: port})

    async def story(modems, until):
        uevent()
        await asyncio.sleep(0.3)

    run(machine, (Uplink("wan", 1, "ethernet", "eth0"),), story)
    assert port.heard == b""


def test_a_usb_reset_takes_the_device_off_and_puts_it_back_even_at_the_end(machine):
    machine.plug("1-1", 0x2C7C, 0x0125, quectel())
    (device,) = [entry[0] for entry in machine._places.values()]
    with open(f"{device}/authorized", "w") as file:
        file.write("1")

    def authorized():
        with open(f"{device}/authorized") as file:
            return file.read()

    async def story(modems, until):
        await until(lambda: imei(modems, "lte") == A)
        modems.reset_usb("lte")
        assert authorized() == "0"

    run(machine, (cellular("lte"),), story)
    assert authorized() == "1"


OURS = ModemSettings(session="at", apn="internet", addressing="static")


def test_a_data_session_is_ended_at_the_modem_before_the_end(machine):
    ports = quectel()
    machine.plug("1-1", 0x2C7C, 0x0125, ports, network="roamd-none")

    async def story(modems, until):
        await until(lambda: ports[2].core.connected and modems.info("lte").session.startswith("up"))
        # There is no such device in the kernel, and that is said.
        assert "device roamd-none cannot be set up" in modems.info("lte").session
        await modems.stop()
        assert not ports[2].core.connected

    run(machine, (cellular("lte", modem=OURS),), story)


def test_a_modem_that_hangs_does_not_delay_the_end_for_long(machine, monkeypatch, caplog):
    monkeypatch.setattr(module, "_STOP_WAIT", 0.2)
    ports = quectel()
    machine.plug("1-1", 0x2C7C, 0x0125, ports, network="roamd-none")

    async def story(modems, until):
        await until(
            lambda: modems.info("lte") is not None and str(modems.info("lte").session).startswith("up")
        )
        machine.silence("1-1")
        await modems.stop()

    run(machine, (cellular("lte", modem=OURS),), story)
    assert "has not ended its data session" in caplog.text
