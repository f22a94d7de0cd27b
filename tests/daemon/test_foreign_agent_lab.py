"""A mobile router drives through a foreign agent: three daemons, their own packets, one small internet."""

import os

import pytest

from router.control.client import request
from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, LAN_HOST, Topology

pytestmark = pytest.mark.lab

FOREIGN = "192.0.2.1"
HOME = "10.99.0.2"

AGENT = """
config roamd
	option control '{directory}/ha.sock'
	option state '{directory}/ha'
config home_agent
	option address '{home_agent}'
config home_network 'home'
	option prefix '10.99.0.0/24'
config mobile 'bus'
	option home_address '10.99.0.2'
	option spi 256
	option key 'sixteen octets!!'
	list mobile_network '10.50.0.0/24'
config peer 'depot'
	option address '192.0.2.1'
	option spi 300
	option key 'of the two agents'
"""

FOREIGN_AGENT = """
config roamd
	option control '{directory}/wifi.sock'
	option state '{directory}/wifi'
config foreign_agent
	option device 'ap0'
	option care_of_address '192.0.2.1'
	option advertise_interval 1
	option challenge 1
config peer 'home'
	option address '{home_agent}'
	option spi 300
	option key 'of the two agents'
config visitor 'bus'
	option home_address '10.99.0.2'
	option spi 400
	option key 'of bus and depot'
"""

NODE = """
config roamd
	option control '{directory}/mr.sock'
	option state '{directory}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '{home_agent}'
	option spi 256
	option key 'sixteen octets!!'
	list mobile_network '10.50.0.0/24'
	list lan_device lan0
config uplink 'wifi'
	option type wifi
	option device wlan0
	option care_of foreign
	option bandwidth {wifi}
config uplink 'cell'
	option type ethernet
	option device wwan0
	option bandwidth {cell}
config peer 'depot'
	option address '192.0.2.1'
	option spi 400
	option key 'of bus and depot'
config flow 'web'
	list uplink wifi
	list uplink cell
	option proto tcp
	option dest_port 80
"""


class Visit:
    def __init__(self, directory):
        self.topology = Topology(f"rtfa{os.getpid()}", 20, 5)
        self.cast = Cast(self.topology, str(directory), 20, 5)
        self.topology.build()
        # A visitor has no address of this link, nor a way through it but the agent's.
        self.topology.run("mr", "ip", "address", "flush", "dev", "wlan0")
        self.clean = {role: self.topology.snapshot(role) for role in ("mr", "ha", "wifi")}
        self.cast.start_servers()

    def drive(self):
        for role, text in (("ha", AGENT), ("wifi", FOREIGN_AGENT), ("mr", NODE)):
            self.cast.start_daemon(role, text)
        self.wait_for("wifi", "cell")

    def wait_for(self, *uplinks):
        """The mobile router and its home agent agree that these are bound."""

        def agreed():
            known = self.cast.status("ha")["bindings"]
            return set(self.cast.bound()) == set(uplinks) and len(known) == len(uplinks)

        self.cast.wait(f"bindings {uplinks}", agreed, 15)

    def visitors(self):
        return self.cast.status("wifi")["bindings"]

    def revoke(self, role):
        return request(f"{self.cast.directory}/{role}.sock", "revoke", {"home_address": HOME})["revoked"]

    def received(self, device="wlan0"):
        return int(self.topology.run("mr", "cat", f"/sys/class/net/{device}/statistics/rx_bytes"))


@pytest.fixture
def visit(tmp_path):
    visit = Visit(tmp_path)
    try:
        yield visit
    finally:
        visit.topology.destroy()


def test_a_mobile_network_goes_through_a_foreign_agent_and_survives_its_loss(visit):
    visit.drive()
    wifi, cell = visit.cast.bound()["wifi"], visit.cast.bound()["cell"]
    assert (wifi["care_of_address"], wifi["foreign_agent"]) == (FOREIGN, FOREIGN)
    assert (cell["care_of_address"], cell["foreign_agent"]) == ("100.64.0.10", None)
    (visitor,) = visit.visitors()
    assert (visitor["home_address"], visitor["bid"]) == (HOME, wifi["bid"])
    client = visit.cast.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=4)
    before = visit.received()
    visit.cast.wait("octets through the foreign agent", lambda: visit.received() - before > 500_000, 5)
    assert LAN_HOST in connections(visit)
    visit.topology.set_wifi(False)
    found = visit.cast.result(client, 15)
    assert found["open_at_end"] == 1 and not found["errors"]
    assert found["longest_gap_ms"] < 1500
    visit.wait_for("cell")
    visit.topology.set_wifi(True)
    visit.wait_for("wifi", "cell")


def test_the_mobile_router_itself_is_served_through_a_foreign_agent(visit):
    visit.drive()
    before = visit.received()
    client = visit.cast.traffic("mr", "download", host=CORRESPONDENT, port=80, seconds=2)
    visit.cast.wait("a connection from the home address", lambda: HOME in connections(visit), 5)
    found = visit.cast.result(client, 10)
    assert found["open_at_end"] == 1 and not found["errors"]
    assert visit.received() - before > 500_000


def test_revocations_reach_all_three_and_nobody_leaves_a_trace(visit):
    visit.drive()
    assert visit.revoke("wifi") == 1
    visit.cast.wait("the home agent to hear of it", lambda: counted(visit, "ha", "revocations_received"), 5)
    visit.wait_for("wifi", "cell")
    assert visit.revoke("ha") == 2
    visit.cast.wait(
        "the foreign agent to hear of it", lambda: counted(visit, "wifi", "revocations_received"), 5
    )
    visit.wait_for("wifi", "cell")
    for role in ("mr", "wifi", "ha"):
        assert visit.cast.stop_daemon(role) == 0, visit.cast.tail(role)
        after = visit.topology.snapshot(role)
        for what in ("links", "addresses", "routes", "rules", "nftables"):
            assert after[what] == visit.clean[role][what], (role, what)


def connections(visit):
    return visit.topology.run("corr", "ss", "-tnH", "state", "established")


def counted(visit, role, name):
    return visit.cast.status(role)["counters"].get(name, 0) > 0
