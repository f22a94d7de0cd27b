"""Parts of a plane's state: each changed by itself, and a predecessor's kept until they are wanted again."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from router.config.model import HomeAgent
from router.flow.home_plan import home_plan
from router.plane.model import Chain, Element, Nexthop, Part, PlaneState, Route, Tunnel

pytestmark = pytest.mark.lab

AGENT = IPv4Address("198.51.100.1")
BASE = home_plan(HomeAgent(AGENT), (), {})


def part(number, *, policy=()):
    home = IPv4Address(f"10.99.0.{number}")
    device = f"roam{number}"
    chains = (Chain(f"policy_{number}", policy),) if policy else ()
    jumps = (Element("policy_address", str(home), f"jump policy_{number}"),) if policy else ()
    return Part(
        tunnels=(Tunnel(device, AGENT, IPv4Address(f"192.0.2.{number}"), "ipip", group=7401),),
        routes=(
            Route(7400, IPv4Network(home), (Nexthop(device),)),
            Route(7401, IPv4Network(home), (Nexthop(device),)),
        ),
        chains=chains,
        elements=(Element("looping", f"192.0.2.{number} . {home} . {int(home)}"), *jumps),
    )


class Machine:
    def __init__(self, lone):
        self.node, self.parts = lone, {}
        lone.ip("address", "add", f"{AGENT}/32", "dev", "lo")
        lone.run("await begin()")
        self.apply(None)

    def apply(self, changed):
        state = PlaneState(BASE.tunnels, (), BASE.routes, BASE.rules, BASE.ruleset, (), self.parts)
        self.node.run(f"await plane.apply({state!r}, {changed!r})")

    def change(self, **parts):
        for key, value in parts.items():
            self.parts[key] = value
            if value is None:
                del self.parts[key]
        self.apply(set(parts))

    def view(self):
        found = self.node.snapshot()
        return {
            name: found[name] for name in ("ip -4 -j route show table all", "ip -j rule", "nft list ruleset")
        }


@pytest.fixture
def machine(lone):
    return Machine(lone)


def test_a_part_comes_changes_and_goes_and_leaves_the_others_alone(machine):
    empty = machine.view()
    machine.change(a=part(1))
    one = machine.view()
    machine.change(b=part(2, policy=("tcp dport 80 goto flow_1",)))
    [link] = machine.node.ip_json("link", "show", "dev", "roam2")
    assert link["group"] == "7401"
    text = machine.node.command("nft", "list", "table", "ip", "roamd")
    assert "10.99.0.2 : jump policy_2" in text and "tcp dport 80 goto flow_1" in text
    machine.change(b=part(2, policy=("udp dport 53 counter drop",)))
    text = machine.node.command("nft", "list", "table", "ip", "roamd")
    assert "udp dport 53" in text and "tcp dport 80" not in text
    machine.change(b=None)
    assert machine.view() == one
    machine.change(a=None)
    assert machine.view() == empty
    assert "roam1" not in machine.node.ip("link", "show")


def test_a_part_is_changed_without_a_look_at_the_rest_of_the_kernel(machine):
    machine.change(a=part(1))
    machine.node.run("setattr(plane._network, '_dump', None)")
    machine.change(b=part(2))
    assert "10.99.0.2" in machine.node.ip("route", "show", "table", "7401")


def test_after_a_disturbance_everything_is_made_whole(machine):
    machine.change(a=part(1), b=part(2, policy=("tcp dport 80 goto flow_1",)))
    whole = machine.view()
    machine.node.command("nft", "flush", "ruleset")
    machine.node.ip("route", "flush", "table", "7401")
    machine.node.run("await until(lambda: len(DISTURBED) > 1)")
    machine.apply(set())
    assert machine.view() == whole


def test_a_predecessors_table_is_read_as_it_was_written(machine):
    machine.change(a=part(1), b=part(2, policy=("tcp dport 80 goto flow_1",)))
    wanted = machine.node.run("sorted(f'{e.set} {e.key} {e.data}' for e in plane._nft._elements.values())")
    machine.node.kill()
    machine.node.run("await begin()")
    assert (
        machine.node.run("sorted(f'{e.set} {e.key} {e.data}' for e in plane._nft._elements.values())")
        == wanted
    )
