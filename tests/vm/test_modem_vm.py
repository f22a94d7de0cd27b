"""A USB modem as the kernel shows it: real ttyACM*, network device, sysfs and uevents; the emulator behind it."""

import asyncio
import json
import os
import select
import socket
import subprocess
import sys

import pytest
import serial

from modem.ports.sysfs import devices
from router.config.model import Uplink
from router.control.client import ControlError, request
from router.lab.modem import PERSONALITIES
from router.uplink.cellular import Modems
from tests.vm.usb_gadget import DRIVERS, ROOT, Bus, UsbModem, held, wait

pytestmark = pytest.mark.vm

PATIENCE = 30.0
# Sends one datagram back.
ECHO = """\
import socket, sys
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind((sys.argv[1], 7))
print("ready", flush=True)
own.sendto(*own.recvfrom(64))
"""
IMEI = "861075023456789"


class Uevents:
    """What the kernel tells of devices, as a context (netlink(7), NETLINK_KOBJECT_UEVENT)."""

    def __enter__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, 1))
        return self

    def __exit__(self, *_):
        self.socket.close()

    def heard(self):
        """(action, name of the device) of all that has come."""
        found = set()
        while select.select([self.socket], [], [], 0)[0]:
            action, _, path = self.socket.recv(65536).split(b"\0")[0].decode().partition("@")
            found.add((action, os.path.basename(path)))
        return found


def surroundings():
    """What a modem's coming and going must not change."""
    with open("/proc/modules") as file:
        modules = {line.split()[0] for line in file}
    places = ("/sys/class/net", "/sys/class/tty", "/sys/bus/usb/devices", "/run/netns")
    listed = [sorted(os.listdir(place)) if os.path.isdir(place) else [] for place in places]
    return modules & set(DRIVERS), os.path.ismount("/sys/kernel/config"), listed


@pytest.fixture(scope="module")
def bus():
    """Once: a network device of a gadget cannot be had where a controller before lay at the same place in memory."""
    drivers, mounted, _ = surroundings()
    with Bus(sockets=2) as bus:
        yield bus
    assert surroundings()[:2] == (drivers, mounted)


def test_a_modem_leaves_nothing(bus):
    before = surroundings()
    with UsbModem("simcom-sim7600", data="ncm"):
        assert surroundings() != before
    assert surroundings() == before


@pytest.fixture
def modem(bus):
    with UsbModem(options=("--interrupt", "0", "--boot", "0.5")) as modem:
        yield modem


def ask(tty, command):
    """What the modem says to one command, up to its result."""
    with serial.Serial(tty, timeout=0.1, exclusive=True) as port:
        port.write(f"AT{command}\r".encode())
        said = b""
        while b"OK\r\n" not in said:
            ready, _, _ = select.select([port.fileno()], [], [], PATIENCE)
            assert ready, said
            said += port.read(4096)
        return said.decode("latin-1")


def carrier(device):
    with open(f"/sys/class/net/{device}/carrier") as file:
        return file.read().strip() == "1"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def test_the_ports_are_real_and_belong_to_one_device(modem):
    (found,) = devices()
    assert (found.name, found.bus, found.networks) == (modem.usb_path(), "usb", (modem.network_device(),))
    assert (found.vendor, found.product) == PERSONALITIES["quectel-ec25"].usb
    assert [f"/dev/{port.name}" for port in found.ports] == modem.ttys()
    assert [(port.driver, port.interface) for port in found.ports] == [("cdc_acm", 0), ("cdc_acm", 2)]


def test_two_modems_side_by_side(modem):
    with UsbModem("fibocom-fm350", name="second", data="ncm", ports=1, at=0) as second:
        assert {device.networks for device in devices()} == {
            (modem.network_device(),),
            (second.network_device(),),
        }
        assert PERSONALITIES["fibocom-fm350"].imei in ask(second.at_tty(), "+CGSN")
        assert IMEI in ask(modem.at_tty(), "+CGSN")


