"""Every kind of tunnel in a real kernel: what it carries, what is on the wire, and what NAT does to it."""

import contextlib
import json
import struct
import subprocess
import time
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.mip.keepalive import echo_request
from router.mip.wire.checksum import checksum
from router.plane.model import Nexthop, PlaneState, Route, Rule, Tunnel
from router.plane.translation import VIRTUAL
from tests.plane.conftest import Namespace, Refused
from tests.vm.conntrack import FORGET

pytestmark = pytest.mark.vm

HOMES = tuple(map(IPv4Address, ("10.99.0.2", "10.99.0.3")))
MOBILES = tuple(map(IPv4Address, ("192.168.1.2", "192.168.2.2")))
HOME, MOBILE = HOMES[0], MOBILES[0]
ANCHOR, AGENT = IPv4Address("10.99.0.1"), IPv4Address("198.51.100.2")
PUBLIC, OTHER_PUBLIC = IPv4Address("198.51.100.1"), IPv4Address("198.51.100.3")
TABLE, RULE = 7400, Rule(7440, 7400)
PORT, OWN_PORT, GUE_PORT = 434, 5000, 4434
KEYS = (0xCAFE0001, 0xBEEF0002)
DATA = b"\x04\x04\x00\x00"
DF = 0x4000
# An ICMP echo reply that nobody waits for: it is answered by nothing.
ANSWER = bytes.fromhex("0000 0000 1234 0001")
ANSWER = ANSWER[:2] + checksum(ANSWER).to_bytes(2, "big") + ANSWER[4:]
KINDS = {
    "ipip": {"encapsulation": "ipip", "mtu": 1480},
    "gre": {"encapsulation": "gre", "mtu": 1476},
    "keyed": {"encapsulation": "gre", "mtu": 1472},
    "udp": {"encapsulation": "udp", "mtu": 1468},
}
IDLE_IPIP = 1
"""The kernel makes `tunl0` in every namespace by itself."""
PROTOCOL = {"ipip": 4, "gre": 47, "keyed": 47, "udp": 17}


def both_ends(kind, mobile=MOBILE, port=OWN_PORT, device="roam1"):
    """A tunnel as the mobile node and as the home agent have it; `mobile` and `port` as the latter sees them."""
    ours, theirs = {}, {}
    if kind == "udp":
        ours = {"local_port": OWN_PORT, "remote_port": PORT}
        theirs = {"local_port": PORT, "remote_port": port, "hidden": True}
    if kind == "keyed":
        ours, theirs = ({"key_in": KEYS[n], "key_out": KEYS[1 - n]} for n in (0, 1))
    own = MOBILES[0] if mobile not in MOBILES else mobile
    return (
        Tunnel("roam1", own, AGENT, **KINDS[kind], **ours),
        Tunnel(device, AGENT, mobile, **KINDS[kind], **theirs),
    )


def end(own, *pairs):
    """One end's state: its address, and others' addresses each through a tunnel."""
    routes = [Route(TABLE, IPv4Network(other), (Nexthop(tunnel.device),), own) for other, tunnel in pairs]
    tunnels = tuple(tunnel for _, tunnel in pairs)
    return PlaneState(tunnels, (("lo", own),), tuple(routes), (RULE,))


