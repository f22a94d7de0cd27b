"""The home agent is told what a path carries (RFC 3115 section 2.2)."""

from router.mip.path_mtu import path_mtu_extension, path_mtu_in
from router.mip.wire.vendor import NormalVendor
from tests.mip.mobile.test_agents import Visit
from tests.mip.mobile.test_registration import COA, Bench


def told(request):
    return path_mtu_in(request.extensions)


def test_an_ordinary_request_says_nothing_of_it():
    assert Bench().up(1).find(NormalVendor) is None


def test_news_are_told_at_once_and_with_every_refresh():
    bench = Bench()
    bench.answered(1)
    bench.run(5)
    sent = len(bench.sent)
    bench.did(bench.node.path_mtu(1, 1300, bench.now()))
    assert len(bench.sent) == sent + 1
    assert (told(bench.last), bench.last.care_of_address) == (1300, COA[1])
    bench.reply(bench.last)
    bench.did(bench.node.path_mtu(1, 1300, bench.now()))
    assert len(bench.sent) == sent + 1
    bench.run(290)
    assert len(bench.sent) > sent + 1 and told(bench.last) == 1300


def test_a_path_that_has_grown_is_told_by_saying_nothing():
    bench = Bench()
    bench.answered(1)
    for mtu in (1300, None):
        bench.run(5)
        bench.did(bench.node.path_mtu(1, mtu, bench.now()))
        bench.reply(bench.last)
    assert told(bench.last) is None
    assert len(bench.sent) == 3


def test_news_in_quick_succession_keep_the_pace():
    bench = Bench()
    bench.answered(1)
    start = bench.time
    for mtu in (1200, 1280, 1300):
        bench.did(bench.node.path_mtu(1, mtu, bench.now()))
    bench.run(1.5)
    assert [round(at - start, 3) for at, _, _ in bench.sent] == [0, 1.0]
    assert told(bench.last) == 1300


def test_what_the_operator_knows_is_in_the_first_request():
    bench = Bench()
    bench.did(bench.node.uplink_up(1, COA[1], 4, 1, bench.now(), path_mtu=1400))
    assert told(bench.last) == 1400


def test_before_a_binding_there_is_nothing_to_tell():
    bench = Bench()
    assert bench.node.path_mtu(1, 1300, bench.now()) == []
    bench.up(1)
    assert bench.node.path_mtu(1, 1300, bench.now()) == []


def test_through_a_foreign_agent_it_is_not_told():
    visit = Visit()
    visit.did(visit.node.uplink_up(1, None, 4, 1, visit.now(), "foreign", path_mtu=1400))
    visit.advertise()
    assert told(visit.last) is None


def test_what_is_not_ours_is_passed_over():
    ours = path_mtu_extension(1300)
    assert path_mtu_in([NormalVendor(9, 1, ours.value), NormalVendor(ours.vendor, 2, ours.value)]) is None
    assert path_mtu_in([NormalVendor(ours.vendor, 1, b"abc")]) is None
    assert path_mtu_in([NormalVendor(9, 1, b""), ours]) == 1300
    assert path_mtu_in([path_mtu_extension(0)]) == 576
