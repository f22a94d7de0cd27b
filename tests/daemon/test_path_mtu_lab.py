"""A thin link on the way that swallows full packets without a word, and daemons that carry TCP across it."""

import pytest

from router.lab.cast import Failure
from router.lab.topology import CORRESPONDENT, LAN_HOST
from tests.daemon import test_daemon_lab as daemon_lab
from tests.daemon.test_daemon_lab import AGENT, NODE

pytestmark = pytest.mark.lab

# The carrier's network behind the access point: whatever is larger than this is gone, with DF or without.
BLACK_HOLE = """
add table ip thin
delete table ip thin
table ip thin {{
  chain forward {{
    type filter hook forward priority filter; policy accept;
    meta length > {mtu} counter drop
  }}
}}
"""
# A thin link that would tell, and a firewall that is against it.
FILTERED = """
table ip deaf {
  chain output {
    type filter hook output priority filter; policy accept;
    icmp type destination-unreachable icmp code frag-needed counter drop
  }
}
"""
ROUTED = AGENT + "\tlist mobile_network '10.50.0.0/24'\nconfig home_network\n\toption prefix '10.99.0.0/24'\n"
ROUTER = NODE.replace(
    "\tlist lan_device lan0", "\tlist mobile_network '10.50.0.0/24'\n\tlist lan_device lan0"
)
FIXED = ROUTER.replace("\toption device wlan0", "\toption device wlan0\n\toption mtu {mtu}")
UP, DOWN = "upload", "download"


class Lab(daemon_lab.Lab):
    def thin(self, mtu):
        self.topology.run("wifi", "nft", "-f", "-", text=BLACK_HOLE.format(mtu=mtu))

    def tunnels(self, role):
        return {item["bid"]: item["mtu"] for item in self.cast.status(role)["tunnels"]}

    def path_mtu(self, name="wifi"):
        return self.uplink(name)["path_mtu"]

    def wait_for(self, mtu, seconds=40):
        return self.cast.wait(f"a path MTU of {mtu}", lambda: self.path_mtu() == mtu, seconds)

    def transfer(self, mode, octets=400_000, seconds=20):
        client = self.start(mode, octets, seconds)
        return self.finish(client, mode, seconds)

    def start(self, mode, octets, seconds=20):
        return self.cast.traffic("lan", mode, host=CORRESPONDENT, port=80, octets=octets, seconds=seconds)

    def finish(self, client, mode, seconds=20):
        found = self.cast.result(client, seconds + 5)
        assert not found["errors"]
        self.gap = found["longest_gap_ms"]
        return found["bytes"]

    def counters(self):
        return self.cast.status("mr")["counters"]


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    try:
        yield lab
    finally:
        lab.topology.destroy()


def test_across_a_black_hole_that_was_always_there(lab):
    lab.thin(1300)
    lab.drive(ROUTER, ROUTED)
    lab.wait_for(1300)
    assert lab.path_mtu("cell") == 1500
    assert lab.tunnels("mr")[1] == 1280
    line = "path MTU of wifi is 1300: less than the link's 1500"
    lab.cast.wait("the line in the log", lambda: line in lab.cast.tail("mr", 50), 20)
    for mode in (UP, DOWN):
        assert lab.transfer(mode) >= 400_000
    # It has been in use: full packets of ours were probes alone.
    counted = lab.topology.run("wifi", "nft", "list", "table", "ip", "thin")
    assert "packets 0 " not in counted
    assert lab.counters()["mtu_black_holes"] == 0
    assert lab.counters()["mtu_probe_octets"] < 30_000


def test_without_knowing_it_nothing_comes_through(lab):
    """The hole is a hole: who is told a wrong MTU hangs."""
    lab.thin(1300)
    lab.drive(FIXED.replace("{mtu}", "1500"), ROUTED)
    assert lab.path_mtu() == 1500
    with pytest.raises((Failure, AssertionError)):
        lab.transfer(UP, seconds=3)
    assert lab.counters()["mtu_probes_sent"] == 1, "the other uplink's"


def test_an_mtu_that_the_operator_knows_is_not_probed(lab):
    lab.thin(1300)
    lab.drive(FIXED.replace("{mtu}", "1300"), ROUTED)
    for mode in (UP, DOWN):
        assert lab.transfer(mode) >= 400_000
    assert lab.path_mtu() == 1300
    assert lab.counters()["mtu_probes_sent"] == 1


