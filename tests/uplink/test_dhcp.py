"""The address of a modem's device by DHCP: what clients say is read, and a real one serves a real device."""

import asyncio
import json
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.uplink.dhcp import NO_CLIENT, WAITING, Dhcp, lease_of

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE, THERE = f"rtdh-{os.getpid()}", f"rtds-{os.getpid()}"


@pytest.mark.parametrize(
    ("line", "reason", "lease"),
    [
        ("bound|192.168.225.40|255.255.255.0|192.168.225.1|192.168.225.1|", "bound",
         ("192.168.225.40", 24, "192.168.225.1", ["192.168.225.1"], None)),
        ("REBIND|10.0.0.9|255.255.255.252|10.0.0.10 10.0.0.11|9.9.9.9 8.8.8.8|1430", "REBIND",
         ("10.0.0.9", 30, "10.0.0.10", ["9.9.9.9", "8.8.8.8"], 1430)),
        ("renew|10.0.0.9||||", "renew", ("10.0.0.9", None, None, [], None)),
    ],
)  # fmt: skip
def test_what_was_granted(line, reason, lease):
    names = ("address", "prefix_length", "gateway", "dns", "mtu")
    assert lease_of(line) == (reason, dict(zip(names, lease, strict=True)))


@pytest.mark.parametrize(
    "line",
    ["", "deconfig|||||", "bound|||||", "bound|0.0.0.0|255.0.0.0|||", "bound|10.0.0.9", "bound|x|y|z|a|b", "EXPIRE|10.0.0.9|||"],
)  # fmt: skip
def test_what_is_no_lease(line):
    assert lease_of(line)[1] is None


WORDS = st.sampled_from(["10.0.0.9", "255.255.255.0", "", "x"]) | st.text(max_size=12)


@given(
    st.text(max_size=60)
    | st.lists(WORDS, min_size=5, max_size=5).map(lambda words: "|".join(["bound", *words]))
)
def test_any_line_is_read(line):
    _, lease = lease_of(line)
    assert lease is None or lease["address"]


def test_a_client_that_is_missing_is_named(tmp_path):
    told = []

    async def run():
        dhcp = Dhcp("lte", "wwan0", told.append, path=str(tmp_path))
        dhcp.start(asyncio.get_running_loop())
        while dhcp.note == WAITING:
            await asyncio.sleep(0.01)
        note = dhcp.note
        dhcp.stop()
        await dhcp.child.ended()
        return note

    assert asyncio.run(asyncio.wait_for(run(), 20)) == NO_CLIENT
    assert "install udhcpc" in NO_CLIENT and told == [None]


# Runs inside the namespace: an upkeep that is told of sessions, a line each; says what the note is whenever it changes.
KEEP = """
import asyncio, json, sys
from router.config.model import ModemSettings, Uplink
from router.uplink.modem_memory import ModemMemory
from router.uplink.upkeep import Upkeep
UPLINK = Uplink("lte", 2, "cellular", device="wwan0", modem=ModemSettings(session="at"))
WANTED = {"cid": 1, "by": "dhcp", "address": "10.1.2.3", "prefix_length": None, "gateway": None, "mtu": 1430, "dns": None}
async def run():
    upkeep = Upkeep(ModemMemory(None), lambda uplink: None, lambda name: print(upkeep.note(name), flush=True))
    loop, line = asyncio.get_running_loop(), asyncio.Queue()
    loop.add_reader(0, lambda: line.put_nowait(sys.stdin.readline()))
    while (word := (await line.get()).strip()):
        upkeep.perform(UPLINK, ("configure", WANTED) if word == "up" else ("deconfigure",))
    upkeep.detached("lte")
    await upkeep.ended()
    print("ended", flush=True)
asyncio.run(run())
"""
SERVER = """interface network
start 192.168.225.20
end 192.168.225.30
lease_file {folder}/leases
pidfile {folder}/pid
option subnet 255.255.255.0
option router 192.168.225.1
option dns 192.168.225.1
"""


def ip(*words, space=HERE):
    return subprocess.run(["ip", "-n", space, *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def network(tmp_path):
    """A device, wwan0, at whose other end is a DHCP server; the folder for its client, and a switch for the server."""
    busybox = shutil.which("busybox")
    if busybox is None:
        if os.environ.get("CI"):
            pytest.fail("no busybox")
        pytest.skip("no busybox")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "udhcpc").symlink_to(busybox)
    (tmp_path / "leases").touch()
    (tmp_path / "server").write_text(SERVER.format(folder=tmp_path))
    for space in (HERE, THERE):
        subprocess.run(["ip", "netns", "add", space], check=True)
    ip("link", "add", "wwan0", "type", "veth", "peer", "name", "network", "netns", THERE)
    ip("address", "add", "192.168.225.1/24", "dev", "network", space=THERE)
    ip("link", "set", "network", "up", space=THERE)
    words = ["ip", "netns", "exec", THERE, busybox, "udhcpd", "-f", str(tmp_path / "server")]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    words = ["ip", "netns", "exec", HERE, sys.executable, "-c", KEEP]
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield process
    finally:
        for child in (process, server):
            child.kill()
            child.wait(10)
        process.stdin.close()
        process.stdout.close()
        for space in (HERE, THERE):
            subprocess.run(["ip", "netns", "del", space], check=True)


def tell(process, word):
    process.stdin.write(word + "\n")
    process.stdin.flush()


def heard(process, wanted):
    for line in process.stdout:
        if line.strip() == wanted:
            return
    raise AssertionError(f"it ended before it said {wanted}")


@pytest.mark.lab
def test_a_modem_that_serves_addresses(network):
    tell(network, "up")
    heard(network, WAITING)
    heard(network, "None")
    (device,) = json.loads(ip("-json", "addr", "show", "wwan0"))
    assert device["mtu"] == 1430
    (address,) = [item for item in device["addr_info"] if item["family"] == "inet"]
    assert address["local"].startswith("192.168.225.") and address["prefixlen"] == 24
    (default,) = json.loads(ip("-json", "route", "show", "default"))
    assert (default["gateway"], default["dev"], default["metric"]) == ("192.168.225.1", "wwan0", 7402)
    tell(network, "")
    heard(network, "ended")
    assert "inet " not in ip("addr", "show", "wwan0")
