"""The search against paths of every width, with losses, and peers of every kind; time is stepped."""

import heapq
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.clock import Instant
from router.path.mtu import BASE, LEAST, MAX_PROBES, RAISE_TIMER, MtuSearch, Phase, candidate

RTT = 0.05
MOST_PROBES, MOST_FULL = 70, 22
"""Of one search, nothing lost: probes sent, and their octets in packets of full size."""


def never(size, number):
    return False


class Path:
    """A path that carries `true` octets and loses what `loses(size, number)` says."""

    def __init__(self, link, true, loses=never, rtt=RTT, local=None, *, tells=False):
        self.true, self.loses, self.rtt = true, loses, rtt
        self.local = local
        """The kernel refuses what is larger than this."""
        self.tells = tells
        """A router on the way sends ICMP errors."""
        self.now = 1000.0
        self.search = MtuSearch(link)
        self.sent = []
        self._queue = []
        self._count = itertools.count()
        self.send(self.search.begin(self.at))

    @property
    def at(self):
        return Instant(self.now, self.now + 1e9)

    def send(self, probes):
        for probe in probes:
            if self.local is not None and probe.size > self.local:
                self.send(self.search.too_big(probe.sequence, self.at))
                continue
            self.sent.append((self.now, probe.size))
            if self.loses(probe.size, len(self.sent)):
                continue
            if probe.size <= self.true or self.tells:
                event = (self.now + self.rtt, next(self._count), probe)
                heapq.heappush(self._queue, event)

    def run(self, seconds):
        """All that happens in this time."""
        until = self.now + seconds
        while True:
            wake = self.search.next_wake()
            due = min((when for when in (wake, self._queue[0][0] if self._queue else None) if when is not None), default=None)  # fmt: skip
            if due is None or due > until:
                self.now = until
                return self
            self.now = max(self.now, due)
            if self._queue and self._queue[0][0] <= self.now:
                probe = heapq.heappop(self._queue)[2]
                if probe.size <= self.true:
                    self.send(self.search.answered(probe.sequence, self.at))
                else:
                    self.send(self.search.too_big(probe.sequence, self.at, self.true))
            else:
                before = wake
                self.send(self.search.tick(self.at))
                assert self.search.next_wake() != before, "a wake that leads to nothing"

    def settle(self, seconds=300):
        """Until the search is complete, or this time is over."""
        until = self.now + seconds
        while self.now < until and self.search.phase is not Phase.COMPLETE:
            self.run(0.01)
        return self

    @property
    def octets(self):
        return sum(size for _, size in self.sent)


def is_good(mtu, true, link):
    """The largest size that the table or the bisection would come to."""
    if true >= link:
        return mtu == link
    assert mtu <= true
    # Whatever lies between is not worth a probe, or would not be carried.
    ahead = candidate(mtu, true + 1)
    return ahead is None


def test_an_ordinary_path_costs_one_probe():
    path = Path(1500, 9000).run(0.1)
    assert (path.search.mtu, path.search.phase) == (1500, Phase.COMPLETE)
    assert path.sent == [(1000.0, 1500)]
    path.run(86400)
    assert len(path.sent) == 1


@pytest.mark.parametrize("true", [1499, 1492, 1480, 1420, 1358, 1280, 1200])
def test_what_the_world_has_is_found_in_seconds(true):
    path = Path(1500, true).settle()
    assert path.search.mtu == (true if true != 1499 else 1492)
    assert path.now - 1000 < 16
    assert path.octets < 25_000


def test_the_base_size_is_in_force_before_the_search_is_done():
    """The traffic goes on after MAX_PROBES losses, not at the end."""
    path = Path(1500, 1280).run(MAX_PROBES * 1.0 + RTT / 2)
    assert path.search.mtu == BASE
    assert path.search.phase is Phase.SEARCHING


@given(
    link=st.integers(577, 9000),
    true=st.integers(LEAST, 9000),
    rtt=st.sampled_from([0.001, 0.05, 0.7]),
)
def test_any_width_is_found(link, true, rtt):
    path = Path(link, true, rtt=rtt).settle()
    assert path.search.phase is Phase.COMPLETE
    assert is_good(path.search.mtu, true, link), path.search.mtu
    assert len(path.sent) <= MOST_PROBES
    assert path.octets <= MOST_FULL * link


@given(link=st.integers(600, 9000), true=st.integers(LEAST, 9000), seed=st.integers(0, 1 << 30))
def test_any_width_is_found_with_two_of_three_lost(link, true, seed):
    """As much as MAX_PROBES allows: of three probes of one size in a row one arrives."""
    spared = random.Random(seed)
    counts, lucky = {}, {}

    def loses(size, number):
        turn = counts[size] = counts.get(size, -1) + 1
        if turn % MAX_PROBES == 0:
            lucky[size] = spared.randrange(MAX_PROBES)
        # Pulses tell the rest from a path that is down.
        return size != 64 and turn % MAX_PROBES != lucky[size]

    path = Path(link, true, loses).settle(900)
    assert path.search.mtu is not None and path.search.mtu <= max(true, LEAST)
    path.run(20 * RAISE_TIMER)
    assert path.search.mtu <= true


