"""Home link, visited link and foreign link, frame by frame, as a neighbour of the daemon sees them."""

import ctypes
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from ipaddress import IPv4Address

import pytest

from router.clock import Instant
from router.config.model import HomeAgent as AgentSettings
from router.config.model import Mobile, SecurityAssociation
from router.mip.auth import sign
from router.mip.effect import Reply
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.wire.advertisement import AgentAdvertisement, AgentSolicitation, MobilityAgent, decode_icmp
from router.mip.wire.checksum import checksum
from router.mip.wire.message import decode
from router.mip.wire.nai import Nai
from router.mip.wire.registration import D, RegistrationReply, RegistrationRequest, T
from tests.plane.conftest import Namespace

pytestmark = pytest.mark.lab

HOME, STRANGER = IPv4Address("198.51.100.130"), IPv4Address("198.51.100.77")
KEY = SecurityAssociation(256, b"sixteen octets!!")
EVERYBODY = b"\xff" * 6
NEIGHBOUR = bytes.fromhex("020000000042")
WORLD, ROUTER = IPv4Address("203.0.113.1"), IPv4Address("203.0.113.2")
CARE_OF, ELSEWHERE = IPv4Address("203.0.113.10"), IPv4Address("203.0.113.11")
PATIENCE = 5.0
IP, ARP = 0x0800, 0x0806
ICMP, IPIP, UDP = 1, 4, 17
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def socket_in(namespace, *kind):
    """A socket in another network namespace: it stays there, the thread that made it does not."""
    made = []

    def make():
        with open(f"/run/netns/{namespace.name}") as file:
            if _LIBC.setns(file.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        made.append(socket.socket(*kind))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


def packet(source, destination, protocol, payload, ttl=64):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, ttl, protocol, 0)
    head += source.packed + destination.packed
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + payload


def echo(source, destination, mark, ttl=64):
    """A ping that can be told from others by its `mark`."""
    body = struct.pack("!BBHHH", 8, 0, 0, mark, 0)
    body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
    return packet(source, destination, ICMP, body, ttl)


def udp(source, destination, port, payload, ttl=64):
    return packet(
        source, destination, UDP, struct.pack("!HHHH", port, 434, 8 + len(payload), 0) + payload, ttl
    )


def request(home_agent, care_of, flags, lifetime=300):
    stamp = from_wall(time.time())
    return sign(RegistrationRequest(lifetime, HOME, home_agent, care_of, stamp, flags).encode(), KEY)


class Frame:
    def __init__(self, octets):
        self.to, self.origin, self.kind = octets[:6], octets[6:12], int.from_bytes(octets[12:14], "big")
        self.body = octets[14:]

    @property
    def ip(self):
        """Source, destination, protocol, TTL and payload; None for another protocol."""
        if self.kind != IP:
            return None
        head = 4 * (self.body[0] & 15)
        length = int.from_bytes(self.body[2:4], "big")
        source, destination = IPv4Address(self.body[12:16]), IPv4Address(self.body[16:20])
        return source, destination, self.body[9], self.body[8], self.body[head:length]

    @property
    def arp(self):
        """Operation, then link and IP address of sender and target; None for another protocol."""
        if self.kind != ARP:
            return None
        operation, sender, source, target, destination = struct.unpack_from("!6xH6s4s6s4s", self.body)
        return operation, sender, IPv4Address(source), target, IPv4Address(destination)

    @property
    def advertisement(self):
        message = decode_icmp(self.ip[4]) if self.ip is not None and self.ip[2] == ICMP else None
        return message if isinstance(message, AgentAdvertisement) else None

    @property
    def inner(self):
        """The packet in a tunnelled one."""
        return self.ip[4] if self.ip is not None and self.ip[2] == IPIP else None