def test_it_comes_back_under_other_names(modem):
    before, device = modem.ttys(), modem.network_device()
    with held(before), Uevents() as uevents:
        modem.unplug()
        assert devices() == ()
        modem.plug()
        after = modem.ttys()
        assert not set(before) & set(after)
        assert IMEI in ask(modem.at_tty(), "+CGSN")
        told = {("remove", os.path.basename(tty)) for tty in before}
        told |= {("add", os.path.basename(tty)) for tty in after}
        told |= {("remove", device), ("add", modem.network_device())}
        assert told <= uevents.heard()


def test_a_reset_by_at_is_one_on_the_bus(modem):
    plugs, tty = modem.plugs, modem.at_tty()
    with serial.Serial(tty, exclusive=True) as port:
        port.write(b"AT+CFUN=1,1\r")
        wait("the modem to come back", lambda: modem.plugs == plugs + 1)
    assert IMEI in ask(modem.at_tty(), "+CGSN")


def test_a_data_session_carries_packets(modem):
    device, tty = modem.network_device(), modem.at_tty()
    ip("link", "set", device, "up")
    assert not carrier(device)
    wait("the registration", lambda: "+CEREG: 0,1" in ask(tty, "+CEREG?"))
    ask(tty, "+QNETDEVCTL=1,1,1")
    wait("the carrier", lambda: carrier(device))
    lease = ask(tty, "+CGCONTRDP=1").split('"')
    address, gateway = lease[3].rsplit(".", 4)[0], lease[5]
    ip("address", "add", f"{address}/24", "dev", device)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((address, 0))
        command = ["ip", "netns", "exec", modem.namespace, sys.executable, "-c", ECHO, gateway]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as echo:
            try:
                assert echo.stdout.readline()
                sender.sendto(b"hello", (gateway, 7))
                assert select.select([sender], [], [], PATIENCE)[0]
                assert sender.recv(64) == b"hello"
            finally:
                echo.terminate()
    ask(tty, "+QNETDEVCTL=0,1,1")
    wait("the carrier to go", lambda: not carrier(device))


# roamd's own eyes


def watch(uplinks, story):
    """Run `story(see, do)` beside roamd's modems: `see(name, condition)` waits for what is known of an uplink's modem,
    `do(function)` runs what takes its time."""

    async def run():
        loop, something = asyncio.get_running_loop(), asyncio.Event()
        modems = Modems(uplinks, something.set)

        async def see(name, condition):
            async with asyncio.timeout(PATIENCE):
                while modems.info(name) is None or not condition(modems.info(name)):
                    something.clear()
                    await something.wait()
            uplink = next(uplink for uplink in uplinks if uplink.name == name)
            return modems.info(name), modems.device_by_sysfs(uplink)

        async def do(function, *arguments):
            return await loop.run_in_executor(None, function, *arguments)

        modems.start(loop)
        try:
            await story(see, do)
        finally:
            modems.close()

    asyncio.run(run())


def registered(info):
    return info.state == "registered" and info.imei is not None


def gone(info):
    return info.imei is None


def test_a_modem_is_found_lost_and_found_again_under_other_names(modem):
    modem.unplug()

    async def story(see, do):
        info, device = await see("cell", gone)
        assert device is None
        await do(modem.plug)
        info, device = await see("cell", registered)
        assert (info.imei, info.model, device) == (IMEI, "EC25", modem.network_device())
        before = modem.ttys()
        with held(before[:1]):
            await do(modem.unplug)
            info, device = await see("cell", gone)
            assert device is None
            await do(modem.plug)
            info, device = await see("cell", registered)
            assert (info.imei, device) == (IMEI, modem.network_device())
            assert modem.ttys() != before

    watch((Uplink("cell", 1, "cellular"),), story)