@settings(max_examples=50)
@given(
    true=st.integers(LEAST, 1500), loss=st.floats(0, 0.5), seed=st.integers(0, 1 << 30)
)  # fmt: skip
def test_random_loss_never_promises_too_much_and_is_mended(true, loss, seed):
    chance = random.Random(seed)
    path = Path(1500, true, lambda size, number: chance.random() < loss).run(1800)
    assert path.search.mtu is None or path.search.mtu <= true
    path.loses = never
    # A step each ten minutes, at the least.
    path.run(20 * RAISE_TIMER)
    assert is_good(path.search.mtu, true, 1500)


@pytest.mark.parametrize("answered", [0, 64, 512])
def test_a_peer_that_answers_no_real_echo_shrinks_nothing(answered):
    path = Path(1500, answered).run(86400)
    assert path.search.mtu is None
    assert path.search.phase is Phase.ERROR or answered
    assert path.octets < (40_000 if not answered else 250_000)


def test_a_peer_that_begins_to_answer_is_measured_within_ten_minutes():
    path = Path(1500, 0).run(7200)
    path.true = 1400
    path.run(RAISE_TIMER + 30)
    assert path.search.mtu == 1400


def test_a_black_hole_is_found_when_it_is_suspected():
    path = Path(1500, 1500).run(100)
    path.true = 1300
    assert path.run(3600).search.mtu == 1500, "nothing asks by itself"
    path.send(path.search.suspect(path.at))
    path.run(3.1)
    assert path.search.mtu == BASE
    assert path.search.black_holes == 1
    assert path.settle().search.mtu == 1300
    assert path.search.black_holes == 1


def test_a_suspicion_without_reason_costs_one_probe():
    path = Path(1500, 1400).settle().run(10)
    sent = len(path.sent)
    for _ in range(3):
        path.send(path.search.suspect(path.at))
        path.run(1)
    assert [size for _, size in path.sent[sent:]] == [1400] * 3
    assert path.search.mtu == 1400


def test_a_suspicion_while_the_path_is_down_shrinks_nothing():
    path = Path(1500, 1500).run(100)
    path.true = 0
    path.send(path.search.suspect(path.at))
    path.run(300)
    assert path.search.mtu == 1500
    path.true = 1500
    path.run(RAISE_TIMER + 30)
    assert (path.search.mtu, path.search.phase) == (1500, Phase.COMPLETE)
    assert path.search.black_holes == 0


def test_a_path_that_grows_is_noticed_in_ten_minutes():
    for true, expected in ((1500, 1500), (1440, 1440)):
        path = Path(1500, 1300).settle()
        path.true = true
        path.run(RAISE_TIMER + 10)
        assert path.search.mtu == expected


def test_a_path_that_does_not_grow_costs_two_probes_in_ten_minutes():
    path = Path(1500, 1300).settle()
    sent = len(path.sent)
    path.run(86400)
    assert 280 <= len(path.sent) - sent <= 288
    assert sum(size for _, size in path.sent[sent:]) < 420_000


def test_what_the_kernel_refuses_costs_nothing():
    path = Path(9000, 9000, local=1500).settle()
    assert path.search.mtu == 1500
    assert all(size <= 1500 for _, size in path.sent)


def test_a_router_that_tells_is_believed_and_checked():
    path = Path(1500, 1334, tells=True).settle()
    assert path.search.mtu == 1334
    assert [size for _, size in path.sent][:2] == [1500, 1334]
    assert path.now - 1000 < 8


def test_a_router_that_lies_low_is_found_out():
    """A claim of 600 octets is tried, and what is carried beyond it is found."""
    path = Path(1500, 1500)
    path.true = 1400
    path.send(path.search.too_big(path.search._sequence, path.at, 600))
    assert path.settle().search.mtu == 1400


@pytest.mark.parametrize("sequence", [0, 7, 65535])
def test_answers_to_what_was_never_asked_change_nothing(sequence):
    path = Path(1500, 0)
    before = path.search.next_wake()
    assert path.search.answered(sequence, path.at) == []
    assert path.search.too_big(sequence, path.at, 600) == []
    assert (path.search.mtu, path.search.next_wake()) == (None, before)


def test_late_answers_count():
    """A satellite's delay, or a full queue's: longer than the first timer."""
    path = Path(1500, 1500, rtt=2.5).run(4)
    assert (path.search.mtu, path.search.phase) == (1500, Phase.COMPLETE)


def test_a_link_too_thin_to_measure_is_left_alone():
    assert Path(500, 500).run(86400).sent == []
