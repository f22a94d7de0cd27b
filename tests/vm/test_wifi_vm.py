"""A Wi-Fi uplink that is an association by radio, and what moving about does to it."""

import os
import re

import pytest

from router.lab.cast import Cast, Failure
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
        # A connection keeps the path that it is given at its start: the policy must be in force by then.
        self.cast.wait("the policy", lambda: "tcp dport 80 goto path_1" in self.rules(), PATIENCE)

    def rules(self):
        return self.topology.run("mr", "nft", "list", "ruleset")

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

    def download(self):
        """A transfer on wifi by policy, once it has begun; it goes on until `survived`."""
        before = self.octets()
        client = self.cast.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=600)
        self.wait_octets(before)
        return client

    def octets(self):
        """What has come out of the tunnel by radio."""
        return self.cast.tunnel_octets().get(WIFI, (0, 0))[0]

    def wait_octets(self, before):
        self.cast.wait("octets by radio", lambda: self.octets() > before + 100_000, PATIENCE)

    def survived(self, client, longest):
        """That a transfer goes on to this moment as one connection, without a pause longer than `longest` seconds."""
        client.terminate()
        found = self.cast.result(client, PATIENCE)
        assert not found["errors"]
        assert found["open_at_end"] == 1
        assert found["longest_gap_ms"] <= 1000 * longest
        assert sum(found["bins"][-20:]) > 0


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("wifi"))
    try:
        lab.build()
        yield lab
    finally:
        lab.topology.destroy()
        lab.air.dismantle()


def test_status_tells_what_the_radio_tells(lab):
    assert lab.air.station()["key_mgmt"] == "WPA2-PSK"
    readings = []

    def agreed():
        readings.append((lab.wifi(), lab.iw()))
        return readings[-1][0] == readings[-1][1]

    # roamd reads every few seconds, and the link is idle.
    try:
        lab.cast.wait("status and iw to agree", agreed, PATIENCE)
    except Failure as failure:
        raise AssertionError(f"{failure}, {readings[-3:]}") from None
    found = lab.wifi()
    assert found["ssid"] == SSID
    assert -100 < found["signal"] < 0
    assert found["tx_bitrate"] >= 1000 and found["rx_bitrate"] >= 1000


def test_a_transfer_survives_roaming(lab):
    first = lab.air.station()["bssid"]
    (second,) = lab.air.bssids() - {first}
    client = lab.download()
    lab.air.roam(second)
    lab.wait_bound()
    assert lab.cast.bound()["wifi"]["care_of_address"] == CARE_OF
    lab.wait_octets(lab.octets())
    lab.survived(client, 5)
    assert lab.air.station()["bssid"] == second


def test_a_transfer_survives_a_dead_access_point(lab):
    first = lab.air.station()["bssid"]
    (second,) = lab.air.bssids() - {first}
    client = lab.download()
    with lab.air.silenced(first):
        # Nobody says it: the radio misses the beacons.
        lab.air.wait_associated(second)
        lab.wait_bound()
        lab.wait_octets(lab.octets())
        lab.survived(client, 20)
