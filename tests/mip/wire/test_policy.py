"""Flow sections and traffic selectors mean the same packets, seen from the two ends."""

from ipaddress import IPv4Address, IPv4Network
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.model import Flow
from router.mip.policy import PORT_PROTOCOLS, flow_bindings, flow_of, selectors_of
from router.mip.wire.multipath import FlowBinding
from router.mip.wire.selector import TrafficSelector

ESP, AH = 50, 51
NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17}


def flow(**options):
    return Flow("name", ("one",), **options)


def flow_matches(section, packet):
    """What a flow section says of a packet that a host of the mobile network sends."""
    if section.proto is not None and packet["protocol"] != int(NUMBERS.get(section.proto, section.proto)):
        return False
    if section.spis and section.proto is None and packet["protocol"] != ESP:
        return False
    checks = [
        (section.src_prefixes, lambda prefix: packet["source"] in prefix),
        (section.dest_prefixes, lambda prefix: packet["destination"] in prefix),
        (section.src_ports, lambda ports: _inside(packet["source_port"], ports)),
        (section.dest_ports, lambda ports: _inside(packet["destination_port"], ports)),
        (section.spis, lambda spis: _inside(packet["spi"], spis)),
        (section.dscp, lambda dscp: packet["dscp"] == dscp),
    ]
    return all(not wanted or any(map(check, wanted)) for wanted, check in checks)


def _inside(value, found):
    return value is not None and found[0] <= value <= found[1]


def back(packet):
    """The answer to `packet`, as the home agent sees it go towards the mobile node."""
    swapped = {"source": "destination", "source_port": "destination_port"}
    swapped |= {new: old for old, new in swapped.items()}
    return {swapped.get(name, name): value for name, value in packet.items()}


