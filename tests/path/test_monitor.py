"""One path whole: a link with a queue on one side, the monitor on the other, and a clock that is stepped."""

import pytest

from router.clock import Instant
from router.path.budget import DEFAULT, METERED
from router.path.capacity import Capacity
from router.path.delivery import Counters
from router.path.monitor import PathMonitor
from router.path.stamp import Reflection

STEP = 0.02
OVERHEAD = 20
GUESS = Capacity(40_000, 15_000, "configured", 1.0)


class Link:
    """Rates in kbit/s; `demand` None is a greedy flow, which keeps a queue of `depth` seconds."""

    def __init__(self, limit=DEFAULT, prior=GUESS, reflector=True):
        self.monitor = PathMonitor(1, limit, prior)
        self.now = 1000.0
        self.offset = 0.0
        self.rate = {"down": 40_000.0, "up": 15_000.0}
        self.demand = {"down": 0.0, "up": 0.0}
        self.depth, self.base = 0.06, 0.04
        self.reflector, self.dead = reflector, False
        self.octets = {"down": 0.0, "up": 0.0}
        self.probes = []
        self._answers = []
        self.monitor.begin(OVERHEAD, "192.0.2.1", self.at)
        self.run(3)

    @property
    def at(self):
        return Instant(self.now, self.now + self.offset)

    def queue(self, way):
        return self.depth if self.demand[way] is None else 0.0

    def counters(self):
        down, up = (int(self.octets[way]) for way in ("down", "up"))
        return Counters(down, up, down // 1000, up // 1000)

    def run(self, seconds):
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now += STEP
            for way, rate in self.rate.items():
                demand = rate if self.demand[way] is None else min(rate, self.demand[way])
                self.octets[way] += 0 if self.dead and way == "down" else demand * STEP * 125
            self._answer()
            if self.now < self.monitor.next_wake(self.now):
                continue
            self.monitor.look(self.counters(), self.at)
            for probe in self.monitor.tick(self.at):
                self._sent(probe)

    def _sent(self, probe):
        self.probes.append((self.now, probe.kind))
        if self.dead or (probe.kind == "stamp" and not self.reflector):
            return
        up, down = (self.base / 2 + self.queue(way) for way in ("up", "down"))
        packets = int(self.octets["up"]) // 1000
        sent = self.now + self.offset
        answer = Reflection(probe.sequence, sent, sent + up + 77, sent + up + 77, (packets, packets, 0))
        self._answers.append((self.now + up + down, sent, probe, answer))

    def _answer(self):
        for due in [item for item in self._answers if item[0] <= self.now]:
            self._answers.remove(due)
            when, sent, probe, answer = due
            arrived = when + self.offset
            if probe.kind == "stamp":
                self.monitor.reflected(answer, arrived, self.at)
            else:
                self.monitor.answered(probe.sequence, arrived - sent, self.at)

    @property
    def quality(self):
        return self.monitor.quality(self.at)


def test_a_fresh_path_is_up_and_has_its_round_trip():
    quality = Link().quality
    assert quality.liveness == "up"
    assert quality.rtt == pytest.approx(0.04, abs=STEP)
    assert (quality.down, quality.up, quality.source) == (40_000, 15_000, "configured")


def test_steady_traffic_below_the_estimate_costs_no_octet():
    link = Link()
    link.demand = {"down": 2_000, "up": 1_000}
    link.run(5)
    spent = link.monitor.budget.spent(link.now)
    link.run(300)
    assert link.monitor.budget.spent(link.now) == spent
    assert link.quality.down == 40_000


@pytest.mark.parametrize("limit", [DEFAULT, METERED])
def test_an_idle_path_costs_little(limit):
    link = Link(limit)
    spent = link.monitor.budget.spent(link.now)
    link.run(3600)
    assert 0 < (link.monitor.budget.spent(link.now) - spent) / 3600 <= min(20, limit / 86400)


@pytest.mark.parametrize("reflector", [True, False])
@pytest.mark.parametrize("way", ["down", "up"])
def test_a_link_that_falls_is_followed_and_its_return_too(reflector, way):
    link = Link(reflector=reflector)
    other = {"down": "up", "up": "down"}[way]
    link.demand = {way: None, other: 300}
    link.run(10)
    assert getattr(link.quality, way) == pytest.approx(link.rate[way], rel=0.1)
    before, kept = link.rate[way], getattr(link.quality, other)
    link.rate[way] = before / 4
    link.run(3)
    assert getattr(link.quality, way) == pytest.approx(before / 4, rel=0.15)
    assert getattr(link.quality, other) == pytest.approx(kept, rel=0.05), "the other way is not to blame"
    link.rate[way] = before
    link.run(2)
    assert getattr(link.quality, way) == pytest.approx(before, rel=0.1)


@pytest.mark.parametrize("way", ["down", "up"])
def test_a_guess_far_too_high_is_found_out_by_traffic_that_fills_the_link(way):
    link = Link(prior=Capacity(80_000, 30_000, "radio", 0.2))
    link.rate = {"down": 6_000.0, "up": 3_000.0}
    link.demand[way] = None
    link.run(5)
    assert getattr(link.quality, way) == pytest.approx(link.rate[way], rel=0.15)
    assert "inflated" in link.quality.source


def test_a_guess_far_too_low_is_raised_by_what_is_delivered():
    link = Link(prior=Capacity(1_000, 500, "default", 0.05))
    link.demand = {"down": 10_000, "up": 5_000}
    link.run(5)
    assert link.quality.down == pytest.approx(10_000, rel=0.1)
    assert link.quality.up == pytest.approx(5_000, rel=0.1)
    assert link.quality.confidence > 0.9


def test_without_a_reflector_echoes_do_and_it_is_asked_again_only_after_a_while():
    link = Link(reflector=False)
    link.demand["down"] = None
    link.run(60)
    kinds = [kind for _, kind in link.probes]
    assert 3 <= kinds.count("stamp") <= 5
    assert kinds.count("echo") > 100


def test_a_black_hole_under_a_transfer():
    link = Link()
    link.demand = {"down": None, "up": 300}
    link.run(5)
    link.dead = True
    start = link.now
    while link.quality.liveness != "down":
        link.run(STEP)
        assert link.now - start < 1.0
    assert link.now - start < 0.8
    assert link.quality.penalty == pytest.approx(1000, rel=0.01)


def test_a_clock_that_is_stepped_harms_nothing():
    link = Link()
    link.demand["down"] = None
    link.run(3)
    before = link.quality
    for number in range(100):
        link.offset += (-3600, 7200, 0.5)[number % 3]
        link.run(0.1)
    after = link.quality
    assert after.liveness == "up"
    assert after.rtt == pytest.approx(before.rtt, rel=0.7)
    assert after.down == pytest.approx(40_000, rel=0.1)
    assert link.monitor.oddities > 0


def test_a_device_made_anew_under_the_same_name():
    link = Link()
    link.demand = {"down": 20_000, "up": 5_000}
    link.run(5)
    before = link.quality
    link.octets = {"down": 0.0, "up": 0.0}
    link.run(1)
    assert link.quality.liveness == "up"
    assert link.quality.down == pytest.approx(before.down, rel=0.05)
    assert link.monitor.oddities == 1


def test_answers_nobody_asked_for_are_nobodys():
    link = Link()
    assert not link.monitor.answered(54321, 0.01, link.at)
    answer = Reflection(54321, 0, 0, 0, None)
    assert not link.monitor.reflected(answer, 0, link.at)


def test_a_spent_budget_leaves_the_path_up():
    link = Link(limit=1_000)
    link.run(3600)
    link.demand["down"] = None
    link.run(3)
    link.dead = True
    link.run(20)
    assert link.quality.liveness in ("up", "down")
    assert link.monitor.budget.spent(link.now) <= 1_000


def test_another_care_of_address_is_another_path():
    link = Link()
    link.demand = {"down": 60_000, "up": 0}
    link.rate["down"] = 60_000
    link.run(5)
    assert link.quality.down > 50_000
    link.monitor.end(link.at)
    link.monitor.begin(OVERHEAD, "192.0.2.2", link.at)
    assert (link.quality.down, link.quality.rtt) == (40_000, None)
    assert link.quality.liveness == "probation"
