"""Elements said by hand: nft reads them back, and the kernel takes all of a transaction or nothing."""

from ipaddress import IPv4Address

import pytest

from router.config.model import HomeAgent
from router.flow.home_plan import home_plan
from router.plane.element_messages import declared, transaction
from router.plane.home_ruleset import loop_guard, shared_door
from router.plane.model import Element, PlaneState
from router.plane.translation import Translation

AGENT, HOME, FAR = IPv4Address("198.51.100.1"), IPv4Address("10.99.0.1"), IPv4Address("192.0.2.1")
BODY = home_plan(HomeAgent(AGENT), (), {}).ruleset + Translation(4754).text(udp=True)
ELEMENTS = (
    loop_guard(FAR, HOME),
    shared_door("roamf0a630001", HOME, 15),
    Element("policy_address", str(HOME), "jump pin_1"),
    Element("udp_tunnel", f"{FAR} . 4434 . {AGENT} . 434", "240.0.0.1"),
    Element("udp_keepalive", f"{FAR} . 4434 . {AGENT} . 434"),
    Element("udp_peer_address", "240.0.0.1", str(FAR)),
    Element("udp_peer_port", "240.0.0.1", "4434"),
    Element("udp_registration", f"{AGENT} . 434"),
    Element("tunnel_local", str(AGENT)),
)


def test_what_is_not_known_is_left_to_nft():
    types = declared(BODY)
    assert {element.set for element in ELEMENTS} <= types.keys()
    assert transaction("roamd", ELEMENTS, types) is not None
    for other in (
        Element("policy_network", "10.99.0.0/24", "jump pin_1"),
        Element("nobodys", "10.99.0.1"),
        Element("tunnel_local", "10.99.0.0-10.99.0.9"),
        Element("looping", "10.99.0.1 . 10.99.0.2"),
        Element("policy_address", "10.99.0.1", "queue to 1"),
        Element("udp_peer_port", "240.0.0.1", "70000"),
    ):
        assert transaction("roamd", (*ELEMENTS, other), types) is None, other


@pytest.mark.lab
class TestKernel:
    @pytest.fixture
    def node(self, lone):
        lone.run("await begin()")
        lone.apply(PlaneState(ruleset=BODY))
        lone.run("setattr(plane._nft, '_load', None)")
        return lone

    def change(self, node, elements):
        node.run(f"await plane._nft.change((), (), {elements!r}, ())")

    def test_they_read_back_as_nft_would_have_put_them(self, node):
        self.change(node, ELEMENTS)
        assert node.run("len(DISTURBED)") == 0, "ours"
        by_hand = node.command("nft", "list", "table", "ip", "roamd")
        node.command("nft", "flush", "ruleset")
        text = "".join(
            f"add element ip roamd {item.set} {{ {item.key}{f' : {item.data}' * bool(item.data)} }}\n"
            for item in ELEMENTS
        )
        marker = next(line.split()[1] for line in by_hand.splitlines() if "chain text_" in line)
        node.command("nft", "-f", "-", input=f"table ip roamd {{\n{BODY} chain {marker} {{ }}\n}}\n{text}")
        assert node.command("nft", "list", "table", "ip", "roamd") == by_hand

    def test_many_at_once(self, node):
        many = [loop_guard(FAR + number, HOME + number) for number in range(1000)]
        self.change(node, many)
        assert node.command("nft", "list", "set", "ip", "roamd", "looping").count(" . ") >= len(many)

    def test_one_that_is_refused_leaves_none_behind(self, node):
        before = node.command("nft", "list", "table", "ip", "roamd")
        refused = Element("policy_address", str(HOME + 1), "jump nowhere")
        assert node.run(f"plane._nft._exchange({(*ELEMENTS, refused)!r}, ())") is False
        assert node.command("nft", "list", "table", "ip", "roamd") == before
