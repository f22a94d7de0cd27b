"""How packets shall be tunnelled, uplink by uplink: what is asked for, and what the answer makes of it."""

import pytest

from router.mip.wire.registration import G
from router.mip.wire.udp_tunnel import UdpTunnelReply, UdpTunnelRequest
from tests.mip.mobile.test_agents import Visit
from tests.mip.mobile.test_registration import COA, Bench

IP_IN_IP = 4
GRE_UNAVAILABLE = 139


def up(bench, encapsulation):
    bench.did(bench.node.uplink_up(1, COA[1], 4, 1, bench.now(), encapsulation=encapsulation))
    return bench.last


@pytest.mark.parametrize(
    ("encapsulation", "gre", "udp"),
    [
        ("auto", False, UdpTunnelRequest()),
        ("ipip", False, None),
        ("gre", True, UdpTunnelRequest(encapsulation=IP_IN_IP)),
        ("udp", False, UdpTunnelRequest(force=True)),
    ],
)
def test_what_is_asked_for(encapsulation, gre, udp):
    request = up(Bench(), encapsulation)
    assert bool(request.flags & G) is gre
    assert request.find(UdpTunnelRequest) == udp


@pytest.mark.parametrize(
    ("encapsulation", "extensions", "agreed"),
    [
        ("auto", (), "ipip"),
        ("ipip", (UdpTunnelReply(0),), "ipip"),
        ("gre", (UdpTunnelReply(64),), "gre"),
        ("gre", (UdpTunnelReply(0),), "udp"),
        ("udp", (UdpTunnelReply(0, forced=True),), "udp"),
    ],
)
def test_what_is_agreed_on(encapsulation, extensions, agreed):
    bench = Bench()
    bench.reply(up(bench, encapsulation), 0, *extensions)
    assert bench.bound[1].encapsulation == agreed


def test_where_there_is_no_gre_another_way_is_asked_for_at_once():
    bench = Bench()
    bench.reply(up(bench, "gre"), GRE_UNAVAILABLE)
    bench.run(2)
    assert not bench.last.flags & G
    assert bench.last.find(UdpTunnelRequest) == UdpTunnelRequest()
    # Back on the link it is tried again.
    bench.down(1)
    bench.run(2)
    assert up(bench, "gre").flags & G


def test_without_gre_in_the_request_139_is_just_a_denial():
    bench = Bench()
    bench.reply(up(bench, "auto"), GRE_UNAVAILABLE)
    sent = len(bench.sent)
    bench.run(2)
    assert len(bench.sent) == sent


@pytest.mark.parametrize("offered", [True, False])
def test_with_an_agents_care_of_address_gre_is_asked_for_where_the_agent_offers_it(offered):
    """RFC 5944 section 3.6.1.1."""
    visit = Visit()
    visit.did(visit.node.uplink_up(1, None, 4, 1, visit.now(), "foreign", "gre"))
    visit.advertise(gre=offered)
    assert bool(visit.last.flags & G) is offered
    visit.reply()
    assert visit.bound[1].encapsulation == ("gre" if offered else "ipip")
