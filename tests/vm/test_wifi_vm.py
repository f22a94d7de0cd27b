"""A Wi-Fi uplink that is an association by radio, and what moving about does to it."""

import os
import re

import pytest

from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, Topology
from tests.vm.radio import SSID, Air

pytestmark = pytest.mark.vm

WIFI, CELL = 1, 2
CARE_OF = "192.0.2.10"
PATIENCE = 60


class Lab:
    def __init__(self, directory):
        self.topology = Topology(f"rtwf{os.getpid()}", 8, 2)
        self.cast = Cast(self.topology, str(directory), 8, 2)
        self.air = Air(self.cast)

    def build(self):
        self.topology.build()
        self.air.build()
        self.cast.start_modem()
        self.cast.start_servers()
        self.cast.start_daemon("ha")
        self.cast.start_daemon("mr")
        self.wait_bound()

    def wait_bound(self):
        self.cast.wait("both bindings", lambda: self.bound_at_both_ends() == {"wifi", "cell"}, PATIENCE)

    def bound_at_both_ends(self):
        agent = {binding["bid"] for binding in self.cast.status("ha")["bindings"]}
        return {name for name, binding in self.cast.bound().items() if binding["bid"] in agent}

    def wifi(self):
        uplinks = self.cast.status("mr")["uplinks"]
        return next(uplink["wifi"] for uplink in uplinks if uplink["name"] == "wifi")

    def iw(self):
        """The association as Debian's iw sees it, in roamd's terms."""
        text = self.topology.run("mr", "iw", "dev", "wlan0", "link")

        def rate(direction):
            found = re.search(rf"{direction} bitrate: ([\d.]+) MBit/s", text)
            return round(1000 * float(found[1])) if found else None

        signal, ssid = re.search(r"signal: (-?\d+) dBm", text), re.search(r"SSID: (.*)", text)
        return {
            "ssid": ssid[1] if ssid else None,
            "signal": int(signal[1]) if signal else None,
            "tx_bitrate": rate("tx"),
            "rx_bitrate": rate("rx"),
        }

    def download(self, seconds):
        """A transfer on wifi by policy, once it has begun."""
        before = self.cast.tunnel_octets()[WIFI][0]
        client = self.cast.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=seconds)
        begun = lambda: self.cast.tunnel_octets()[WIFI][0] > before + 100_000  # noqa: E731
        self.cast.wait("the transfer", begun, PATIENCE)
        return client


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    try:
        lab.build()
        yield lab
    finally:
        lab.topology.destroy()
        lab.air.dismantle()


def test_status_tells_what_the_radio_tells(lab):
    assert lab.air.station()["key_mgmt"] == "WPA2-PSK"
    # Every few seconds read, and the link is idle: some reading is iw's own.
    lab.cast.wait("the signal", lambda: lab.wifi() == lab.iw(), PATIENCE)
    found = lab.wifi()
    assert found["ssid"] == SSID
    assert -100 < found["signal"] < 0
    assert found["tx_bitrate"] >= 1000 and found["rx_bitrate"] >= 1000


def test_a_transfer_survives_roaming(lab):
    first = lab.air.station()["bssid"]
    (second,) = lab.air.bssids() - {first}
    client = lab.download(25)
    lab.air.roam(second)
    lab.wait_bound()
    assert lab.cast.bound()["wifi"]["care_of_address"] == CARE_OF
    before = lab.cast.tunnel_octets()[WIFI][0]
    back = lambda: lab.cast.tunnel_octets()[WIFI][0] > before + 100_000  # noqa: E731
    lab.cast.wait("the transfer to go on by radio", back, PATIENCE)
    found = lab.cast.result(client, PATIENCE)
    print(found["longest_gap_ms"], found["bins"])
    assert not found["errors"]
    assert found["open_at_end"] == 1
    assert sum(found["bins"][-20:]) > 0
    assert lab.air.station()["bssid"] == second
