"""Packets through user-space tunnels between two namespaces, as a peer would see them."""

import socket
import struct
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.plane.model import Nexthop, PlaneState, Route, Rule, Tunnel

pytestmark = pytest.mark.lab

MOBILE, AGENT = IPv4Address("198.51.100.2"), IPv4Address("198.51.100.1")
HOME, ANCHOR = IPv4Address("10.99.0.2"), IPv4Address("10.99.0.1")
PORT = 434
MAIN = 7400
RULE = Rule(7440, MAIN)


def tunnels(encapsulation, mobile_port=0, mtu=1480, device="roam1"):
    """The two ends of one tunnel."""
    udp = encapsulation == "udp"
    ports = (mobile_port, PORT) if udp else (0, 0)
    return (
        Tunnel(device, MOBILE, AGENT, encapsulation, *ports, mtu),
        Tunnel(device, AGENT, MOBILE, encapsulation, *ports[::-1], mtu),
    )


def end(own, other, tunnel):
    """One end's state: its address, and the other's address through the tunnel."""
    route = Route(MAIN, IPv4Network(other), (Nexthop(tunnel.device),), own)
    return PlaneState((tunnel,), (("lo", own),), (route,), (RULE,))


def connect(mobile, home, encapsulation, **options):
    """Start both planes with a tunnel between them."""
    for side in (mobile, home):
        side.run("await begin()")
    port = 0
    if encapsulation == "udp":
        home.run(f"open_udp('{AGENT}', {PORT})")
        port = mobile.run(f"open_udp('{MOBILE}', 0)")
    ours, theirs = tunnels(encapsulation, port, **options)
    mobile.apply(end(HOME, ANCHOR, ours))
    home.apply(end(ANCHOR, HOME, theirs))
    return ours, theirs


@pytest.fixture(params=["ipip", "udp"])
def tunnel(request, pair):
    return (*pair, *connect(*pair, request.param))


def ping(side, address=ANCHOR, **options):
    words = "".join(f", {key}={value!r}" for key, value in options.items())
    return side.tool(f"ping('{address}'{words})").result()


def statistics(side, device="roam1"):
    return side.run("plane.statistics()")[device]


def capture(side, device, seconds=3):
    """The first IPv4 packet that arrives at the device, from its header on."""
    return side.tool(f"sniff({device!r}, {seconds})")


class TestTraffic:
    def test_ping_and_counters(self, tunnel):
        mobile, home, *_ = tunnel
        assert ping(mobile, count=5)["answered"] == 5
        for side in (mobile, home):
            counters = statistics(side)
            assert counters["rx_packets"] == counters["tx_packets"] == 5
            assert counters["rx_bytes"] == counters["tx_bytes"] == 5 * 84
            assert counters["dropped"] == 0

    def test_tcp_both_ways(self, tunnel):
        mobile, home, *_ = tunnel
        for source, sink, own, other in ((mobile, home, HOME, ANCHOR), (home, mobile, ANCHOR, HOME)):
            server = sink.tool(f"tcp_sink('{other}', 5001)")
            server.wait_ready()
            client = source.tool(f"tcp_source('{other}', 5001, {8 << 20}, '{own}')")
            received, sent = server.result(), client.result()
            assert received["octets"] == 8 << 20 and received["crc"] == sent["crc"]

    def test_packets_of_every_size_arrive(self, tunnel):
        mobile, *_ = tunnel
        for size in (0, 1, 1451, 1452, 1453, 8000):
            assert ping(mobile, size=size, count=2)["answered"] == 2, size

    def test_nothing_of_its_own_enters_the_tunnel(self, tunnel):
        mobile, home, *_ = tunnel
        mobile.run("await asyncio.sleep(0.5)")  # router solicitations would come now
        assert statistics(mobile)["tx_packets"] == 0 == statistics(home)["rx_packets"]