@pytest.mark.parametrize("mode", [UP, DOWN])
@pytest.mark.parametrize("node", [ROUTER, NODE], ids=["network", "shared address"])
def test_a_black_hole_under_a_transfer(lab, node, mode):
    """Those who send are told by the tunnel's end on their side: ours, or the home agent's."""
    lab.drive(node, ROUTED if node is ROUTER else AGENT)
    lab.wait_for(1500)
    client = lab.start(mode, 12_000_000, 60)
    column = 1 if mode == UP else 0
    lab.cast.wait("octets on wifi", lambda: lab.cast.tunnel_octets()[1][column] > 500_000, 5)
    lab.thin(1300)
    found = lab.cast.wait("the black hole to be found", lambda: lab.path_mtu() == 1300, 40)
    assert lab.finish(client, mode, 60) >= 12_000_000
    print(f"{mode}: found after {found:.1f} s, longest gap {lab.gap / 1000:.1f} s")
    assert lab.counters()["mtu_black_holes"] == 1
    for role in ("mr", "ha"):
        lab.cast.wait("the tunnel's MTU", lambda role=role: lab.tunnels(role) == {1: 1280, 2: 1468}, 10)


def test_a_path_that_is_thin_by_a_router_whose_errors_are_filtered(lab):
    for role, device in (("wifi", "wan0"), ("inet", "wifi0")):
        lab.topology.run(role, "ip", "link", "set", device, "mtu", "1400")
        lab.topology.run(role, "nft", "-f", "-", text=FILTERED)
    lab.drive(ROUTER, ROUTED)
    lab.wait_for(1400)
    for mode in (UP, DOWN):
        assert lab.transfer(mode) >= 400_000


def test_a_router_that_tells_saves_probes_and_is_heard_later_too(lab):
    def narrow(mtu):
        for role, device in (("wifi", "wan0"), ("inet", "wifi0")):
            lab.topology.run(role, "ip", "link", "set", device, "mtu", str(mtu))

    narrow(1400)
    lab.drive(ROUTER, ROUTED)
    lab.wait_for(1400, 3)
    assert lab.counters()["mtu_probes_sent"] <= 5
    narrow(1350)
    # Somebody's packet meets the error, and the kernel remembers it.
    lab.topology.run("mr", "python3", "-c", _FULL)
    lab.wait_for(1350, 6)


_FULL = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wlan0")
    sock.setsockopt(socket.IPPROTO_IP, 10, 2)
    sock.bind(("192.0.2.10", 0))
    sock.connect(("198.51.100.2", 9))
    sock.settimeout(3)
    sock.send(bytes(1372))
    try:
        sock.recv(1)
    except OSError as error:
        assert error.errno == 90, error
"""


def test_a_home_agent_that_answers_no_echo_shrinks_nothing(lab):
    lab.topology.run("ha", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    lab.drive(ROUTER, ROUTED)
    lab.cast.wait("probes", lambda: lab.counters()["mtu_probes_sent"] >= 14, 10)
    assert lab.path_mtu() is None
    assert {item["mtu"] for item in lab.cast.status("mr")["tunnels"]} <= {1480, 1468}


def test_an_address_change_asks_anew(lab):
    lab.drive(ROUTER, ROUTED)
    lab.wait_for(1500)
    lab.thin(1300)
    lab.topology.set_wifi(False)
    lab.cast.wait("the loss", lambda: set(lab.cast.bound()) == {"cell"}, 10)
    lab.topology.set_wifi(True)
    lab.wait_for(1300)


def test_the_clamp_holds_both_ways_and_for_the_router_itself(lab):
    """The MSS that each side is told, as the two ends see it."""
    lab.thin(1300)
    lab.drive(ROUTER, ROUTED)
    lab.wait_for(1300)
    for role, source in (("lan", LAN_HOST), ("mr", "10.99.0.2")):
        client = lab.topology.start(
            role,
            ["python3", "-c", _HELD.format(source=source, host=CORRESPONDENT)],
            lab.cast.log("held"),
        )
        assert client.stdout.readline().strip() == "open", lab.cast.tail("held")
        for end, peer in ((role, CORRESPONDENT), ("corr", source)):
            text = lab.topology.run(end, "ss", "-tinH", "state", "established", "dst", peer)
            fields = dict(word.split(":", 1) for word in text.split() if word.startswith(("mss:", "rcvmss:")))
            assert int(fields["mss"]) <= 1280 - 40, (role, end, text)
        client.terminate()
        client.wait(5)


_HELD = """
import socket, time
with socket.create_connection(("{host}", 80), 5, ("{source}", 0)) as sock:
    print("open", flush=True)
    time.sleep(60)
"""
