"""The daemon's end of ubus: its heartbeat, and what it tells a mobile node that starts later."""

import asyncio
import os
from types import SimpleNamespace

import pytest

from router.daemon.ubus import Ubus
from router.mip.effect import Event
from tests.ubus.fake_ubusd import INVOKE, FakeUbusd

WAN = {"interface": "wan", "l3_device": "wlan0"}


@pytest.fixture
def ubusd(tmp_path):
    ubusd = FakeUbusd(os.path.join(tmp_path, "ubus.sock"), [WAN])
    yield ubusd
    ubusd.close()


def drive(ubusd, play, methods=None, mobile=None):
    """`play(ubus, roles)` in a thread, beside a running loop."""
    roles = SimpleNamespace(config=SimpleNamespace(uplinks=()), mobile=mobile)

    async def run():
        ubus = Ubus(ubusd.path, "roamd", methods or {}, roles)
        ubus.start()
        try:
            await asyncio.to_thread(play, ubus, roles)
        finally:
            ubus.close()

    asyncio.run(run())


def test_procds_watchdog_hears_that_the_loop_turns_where_the_init_script_says_so(ubusd, monkeypatch):
    monkeypatch.setenv("ROAMD_WATCHDOG", "roamd/main")
    beat = {"id": 78, "method": "watchdog", "data": {"name": "roamd", "instance": "main"}}
    drive(ubusd, lambda *_: ubusd.wait(lambda: beat in ubusd.of(INVOKE)))


def test_elsewhere_it_hears_nothing(ubusd, monkeypatch):
    monkeypatch.delenv("ROAMD_WATCHDOG", raising=False)
    drive(ubusd, lambda *_: ubusd.wait(lambda: any(told["method"] == "dump" for told in ubusd.of(INVOKE))))
    assert not any(told["method"] == "watchdog" for told in ubusd.of(INVOKE))


def test_a_mobile_node_that_starts_later_hears_what_netifd_told_before(ubusd):
    heard = []

    def play(ubus, roles):
        ubusd.wait(lambda: any(told["method"] == "dump" for told in ubusd.of(INVOKE)))
        ubusd.call("roamd", "status")
        watcher = SimpleNamespace(interfaces=lambda found: heard.extend(found))
        roles.mobile = SimpleNamespace(watcher=watcher)
        ubus.introduce()

    drive(ubusd, play, {"status": lambda params: {}})
    assert heard == [WAN]


def test_a_role_without_the_method_says_that_it_does_not_have_it(ubusd):
    def play(*_):
        assert ubusd.call("roamd", "flows") == ([], 8)

    drive(ubusd, play)


def test_a_coroutine_that_fails_is_an_answer_with_its_reason(ubusd):
    async def reload(params):
        raise ValueError("/etc/config/roamd:3: no")

    def play(*_):
        assert ubusd.call("roamd", "reload") == ([{"error": "/etc/config/roamd:3: no"}], 2)

    drive(ubusd, play, {"reload": reload})


def test_an_event_before_the_bus_is_there_is_lost_and_hurts_nobody(tmp_path):
    async def run():
        ubus = Ubus(
            os.path.join(tmp_path, "nowhere"),
            "roamd",
            {},
            SimpleNamespace(config=SimpleNamespace(uplinks=()), mobile=None),
        )
        ubus.start()
        ubus.event(Event("info", "uplink", "uplink wifi: usable"))
        ubus.close()

    asyncio.run(run())