class TestOuterHeader:
    def test_ipip(self, pair):
        mobile, home = pair
        connect(mobile, home, "ipip")
        sniffer = capture(home, "ha0")
        sniffer.wait_ready()
        ping(mobile, count=1, tos=0xB9)
        packet = bytes.fromhex(sniffer.result())
        tos, length, fragment, ttl, protocol = struct.unpack_from("!xBHxxHBB", packet)
        assert (protocol, length, ttl, fragment) == (4, 104, 64, 0)
        assert tos == 0xB8, "DSCP copied, ECN not"
        assert packet[12:20] == MOBILE.packed + AGENT.packed
        assert packet[20 + 12 : 20 + 20] == HOME.packed + ANCHOR.packed

    def test_udp(self, pair):
        mobile, home = pair
        ours, _ = connect(mobile, home, "udp")
        sniffer = capture(home, "ha0")
        sniffer.wait_ready()
        ping(mobile, count=1)
        packet = bytes.fromhex(sniffer.result())
        assert packet[9] == socket.IPPROTO_UDP and packet[6] & 0x40 == 0
        source, destination, length = struct.unpack_from("!HHH", packet, 20)
        assert (source, destination, length) == (ours.local_port, PORT, 8 + 4 + 84)
        assert packet[28:32] == b"\x04\x04\x00\x00"


class TestRefusals:
    def send_raw(self, side, source, payload):
        side.command(
            "python3",
            "-c",
            "import socket\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 4)\n"
            f"s.bind(('{source}', 0))\n"
            f"s.sendto(bytes.fromhex('{payload.hex()}'), ('{AGENT}', 0))",
        )

    def inner(self, first=0x45):
        return bytes([first]) + bytes(11) + HOME.packed + ANCHOR.packed + bytes(8)

    def test_a_stranger_gets_nothing_in(self, pair):
        mobile, home = pair
        connect(mobile, home, "ipip")
        mobile.ip("address", "add", "198.51.100.3/24", "dev", "up0")
        self.send_raw(mobile, "198.51.100.3", self.inner())
        assert ping(mobile, count=1)["answered"] == 1
        assert statistics(home)["rx_packets"] == 1
        assert home.run("plane.counters()")["tunnel_unmatched"] == 1

    def test_only_ipv4_comes_out(self, pair):
        mobile, home = pair
        connect(mobile, home, "ipip")
        for junk in (self.inner(0x65), b"E", b"\x45" * 19):
            self.send_raw(mobile, MOBILE, junk)
        assert ping(mobile, count=1)["answered"] == 1
        counters = statistics(home)
        assert (counters["rx_packets"], counters["dropped"]) == (1, 3)

    @pytest.mark.parametrize(
        ("address", "port", "datagram"),
        [
            ("198.51.100.3", 0, b"\x04\x04\x00\x00"),
            ("198.51.100.2", 1, b"\x04\x04\x00\x00"),
            ("198.51.100.2", 0, b"\x04\x2f\x00\x00"),
            ("198.51.100.2", 0, b"\x04"),
        ],
    )
    def test_tunnel_data_must_be_the_tunnels(self, pair, address, port, datagram):
        mobile, home = pair
        ours, _ = connect(mobile, home, "udp")
        source = (address, ours.local_port + port)
        delivered = f"plane.deliver(IPv4Address('{AGENT}'), {PORT}, {source}, {datagram + self.inner()!r})"
        assert home.run(delivered) is False
        assert home.run("plane.counters()")["tunnel_unmatched"] == 1

    def test_the_tunnels_own_packets_do_not_enter_it_again(self, pair):
        mobile, home = pair
        connect(mobile, home, "ipip")
        mobile.ip("rule", "add", "priority", "10", "to", str(AGENT), "lookup", "7300")
        mobile.ip("route", "add", f"{AGENT}/32", "dev", "roam1", "table", "7300")
        assert ping(mobile, count=3, timeout=0.1)["answered"] == 0
        counters = statistics(mobile)
        assert counters["dropped"] == 3 and counters["tx_packets"] <= 6


