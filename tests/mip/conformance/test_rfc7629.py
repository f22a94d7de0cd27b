"""RFC 7629, requirement by requirement, where no other test shows it."""

import dataclasses
import functools
import random
from ipaddress import IPv4Address

import pytest

from router.config.model import Flow
from router.mip.auth import authenticator, sign
from router.mip.effect import Send
from router.mip.mobile.node import MobileNode
from router.mip.wire.authentication import Authentication
from router.mip.wire.message import decode
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.registration import REQUEST_SIZE, RegistrationRequest
from router.mip.wire.revocation import RevocationSupport
from router.mip.wire.selector import TrafficSelector
from tests.mip.home import test_agent as home
from tests.mip.mobile import test_registration as mobile

WEB = Flow("web", ("one", "two"), proto="tcp", dest_ports=((80, 80),))
TELNET = Flow("telnet", (), proto="tcp", dest_ports=((23, 23),), drop=True)
ELSEWHERE = IPv4Address("203.0.113.7")


class Speaker(mobile.Bench):
    """Keeps the octets of its requests, and says flow policies if it has some."""

    def __init__(self, flows=(), **settings):
        super().__init__(**settings)
        self.octets = []
        told = dataclasses.replace(self.node.settings, flow_bindings=bool(flows))
        self.node = MobileNode(told, random.Random(1), flows, {"one": 1, "two": 2, "three": 3})

    def did(self, effects):
        sent = [effect.data for effect in effects if isinstance(effect, Send)]
        self.octets += [data for data in sent if isinstance(decode(data), RegistrationRequest)]
        super().did(effects)


@functools.cache
def whole_life(**settings):
    """Every request of two uplinks: the first ones, refreshes, a new address, a lost uplink, the end."""
    bench = Speaker((WEB, TELNET), **settings)
    answered = 0

    def pass_time(seconds):
        nonlocal answered
        end = bench.time + seconds
        while bench.time < end:
            while answered < len(bench.sent):
                answered += 1
                bench.reply(bench.sent[answered - 1][2])
            bench.run(0.5)

    bench.up(1)
    bench.up(2)
    pass_time(300)
    bench.up(1, ELSEWHERE)
    pass_time(3)
    bench.up(3)
    pass_time(3)
    bench.down(3)
    pass_time(3)
    bench.did(bench.node.leave(bench.now()))
    pass_time(3)
    assert bench.node.stopped and len(bench.octets) >= 7
    return tuple(bench.octets)


LIVES = [{}, {"overwrite": True}, {"refresh": "bulk"}, {"overwrite": True, "refresh": "bulk"}]
every_life = pytest.mark.parametrize("settings", LIVES, ids=str)


def of_kind(data, kind):
    """The octets of a request's extensions of one kind, as they are in the message."""
    offset = REQUEST_SIZE
    for item in decode(data).extensions:
        end = offset + len(item.encode())
        if isinstance(item, kind):
            yield data[offset:end]
        offset = end


def multipaths(settings):
    return [item for data in whole_life(**settings) for item in decode(data).all(Multipath)]


# 4.1: the Multipath extension


@every_life
def test_a_request_carries_one_multipath_extension_and_no_more(settings):
    for data in whole_life(**settings):
        assert len(list(of_kind(data, Multipath))) == 1


@every_life
def test_what_rfc_7629_adds_stands_before_the_mobile_home_authenticator(settings):
    flows = 0
    for data in whole_life(**settings):
        kinds = [type(item) for item in decode(data).extensions]
        ours = [index for index, kind in enumerate(kinds) if kind in (Multipath, FlowBinding)]
        assert kinds.count(Authentication) == 1
        assert max(ours) < kinds.index(Authentication)
        flows += kinds.count(FlowBinding)
    assert flows


@every_life
def test_the_multipath_extension_has_its_subtype_its_length_and_no_reserved_bit(settings):
    for data in whole_life(**settings):
        (octets,) = of_kind(data, Multipath)
        assert octets[:4] == bytes.fromhex("9a 01 0004") and len(octets) == 8
        assert octets[7] & 0x3F == 0


def test_bulk_and_overwrite_are_both_used_and_never_together():
    said = multipaths({"overwrite": True, "refresh": "bulk"})
    assert any(item.bulk for item in said) and any(item.overwrite for item in said)
    assert not any(item.bulk and item.overwrite for item in said)
    with pytest.raises(ValueError, match="mutually exclusive"):
        Multipath(4, 1, 1, bulk=True, overwrite=True)


def test_a_deregistration_overwrites_nothing():
    bench = mobile.Bench(overwrite=True)
    bench.answered(1)
    bench.answered(2)
    bench.run(2)
    assert bench.up(1, ELSEWHERE).find(Multipath).overwrite
    bench.down(1)
    assert (bench.last.lifetime, bench.last.care_of_address) == (0, ELSEWHERE)
    lived = [decode(data) for data in whole_life(overwrite=True)]
    for request in lived + [request for _, _, request in bench.sent]:
        assert request.lifetime or not request.find(Multipath).overwrite


def test_no_reply_carries_a_multipath_extension():
    bench = home.Bench()
    flow = FlowBinding(1, (1,), TrafficSelector())
    for extensions, fields, code in (
        ((Multipath(4, 1, 1), flow), {}, 0),
        ((Multipath(4, 1, 1, bulk=True),), {}, 0),
        ((Multipath(4, 1, 1), FlowBinding(1, (9,), TrafficSelector())), {}, 153),
        ((Multipath(4, 1, 1), Multipath(4, 1, 2)), {}, 134),
        ((Multipath(4, 1, 1),), {"lifetime": 0}, 0),
    ):
        assert bench.ask(*extensions, **fields) == code
        assert bench.reply.all(Multipath) == bench.reply.all(FlowBinding) == []