class Wire:
    """One end of a link: every frame that comes, and whatever is to be sent."""

    def __init__(self, namespace, device="eth0"):
        self.socket = socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((device, 3))
        self.own = bytes(self.socket.getsockname()[4])[:6]
        self.seen = []

    def until(self, wanted, seconds=PATIENCE):
        """The first frame that is `wanted`; all that came meanwhile is in `seen`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                octets, origin = self.socket.recvfrom(65535)
            except TimeoutError:
                break
            if origin[2] != socket.PACKET_OUTGOING:
                self.seen.append(Frame(octets))
                if wanted(self.seen[-1]):
                    return self.seen[-1]
        raise AssertionError(f"not seen within {seconds} s; {len(self.seen)} other frames")

    def send(self, to, kind, body, origin=None):
        self.socket.send(to + (origin or self.own) + struct.pack("!H", kind) + body)

    def who_has(self, address, asking):
        body = struct.pack("!HHBBH", 1, IP, 6, 4, 1) + self.own + asking.packed + bytes(6) + address.packed
        self.send(EVERYBODY, ARP, body)

    def is_at(self, address, frame):
        """Answer the ARP request in `frame`."""
        _, sender, source, _, _ = frame.arp
        body = struct.pack("!HHBBH", 1, IP, 6, 4, 2) + self.own + address.packed + sender + source.packed
        self.send(sender, ARP, body)


class Lab:
    """A daemon's machine between a link we play by hand (`wire`) and the rest of the world."""

    def __init__(self, machine, host, world, directory):
        self.machine, self.host, self.world, self.directory = machine, host, world, directory
        self.process = None
        for device, peer, peer_device in (("lan0", host, "eth0"), ("up0", world, "eth0")):
            machine.ip("link", "add", device, "type", "veth", "peer", peer_device, "netns", peer.name)
            for side, name in ((machine, device), (peer, peer_device)):
                side.command("sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6")
                side.ip("link", "set", name, "up")
        machine.ip("address", "add", f"{ROUTER}/24", "dev", "up0")
        for address in (WORLD, CARE_OF, ELSEWHERE):
            world.ip("address", "add", f"{address}/24", "dev", "eth0")
        machine.ip("route", "add", "default", "via", str(WORLD))
        for knob in ("ip_forward=1", "neigh.lan0.proxy_delay=0"):
            machine.command("sysctl", "-qw", f"net.ipv4.{knob}")
        self.wire, self.far = Wire(host), Wire(world)
        self.raw = socket_in(world, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.mac = bytes.fromhex(
            machine.ip_json("link", "show", "dev", "lan0")[0]["address"].replace(":", "")
        )

    def start(self, text):
        path = self.directory / "roamd.conf"
        path.write_text(
            f"config roamd\n\toption control '{self.directory}/sock'\n\toption state '{self.directory}'\n{text}"
        )
        command = ["ip", "netns", "exec", self.machine.name, sys.executable, "-m", "router.cli"]
        environment = {**os.environ, "PYTHONPATH": _ROOT, "PYTHONDONTWRITEBYTECODE": "1"}
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*command, "--config", str(path), "run"], env=environment, stderr=log, stdout=log
            )

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.02)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(10) == 0, (self.directory / "log").read_text()
            self.process = None

    def close(self):
        try:
            self.stop()
        finally:
            for sock in (self.wire.socket, self.far.socket, self.raw):
                sock.close()

    def from_world(self, octets):
        self.raw.sendto(octets, (str(IPv4Address(octets[16:20])), 0))

    def talker(self, address):
        """A UDP socket at port 434 of `address`, out in the world."""
        sock = socket_in(self.world, socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((str(address), 434))
        sock.settimeout(PATIENCE)
        return sock


@pytest.fixture
def lab(tmp_path):
    with Namespace("r") as machine, Namespace("n") as host, Namespace("w") as world:
        lab = Lab(machine, host, world, tmp_path)
        try:
            yield lab
        finally:
            lab.close()


# The home agent on its home link

AT_HOME = IPv4Address("198.51.100.1")
HOST = IPv4Address("198.51.100.9")
HOME_AGENT = """
config home_agent
	option address '198.51.100.1'
	option device 'lan0'
	option advertise_interval 1
config home_network 'home'
	option prefix '198.51.100.0/24'
config mobile 'bus'
	option home_address '198.51.100.130'
	option spi 256
	option key 'sixteen octets!!'
"""


class Home:
    """A home agent that serves a mobile node which is away, at an address in the world."""

    def __init__(self, lab):
        self.lab, self.wire = lab, lab.wire
        lab.machine.ip("address", "add", f"{AT_HOME}/24", "dev", "lan0")
        lab.world.ip("route", "add", "198.51.100.0/24", "via", str(ROUTER))
        lab.start(HOME_AGENT)
        self.mobile = lab.talker(CARE_OF)
        self.wire.until(lambda frame: frame.advertisement)

    def ask(self, **fields):
        """The code that came back."""
        self.mobile.sendto(request(AT_HOME, CARE_OF, D | T, **fields), (str(AT_HOME), 434))
        return decode(self.mobile.recv(2048)).code

    def is_claimed(self):
        """Whether the home agent answers ARP for the mobile node: asked first, its own address is the proof."""
        self.wire.who_has(HOME, HOST)
        self.wire.who_has(AT_HOME, HOST)
        start = len(self.wire.seen)
        self.wire.until(lambda frame: frame.arp and frame.arp[0] == 2 and frame.arp[2] == AT_HOME)
        replies = [f for f in self.wire.seen[start:] if f.arp and f.arp[2] == HOME and f.arp[4] == HOST]
        assert all(frame.arp[1] == self.lab.mac and frame.to == self.wire.own for frame in replies)
        return bool(replies)

    def tunnelled(self):
        """The next packet that comes out in the world for the care-of address."""
        return self.lab.far.until(lambda frame: frame.inner and frame.ip[1] == CARE_OF)


@pytest.fixture
def home(lab):
    home = Home(lab)
    yield home
    home.mobile.close()


def test_a_home_agent_advertises_itself_on_its_home_link_alone(home):
    heard = [home.wire.until(lambda frame: frame.advertisement) for _ in range(3)]
    for frame in heard:
        source, destination, _, ttl, _ = frame.ip
        agent = frame.advertisement.agent
        assert (source, str(destination), ttl, frame.to) == (AT_HOME, "255.255.255.255", 1, EVERYBODY)
        assert agent.home_agent and not agent.foreign_agent and not agent.busy
        assert [router.address for router in frame.advertisement.routers] == [AT_HOME]
        assert frame.advertisement.prefix_lengths == ()
    home.lab.from_world(echo(WORLD, ROUTER, 1))
    home.lab.far.until(lambda frame: frame.ip and frame.ip[2] == ICMP and frame.ip[4][0] == 0)
    assert not [frame for frame in home.lab.far.seen if frame.advertisement]


@pytest.mark.parametrize("group", ["224.0.0.2", "224.0.0.11", "255.255.255.255"])
def test_a_home_agent_answers_solicitations_to_every_group(home, group):
    address = IPv4Address(group)
    link = EVERYBODY if group.startswith("255") else b"\x01\x00\x5e" + address.packed[1:]
    before = home.wire.until(lambda frame: frame.advertisement).advertisement.agent.sequence
    octets = packet(IPv4Address(0), address, ICMP, AgentSolicitation().encode(), ttl=1)
    home.wire.send(link, IP, octets)
    soon = home.wire.until(lambda frame: frame.advertisement, 0.5)
    assert soon.advertisement.agent.sequence == before + 1


def test_the_home_link_learns_that_the_home_agent_stands_in_for_who_is_away(home):
    assert not home.is_claimed()
    start = len(home.wire.seen)
    assert home.ask() == 0
    assert home.is_claimed()
    told = [f for f in home.wire.seen[start:] if f.arp and f.arp[2] == f.arp[4] == HOME]
    assert len(told) >= 2
    for frame in told:
        assert frame.to == EVERYBODY and frame.origin == home.lab.mac
        assert frame.arp[1] == home.lab.mac


def test_a_refused_registration_moves_nobody_on_the_home_link(home):
    home.mobile.sendto(request(STRANGER, CARE_OF, D | T), (str(AT_HOME), 434))
    assert decode(home.mobile.recv(2048)).code == 136
    assert not home.is_claimed()
    assert not [frame for frame in home.wire.seen if frame.arp and frame.arp[2] == HOME]


@pytest.mark.parametrize("address", ["198.51.100.255", "255.255.255.255"])
def test_who_asks_all_home_agents_learns_this_ones_address(home, address):
    wanted = request(IPv4Address(address), HOME, T, lifetime=0)
    home.wire.send(EVERYBODY, IP, udp(HOST, IPv4Address(address), 5000, wanted))
    asked = home.wire.until(lambda frame: frame.arp and frame.arp[0] == 1 and frame.arp[4] == HOST)
    home.wire.is_at(HOST, asked)
    frame = home.wire.until(lambda frame: frame.ip and frame.ip[:3] == (AT_HOME, HOST, UDP))
    reply = decode(frame.ip[4][8:])
    assert (reply.code, reply.home_agent) == (136, AT_HOME)


def test_what_the_home_link_sends_to_who_is_away_is_tunnelled_from_the_home_agents_address(home):
    assert home.ask() == 0
    home.wire.send(home.lab.mac, IP, echo(HOST, HOME, 11, ttl=9))
    found = home.tunnelled()
    assert found.ip[:3] == (AT_HOME, CARE_OF, IPIP)
    assert found.inner == echo(HOST, HOME, 11, ttl=8)


def test_what_comes_back_out_of_a_tunnel_is_dropped_and_what_others_tunnel_is_tunnelled_again(home):
    assert home.ask() == 0
    inside = echo(WORLD, HOME, 21)
    home.lab.from_world(packet(CARE_OF, HOME, IPIP, inside))
    home.lab.from_world(packet(ELSEWHERE, HOME, IPIP, inside))
    first = home.tunnelled()
    assert Frame(bytes(12) + b"\x08\x00" + first.inner).ip[:3] == (ELSEWHERE, HOME, IPIP)
    assert first.inner.endswith(inside)
    other = echo(WORLD, STRANGER, 22)
    home.lab.from_world(packet(CARE_OF, HOME, IPIP, other))
    assert home.tunnelled().inner.endswith(other)


def test_the_home_agent_decapsulates_what_a_mobile_node_sends_it(home):
    assert home.ask() == 0
    home.lab.from_world(packet(CARE_OF, AT_HOME, IPIP, echo(HOME, HOST, 31, ttl=9)))
    asked = home.wire.until(lambda frame: frame.arp and frame.arp[0] == 1 and frame.arp[4] == HOST)
    home.wire.is_at(HOST, asked)
    found = home.wire.until(lambda frame: frame.ip and frame.ip[1] == HOST)
    assert found.body[:28] == echo(HOME, HOST, 31, ttl=8)


def test_without_a_binding_the_mobile_node_is_left_to_itself_on_the_home_link(home):
    assert home.ask() == 0
    assert home.is_claimed()
    assert home.ask(lifetime=0) == 0
    assert not home.is_claimed()
    home.lab.wait(lambda: not home.lab.machine.ip("route", "show", "table", "7400"))
    home.lab.from_world(echo(WORLD, HOME, 41, ttl=9))
    asked = home.wire.until(lambda frame: frame.arp and frame.arp[0] == 1 and frame.arp[4] == HOME)
    home.wire.is_at(HOME, asked)
    found = home.wire.until(lambda frame: frame.ip and frame.ip[1] == HOME)
    assert found.body[:28] == echo(WORLD, HOME, 41, ttl=8)


def test_the_home_link_learns_from_the_home_agent_who_is_back(home):
    assert home.ask() == 0
    octets = request(AT_HOME, HOME, 0, lifetime=0)
    home.wire.send(home.lab.mac, IP, udp(HOME, AT_HOME, 4000, octets), origin=NEIGHBOUR)
    told = [home.wire.until(lambda frame: frame.arp and frame.arp[1] == NEIGHBOUR, 1) for _ in range(2)]
    for frame in told:
        assert frame.to == EVERYBODY and frame.arp[2] == frame.arp[4] == HOME


# The foreign agent on the link it serves

OURS = IPv4Address("192.0.2.1")
FOREIGN_AGENT = """
config foreign_agent
	option device 'lan0'
	option care_of_address '192.0.2.1'
	option advertise_interval 1800
"""


class Visited:
    """A foreign agent, a home agent in the world, and a mobile node that has no address but its own."""

    def __init__(self, lab):
        self.lab, self.wire = lab, lab.wire
        lab.machine.ip("address", "add", f"{OURS}/24", "dev", "lan0")
        lab.world.ip("route", "add", "192.0.2.0/24", "via", str(ROUTER))
        lab.start(FOREIGN_AGENT)
        self.agent = HomeAgent(AgentSettings(WORLD), (Mobile("bus", HOME, KEY),), (), Instant(0.0, 0.0))
        self.sock = lab.talker(WORLD)
        self.wire.until(lambda frame: frame.advertisement)
        lab.wait(lambda: "table ip roamd" in lab.machine.command("nft", "list", "tables"))

    def ask(self, flags, to=OURS, **fields):
        """Register."""
        link = self.lab.mac if to == OURS else b"\x01\x00\x5e" + to.packed[1:]
        octets = udp(HOME, to, 4000, request(WORLD, OURS, flags, **fields), ttl=255)
        self.wire.send(link, IP, octets, origin=NEIGHBOUR)
        data, (address, port) = self.sock.recvfrom(2048)
        source = (IPv4Address(address), port)
        for effect in self.agent.receive(data, source, Instant(time.monotonic(), time.time())):
            if isinstance(effect, Reply):
                self.sock.sendto(effect.data, (str(effect.address), effect.port))

    def answer(self):
        """The frame that brought the mobile node its reply."""
        return self.wire.until(lambda frame: frame.ip and frame.ip[2] == UDP and frame.ip[0] == OURS)

    def neighbours(self):
        return {
            item["dst"]: item["state"] for item in self.lab.machine.ip_json("neigh", "show", "dev", "lan0")
        }

    def tunnel(self, inside, source=WORLD):
        self.lab.from_world(packet(source, OURS, IPIP, inside))

    def is_silent(self):
        """Whether nothing has come back to the world but the answer to what is sent now."""
        start = len(self.lab.far.seen)
        self.lab.from_world(echo(WORLD, ROUTER, 99))
        self.lab.far.until(lambda frame: frame.ip and frame.ip[2] == ICMP and frame.ip[4][4:6] == b"\x00\x63")
        return not [
            frame for frame in self.lab.far.seen[start:-1] if frame.ip and frame.ip[2] in (ICMP, IPIP)
        ]


@pytest.fixture
def visited(lab):
    visited = Visited(lab)
    yield visited
    visited.sock.close()


def test_a_foreign_agent_advertises_with_ttl_1_from_number_0_on(visited):
    (frame,) = [frame for frame in visited.wire.seen if frame.advertisement]
    source, destination, _, ttl, _ = frame.ip
    assert (source, str(destination), ttl, frame.to) == (OURS, "255.255.255.255", 1, EVERYBODY)
    agent = frame.advertisement.agent
    assert (agent.sequence, agent.foreign_agent, agent.home_agent) == (0, True, False)
    assert agent.care_of_addresses == (OURS,)


@pytest.mark.parametrize("group", ["224.0.0.2", "224.0.0.11"])
def test_a_foreign_agent_answers_solicitations_to_every_group(visited, group):
    address = IPv4Address(group)
    octets = packet(IPv4Address(0), address, ICMP, AgentSolicitation().encode(), ttl=1)
    visited.wire.send(b"\x01\x00\x5e" + address.packed[1:], IP, octets)
    assert visited.wire.until(lambda frame: frame.advertisement).advertisement.agent.sequence == 1


@pytest.mark.parametrize("to", [OURS, IPv4Address("224.0.0.11")])
def test_a_visitor_is_found_without_arp_for_as_long_as_it_visits(visited, to):
    visited.ask(T, to)
    frame = visited.answer()
    source, destination, _, _, payload = frame.ip
    assert (source, destination, frame.to) == (OURS, HOME, NEIGHBOUR)
    reply = decode(payload[8:])
    assert isinstance(reply, RegistrationReply) and reply.code == 0
    assert visited.neighbours()[str(HOME)] == ["PERMANENT"]
    visited.tunnel(echo(WORLD, HOME, 51, ttl=9))
    found = visited.wire.until(lambda frame: frame.ip and frame.ip[2] == ICMP and frame.ip[1] == HOME)
    assert (found.to, found.body[:28]) == (NEIGHBOUR, echo(WORLD, HOME, 51, ttl=8))
    assert not [frame for frame in visited.wire.seen if frame.arp]
    visited.ask(T, lifetime=0)
    visited.lab.wait(lambda: visited.neighbours().get(str(HOME)) != ["PERMANENT"])


def test_a_visitor_is_found_without_arp_also_after_the_link_was_down(visited):
    visited.ask(T)
    visited.answer()
    for state in ("down", "up"):
        visited.lab.machine.ip("link", "set", "lan0", state)
    assert str(HOME) not in visited.neighbours()
    visited.ask(T)
    assert visited.answer().to == NEIGHBOUR
    assert visited.neighbours()[str(HOME)] == ["PERMANENT"]
    assert not [frame for frame in visited.wire.seen if frame.arp]


def test_what_is_tunnelled_for_nobody_disappears(visited):
    # No visitor yet: there is no tunnel at all.
    visited.tunnel(echo(WORLD, HOME, 61))
    assert visited.is_silent()
    visited.ask(T)
    visited.answer()
    visited.tunnel(echo(WORLD, STRANGER, 62))
    visited.tunnel(echo(ELSEWHERE, ELSEWHERE, 63))
    visited.tunnel(echo(WORLD, HOME, 64), source=ELSEWHERE)
    assert visited.is_silent()
    visited.tunnel(echo(WORLD, HOME, 65))
    found = visited.wire.until(lambda frame: frame.ip and frame.ip[2] == ICMP and frame.ip[1] == HOME)
    assert found.ip[4][4:6] == b"\x00\x41"
    visited.ask(T, lifetime=0)
    visited.lab.wait(lambda: not visited.lab.machine.ip("route", "show", "table", "7400"))
    visited.tunnel(echo(WORLD, HOME, 66))
    assert visited.is_silent()
    assert [frame.ip[1] for frame in visited.wire.seen if frame.ip and frame.ip[2] == ICMP][1:] == [HOME]


def test_a_visitors_packets_are_routed_and_with_t_tunnelled_back(visited):
    visited.ask(0)
    visited.answer()
    visited.wire.send(visited.lab.mac, IP, echo(HOME, ELSEWHERE, 71, ttl=9), origin=NEIGHBOUR)
    found = visited.lab.far.until(lambda frame: frame.ip and frame.ip[2] == ICMP)
    assert found.body[:28] == echo(HOME, ELSEWHERE, 71, ttl=8)
    visited.ask(T)
    visited.answer()
    visited.wire.send(visited.lab.mac, IP, echo(HOME, ELSEWHERE, 72, ttl=9), origin=NEIGHBOUR)
    found = visited.lab.far.until(lambda frame: frame.inner)
    assert found.ip[:2] == (OURS, WORLD)
    assert found.inner == echo(HOME, ELSEWHERE, 72, ttl=8)


@pytest.mark.parametrize("what", ["denial", "farewell", "solicitation"])
def test_nobody_on_the_visited_link_is_asked_for_by_arp(visited, what):
    if what == "farewell":
        visited.ask(T)
        visited.answer()
        visited.ask(T, lifetime=0)
    elif what == "denial":
        octets = udp(HOME, OURS, 4000, request(WORLD, ELSEWHERE, T), ttl=255)
        visited.wire.send(visited.lab.mac, IP, octets, origin=NEIGHBOUR)
    else:
        octets = packet(HOME, IPv4Address("224.0.0.11"), ICMP, AgentSolicitation().encode(), ttl=1)
        visited.wire.send(b"\x01\x00\x5e\x00\x00\x0b", IP, octets, origin=NEIGHBOUR)
    found = visited.wire.until(lambda frame: frame.ip and frame.ip[1] == HOME, 1)
    assert found.to == NEIGHBOUR
    assert (found.ip[3] == 1) is (found.advertisement is not None) is (what == "solicitation")
    assert not [frame for frame in visited.wire.seen if frame.arp]


# The mobile node on a foreign link, and at home

NODE = """
config mobile_node
	option home_address '198.51.100.130'
	option home_agent '203.0.113.1'
	option spi 256
	option key 'sixteen octets!!'
config uplink 'wifi'
	option type wifi
	option device lan0
	option care_of {care_of}
"""


def knobs(lab):
    names = ("lan0/arp_ignore", "lan0/accept_redirects", "all/accept_redirects")
    return [lab.machine.sysctl(f"net/ipv4/conf/{name}") for name in names]


def test_a_mobile_node_solicits_with_ttl_1(lab):
    lab.start(NODE.format(care_of="foreign"))
    frame = lab.wire.until(lambda frame: frame.ip and frame.ip[2] == ICMP)
    _, destination, _, ttl, payload = frame.ip
    assert (str(destination), ttl, decode_icmp(payload)) == ("224.0.0.2", 1, AgentSolicitation())


@pytest.mark.parametrize("forwards", ["1", "0"])
def test_away_a_mobile_node_answers_for_its_care_of_address_alone(lab, forwards):
    lab.machine.command("sysctl", "-qw", f"net.ipv4.ip_forward={forwards}")
    before = knobs(lab)
    care_of = IPv4Address("192.0.2.10")
    lab.machine.ip("address", "add", f"{care_of}/24", "dev", "lan0")
    lab.machine.ip("route", "replace", "default", "via", "192.0.2.1")
    lab.start(NODE.format(care_of="colocated"))
    asked = lab.wire.until(lambda frame: frame.arp and frame.arp[0] == 1)
    assert asked.arp[2] == care_of
    assert str(HOME) in lab.machine.ip("address", "show", "dev", "lo")
    lab.wire.who_has(HOME, IPv4Address("192.0.2.1"))
    lab.wire.who_has(care_of, IPv4Address("192.0.2.1"))
    answer = lab.wire.until(lambda frame: frame.arp and frame.arp[0] == 2)
    assert answer.arp[1:3] == (lab.mac, care_of)
    assert knobs(lab) == ["1", "0", "0"]
    lab.stop()
    assert knobs(lab) == before


def advertise(lab, source, agent, lifetime=30):
    octets = packet(
        source, IPv4Address("255.255.255.255"), ICMP, AgentAdvertisement(lifetime, agent).encode(), ttl=1
    )
    lab.wire.send(EVERYBODY, IP, octets, origin=NEIGHBOUR)


def test_away_a_mobile_node_finds_its_foreign_agent_without_arp(lab):
    lab.start(NODE.format(care_of="foreign"))
    lab.wire.until(lambda frame: frame.ip and frame.ip[2] == ICMP)
    advertise(lab, OURS, MobilityAgent(1, 300, (OURS,), foreign_agent=True, reverse_tunnel=True))
    found = lab.wire.until(lambda frame: frame.ip and frame.ip[2] == UDP, 1)
    assert (found.to, found.ip[:2]) == (NEIGHBOUR, (HOME, OURS))
    assert not [frame for frame in lab.wire.seen if frame.arp]


def test_without_a_home_address_a_mobile_node_asks_from_nowhere_and_hears_the_answer(lab):
    # Another address of ours, which the kernel would choose.
    lab.machine.ip("address", "add", f"{STRANGER}/32", "dev", "lo")
    text = NODE.format(care_of="foreign").replace(str(HOME), "0.0.0.0")
    lab.start(text.replace("\toption spi 256\n", "\toption spi 256\n\toption nai 'bus@example.org'\n"))
    lab.wire.until(lambda frame: frame.ip and frame.ip[2] == ICMP)
    advertise(lab, OURS, MobilityAgent(1, 300, (OURS,), foreign_agent=True, reverse_tunnel=True))
    found = lab.wire.until(lambda frame: frame.ip and frame.ip[2] == UDP, 2)
    source, destination, _, ttl, payload = found.ip
    assert (found.to, source, destination, ttl) == (NEIGHBOUR, IPv4Address(0), OURS, 255)
    pseudo = source.packed + destination.packed + struct.pack("!BBH", 0, UDP, len(payload))
    assert checksum(pseudo + payload) == 0
    asked = decode(payload[8:])
    reply = RegistrationReply(0, 300, HOME, asked.home_agent, asked.identification, asked.all(Nai))
    answer = struct.pack("!HHHH", 434, int.from_bytes(payload[:2], "big"), 0, 0) + sign(reply.encode(), KEY)
    answer = answer[:4] + len(answer).to_bytes(2, "big") + answer[6:]
    everybody = IPv4Address("255.255.255.255")
    lab.wire.send(EVERYBODY, IP, packet(OURS, everybody, UDP, answer), origin=NEIGHBOUR)
    lab.wait(lambda: str(HOME) in lab.machine.ip("address", "show", "dev", "lo"))


def answers_for_home(lab):
    """Whether the mobile node answers ARP for its home address: its other address is the proof that it hears."""
    lab.wire.who_has(HOME, AT_HOME)
    lab.wire.who_has(HOST, AT_HOME)
    start = len(lab.wire.seen)
    lab.wire.until(lambda frame: frame.arp and frame.arp[0] == 2 and frame.arp[2] == HOST)
    # Two questions of one link are answered in their order.
    return any(f.arp and f.arp[2] == HOME and f.arp[4] == AT_HOME for f in lab.wire.seen[start:])


def test_arp_follows_the_mobile_node_home_and_away_before_anything_is_said(lab):
    lab.host.ip("address", "add", f"{AT_HOME}/24", "dev", "eth0")
    lab.machine.ip("address", "add", f"{HOST}/24", "dev", "lan0")
    lab.machine.ip("route", "replace", "default", "via", str(AT_HOME))
    lab.start(NODE.format(care_of="colocated").replace(str(WORLD), str(AT_HOME)))
    lab.wire.until(lambda frame: frame.ip and frame.ip[2] == UDP)
    assert not answers_for_home(lab)
    advertise(lab, AT_HOME, MobilityAgent(1, 300, home_agent=True), lifetime=2)
    lab.wire.until(lambda frame: frame.arp and frame.arp[2] == frame.arp[4] == HOME)
    assert answers_for_home(lab)
    # The home agent falls silent: it must be elsewhere again.
    lab.wire.until(lambda frame: frame.ip and frame.ip[2] == UDP and frame.ip[0] == HOST)
    assert not answers_for_home(lab)


def test_who_comes_home_says_so_by_arp_before_it_registers(lab):
    lab.host.ip("address", "add", f"{AT_HOME}/24", "dev", "eth0")
    lab.machine.ip("address", "add", f"{HOST}/24", "dev", "lan0")
    lab.machine.ip("route", "replace", "default", "via", str(AT_HOME))
    lab.start(NODE.format(care_of="colocated").replace(str(WORLD), str(AT_HOME)))
    lab.wire.until(lambda frame: frame.ip and frame.ip[2] == UDP)
    advertise(lab, AT_HOME, MobilityAgent(1, 300, home_agent=True))
    lab.wire.until(lambda frame: frame.ip and frame.ip[2] == UDP and frame.ip[0] == HOME)
    told = [frame for frame in lab.wire.seen if frame.arp and frame.arp[2] == frame.arp[4] == HOME]
    assert len(told) >= 2 and all((frame.to, frame.arp[1]) == (EVERYBODY, lab.mac) for frame in told)