class TestChanges:
    def test_a_tunnel_changes_its_remote_in_place(self, pair):
        mobile, home = pair
        ours, _ = connect(mobile, home, "udp")
        index = mobile.ip_json("link", "show", "dev", "roam1")[0]["ifindex"]
        mobile.run(f"close_udp('{MOBILE}', {ours.local_port})")
        port = mobile.run(f"open_udp('{MOBILE}', 0)")
        changed, answering = tunnels("udp", port)
        mobile.apply(end(HOME, ANCHOR, changed))
        home.apply(end(ANCHOR, HOME, answering))
        assert ping(mobile)["answered"] == 3
        assert mobile.ip_json("link", "show", "dev", "roam1")[0]["ifindex"] == index

    def test_a_tunnel_changes_its_encapsulation_in_place(self, pair):
        mobile, home = pair
        connect(mobile, home, "ipip")
        home.run(f"open_udp('{AGENT}', {PORT})")
        port = mobile.run(f"open_udp('{MOBILE}', 0)")
        for encapsulation in ("udp", "ipip"):
            ours, theirs = tunnels(encapsulation, port, mtu=1468)
            mobile.apply(end(HOME, ANCHOR, ours))
            home.apply(end(ANCHOR, HOME, theirs))
            assert ping(mobile)["answered"] == 3, encapsulation
        assert mobile.ip_json("link", "show", "dev", "roam1")[0]["mtu"] == 1468

    def test_a_closed_socket_drops_until_another_comes(self, pair):
        mobile, home = pair
        ours, _ = connect(mobile, home, "udp")
        mobile.run(f"close_udp('{MOBILE}', {ours.local_port})")
        assert ping(mobile, count=2, timeout=0.05)["answered"] == 0
        assert statistics(mobile)["dropped"] == 2
        mobile.run(f"open_udp('{MOBILE}', {ours.local_port})")
        assert ping(mobile)["answered"] == 3

    def test_port_unreachable_at_the_far_end_breaks_nothing(self, pair):
        mobile, home = pair
        connect(mobile, home, "udp")
        home.run(f"close_udp('{AGENT}', {PORT})")
        ping(mobile, count=5, timeout=0.05)
        home.run(f"open_udp('{AGENT}', {PORT})")
        assert ping(mobile, count=5)["answered"] >= 4

    def test_a_device_removed_by_somebody_is_noticed_and_made_again(self, pair):
        mobile, home = pair
        ours, _ = connect(mobile, home, "ipip")
        mobile.ip("link", "del", "roam1")
        assert mobile.run("await callbacks_in(0.3)") < 0.1
        assert any("roam1" in line for line in mobile.run("LOGGED"))
        mobile.apply(end(HOME, ANCHOR, ours))
        assert ping(mobile)["answered"] == 3

    def test_a_device_set_down_by_somebody_comes_up_again(self, pair):
        mobile, home = pair
        ours, _ = connect(mobile, home, "ipip")
        mobile.ip("link", "set", "roam1", "down")
        mobile.apply(end(HOME, ANCHOR, ours))
        assert ping(mobile)["answered"] == 3

    def test_a_missing_local_address_does_not_stop_the_others(self, pair):
        mobile, home = pair
        ours, _ = connect(mobile, home, "ipip")
        homeless = Tunnel("roam2", IPv4Address("192.0.2.9"), AGENT, "ipip")
        state = end(HOME, ANCHOR, ours)
        mobile.apply(PlaneState((homeless, *state.tunnels), state.addresses, state.routes, state.rules))
        assert ping(mobile)["answered"] == 3
        assert mobile.run("plane.counters()")["plane_refused"] == 1
        assert any("roam2" in line for line in mobile.run("LOGGED"))

    def test_two_tunnels_share_one_local_address(self, pair):
        mobile, home = pair
        connect(mobile, home, "ipip")
        mobile.ip("address", "add", "198.51.100.3/24", "dev", "up0")
        second, other = IPv4Address("198.51.100.3"), IPv4Address("10.99.0.3")
        mine = Tunnel("roam2", second, AGENT, "ipip")
        back = Tunnel("roam2", AGENT, second, "ipip")
        ours, theirs = tunnels("ipip")
        home.apply(
            PlaneState(
                (theirs, back),
                (("lo", ANCHOR),),
                (
                    Route(MAIN, IPv4Network(HOME), (Nexthop("roam1"),), ANCHOR),
                    Route(MAIN, IPv4Network(other), (Nexthop("roam2"),), ANCHOR),
                ),
                (RULE,),
            )
        )
        mobile.apply(
            PlaneState(
                (ours, mine),
                (("lo", HOME), ("lo", other)),
                (Route(MAIN, IPv4Network(ANCHOR), (Nexthop("roam1"),), HOME),),
                (RULE,),
            )
        )
        assert ping(mobile)["answered"] == 3
        # Sent by the first tunnel, answered through the second: no reverse-path filter is in the way.
        assert ping(mobile, source=str(other))["answered"] == 3
        assert statistics(mobile, "roam2")["rx_packets"] == 3
