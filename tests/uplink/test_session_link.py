"""A modem's network device gets what the network has given, and loses it again."""

import json
import os
import subprocess
import sys
from ipaddress import IPv4Address

import pytest

from router.uplink.session_link import plan

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPACE = f"rtsl-{os.getpid()}"
GIVEN = {
    "cid": 1,
    "address": "10.64.0.10",
    "prefix_length": 24,
    "gateway": "10.64.0.1",
    "mtu": 1430,
    "dns": None,
}


@pytest.mark.parametrize(
    ("values", "alone", "expected"),
    [
        ({}, False, ("10.64.0.10", 24, "10.64.0.1")),
        ({"gateway": None}, False, ("10.64.0.10", 24, "10.64.0.11")),
        ({"gateway": None, "prefix_length": None}, False, ("10.64.0.10", 31, "10.64.0.11")),
        ({"gateway": "10.64.0.10", "prefix_length": 32}, False, ("10.64.0.10", 31, "10.64.0.11")),
        ({}, True, ("10.64.0.10", 32, None)),
    ],
)
def test_what_the_network_did_not_tell_is_made_up(values, alone, expected):
    address, length, gateway = plan({**GIVEN, **values}, alone)
    assert (str(address), length, str(gateway) if gateway else None) == expected
    assert gateway != IPv4Address("10.64.0.10")


GIVE = """
import json, sys
from router.uplink.session_link import SessionLink
link = SessionLink("wwan0")
for line in sys.stdin:
    wanted = json.loads(line)
    link.configure(wanted, 2) if wanted else link.clear()
    print("done", flush=True)
"""


@pytest.fixture
def link():
    subprocess.run(["ip", "netns", "add", SPACE], check=True)
    ip("link", "add", "wwan0", "type", "veth", "peer", "name", "network")
    ip("link", "set", "network", "up")
    command = ["ip", "netns", "exec", SPACE, sys.executable, "-c", GIVE]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(wanted):
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    try:
        yield tell
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
        subprocess.run(["ip", "netns", "del", SPACE], check=True)


def ip(*words):
    done = subprocess.run(["ip", "-n", SPACE, *words], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.lab
def test_the_device_is_set_up_moved_and_cleared(link):
    link(GIVEN)
    (device,) = json.loads(ip("-json", "addr", "show", "wwan0"))
    assert device["mtu"] == 1430 and "UP" in device["flags"]
    (address,) = [item for item in device["addr_info"] if item["family"] == "inet"]
    assert (address["local"], address["prefixlen"]) == ("10.64.0.10", 24)
    (default,) = json.loads(ip("-json", "route", "show", "default"))
    assert (default["dev"], default["metric"]) == ("wwan0", 7402)
    link({**GIVEN, "address": "10.65.0.9", "gateway": None, "prefix_length": None})
    text = ip("addr", "show", "wwan0")
    assert "10.65.0.9/31" in text and "10.64.0.10" not in text
    assert len(json.loads(ip("-json", "route", "show", "default"))) == 1
    link(None)
    assert "inet " not in ip("addr", "show", "wwan0")
    assert ip("route", "show", "default") == ""


@pytest.mark.lab
def test_a_device_that_went_with_its_modem_is_no_error(link):
    link(GIVEN)
    ip("link", "del", "wwan0")
    link(None)
