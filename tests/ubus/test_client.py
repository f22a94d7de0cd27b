"""The connection to ubusd: before it is there, while it is, and after it went."""

import asyncio
import os

import pytest

from router.ubus import client as module
from router.ubus.client import UbusClient
from router.ubus.peer import Called, Interfaces, Published
from tests.ubus.fake_ubusd import FakeUbusd, message

METHODS = {"status": {}}


@pytest.fixture
def path(tmp_path):
    return os.path.join(tmp_path, "ubus.sock")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(module, "_RETRY", 0.01)


class Rig:
    """A client on a loop of its own, and what it heard."""

    def __init__(self, path):
        self.heard = asyncio.Queue()
        self.client = UbusClient(path, "roamd", METHODS, self.heard.put_nowait)

    async def news(self, kind):
        while True:
            found = await asyncio.wait_for(self.heard.get(), 10)
            if isinstance(found, kind):
                return found


def drive(path, play):
    async def run():
        rig = Rig(path)
        rig.client.start(asyncio.get_running_loop())
        try:
            await play(rig)
        finally:
            rig.client.close()

    asyncio.run(run())


async def in_thread(function, *arguments, **more):
    return await asyncio.to_thread(function, *arguments, **more)


def test_a_call_is_answered_and_netifd_is_heard(path):
    ubusd = FakeUbusd(path, [{"interface": "wwan", "l3_device": "wwan0"}])

    async def play(rig):
        await rig.news(Published)
        assert (await rig.news(Interfaces)).found[0]["l3_device"] == "wwan0"
        asked = asyncio.create_task(in_thread(ubusd.call, "roamd", "status"))
        called = await rig.news(Called)
        rig.client.answer(called.caller, {"role": ["mobile_node"], "uptime": 1.5})
        assert await asked == ([{"role": ["mobile_node"], "uptime": 1.5}], 0)
        ubusd.notify("interface.update", {"interface": "wwan", "l3_device": "wwan1"})
        assert (await rig.news(Interfaces)).found[0]["l3_device"] == "wwan1"

    try:
        drive(path, play)
    finally:
        ubusd.close()


def test_without_ubusd_nothing_happens_until_it_comes_and_comes_again(path):
    async def play(rig):
        assert not rig.client.connected
        rig.client.notify("event", {"text": "unheard"})
        for _ in range(2):
            ubusd = FakeUbusd(path)
            try:
                await rig.news(Published)
            finally:
                await in_thread(ubusd.close)
                os.unlink(path)
        assert rig.client.counters["ubus_connected"] == 2

    drive(path, play)


def test_octets_that_make_no_sense_end_the_connection_and_a_new_one_is_made(path):
    ubusd = FakeUbusd(path)

    async def play(rig):
        await rig.news(Published)
        ubusd.write(message(0, 0, 0)[:8] + b"\xff" * 40)
        await rig.news(Published)
        assert rig.client.counters == {"ubus_connected": 2, "ubus_broken": 1}

    try:
        drive(path, play)
    finally:
        ubusd.close()


def test_what_ubusd_does_not_read_is_held_and_then_too_much(path, monkeypatch):
    monkeypatch.setattr(module, "_MAX_QUEUE", 100_000)
    ubusd = FakeUbusd(path)

    async def play(rig):
        await rig.news(Published)
        with ubusd._changed:
            # Nobody reads while this lock is held.
            for _ in range(5000):
                if rig.client.counters["ubus_broken"]:
                    break
                rig.client.notify("event", {"text": "x" * 1000})
            assert rig.client.counters["ubus_broken"] == 1
        await rig.news(Published)

    try:
        drive(path, play)
    finally:
        ubusd.close()
