"""TCP in super-packets through the user-space plane: what is on the wire, and what arrives."""

import json
import shutil
import subprocess

import pytest

from tests.plane.test_userspace_lab import ANCHOR, HOME, connect, statistics

pytestmark = pytest.mark.lab

OCTETS = 4 << 20
LINK_MTU = 1500
MTU = {"ipip": 1480, "udp": 1468}
DSCP = 0xB8
FIELDS = (
    "ip.len",
    "ip.dsfield",
    "ip.checksum.status",
    "tcp.checksum.status",
)


@pytest.fixture(params=["ipip", "udp"])
def encapsulation(request):
    return request.param


def transfer(source, sink, octets=OCTETS, *, own=HOME, other=ANCHOR, tos=0):
    """Send, and compare what has arrived."""
    server = sink.tool(f"tcp_sink('{other}', 5001)")
    server.wait_ready()
    client = source.tool(f"tcp_source('{other}', 5001, {octets}, '{own}', {tos})")
    received, sent = server.result(), client.result()
    assert (received["octets"], received["crc"]) == (octets, sent["crc"])


def captured(side, device, path, action):
    """What tshark says of each IPv4 packet at `device` meanwhile: the fields, outer header first."""
    words = ("tcpdump", "-i", device, "-U", "-B", "32768", "--immediate-mode", "-w", str(path), "ip")
    listener = subprocess.Popen(["ip", "netns", "exec", side.name, *words], stderr=subprocess.PIPE, text=True)
    try:
        assert "listening" in listener.stderr.readline()
        action()
    finally:
        listener.terminate()
        listener.communicate()
    checks = ("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-d", "udp.port==434,mip")
    fields = [word for field in FIELDS for word in ("-e", field)]
    command = ["tshark", "-n", "-r", str(path), *checks, "-T", "json", *fields]
    dissected = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [packet["_source"]["layers"] for packet in json.loads(dissected)]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
def test_packets_on_the_wire_are_whole(pair, encapsulation, tmp_path):
    mobile, home = pair
    connect(mobile, home, encapsulation, mtu=MTU[encapsulation])
    # As a link without any offload: the kernel cuts trains of datagrams before it.
    mobile.ip("link", "set", "up0", "gso_max_segs", "1")
    packets = captured(home, "ha0", tmp_path / "wire.pcap", lambda: transfer(mobile, home, tos=DSCP | 1))
    tunnelled = [packet for packet in packets if len(packet.get("ip.len", ())) == 2]
    full = [packet for packet in tunnelled if int(packet["ip.len"][0]) == LINK_MTU]
    assert len(full) > 0.9 * OCTETS / MTU[encapsulation]
    for packet in tunnelled:
        assert int(packet["ip.len"][0]) <= LINK_MTU
        assert packet["ip.checksum.status"] == ["1", "1"]
        assert packet["tcp.checksum.status"] == ["1"], packet
    fields = {tuple(int(field, 16) & 0xFC for field in packet["ip.dsfield"]) for packet in full}
    assert fields == {(DSCP, DSCP)}


def test_super_packets_are_handed_over_and_taken(pair, encapsulation):
    mobile, home = pair
    connect(mobile, home, encapsulation, mtu=MTU[encapsulation])
    transfer(mobile, home)
    segments = OCTETS / MTU[encapsulation]
    assert statistics(mobile)["tx_packets"] < segments / 2
    assert statistics(home)["rx_packets"] < segments
    assert statistics(mobile)["rx_packets"] < segments / 2, "fewer super-packets are acknowledged less often"


def test_a_kernel_without_offload(pair, encapsulation):
    mobile, home = pair
    mobile.run("without_offload()")
    connect(mobile, home, encapsulation, mtu=MTU[encapsulation])
    transfer(mobile, home)
    transfer(home, mobile, own=ANCHOR, other=HOME)
    assert statistics(mobile)["tx_packets"] > OCTETS / MTU[encapsulation]