def test_the_diagnostic_port_is_left_alone(modem):
    fd = os.open(modem.other_ends()[0], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    async def story(see, do):
        await see("cell", registered)
        with pytest.raises(BlockingIOError):
            os.read(fd, 1)

    try:
        watch((Uplink("cell", 1, "cellular"),), story)
    finally:
        os.close(fd)


def test_a_reset_is_survived(modem):
    async def story(see, do):
        await see("cell", registered)
        modem.tell("reset 1")
        await see("cell", lambda info: not registered(info))
        await see("cell", registered)

    watch((Uplink("cell", 1, "cellular"),), story)


def test_two_uplinks_know_their_modems_by_imei(modem):
    other = "861075023456797"
    with UsbModem(name="second", imei=other) as second:

        async def story(see, do):
            info, device = await see("b", registered)
            assert (info.imei, device) == (IMEI, modem.network_device())
            info, device = await see("a", registered)
            assert (info.imei, device) == (other, second.network_device())

        watch((Uplink("a", 1, "cellular", imei=other), Uplink("b", 2, "cellular", imei=IMEI)), story)


# The whole daemon

HOME_AGENT = """
config roamd
	option control '{folder}/ha.sock'
	option state '{folder}'
config home_agent
	option address '10.64.0.1'
config home_network
	option prefix '10.99.0.0/24'
config mobile 'bus'
	option home_address '10.99.0.2'
	option spi 256
	option key 'sixteen octets!!'
"""
MOBILE_NODE = """
config roamd
	option control '{folder}/mr.sock'
	option state '{folder}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '10.64.0.1'
	option spi 256
	option key 'sixteen octets!!'
config uplink 'cell'
	option type cellular
	option session at
	option apn internet
	option addressing static
"""


@pytest.fixture
def daemons(modem, tmp_path):
    """A home agent where the modem's network begins, and a mobile node at the host; both by name."""
    found = {}
    for name, text, inside in (
        ("ha", HOME_AGENT, ["ip", "netns", "exec", modem.namespace]),
        ("mr", MOBILE_NODE, []),
    ):
        path = tmp_path / f"{name}.conf"
        path.write_text(text.format(folder=tmp_path))
        with open(tmp_path / f"{name}.log", "w") as log:
            words = [*inside, sys.executable, "-m", "router.cli", "--config", str(path), "run"]
            found[name] = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield found
    finally:
        for process in found.values():
            process.terminate()
            process.wait(PATIENCE)


def test_a_daemon_brings_the_session_up_and_registers_over_it(modem, daemons, tmp_path):
    device = modem.network_device()

    def uplink():
        assert daemons["mr"].poll() is None, (tmp_path / "mr.log").read_text()
        try:
            return request(str(tmp_path / "mr.sock"), "status")["uplinks"][0]
        except ControlError:
            return {"registration": "no socket yet", "modem": None}

    def heard():
        return json.dumps(uplink()) + (tmp_path / "mr.log").read_text() + (tmp_path / "ha.log").read_text()

    def until(what, condition):
        try:
            wait(what, condition, 3 * PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{heard()}") from None

    until("the binding", lambda: uplink()["registration"] == "registered")
    found = uplink()
    assert (found["device"], found["address"], found["gateway"]) == (device, "10.64.0.10", "10.64.0.1")
    assert found["modem"]["session"] == "up"
    # The network ends it, and it comes back without anybody's help.
    modem.tell("session down")
    until("the loss", lambda: uplink()["modem"]["session"] != "up")
    until(
        "the session",
        lambda: uplink()["modem"]["session"] == "up" and uplink()["registration"] == "registered",
    )
    daemons["mr"].terminate()
    assert daemons["mr"].wait(PATIENCE) == 0
    log = (tmp_path / "ha.log").read_text()
    assert request(str(tmp_path / "ha.sock"), "status")["bindings"] == [], log
    wait("the carrier to go", lambda: not carrier(device))
    addresses = subprocess.run(["ip", "-4", "address", "show", "dev", device], capture_output=True, text=True)
    assert "inet " not in addresses.stdout
