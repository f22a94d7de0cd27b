"""What a technician asks of the mobile node: register now; whose clock is off; was there an answer at all."""

from router.config.model import SecurityAssociation
from router.mip.identification import from_wall, with_high_half
from tests.mip.mobile.test_registration import WALL, Bench

OTHER_KEY = SecurityAssociation(256, b"x" * 16)


def test_a_registration_is_renewed_on_request():
    bench = Bench()
    bench.answered(1)
    bench.run(5)
    bench.did(bench.node.renew(1, bench.now()))
    assert [at for at, *_ in bench.sent] == [100.0, 105.0]
    assert bench.node.renew(2, bench.now()) == []
    bench.did(bench.node.renew(1, bench.now()))
    assert len(bench.sent) == 2, "not before the pace allows it"
    bench.run(1.1)
    assert len(bench.sent) == 3


def test_who_waits_between_attempts_may_ask_at_once():
    bench = Bench()
    bench.up(1)
    bench.run(40)
    assert bench.state() == "no reply"
    count = len(bench.sent)
    bench.time += 1.5
    bench.did(bench.node.renew(1, bench.now()))
    assert len(bench.sent) == count + 1
    bench.reply(bench.last)
    assert bench.state() == "registered"


def test_an_answer_nobody_can_believe_is_remembered_until_one_comes_that_counts():
    bench = Bench()
    bench.reply(bench.up(1), 131, key=OTHER_KEY)
    assert dict(bench.node.disbelieved) == {1: "bad authenticator in a reply with code 131"}
    bench.run(2)
    bench.reply(bench.last)
    assert bench.state() == "registered" and not bench.node.disbelieved


def test_how_far_the_clocks_are_apart_is_known():
    bench = Bench()
    request = bench.up(1)
    assert bench.node.clock_offset == 0
    theirs = from_wall(WALL + bench.time + 3600)
    bench.reply(request, 133, identification=with_high_half(theirs, request.identification))
    assert 3599 <= bench.node.clock_offset <= 3601