ports = st.integers(0, 65535)
port_ranges = st.tuples(ports, ports).map(sorted).map(tuple)
spi_ranges = st.tuples(*[st.integers(256, 2**32 - 1)] * 2).map(sorted).map(tuple)
prefixes = st.builds(
    lambda address, length: IPv4Network((address, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


def some(strategy):
    return st.lists(strategy, max_size=3).map(tuple)


flows = st.builds(
    lambda proto, sources, destinations, dscp, ports, spis: flow(
        proto=proto, src_prefixes=sources, dest_prefixes=destinations, dscp=dscp,
        src_ports=ports[0] if proto in ("tcp", "udp") else (),
        dest_ports=ports[1] if proto in ("tcp", "udp") else (),
        spis=spis if proto in (None, "50") else (),
    ),
    st.sampled_from([None, "tcp", "udp", "icmp", "0", "50", "132", "255"]), some(prefixes), some(prefixes),
    some(st.integers(0, 63)), st.tuples(some(port_ranges), some(port_ranges)), some(spi_ranges),
)  # fmt: skip


def _near(ranges, top):
    """Values at, beside and inside the ends of some ranges, and any."""
    ends = [at + step for found in ranges for at in found for step in (-1, 0, 1) if 0 <= at + step <= top]
    return (st.sampled_from(ends) if ends else st.nothing()) | st.integers(0, top)


def packets_near(section):
    def addresses(found):
        ends = [(int(prefix.network_address), int(prefix.broadcast_address)) for prefix in found]
        return _near(ends, 2**32 - 1).map(IPv4Address)

    wanted = int(NUMBERS.get(section.proto, section.proto or 6))
    return st.fixed_dictionaries(
        {
            "source": addresses(section.src_prefixes),
            "destination": addresses(section.dest_prefixes),
            "protocol": st.just(wanted) | st.sampled_from([1, 6, 17, ESP, AH, 132]),
            "source_port": _near(section.src_ports, 65535),
            "destination_port": _near(section.dest_ports, 65535),
            "dscp": _near([(value, value) for value in section.dscp], 63),
            "spi": _near(section.spis, 2**32 - 1),
        }
    ).map(_real)


def _real(packet):
    if packet["protocol"] not in PORT_PROTOCOLS:
        packet |= {"source_port": None, "destination_port": None}
    if packet["protocol"] not in (ESP, AH):
        packet["spi"] = None
    return packet


@st.composite
def flows_with_packets(draw):
    section = draw(flows)
    return section, [draw(packets_near(section)) for _ in range(6)]


@settings(max_examples=200, deadline=None)
@given(flows_with_packets())
def test_selectors_match_the_answers_to_what_the_flow_matches_and_so_there_and_back(drawn):
    section, packets = drawn
    selectors = selectors_of(section)
    again = [flow_of(selector, "again", ("one",)) for selector in selectors]
    for packet in packets:
        wanted = flow_matches(section, packet)
        assert any(each.matches(**back(packet)) for each in selectors) is wanted
        assert any(flow_matches(each, packet) for each in again) is wanted


addresses = st.integers(0, 2**32 - 1)


@given(st.tuples(addresses, addresses).map(sorted), addresses)
def test_an_address_range_that_is_no_prefix_becomes_the_prefixes_that_fill_it(found, other):
    section = flow_of(TrafficSelector(source=tuple(found)), "name", ())
    assert sum(prefix.num_addresses for prefix in section.dest_prefixes) == found[1] - found[0] + 1
    for at in (*found, found[0] - 1, found[1] + 1, other):
        if 0 <= at < 2**32:
            inside = any(IPv4Address(at) in prefix for prefix in section.dest_prefixes)
            assert inside is (found[0] <= at <= found[1])


def test_source_and_destination_change_places():
    section = flow(
        proto="tcp", src_prefixes=(IPv4Network("10.50.0.0/24"),), dest_prefixes=(IPv4Network("203.0.113.7/32"),),
        src_ports=((1024, 2047),), dest_ports=((443, 443),),
    )  # fmt: skip
    (selector,) = selectors_of(section)
    assert selector == TrafficSelector(
        source=(0xCB007107, 0xCB007107), destination=(0x0A320000, 0x0A3200FF), source_port=(443, 443),
        destination_port=(1024, 2047), protocol=(6, 6),
    )  # fmt: skip
    assert flow_of(selector, "name", ("one",)) == section


def test_lists_become_their_product():
    networks = (IPv4Network("10.50.0.0/24"), IPv4Network("10.51.0.0/24"))
    section = flow(proto="udp", src_prefixes=networks, dest_ports=((53, 53), (123, 123)), dscp=(1, 2, 3, 46))
    selectors = selectors_of(section)
    assert len(selectors) == len(set(selectors)) == 8
    assert {(item.destination, item.source_port, item.dscp) for item in selectors} == set(
        product(
            [(0x0A320000, 0x0A3200FF), (0x0A330000, 0x0A3300FF)], [(53, 53), (123, 123)], [(1, 3), (46, 46)]
        )
    )


@pytest.mark.parametrize(
    ("options", "protocol"),
    [
        ({}, None),
        ({"proto": "icmp"}, (1, 1)),
        ({"proto": "47"}, (47, 47)),
        ({"proto": "0"}, (0, 0)),
        ({"spis": ((256, 256),)}, (50, 50)),
    ],
)
def test_protocols(options, protocol):
    (selector,) = selectors_of(flow(**options))
    assert selector.protocol == protocol


def test_a_range_of_protocols_has_no_section():
    with pytest.raises(ValueError, match=r"6\.\.17"):
        flow_of(TrafficSelector(protocol=(6, 17)), "name", ())


def test_an_empty_flow_is_the_selector_of_everything():
    assert selectors_of(flow()) == (TrafficSelector(),)
    assert flow_of(TrafficSelector(), "name", ("one",)) == flow()
    assert flow_of(TrafficSelector(), "name", (), drop=True) == Flow("name", (), drop=True)


BIDS = {"one": 1, "two": 2, "three": 3}
ANY = TrafficSelector()


def test_bindings_name_what_is_registered_in_the_order_of_preference():
    section = Flow("name", ("three", "one", "two"))
    assert flow_bindings([section], BIDS, [1, 2, 3]) == (FlowBinding(1, (3, 1, 2), ANY),)
    assert flow_bindings([section], BIDS, [1, 3]) == (FlowBinding(1, (3, 1), ANY),)
    assert flow_bindings([section], BIDS, [1], 2) == (FlowBinding(1, (1, 2), ANY),)
    assert flow_bindings([section], BIDS, []) == ()


def test_bindings_keep_the_order_of_policies_and_of_their_products():
    first = Flow("first", ("one",), proto="udp", dest_ports=((53, 53), (123, 123)))
    found = flow_bindings([first, Flow("second", ("two",))], BIDS, [1, 2])
    assert [item.bids for item in found] == [(1,), (1,), (2,)]
    assert [item.selector for item in found] == [*selectors_of(first), ANY]


def test_a_drop_is_said_whether_or_not_anything_is_registered():
    assert flow_bindings([Flow("name", (), drop=True)], BIDS, []) == (FlowBinding(0, (255,), ANY),)


def test_more_uplinks_than_a_binding_can_name():
    bids = {f"u{number}": number for number in range(1, 12)}
    (found,) = flow_bindings([Flow("name", (*bids, "u1"))], bids, bids.values())
    assert found.bids == tuple(range(1, 9))


@pytest.mark.parametrize("registering", [None, 2])
def test_an_uplink_without_a_binding_id_is_passed_over(registering):
    found = flow_bindings([Flow("name", ("elsewhere", "one"))], BIDS, [1], registering)
    assert found == (FlowBinding(1, (1,), ANY),)


@given(st.lists(flows, max_size=4))
def test_every_binding_can_be_encoded(sections):
    for binding in flow_bindings(sections, BIDS, [1]):
        assert TrafficSelector.decode(binding.selector.encode()) == binding.selector
        assert binding.encode()
