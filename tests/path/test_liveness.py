"""When a path is suspected, proven down, and up again, by a stepped clock."""

import pytest

from router.path.liveness import ASKED, GOOD, PROBATION, Liveness

PATIENCE, IDLE, LOOK = 0.1, 10.0, 0.05


class Path:
    """A tunnel with so many packets a second out and in, and a peer that answers after 20 ms, or does not."""

    def __init__(self, *, known=True):
        self.live = Liveness()
        self.now = 100.0
        self.out = self.back = 0.0
        self.answers = True
        self.probes = []
        self._owed = [0.0, 0.0]
        self._waiting = []
        self.live.begin(self.now)
        if known:
            self.run(2)
            self.probes.clear()

    def run(self, seconds, until=None):
        """Step on; the seconds it took until the state was `until`."""
        start = self.now
        while self.now - start < seconds - 1e-9:
            self.now += LOOK
            for due in [due for due in self._waiting if due <= self.now]:
                self._waiting.remove(due)
                self.live.answered(self.now)
            passed = []
            for way, rate in enumerate((self.out, self.back)):
                self._owed[way] += rate * LOOK
                passed.append(int(self._owed[way]))
                self._owed[way] -= passed[-1]
            self.live.carried(*passed, self.now, PATIENCE)
            purpose = self.live.tick(self.now, PATIENCE, IDLE)
            if purpose is not None:
                self.probes.append((round(self.now - start, 2), purpose))
                self.live.probed(self.now)
                if self.answers:
                    self._waiting.append(self.now + 0.02)
            if self.live.state == until:
                return self.now - start
        return None

    def hole(self):
        """Nothing comes back any more."""
        self.back, self.answers = 0.0, False


def test_steady_two_way_traffic_needs_no_probe():
    path = Path()
    path.out = path.back = 50
    path.run(600)
    assert path.probes == []
    assert path.live.state == "up"


def test_an_idle_path_is_asked_now_and_then():
    path = Path()
    path.run(100)
    assert 9 <= len(path.probes) <= 11
    assert {purpose for _, purpose in path.probes} == {"idle"}


@pytest.mark.parametrize(("out", "back"), [(1000, 2000), (50, 50), (300, 0)])
def test_a_silent_black_hole_under_traffic_is_found_fast(out, back):
    path = Path()
    path.out, path.back = out, back or 100
    path.run(5)
    path.hole()
    assert path.run(5, until="down") <= 0.75


def test_a_download_that_breaks_off_is_found_although_nothing_is_sent():
    path = Path()
    path.out, path.back = 100, 1000
    path.run(5)
    path.hole()
    path.out = 0
    assert path.run(5, until="down") <= 0.6


def test_a_first_packet_into_a_hole_is_enough():
    path = Path()
    path.run(3)
    path.hole()
    path.out = 1
    assert path.run(5, until="down") <= 2.0


def test_an_idle_path_that_dies_is_found_by_the_look_at_it():
    path = Path()
    path.hole()
    assert path.run(60, until="down") <= IDLE + 1


def test_a_single_lost_probe_proves_nothing():
    path = Path()
    path.answers = False
    while path.live.state != "suspect":
        path.run(LOOK)
    path.answers = True
    path.run(1)
    assert path.live.state == "up"
    assert path.live.losses == 0


def test_anything_out_of_the_tunnel_ends_suspicion():
    path = Path()
    path.out, path.back = 100, 1000
    path.run(5)
    path.hole()
    path.run(5, until="suspect")
    path.back = 1000
    path.run(LOOK)
    assert path.live.state == "up"


def test_one_way_traffic_is_never_taken_for_a_hole_and_asked_about_seldom():
    path = Path()
    path.out = 100
    assert path.run(600, until="down") is None
    assert len(path.probes) < 600 * 1.2


def test_who_never_answered_a_probe_is_never_proven_down():
    path = Path(known=False)
    path.answers = False
    path.out, path.back = 100, 1000
    path.run(5)
    path.hole()
    assert path.run(3600, until="down") is None
    assert len(path.probes) < 30


def test_back_up_is_slow_and_by_probation():
    path = Path()
    path.hole()
    path.run(60, until="down")
    path.run(5)
    path.answers = True
    took = path.run(60, until="probation")
    assert took >= (GOOD - 1) * 0.5
    assert path.run(60, until="up") == pytest.approx(PROBATION, abs=2 * LOOK)


def test_an_answer_now_and_then_is_not_enough():
    path = Path()
    path.hole()
    path.run(60, until="down")
    for _ in range(20):
        path.answers = True
        path.run(0.6)
        path.answers = False
        path.run(3)
    assert path.live.state == "down"


def test_a_path_that_stays_down_is_asked_ever_less_often():
    path = Path()
    path.hole()
    path.run(60, until="down")
    path.probes.clear()
    path.run(600)
    assert 55 <= len(path.probes) <= 75


def test_hard_evidence_needs_no_probe_and_a_return_is_on_probation():
    path = Path()
    path.live.end(path.now)
    assert path.live.state == "down"
    assert path.run(60) is None and path.probes == []
    path.live.begin(path.now)
    assert path.live.state == "probation"


def test_trouble_on_probation_is_trouble_and_a_false_alarm_does_not_lengthen_it():
    path = Path()
    path.live.end(path.now)
    path.live.begin(path.now)
    path.out, path.back = 100, 1000
    path.run(5)
    path.out = path.back = 0
    assert path.run(1, until="suspect") is not None
    assert path.run(6, until="up") is not None
    path.live.end(path.now)
    path.live.begin(path.now)
    path.back = 1000
    path.run(3)
    path.hole()
    assert path.run(2, until="down") is not None
    assert path.live.losses == 3


def test_without_octets_for_probes_nobody_is_suspected():
    path = Path()
    path.out, path.back = 100, 1000
    path.run(5)
    path.hole()
    path.run(5, until="suspect")
    path.live.denied(path.now)
    assert path.live.state == "up"
    assert path.run(30, until="suspect") is None


def test_transfers_that_end_cost_a_probe_each_and_slow_suspicion_only_for_a_while():
    path = Path()
    for _ in range(10):
        path.out, path.back = 100, 1000
        path.run(2)
        path.out = path.back = 0
        path.run(2)
    assert len(path.probes) <= 12
    assert ASKED == 3 and path.live.state == "up"
    path.out, path.back = 100, 1000
    path.run(1)
    path.hole()
    assert path.run(5, until="down") <= 1.1