class Net:
    """Two mobile nodes, each on a link of its own to a router, and the home agent behind it."""

    def __init__(self, stack):
        self.router = stack.enter_context(Namespace("r"))
        self.home = stack.enter_context(Namespace("h"))
        self.mobiles = [stack.enter_context(Namespace(f"m{number}")) for number in (0, 1)]
        self.mobile = self.mobiles[0]
        self.router.command("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._link(self.home, "ha0", f"{AGENT}/24", "wan0", f"{PUBLIC}/24")
        self.router.ip("address", "add", f"{OTHER_PUBLIC}/24", "dev", "wan0")
        self.home.ip("route", "add", "192.168.0.0/16", "via", str(PUBLIC))
        for number, mobile in enumerate(self.mobiles):
            gateway = MOBILES[number] - 1
            self._link(mobile, "up0", f"{MOBILES[number]}/24", f"lan{number}", f"{gateway}/24")
            mobile.ip("route", "add", "default", "via", str(gateway))
        self.clean = {}

    def _link(self, side, device, address, peer, peer_address):
        side.ip("link", "add", device, "type", "veth", "peer", peer, "netns", self.router.name)
        for one, name, own in ((side, device, address), (self.router, peer, peer_address)):
            one.ip("address", "add", own, "dev", name)
            one.ip("link", "set", name, "up")

    def begin(self):
        for side in (*self.mobiles, self.home):
            side.run("None")
        for side in (*self.mobiles, self.home):
            self.clean[side.name] = side.snapshot()
            side.run("await begin('kernel')")

    def reset(self):
        for side in (*self.mobiles, self.home):
            side.run("[close_udp(*key) for key in list(SOCKETS)] and None")
            side.run("HEARD.clear() or LOGGED.clear()")
            side.apply(PlaneState())
        self.router.command("nft", "flush", "ruleset")
        self.router.command("tc", "qdisc", "del", "dev", "wan0", "root", check=False)
        self.router.ip("link", "set", "wan0", "mtu", "1500")

    def masquerade(self, address=PUBLIC, ports="40000-40999"):
        """Hide who is inside behind this address and these ports; former mappings are forgotten."""
        rules = f"""
            flush ruleset
            table ip nat {{
              chain post {{
                type nat hook postrouting priority srcnat; policy accept;
                oifname "wan0" meta l4proto udp snat to {address}:{ports} random
              }}
            }}
        """
        self.router.command("nft", "-f", "-", input=rules)
        self.router.command("python3", "-c", FORGET)

    def say(self, number=0):
        """A registration, as far as ports are concerned: where the home agent sees it come from."""
        before = len(self.home.run("HEARD"))
        self.mobiles[number].run(
            f"SOCKETS['{MOBILES[number]}', {OWN_PORT}].socket.sendto(b'\\x01', ('{AGENT}', {PORT})) and None"
        )
        found = wait(lambda: self.home.run("HEARD")[before:])
        return IPv4Address(found[0][0]), found[0][1]

    def listen(self, *numbers):
        for number in numbers:
            self.mobiles[number].run(f"open_udp('{MOBILES[number]}', {OWN_PORT})")
        self.home.run(f"open_udp('{AGENT}', {PORT})")

    def tunnel(self, kind):
        """One tunnel between the first mobile node and the home agent."""
        where = ()
        if kind == "udp":
            self.listen(0)
            where = self.say()
        ours, theirs = both_ends(kind, *where)
        self.mobile.apply(end(HOME, (ANCHOR, ours)))
        self.home.apply(end(ANCHOR, (HOME, theirs)))
        return ours, theirs


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        net = Net(stack)
        net.begin()
        yield net


@pytest.fixture
def lone():
    with Namespace("l") as namespace:
        yield namespace


@pytest.fixture
def net(world):
    yield world
    world.reset()


def wait(condition, seconds=20):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
    return found


def ping(side, address=ANCHOR, **options):
    words = "".join(f", {key}={value!r}" for key, value in options.items())
    return side.run(f"ping('{address}'{words})")


def packet(source, destination, protocol=1, payload=ANSWER, *, tos=0, fragment=0, ttl=64):
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), 7, fragment, ttl, protocol, 0)
    ends = source.packed + destination.packed
    return head[:10] + checksum(head + ends).to_bytes(2, "big") + ends + payload


def raw(side, *packets):
    side.run(f"raw({', '.join(repr(item.hex()) for item in packets)})")


def captured(receiver, device, sender, *packets):
    """The first packet that comes in at the device."""
    receiver.run(f"tap({device!r})")
    raw(sender, *packets)
    return bytes.fromhex(receiver.run("tapped(20)"))


