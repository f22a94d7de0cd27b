"""The home agent is told which paths carry nothing, by one that does (RFC 3115 section 2.2)."""

from router.mip.silent_path import silent_paths_extension, silent_paths_in
from router.mip.wire.vendor import NormalVendor
from tests.mip.mobile.test_registration import COA, Bench

NONE = frozenset()


def told(request):
    return silent_paths_in(request.extensions)


def both():
    bench = Bench()
    for bid in (1, 2):
        bench.answered(bid)
    bench.run(5)
    return bench


def silent(bench, *bids):
    bench.did(bench.node.silent_paths(frozenset(bids), bench.now()))


def test_an_ordinary_request_says_nothing_of_it():
    assert Bench().up(1).find(NormalVendor) is None


def test_it_is_told_at_once_by_a_path_that_lives_and_with_every_refresh():
    bench = both()
    sent = len(bench.sent)
    silent(bench, 1)
    assert len(bench.sent) == sent + 1
    assert (told(bench.last), bench.last.care_of_address) == ({1}, COA[2])
    bench.reply(bench.last)
    silent(bench, 1)
    assert len(bench.sent) == sent + 1
    bench.run(290)
    assert len(bench.sent) > sent + 1 and told(bench.last) == {1}


def test_that_it_carries_again_is_told_by_saying_nothing():
    bench = both()
    for bids in ((1,), ()):
        silent(bench, *bids)
        bench.reply(bench.last)
        bench.run(5)
    assert told(bench.last) == NONE
    assert bench.last.find(NormalVendor) is None


def test_without_a_path_that_lives_there_is_nobody_to_tell_by():
    bench = both()
    sent = len(bench.sent)
    silent(bench, 1, 2)
    assert len(bench.sent) == sent


def test_what_is_not_ours_or_nonsense_is_passed_over():
    ours = silent_paths_extension([3, 1])
    assert ours.value == b"\x01\x03"
    assert silent_paths_in([NormalVendor(9, 2, b"\x01"), NormalVendor(ours.vendor, 1, b"\x01")]) == NONE
    assert silent_paths_in([NormalVendor(9, 2, b""), ours]) == {1, 3}
