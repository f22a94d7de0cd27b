"""The port adapter on real pseudo-terminals."""

import asyncio
import os
import pty
import subprocess
import sys
import tty

import pytest

from modem.ports.modem_port import ModemPort


def watch(path, enough, seconds=10.0):
    """Run a port until `enough(snapshot)`; the last snapshot."""
    seen = []

    async def run():
        done = asyncio.Event()

        def changed(snapshot):
            seen.append(snapshot)
            if enough(snapshot):
                done.set()

        port = ModemPort(str(path), changed)
        port.start(asyncio.get_running_loop())
        try:
            await asyncio.wait_for(done.wait(), seconds)
        finally:
            port.close()

    asyncio.run(run())
    return seen[-1]


@pytest.fixture
def emulator(tmp_path):
    link = tmp_path / "modem"
    command = [
        sys.executable,
        "-m",
        "router.lab.modem",
        "--link",
        str(link),
        "--address",
        "100.64.0.10",
    ]
    process = subprocess.Popen(command)
    yield link
    process.terminate()
    assert process.wait(5) == 0
    assert not link.is_symlink()


def test_a_modem_behind_a_real_tty(emulator, tmp_path):
    while not emulator.is_symlink():
        os.sched_yield()
    found = watch(emulator, lambda snapshot: snapshot["address"] is not None and snapshot["operator"])
    assert str(found["address"]) == "100.64.0.10"
    assert found["state"] == "registered"


def test_a_missing_tty_is_named(tmp_path):
    found = watch(tmp_path / "none", lambda snapshot: True)
    assert found["state"].startswith("no tty: ")
    assert "No such file" in found["state"]


def test_a_tty_that_appears_later_is_opened(tmp_path):
    master, slave = pty.openpty()
    tty.setraw(slave)
    link = tmp_path / "late"
    states = []

    def enough(snapshot):
        states.append(snapshot["state"])
        if not link.is_symlink():
            link.symlink_to(os.ttyname(slave))
        return snapshot["state"] == "opening"

    watch(link, enough)
    os.close(master)
    os.close(slave)
    assert states[0].startswith("no tty")


def test_a_tty_that_hangs_up_is_noticed(tmp_path):
    master, slave = pty.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    os.close(slave)

    def enough(snapshot):
        if snapshot["state"] == "opening":
            os.close(master)
        return snapshot["state"].startswith("no tty")

    assert watch(name, enough)["state"].startswith("no tty")
