"""RFC 3519 where packets flow: the tunnel header, fragments, and the one port for all."""

import struct

import pytest

from tests.daemon import test_daemon_lab as daemons
from tests.plane import conftest as plane_lab
from tests.plane.test_userspace_lab import AGENT, ANCHOR, HOME, MOBILE, PORT, capture, connect, ping

pytestmark = pytest.mark.lab

ends = plane_lab.pair
lab = daemons.lab

_UDP, _OVERHEAD = 17, 20 + 8 + 4
_MORE_OR_OFFSET, _MORE = 0x3FFF, 0x2000


def test_the_reserved_field_of_tunnel_data_is_ignored(ends):
    mobile, home = ends
    ours, _ = connect(mobile, home, "udp")
    inner = b"\x45" + bytes(11) + HOME.packed + ANCHOR.packed + bytes(8)
    for side, local, port, remote in (
        (home, AGENT, PORT, (str(MOBILE), ours.local_port)),
        (mobile, MOBILE, ours.local_port, (str(AGENT), PORT)),
    ):
        data = b"\x04\x04\xff\xff" + inner
        assert side.run(f"plane.deliver(IPv4Address('{local}'), {port}, {remote}, {data!r})") is True
        assert side.run("plane.statistics()")["roam1"]["rx_packets"] == 1


@pytest.mark.parametrize("sender", ["mobile node", "home agent"])
def test_what_does_not_fit_is_fragmented_before_it_is_put_into_udp(ends, sender):
    mobile, home = ends
    connect(mobile, home, "udp", mtu=1500 - _OVERHEAD)
    there, leaves, device, back, address = (
        (mobile, "up0", "ha0", home, ANCHOR)
        if sender == "mobile node"
        else (home, "ha0", "up0", mobile, HOME)
    )
    # A device that takes datagrams in trains shows them to a capture before it cuts them.
    there.ip("link", "set", leaves, "gso_max_segs", "1")
    sniffer = capture(back, device)
    sniffer.wait_ready()
    assert ping(there, address, count=1, size=4000)["answered"] == 1
    packet = bytes.fromhex(sniffer.result())
    length, outer = struct.unpack_from("!HxxH", packet, 2)
    assert packet[9] == _UDP and length <= 1500
    assert outer & _MORE_OR_OFFSET == 0
    (inner,) = struct.unpack_from("!H", packet, _OVERHEAD + 6)
    assert inner & _MORE


def test_a_keepalive_from_behind_nat_is_answered_through_the_registrations_own_mapping(lab):
    agent = daemons.AGENT.replace("config mobile", "\toption keepalive 10\nconfig mobile")
    # Nothing else is to be in the tunnel.
    unasked = daemons.NODE.replace("\toption device wwan0", "\toption device wwan0\n\toption probe_budget 0")
    lab.drive(unasked, agent)
    assert lab.cast.bound()["cell"]["nat"]
    lab.cast.wait("an answered keepalive", lambda: lab.cast.tunnel_octets()[2][0] > 0, 13)
    assert lab.cast.status("mr")["counters"]["keepalives_sent"] == 1
    assert lab.cast.status("ha")["counters"]["tunnel_unmatched"] == 0