def wrapped(kind, source, destination, ports, inner, *, like):
    """What should be on the wire; the identification is as in `like`, the TTL one router less than 64."""
    header = {
        "ipip": b"",
        "gre": bytes.fromhex("0000 0800"),
        "keyed": bytes.fromhex("2000 0800") + KEYS[source != AGENT].to_bytes(4, "big"),
        "udp": struct.pack("!HHHH", *ports, 12 + len(inner), 0) + DATA,
    }[kind]
    body = header + inner
    fragment = 0 if kind == "udp" and source == AGENT else int.from_bytes(inner[6:8], "big") & DF
    expected = packet(source, destination, PROTOCOL[kind], body, tos=inner[1], fragment=fragment, ttl=63)
    expected = expected[:4] + like[4:6] + expected[6:10] + bytes(2) + expected[12:]
    return expected[:10] + checksum(expected[:20]).to_bytes(2, "big") + expected[12:]


@pytest.mark.parametrize("kind", KINDS)
def test_it_carries_both_ways_and_counts(net, kind):
    net.tunnel(kind)
    assert ping(net.mobile, count=5)["answered"] == 5
    for side in (net.mobile, net.home):
        counters = side.run("plane.statistics()")["roam1"]
        assert (counters["rx_packets"], counters["tx_packets"], counters["dropped"]) == (5, 5, 0)
    for source, sink, own, other in (
        (net.mobile, net.home, HOME, ANCHOR),
        (net.home, net.mobile, ANCHOR, HOME),
    ):
        server = sink.tool(f"tcp_sink('{other}', 5001)")
        server.wait_ready()
        source.run(f"tcp_source('{other}', 5001, {1 << 20}, '{own}')")
        assert server.result()["octets"] == 1 << 20
    assert net.mobile.run("LOGGED") == net.home.run("LOGGED") == []


@pytest.mark.parametrize("kind", KINDS)
def test_on_the_wire_octet_by_octet(net, kind):
    net.tunnel(kind)
    for fragment, tos in ((0, 0), (DF, 0xB9), (0, 0x02)):
        inner = packet(HOME, ANCHOR, tos=tos, fragment=fragment)
        found = captured(net.home, "ha0", net.mobile, inner)
        assert found.hex() == wrapped(kind, MOBILE, AGENT, (OWN_PORT, PORT), inner, like=found).hex()
        inner = packet(ANCHOR, HOME, tos=tos, fragment=fragment)
        found = captured(net.mobile, "up0", net.home, inner)
        assert found.hex() == wrapped(kind, AGENT, MOBILE, (PORT, OWN_PORT), inner, like=found).hex()


def dissected(packets, tmp_path, *fields):
    """What tshark makes of IPv4 packets: the fields of each, all their occurrences."""
    path = tmp_path / "packets.pcap"
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for item in packets:
        data += struct.pack("<IIII", 0, 0, len(item), len(item)) + item
    path.write_bytes(data)
    words = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "json", "-o", "ip.check_checksum:TRUE", *words],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [item["_source"]["layers"] for item in json.loads(done.stdout)]


def test_as_tshark_reads_it(net, tmp_path):
    packets = []
    for kind in KINDS:
        net.tunnel(kind)
        inner = packet(HOME, ANCHOR)
        packets.append(captured(net.home, "ha0", net.mobile, inner))
        net.reset()
    fields = (
        "ip.proto",
        "gre.flags_and_version",
        "gre.key",
        "mip.type",
        "mip.nattt.nexthdr",
        "udp.port",
        "icmp.type",
    )
    ipip, gre, keyed, udp = dissected(packets, tmp_path, *fields, "ip.checksum.status")
    assert ipip["ip.proto"] == ["4", "1"]
    assert gre["ip.proto"] == ["47", "1"] and gre["gre.flags_and_version"] == ["0x0000"]
    assert keyed["gre.flags_and_version"] == ["0x2000"] and keyed["gre.key"] == [f"{KEYS[1]:#010x}"]
    assert udp["ip.proto"] == ["17", "1"] and udp["udp.port"] == [str(OWN_PORT), str(PORT)]
    assert udp["mip.type"] == ["4"] and udp["mip.nattt.nexthdr"] == ["4"]
    for item in (ipip, gre, keyed, udp):
        assert item["icmp.type"] == ["0"] and item["ip.checksum.status"] == ["1", "1"]


