"""A mobile router on a bus: its object, its events, and an uplink that netifd names."""

import os

import pytest

from router.lab.cast import Cast
from router.lab.topology import Topology
from tests.daemon.test_daemon_lab import AGENT, NODE
from tests.ubus.fake_ubusd import NOTIFY, FakeUbusd

pytestmark = pytest.mark.lab

WITH_UBUS = NODE.replace("option state", "option ubus '{directory}/ubus.sock'\n\toption state").replace(
    "option device wlan0", "option network wan"
)
WAN = {"interface": "wan", "up": True, "l3_device": "wlan0"}


class Lab:
    def __init__(self, directory):
        self.topology = Topology(f"rtub{os.getpid()}", 20, 5)
        self.cast = Cast(self.topology, str(directory), 20, 5)
        self.path = os.path.join(directory, "ubus.sock")
        self.ubusd = None
        self.topology.build()

    def start_ubusd(self, interfaces):
        self.ubusd = FakeUbusd(self.path, interfaces)

    def stop_ubusd(self):
        if self.ubusd is not None:
            self.ubusd.close()
            self.ubusd = None
            os.unlink(self.path)

    def drive(self):
        self.cast.start_daemon("ha", AGENT)
        self.cast.start_daemon("mr", WITH_UBUS)

    def bound(self, *names):
        self.cast.wait(f"bindings {names}", lambda: set(self.cast.bound()) == set(names), 15)

    def wifi(self):
        return next(uplink for uplink in self.cast.status("mr")["uplinks"] if uplink["name"] == "wifi")


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()
        lab.stop_ubusd()


def test_without_a_bus_the_rest_works_and_with_it_the_uplink_comes(lab):
    lab.drive()
    lab.bound("cell")
    assert (lab.wifi()["state"], lab.wifi()["network"]) == ("no device", "wan")
    assert "no device for wifi until it is" in lab.cast.tail("mr", 100)
    lab.start_ubusd([WAN])
    lab.bound("wifi", "cell")
    assert lab.wifi()["device"] == "wlan0"
    lab.stop_ubusd()
    lab.cast.wait("the loss", lambda: lab.cast.status("mr")["counters"]["ubus_broken"] == 1, 5)
    assert set(lab.cast.bound()) == {"wifi", "cell"}
    lab.start_ubusd([WAN])
    lab.cast.wait("the return", lambda: lab.cast.status("mr")["counters"]["ubus_connected"] == 2, 10)


def test_the_object_answers_as_the_control_socket_does_and_tells_events(lab):
    lab.start_ubusd([WAN])
    lab.drive()
    lab.bound("wifi", "cell")
    call = lab.ubusd.call
    (status,), code = call("roamd", "status", {"ubus_rpc_session": "0"})
    assert code == 0
    assert status["role"] == ["mobile_node"]
    assert status["config_problem"] == []
    for method in ("uplinks", "bindings"):
        (found,), code = call("roamd", method)
        assert [row["bid"] for row in found[method]] == [row["bid"] for row in status[method]]
    (flows,), code = call("roamd", "flows", {"all": True, "limit": 5})
    assert code == 0 and flows["flows"] == []
    (wrong,), code = call("roamd", "flows", {"limit": 0})
    assert code == 2 and "1..1000" in wrong["error"]
    (wrong,), code = call("roamd", "explain", {"flow": "000000"})
    assert code == 2 and "no flow 000000" in wrong["error"]
    (told,), code = call("roamd", "history")
    assert code == 0 and [path["uplink"] for path in told["history"]] == ["wifi", "cell"]
    (told,), code = call("roamd", "events", {"limit": 3, "uplink": "wifi"})
    assert code == 0 and told["events"][-1]["uplink"] == "wifi" and told["events"][-1]["wall"] > 0
    assert call("roamd", "reboot") == ([], 3)
    assert call("roamd", "status", raw=b"\x83\xff\xff\xff") == ([], 2)
    (done,), code = call("roamd", "reload")
    assert (done, code) == ({"changed": [], "restarted": []}, 0)
    lab.topology.set_wifi(False)
    lab.ubusd.wait(lambda: any("no carrier" in told["data"]["text"] for told in lab.ubusd.of(NOTIFY)))
    told = next(told for told in lab.ubusd.of(NOTIFY) if "no carrier" in told["data"]["text"])
    assert told["method"] == "event"
    assert told["data"] == {"level": "warning", "kind": "uplink", "text": "uplink wifi: no carrier"}


def test_an_interface_on_another_device_is_followed_there_and_back(lab):
    lab.start_ubusd([WAN])
    lab.drive()
    lab.bound("wifi", "cell")
    lab.ubusd.notify("interface.update", {**WAN, "l3_device": "wlan9"})
    lab.bound("cell")
    assert (lab.wifi()["device"], lab.wifi()["state"]) == ("wlan9", "no device")
    # netifd calls it down: netlink knows better.
    lab.ubusd.notify("interface.update", WAN)
    lab.ubusd.notify("interface.down", {"interface": "wan", "up": False})
    lab.bound("wifi", "cell")
