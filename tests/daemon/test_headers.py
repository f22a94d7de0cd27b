"""Where a packet's headers end: what somebody has to say is not in a capture for the back office."""

from ipaddress import ip_address

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, GRE, Dot1Q, Ether
from scapy.packet import Raw

from router.daemon.headers import headers

SECRET = b"the passenger's letter"
OUTER, INNER = IP(src="192.0.2.10", dst="198.51.100.2"), IP(src="10.99.0.2", dst="203.0.113.10")
LETTER = Raw(SECRET)
SAID = {
    "tcp": INNER / TCP(options=[("NOP", None)] * 4) / LETTER,
    "udp": INNER / UDP(dport=53) / LETTER,
    "echo": INNER / ICMP() / LETTER,
    "error": INNER / ICMP(type=3, code=4) / IPerror(dst="10.0.0.1") / UDP(dport=9) / LETTER,
    "ip6": IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP() / LETTER,
    "ip_in_ip": OUTER / INNER / TCP() / LETTER,
    "gre": OUTER / GRE(key_present=1, key=7) / INNER / UDP() / LETTER,
    "in_udp": OUTER / UDP(dport=434) / Raw(b"\x04\x04\0\0") / INNER / TCP() / LETTER,
    "request": OUTER / UDP(dport=434) / Raw(b"\x01" + bytes(23)) / LETTER,
    "reply": OUTER / UDP(sport=434) / Raw(b"\x03" + bytes(19)) / LETTER,
    "strange": OUTER.copy() / LETTER,
}


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("ethernet", [True, False])
def test_all_but_what_is_said(name, ethernet):
    packet = SAID[name]
    octets = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet if ethernet else packet)
    assert headers(octets, ethernet) == len(octets) - len(SECRET)


def test_vlans_and_arp():
    tagged = bytes(Ether() / Dot1Q(vlan=5) / SAID["udp"])
    assert headers(tagged, True) == len(tagged) - len(SECRET)
    asked = bytes(Ether() / ARP(pdst="192.0.2.1"))
    assert headers(asked + SECRET, True) == len(asked) == 42


def test_a_later_fragment_has_no_more_than_its_own_header():
    fragment = bytes(IP(src=INNER.src, dst=INNER.dst, proto=6, frag=100) / LETTER)
    assert headers(fragment, False) == 20


def test_what_is_not_known_is_not_shown():
    strange = bytes(Ether(type=0x88B5)) + SECRET
    assert headers(strange, True) == 14
    assert headers(b"\xf0" + SECRET, False) == 0


@pytest.mark.parametrize("name", SAID)
def test_a_packet_that_was_cut_anywhere_ends_where_it_was_cut(name):
    octets = bytes(SAID[name])
    for cut in range(len(octets)):
        assert headers(octets[:cut], False) <= cut


def test_tunnels_in_tunnels_come_to_an_end():
    packet = INNER / TCP() / LETTER
    for number in range(40):
        packet = IP(src=str(ip_address(number + 1)), dst="192.0.2.1") / packet
    assert headers(bytes(packet), False) < len(bytes(packet)) - len(SECRET)