def test_congestion_is_told_through_the_tunnel(net):
    """RFC 6040: what a router on the way marks comes out marked, and nothing else does."""
    net.tunnel("ipip")
    for ecn in (0, 1, 2):
        inner = packet(ANCHOR, HOME, tos=ecn)
        assert captured(net.mobile, "roam1", net.home, inner)[1] == ecn
    marked = packet(AGENT, MOBILE, 4, packet(ANCHOR, HOME, tos=2), tos=3)
    lost = packet(AGENT, MOBILE, 4, packet(ANCHOR, HOME), tos=3)
    assert captured(net.mobile, "roam1", net.home, lost, marked)[1] == 3


class TestNat:
    def test_through_a_masquerading_router(self, net):
        net.masquerade()
        net.tunnel("udp")
        source, port = net.say()
        assert source == PUBLIC and port in range(40000, 41000)
        assert ping(net.mobile, count=5)["answered"] == 5
        assert ping(net.home, HOME, count=5)["answered"] == 5
        found = captured(net.home, "ha0", net.mobile, packet(HOME, ANCHOR))
        assert (IPv4Address(found[12:16]), int.from_bytes(found[20:22], "big")) == (PUBLIC, port)

    def test_two_mobile_nodes_behind_one_address(self, net):
        net.masquerade()
        net.listen(0, 1)
        pairs = []
        for number, home in enumerate(HOMES):
            _, theirs = both_ends("udp", *net.say(number), device=f"roam{number + 1}")
            ours = Tunnel("roam1", MOBILES[number], AGENT, "udp", OWN_PORT, PORT, 1468)
            net.mobiles[number].apply(end(home, (ANCHOR, ours)))
            pairs.append((home, theirs))
        assert pairs[0][1].remote == pairs[1][1].remote and pairs[0][1].remote_port != pairs[1][1].remote_port
        net.home.apply(end(ANCHOR, *pairs))
        for number, home in enumerate(HOMES):
            assert ping(net.mobiles[number], count=3 + number)["answered"] == 3 + number
            assert ping(net.home, home)["answered"] == 3
        counters = net.home.run("plane.statistics()")
        assert [counters[f"roam{number}"]["rx_packets"] for number in (1, 2)] == [6, 7]

    def test_a_new_mapping_moves_the_tunnel_under_a_transfer(self, net):
        net.masquerade()
        net.tunnel("udp")
        index = net.home.ip_json("link", "show", "dev", "roam1")[0]["ifindex"]
        shape = net.home.ip("-d", "link", "show", "dev", "roam1").partition("promiscuity")[2]
        server = net.home.tool(f"tcp_sink('{ANCHOR}', 5001)")
        server.wait_ready()
        # Slow enough to be still under way.
        net.router.command(
            "tc",
            "qdisc",
            "add",
            "dev",
            "wan0",
            "root",
            "tbf",
            *["rate", "16mbit", "burst", "64kb", "latency", "50ms"],
        )
        client = net.mobile.tool(f"tcp_source('{ANCHOR}', 5001, {24 << 20}, '{HOME}')")
        for address, ports in ((PUBLIC, "41000-41999"), (OTHER_PUBLIC, "42000-42999")):
            before = net.home.run("plane.statistics()")["roam1"]["rx_bytes"]
            wait(lambda before=before: received(net.home) > before + 500_000)
            net.masquerade(address, ports)
            found = net.say()
            assert found[0] == address and found[1] >= int(ports[:5])
            net.home.apply(end(ANCHOR, (HOME, both_ends("udp", *found)[1])))
        assert server.result()["octets"] == 24 << 20
        client.result()
        # The device has not even noticed.
        assert net.home.ip_json("link", "show", "dev", "roam1")[0]["ifindex"] == index
        assert net.home.ip("-d", "link", "show", "dev", "roam1").partition("promiscuity")[2] == shape

    def test_keepalives_are_answered_by_the_kernel_and_heard_by_the_socket(self, net):
        net.masquerade()
        net.tunnel("udp")
        # The echo goes to the home agent's own address, as the mobile node knows it.
        net.home.ip("address", "add", f"{ANCHOR}/32", "dev", "ha0")
        echo = echo_request(HOME, ANCHOR, 7)
        net.mobile.run(
            f"SOCKETS['{MOBILE}', {OWN_PORT}].socket.sendto({echo!r}, ('{AGENT}', {PORT})) and None"
        )
        heard = wait(lambda: net.mobile.run("HEARD"))
        source, port, octets = heard[0]
        assert (source, port, octets[:8]) == (str(AGENT), PORT, DATA.hex())
        inner = bytes.fromhex(octets)[4:]
        assert inner[12:20] == ANCHOR.packed + HOME.packed
        assert inner[20] == 0 and inner[24:28] == bytes.fromhex("7629 0007")
        assert net.mobile.run("plane.counters()")["tunnel_unmatched"] == 0
        net.home.ip("address", "del", f"{ANCHOR}/32", "dev", "ha0")


