import pytest

from router.sim.link import FluidFlow, FluidLink


def flow(number, size):
    return FluidFlow(number, 0.0, size, 0, 1, 1)


def run(link):
    """Numbers and times of the ends, one after the other."""
    result = []
    while link.flows:
        time = link.next_end()
        link.advance(time)
        result += [(one.number, pytest.approx(time)) for one in link.ended()]
    return result


def test_a_flow_alone_has_the_whole_link():
    link = FluidLink(8_000)
    link.add(flow(1, 2e6), 2e6)
    assert run(link) == [(1, 2.0)]


def test_flows_share_evenly_and_the_smaller_ends_first():
    link = FluidLink(8_000)
    link.add(flow(1, 2e6), 2e6)
    link.add(flow(2, 1e6), 1e6)
    assert run(link) == [(2, 2.0), (1, 3.0)]
    assert link.delivered == pytest.approx(3e6)


def test_what_goes_elsewhere_takes_the_rest_along():
    one, other = FluidLink(8_000), FluidLink(8_000)
    first, second = flow(1, 2e6), flow(2, 2e6)
    one.add(first, 2e6)
    one.add(second, 2e6)
    for link in (one, other):
        link.advance(1.0)
    assert one.remove(second) == pytest.approx(1.5e6)
    other.add(second, 1.5e6)
    assert run(one) == [(1, 2.5)]
    assert run(other) == [(2, 2.5)]


def test_a_flow_may_come_back():
    link = FluidLink(8_000)
    first = flow(1, 2e6)
    link.add(first, 2e6)
    link.advance(1.0)
    link.add(first, link.remove(first))
    assert run(link) == [(1, 2.0)]


def test_a_dead_link_carries_nothing():
    link = FluidLink(0)
    link.add(flow(1, 1e6), 1e6)
    link.advance(10.0)
    assert link.next_end() == float("inf") and link.delivered == 0
