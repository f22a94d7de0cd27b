"""Which binding a flow takes at the home agent."""

import random
from ipaddress import IPv4Address

from router.config.model import Flow, Mobile, SecurityAssociation
from router.flow.home_policy import home_policies
from router.mip.home.binding import Binding
from router.mip.home.node import Node
from router.mip.home.replay_guard import ReplayGuard
from router.mip.wire.multipath import FlowBinding
from router.mip.wire.selector import TrafficSelector

HOME = IPv4Address("10.99.0.2")
BUS = Mobile("bus", HOME, SecurityAssociation(256, b"k" * 16))
WEB, ANY = TrafficSelector(source_port=(80, 80)), TrafficSelector()


def node(*bids, said=()):
    found = Node(BUS, ReplayGuard(0, 7.0))
    for slot, bid in enumerate(bids, 1):
        care_of = IPv4Address(f"192.0.2.{bid}")
        found.bindings[bid] = Binding(
            BUS, HOME, bid, slot, bid, 4, care_of, care_of, 434, "ipip", False, True, True, 600, 700.0
        )
    found.flow_bindings = tuple(said)
    return found


def test_the_first_living_binding_of_the_list_carries():
    said = [FlowBinding(1, (7, 3), WEB)]
    assert home_policies((), node(3, 7, said=said)) == ((WEB, 2),)
    assert home_policies((), node(3, said=said)) == ((WEB, 1),)


def test_a_policy_whose_bindings_are_gone_gives_way_to_the_next():
    said = [FlowBinding(1, (7,), WEB), FlowBinding(0, (255,), WEB)]
    assert home_policies((), node(3, said=said)) == ((WEB, None),)
    assert home_policies((), node(7, said=said)) == ((WEB, 1), (WEB, None))


def test_the_administrators_policies_come_first():
    flow = Flow("web", (), proto="tcp", dest_ports=((80, 80),), labels=(9, 3))
    first, second = home_policies((flow,), node(3, 7, said=[FlowBinding(1, (7,), ANY)]))
    assert first == (TrafficSelector(source_port=(80, 80), protocol=(6, 6)), 1)
    assert second == (ANY, 2)


def test_a_policy_for_other_mobile_nodes_is_not_for_this_one():
    others = Flow("web", (), labels=(3,), mobiles=("tram",))
    assert home_policies((others,), node(3)) == ()
    assert len(home_policies((Flow("web", (), labels=(3,), mobiles=("bus",)),), node(3))) == 1


def test_order_is_kept_whatever_lives():
    rng = random.Random(3)
    said = [FlowBinding(1, (rng.randint(1, 9),), TrafficSelector(source_port=(n, n))) for n in range(20)]
    ports = [selector.source_port[0] for selector, _ in home_policies((), node(1, 5, 9, said=said))]
    assert ports == sorted(ports)
