"""The watcher on real interfaces."""

import os
import struct
import subprocess
import sys

import pytest

pytestmark = pytest.mark.lab

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPACE = f"rtul-{os.getpid()}"

# Runs inside the namespace: one line per change of state, as it comes.
WATCH = """
import asyncio, sys
from router.config.model import Uplink
from router.uplink.watch import UplinkWatcher
async def run():
    def changed(view):
        print(view.state.value, view.address, view.gateway, watcher._events.socket.getsockname()[0], flush=True)
    watcher = UplinkWatcher((Uplink("w", 1, "ethernet", "up0"),), changed)
    watcher.start(asyncio.get_running_loop())
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    loop.add_reader(0, done.set)
    await done.wait()
    watcher.close()
    print("foreign", watcher.counters["netlink_foreign"], flush=True)
asyncio.run(run())
"""


def ip(*words):
    subprocess.run(["ip", "-n", SPACE, *words], check=True)


@pytest.fixture
def watch():
    subprocess.run(["ip", "netns", "add", SPACE], check=True)
    command = ["ip", "netns", "exec", SPACE, sys.executable, "-c", WATCH]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()
        subprocess.run(["ip", "netns", "del", SPACE], check=True)


def until(process, state):
    """Lines up to one that begins with `state`; a hang is cut off by the test's own clock."""
    for line in process.stdout:
        if line.startswith(state):
            return line.split()
    raise AssertionError(f"the watcher ended before it said {state}")


def test_an_uplink_comes_goes_and_comes_back(watch):
    until(watch, "no device")
    ip("link", "add", "up0", "type", "veth", "peer", "name", "far0")
    until(watch, "link down")
    ip("link", "set", "up0", "up")
    until(watch, "no carrier")
    ip("link", "set", "far0", "up")
    until(watch, "no address")
    ip("address", "add", "192.0.2.10/24", "dev", "up0")
    until(watch, "no gateway")
    ip("route", "add", "default", "via", "192.0.2.1")
    assert until(watch, "usable")[1:3] == ["192.0.2.10", "192.0.2.1"]
    ip("link", "set", "far0", "down")
    until(watch, "no carrier")
    ip("link", "set", "far0", "up")
    until(watch, "usable")
    ip("route", "del", "default")
    until(watch, "no gateway")
    ip("link", "del", "up0")
    until(watch, "no device")
    ip("link", "add", "up0", "type", "veth", "peer", "name", "far0")
    until(watch, "link down")


def test_a_message_of_another_process_is_ignored(watch):
    port = int(until(watch, "no device")[-1])
    # A forged RTM_NEWLINK that would bring up0 up, sent to the watcher's own netlink port.
    attributes = struct.pack("=HH4s", 8, 3, b"up0\0")
    body = struct.pack("=BxHiII", 0, 1, 77, 0x10001, 0) + attributes
    message = struct.pack("=IHHII", 16 + len(body), 16, 0, 0, 0) + body
    code = f"""
import socket
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.bind((0, 0))
s.sendto({message!r}, ({port}, 0))
"""
    subprocess.run(["ip", "netns", "exec", SPACE, sys.executable, "-c", code], check=True)
    ip("link", "add", "other", "type", "veth", "peer", "name", "other2")
    watch.stdin.write("stop\n")
    watch.stdin.flush()
    rest = watch.stdout.read()
    assert "foreign 1" in rest
    assert "no address" not in rest