def received(side):
    return side.run("plane.statistics()")["roam1"]["rx_bytes"]


def udp(source, destination, ports, payload):
    return packet(source, destination, 17, struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload)


class TestRefusals:
    """RFC 3519 section 4.3: both addresses and both ports must be the tunnel's."""

    def test_what_belongs_to_no_tunnel_stays_out(self, net):
        net.tunnel("udp")
        inner = packet(HOME, ANCHOR)
        net.home.run("HEARD.clear()")
        virtual = VIRTUAL.network_address + 1
        # From where nothing is in the way of sending it.
        raw(
            net.router,
            udp(MOBILE, AGENT, (OWN_PORT + 1, PORT), DATA + inner),
            udp(MOBILES[1], AGENT, (OWN_PORT, PORT), DATA + inner),
            udp(MOBILE, AGENT, (OWN_PORT, GUE_PORT), b"\0\4\0\0" + inner),
            udp(virtual, AGENT, (GUE_PORT, GUE_PORT), b"\0\4\0\0" + inner),
            packet(virtual, AGENT, 4, inner),
            packet(MOBILE, AGENT, 4, inner),
        )
        assert ping(net.mobile)["answered"] == 3
        assert net.home.run("plane.statistics()")["roam1"]["rx_packets"] == 3
        assert net.home.run("HEARD") == []

    def test_reserved_bits_do_not_matter_and_other_messages_reach_the_socket(self, net):
        net.tunnel("udp")
        before = net.home.run("HEARD.clear() or plane.statistics()['roam1']['rx_packets']")
        others = [b"\1 a registration", b"\x07 a revocation", b"\x04\x2f\0\0 GRE in UDP"]
        # An echo request from an unknown port may be a half-bound tunnel's first.
        stray = echo_request(HOME, AGENT, 1)
        raw(
            net.mobile,
            udp(MOBILE, AGENT, (OWN_PORT, PORT), b"\x04\x04\x12\x34" + packet(HOME, ANCHOR)),
            *(udp(MOBILE, AGENT, (OWN_PORT, PORT), payload) for payload in others),
            udp(MOBILE, AGENT, (OWN_PORT + 1, PORT), stray),
        )
        heard = wait(lambda: len(found := net.home.run("HEARD")) >= 4 and found)
        assert [bytes.fromhex(octets) for _, _, octets in heard] == [*others, stray]
        assert net.home.run("plane.statistics()")["roam1"]["rx_packets"] == before + 1

    def test_a_port_that_somebody_has_is_said(self, lone):
        taken = f"SOCKETS.setdefault('x', socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(('', {GUE_PORT}))"
        lone.run(taken)
        before = lone.snapshot()
        with pytest.raises(Refused, match=rf"PlaneError: UDP port {GUE_PORT} .* option fou_port"):
            lone.run("await begin('kernel')")
        assert lone.snapshot() == before


