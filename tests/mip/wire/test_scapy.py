"""scapy's layer for Mobile IP: its packets are our values, and ours are its packets."""

import os
from ipaddress import IPv4Address

import pytest

from router.mip.wire.message import decode
from router.mip.wire.registration import RegistrationReply, RegistrationRequest
from router.mip.wire.udp_tunnel import TunnelData
from tests.mip.wire.golden import COMPOUNDS, MESSAGES

if not os.environ.get("CI"):
    pytest.importorskip("scapy")
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.mobileip import MobileIP, MobileIPRRP, MobileIPRRQ, MobileIPTunnelData
from scapy.packet import Raw

WHOLE = {**MESSAGES, **COMPOUNDS}
REQUESTS = {name: value for name, (value, _) in WHOLE.items() if isinstance(value, RegistrationRequest)}
REPLIES = {name: value for name, (value, _) in WHOLE.items() if isinstance(value, RegistrationReply)}


def theirs(value):
    """`value` as scapy's packet, its extensions as octets behind."""
    if isinstance(value, RegistrationRequest):
        packet = MobileIP(type=1) / MobileIPRRQ(
            flags=value.flags, lifetime=value.lifetime, homeaddr=str(value.home_address),
            haaddr=str(value.home_agent), coaddr=str(value.care_of_address), id=value.identification,
        )  # fmt: skip
    else:
        packet = MobileIP(type=3) / MobileIPRRP(
            code=value.code, lifetime=value.lifetime, homeaddr=str(value.home_address),
            haaddr=str(value.home_agent), id=value.identification,
        )  # fmt: skip
    extensions = b"".join(extension.encode() for extension in value.extensions)
    return packet / Raw(extensions) if extensions else packet


@pytest.mark.parametrize("name", [*REQUESTS, *REPLIES])
def test_scapy_builds_what_we_read(name):
    value = WHOLE[name][0]
    assert decode(bytes(theirs(value))) == value


@pytest.mark.parametrize("name", REQUESTS)
def test_scapy_reads_our_request(name):
    value = REQUESTS[name]
    packet = UDP(bytes(UDP(sport=40000, dport=434) / Raw(value.encode())))
    found = packet[MobileIPRRQ]
    assert (packet[MobileIP].type, found.flags, found.lifetime) == (1, value.flags, value.lifetime)
    addresses = (value.home_address, value.home_agent, value.care_of_address)
    assert tuple(map(IPv4Address, (found.homeaddr, found.haaddr, found.coaddr))) == addresses
    assert found.id == value.identification
    assert bytes(found.payload) == value.encode()[24:]


@pytest.mark.parametrize("name", REPLIES)
def test_scapy_reads_our_reply(name):
    value = REPLIES[name]
    packet = UDP(bytes(UDP(sport=434, dport=40000) / Raw(value.encode())))
    found = packet[MobileIPRRP]
    assert (packet[MobileIP].type, found.code, found.lifetime) == (3, value.code, value.lifetime)
    assert (IPv4Address(found.homeaddr), IPv4Address(found.haaddr)) == (value.home_address, value.home_agent)
    assert found.id == value.identification
    assert bytes(found.payload) == value.encode()[20:]


def test_tunnel_data_both_ways():
    inner = IP(src="10.99.0.2", dst="198.51.100.2", id=1) / ICMP(id=7, seq=1)
    packet = MobileIP(type=4) / MobileIPTunnelData(nexthdr=4) / inner
    value, octets = MESSAGES["tunnel_data"]
    assert bytes(packet) == octets
    assert decode(bytes(packet)) == value == TunnelData(4, bytes(inner))
    found = UDP(bytes(UDP(sport=434, dport=40000) / Raw(value.encode())))
    assert (found[MobileIPTunnelData].nexthdr, found[IP].src, found[ICMP].seq) == (4, "10.99.0.2", 1)