@pytest.mark.parametrize(("flags", "granted"), [(0x3F, 100), (0xBF, 600)])
def test_reserved_bits_of_a_multipath_extension_mean_nothing(flags, granted):
    bench = home.Bench()
    assert bench.ask(Multipath(8, 1, 2), coa=home.CELL, lifetime=100) == 0
    bench.time += 1
    odd = bench.request().encode() + bytes.fromhex("9a 01 0004 04 07 01") + bytes((flags,))
    assert bench.send(sign(odd, home.KEY)) == 0
    assert bench.bids() == [1, 2]
    assert bench.agent.bindings[home.HOME, 1].label == 7
    # B alone tells whether the other binding was refreshed too.
    assert bench.agent.bindings[home.HOME, 2].granted == granted


# 4.2: the Flow-Binding extension


@every_life
def test_flow_bindings_have_their_subtype_a_known_selector_and_one_octet_to_drop(settings):
    actions = set()
    for data in whole_life(**settings):
        for octets in of_kind(data, FlowBinding):
            assert octets[:2] == bytes.fromhex("9a 02")
            assert int.from_bytes(octets[2:4], "big") == len(octets) - 4
            action, count = octets[4], octets[5]
            actions.add(action)
            assert action == 1 or count == 1
            assert octets[6 + count] == 1
    assert actions == {0, 1}


@pytest.mark.parametrize(
    "body",
    ["00 02 ff ff 01 00000000", "00 00 01 00000000", "01 01 01 00 00000000", "00 01 ff 00 00000000"],
    ids=["two octets to drop", "none to drop", "format 0", "format 0 to drop"],
)
def test_a_flow_binding_the_rfc_forbids_is_refused(body):
    octets = bytes.fromhex(body)
    bench = home.Bench()
    data = bench.request(Multipath(4, 1, 1)).encode()
    data += bytes.fromhex("9a 02") + len(octets).to_bytes(2, "big") + octets
    header = bytes.fromhex("20 14 00000100")
    assert bench.send(data + header + authenticator(home.KEY, data + header)) == 134
    assert bench.bids() == []


@pytest.mark.parametrize("bid", [0, 1, 9, 255])
def test_the_bid_of_a_rule_that_drops_is_not_looked_at(bid):
    bench = home.Bench()
    assert bench.ask(Multipath(4, 1, 1), FlowBinding(0, (bid,), TrafficSelector())) == 0
    assert [said.action for said in bench.agent.node(home.HOME).flow_bindings] == [0]


# 5.1: the mobile node


def test_after_152_nothing_of_rfc_7629_is_said_any_more():
    bench = Speaker((WEB, TELNET))
    bench.up(2)
    bench.up(3)
    bench.reply(bench.sent[0][2], 152)
    before = len(bench.sent)
    bench.run(1.1)
    bench.reply(bench.last)
    bench.up(1)
    bench.run(500)
    bench.did(bench.node.stop(bench.now()))
    assert len(bench.sent) > before + 2
    for _, _, request in bench.sent[before:]:
        assert request.find(Multipath) is None and request.find(FlowBinding) is None


@pytest.mark.parametrize("bound", [False, True])
def test_after_153_that_binding_is_registered_again_without_its_policy(bound):
    bench = Speaker((WEB,))
    refused = bench.up(1)
    if bound:
        bench.reply(refused)
        bench.run(256)
        refused = bench.last
    assert refused.all(FlowBinding)
    bench.reply(refused, 153)
    bench.run(1.1)
    again = bench.last
    assert again.identification > refused.identification
    assert (again.find(Multipath), again.care_of_address) == (Multipath(4, 1, 1), mobile.COA[1])
    assert again.lifetime == refused.lifetime and not again.all(FlowBinding)
    bench.reply(again)
    assert bench.state() == "registered" and 1 in bench.bound


def test_a_renewal_is_the_first_request_once_more_through_the_same_uplink():
    bench = Speaker((WEB,))
    bench.answered(2)
    bench.run(256)
    (_, first_by, first), (_, again_by, again) = bench.sent[0], bench.sent[-1]
    assert first_by == again_by == 2
    assert again.identification > first.identification
    assert again.find(Multipath).bid == 2

    def lasting(request):
        kept = (
            item for item in request.extensions if not isinstance(item, (Authentication, RevocationSupport))
        )
        return request._replace(identification=0, extensions=tuple(kept))

    assert lasting(again) == lasting(first)
    assert any(isinstance(item, FlowBinding) for item in again.extensions)


def test_with_the_option_a_new_address_sets_overwrite_and_the_others_are_registered_again():
    bench = mobile.Bench(overwrite=True)
    bench.answered(1)
    bench.answered(2)
    assert not any(request.find(Multipath).overwrite for _, _, request in bench.sent)
    bench.run(2)
    moved = bench.up(1, ELSEWHERE)
    assert moved.find(Multipath) == Multipath(4, 1, 1, overwrite=True)
    bench.reply(moved)
    assert list(bench.bound) == [1]
    bench.run(0.1)
    assert bench.last.find(Multipath) == Multipath(4, 1, 2)
    bench.reply(bench.last)
    assert sorted(bench.bound) == [1, 2]
    bench.run(256)
    refreshed = [request.find(Multipath) for _, bid, request in bench.sent if bid == 1]
    assert not refreshed[-1].overwrite