class TestPathMtu:
    """A link on the way that is thinner than either end's."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_too_big_is_told_inside_or_fragmented_outside(self, net, kind):
        net.tunnel(kind)
        net.router.ip("link", "set", "wan0", "mtu", "1300")
        net.home.ip("link", "set", "ha0", "mtu", "1300")
        try:
            server = net.home.tool(f"tcp_sink('{ANCHOR}', 5001)")
            server.wait_ready()
            # TCP sets DF: what is too big for the way must be told to it.
            net.mobile.run(f"tcp_source('{ANCHOR}', 5001, {1 << 18}, '{HOME}')")
            assert server.result()["octets"] == 1 << 18
            # And what has no DF is cut into pieces.
            send = f"udp_send('{HOME}', '{ANCHOR}', 5002, 1400)"
            sink = net.home.tool(f"udp_receive('{ANCHOR}', 5002)")
            sink.wait_ready()
            net.mobile.run(send)
            assert sink.result() == 1400
        finally:
            net.home.ip("link", "set", "ha0", "mtu", "1500")


class TestChanges:
    def test_udp_and_ipip_in_place_gre_by_another_device(self, net):
        net.tunnel("udp")
        index = [
            side.ip_json("link", "show", "dev", "roam1")[0]["ifindex"] for side in (net.mobile, net.home)
        ]
        for kind in ("ipip", "udp", "gre", "keyed", "udp"):
            ours, theirs = both_ends(kind)
            net.mobile.apply(end(HOME, (ANCHOR, ours)))
            net.home.apply(end(ANCHOR, (HOME, theirs)))
            assert ping(net.mobile)["answered"] == 3, kind
            assert net.mobile.ip_json("link", "show", "dev", "roam1")[0]["mtu"] == KINDS[kind]["mtu"]
            if kind in ("ipip", "udp") and index:
                found = [
                    s.ip_json("link", "show", "dev", "roam1")[0]["ifindex"] for s in (net.mobile, net.home)
                ]
                assert found == index
            else:
                index = []

    def test_keys_change_in_place(self, net):
        ours, theirs = net.tunnel("keyed")
        index = net.home.ip_json("link", "show", "dev", "roam1")[0]["ifindex"]
        ours, theirs = (
            Tunnel(
                "roam1",
                one.local,
                one.remote,
                "gre",
                mtu=1472,
                key_in=one.key_in + 7,
                key_out=one.key_out + 7,
            )
            for one in (ours, theirs)
        )
        net.mobile.apply(end(HOME, (ANCHOR, ours)))
        assert ping(net.mobile, timeout=0.2)["answered"] == 0
        net.home.apply(end(ANCHOR, (HOME, theirs)))
        assert ping(net.mobile)["answered"] == 3
        assert net.home.ip_json("link", "show", "dev", "roam1")[0]["ifindex"] == index

    def test_a_device_set_down_by_somebody_comes_up_again(self, net):
        ours, _ = net.tunnel("udp")
        net.mobile.ip("link", "set", "roam1", "down")
        net.mobile.apply(end(HOME, (ANCHOR, ours)))
        assert ping(net.mobile)["answered"] == 3

    def test_a_device_of_somebody_else_is_left_alone(self, net):
        net.mobile.ip("link", "add", "roam1", "type", "dummy")
        ours, _ = both_ends("ipip")
        net.mobile.apply(end(HOME, (ANCHOR, ours)))
        assert any("not ours" in line for line in net.mobile.run("LOGGED"))
        found = net.mobile.ip_json("-d", "link", "show", "dev", "roam1")[0]
        assert found["linkinfo"]["info_kind"] == "dummy" and "ifalias" not in found
        net.mobile.ip("link", "del", "roam1")

    def test_an_index_that_somebody_has_is_left_to_him(self, net):
        first = net.mobile.run("plane._kernel._next")
        refused = net.mobile.run("plane.counters()['plane_refused']")
        many = tuple(Tunnel(f"roam{n}", MOBILE, PUBLIC + n, "ipip", group=7401) for n in range(3))
        net.mobile.ip("link", "add", "squatter", "index", str(first + 1), "type", "dummy")
        try:
            net.mobile.apply(PlaneState(many))
            found = {item["ifname"]: item for item in net.mobile.ip_json("link")}
            net.mobile.apply(PlaneState())
            left = {item["ifname"] for item in net.mobile.ip_json("link")}
        finally:
            net.mobile.ip("link", "del", "squatter")
        assert net.mobile.run("plane.counters()['plane_refused']") == refused
        assert all("UP" in found[item.device]["flags"] for item in many)
        assert [found[f"roam{n}"]["ifindex"] for n in (0, 2)] == [first, first + 2]
        assert "UP" not in found["squatter"]["flags"] and "ifalias" not in found["squatter"]
        assert "squatter" in left and not left & {item.device for item in many}

    @pytest.mark.parametrize("mtu", [1200, 1468])
    def test_no_ipv6_on_a_tunnel(self, net, mtu):
        """Also when a thin one grows above IPv6's least MTU: whatever would be sent goes within a second."""
        for encapsulation in ("ipip", "gre"):
            for size in (mtu, 1468):
                net.mobile.apply(end(HOME, (ANCHOR, Tunnel("roam1", MOBILE, AGENT, encapsulation, mtu=size))))
            found = net.mobile.ip_json("address", "show", "dev", "roam1")[0]
            assert found["mtu"] == 1468 and found["flags"].count("UP") == 1
            assert [item for item in found["addr_info"] if item["family"] == "inet6"] == []

    def test_group_alias_and_filter(self, net):
        net.mobile.apply(end(HOME, (ANCHOR, Tunnel("roam1", MOBILE, AGENT, "ipip", group=7401))))
        found = net.mobile.ip_json("-d", "link", "show", "dev", "roam1")[0]
        assert (found["group"], found["ifalias"]) == ("7401", "roamd")
        assert net.mobile.sysctl("net/ipv4/conf/roam1/rp_filter") == "0"

    def test_many_go_together_and_take_nobody_along(self, net):
        net.mobile.ip("link", "add", "bystander", "type", "dummy")
        many = tuple(Tunnel(f"roam{n}", MOBILE, PUBLIC + n, "ipip") for n in range(20))
        net.mobile.apply(PlaneState(many))
        assert len(net.mobile.ip_json("link", "show", "type", "ipip")) == 20 + IDLE_IPIP
        net.mobile.apply(PlaneState(many[:3]))
        left = {item["ifname"] for item in net.mobile.ip_json("link")} & {item.device for item in many}
        assert left == {"roam0", "roam1", "roam2"}
        assert net.mobile.ip("link", "show", "dev", "bystander")
        net.mobile.ip("link", "del", "bystander")


class TestTakeOver:
    def test_a_killed_planes_tunnels_go_on_and_are_taken_over(self, net):
        net.masquerade()
        _, theirs = net.tunnel("udp")
        before = net.home.ip("-d", "link", "show", "dev", "roam1")
        net.home.kill()
        assert ping(net.mobile)["answered"] == 3
        net.home.run("await begin('kernel')")
        assert ping(net.mobile)["answered"] == 3
        net.home.run(f"open_udp('{AGENT}', {PORT})")
        net.home.apply(end(ANCHOR, (HOME, theirs)))
        assert net.home.ip("-d", "link", "show", "dev", "roam1") == before
        assert ping(net.mobile)["answered"] == 3

    def test_close_leaves_all_as_it_was(self, net):
        net.tunnel("udp")
        net.home.run("await plane.close()")
        assert "4434" not in net.home.command("ip", "fou", "show")
        assert net.home.snapshot() == net.clean[net.home.name]
        net.home.run("await begin('kernel')")
