"""Device events: the kernel's own, what others forge, and floods."""

import asyncio
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.uplink import uevents
from router.uplink.uevents import Uevent, UeventWatcher, parse
from tests.modem.machine import uevent

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes the kernel tell of a device")


def test_an_event_of_a_tty():
    data = (
        b"add@/devices/pci0000:00/usb1/1-1/1-1:1.2/ttyUSB2/tty/ttyUSB2\0ACTION=add\0"
        b"DEVPATH=/devices/pci0000:00/usb1/1-1/1-1:1.2/ttyUSB2/tty/ttyUSB2\0SUBSYSTEM=tty\0"
        b"MAJOR=188\0MINOR=2\0DEVNAME=ttyUSB2\0SEQNUM=2041\0"
    )
    path = "/devices/pci0000:00/usb1/1-1/1-1:1.2/ttyUSB2/tty/ttyUSB2"
    assert parse(data) == Uevent("add", path, "tty", "ttyUSB2")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"add",
        b"@/devices",
        b"libudev\0\xfe\xed\xca\xfe",
        b"add@devices\0",
        b"a d@/x\0",
        b"\xff@/x",
    ],
)
def test_what_is_no_event_is_none(data):
    assert parse(data) is None


@given(st.binary(max_size=200))
def test_any_octets_are_an_event_or_none(data):
    parse(data)
    parse(b"add@/devices/x\0" + data)


def heard(cause, quiet=0.3):
    """How often a watcher calls while `cause` goes on and until it is quiet; and its counters."""
    calls = []

    async def run():
        loop = asyncio.get_running_loop()
        watcher = UeventWatcher(lambda: calls.append(loop.time()))
        watcher.start(loop)
        try:
            await cause(watcher)
            count = -1
            while count != len(calls):
                count = len(calls)
                await asyncio.sleep(quiet)
        finally:
            watcher.close()
        return watcher.counters

    return calls, asyncio.run(run())


@needs_root
def test_a_burst_of_events_is_told_of_once():
    async def cause(_):
        for _ in range(20):
            uevent()

    calls, counters = heard(cause)
    # What else happens on this machine may be told of, too.
    assert 1 <= len(calls) <= 1 + counters["uevents"] - 20


@needs_root
def test_a_flood_neither_stops_the_loop_nor_hides_the_change():
    async def cause(watcher):
        loop = asyncio.get_running_loop()
        # The kernel sends while we do not read: more than the buffer holds.
        for _ in range(3000):
            uevent()
        turns = 0
        begin = watcher.counters["uevents"]
        while watcher.counters["uevents"] == begin or turns < 3:
            turns += 1
            before = watcher.counters["uevents"]
            await asyncio.sleep(0)
            assert watcher.counters["uevents"] - before <= uevents._PER_WAKE
        assert loop.is_running()

    calls, counters = heard(cause)
    assert calls
    assert counters["uevent_overruns"] >= 1


@needs_root
def test_what_another_process_sends_is_not_an_event():
    async def cause(watcher):
        message = b"remove@/devices/usb1/1-1\0ACTION=remove\0SUBSYSTEM=usb\0"
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as sender:
            sender.bind((0, 0))
            sender.sendto(message, (watcher.port, 0))
        while not watcher.counters["uevents_foreign"]:
            await asyncio.sleep(0.01)

    calls, counters = heard(cause)
    assert calls == []
    assert counters == {"uevents": 0, "uevents_foreign": 1, "uevent_overruns": 0}
