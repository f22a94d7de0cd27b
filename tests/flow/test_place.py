import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from router.flow.buckets import SIZE
from router.flow.place import Candidate, believed, candidate, competing, offers, place, shares
from router.path.quality import Quality

FAT, MIDDLE, THIN = Candidate(1, 40_000, 20_000), Candidate(2, 15_000, 7_000), Candidate(3, 5_000, 2_500)

rates = st.one_of(st.floats(0, 1e7), st.sampled_from([math.nan, math.inf, -1.0, 0.0]))
candidates = st.lists(
    st.builds(
        Candidate,
        st.integers(1, 15),
        rates,
        rates,
        st.floats(0, 1),
        st.integers(0, 1000),
        rates,
        rates,
        st.sampled_from(["all", "new", "nothing"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.path,
)


def busy(one, active):
    return replace(one, active=active, down_load=one.down, up_load=one.up / 10)


def test_one_flow_goes_where_it_gets_most():
    assert set(place([FAT, MIDDLE, THIN], arrivals=0.01)) == {1}
    assert set(place([busy(FAT, 4), MIDDLE, THIN], arrivals=0.01)) == {2}


def test_many_flows_at_once_spread_by_capacity():
    buckets = place([FAT, MIDDLE, THIN], arrivals=200)
    assert [buckets.count(path) for path in (1, 2, 3)] == [43, 16, 5]


def test_some_flows_leave_the_thin_path_dark():
    parts = shares([FAT, MIDDLE, THIN], arrivals=2)
    assert set(parts) == {1, 2}
    assert parts[1] > parts[2] > 0


def test_parts_level_the_added_delay():
    parts = shares([busy(FAT, 3), busy(MIDDLE, 1), THIN], arrivals=6)
    growth = [(2 * n + 1 + 2 * 6 * parts[path]) / c for path, n, c in ((1, 3, 40), (2, 1, 15), (3, 0, 5))]
    assert max(growth) < 1.05 * min(growth)


def test_no_path_no_buckets():
    assert place([]) == ()
    assert shares([], 1.0) == {}


def test_a_small_gain_changes_nothing():
    before = place([FAT, MIDDLE, THIN], arrivals=3)
    trembling = [replace(FAT, down=38_000), replace(MIDDLE, down=15_500), THIN]
    assert place(trembling, before, arrivals=3) == before


def test_a_path_that_is_gone_keeps_no_bucket_and_the_others_keep_theirs():
    before = place([FAT, MIDDLE, THIN], arrivals=200)
    after = place([FAT, THIN], before, arrivals=200)
    assert set(after) == {1, 3}
    assert all(now == then for now, then in zip(after, before, strict=True) if then != 2)


def test_a_path_that_is_back_gets_new_flows_and_a_silent_one_none():
    back, silent = replace(FAT, takes="new"), replace(FAT, takes="nothing")
    assert 1 in place([back, busy(MIDDLE, 1)], arrivals=1)
    assert 1 not in place([silent, busy(MIDDLE, 50)], arrivals=50)


def test_when_every_path_is_silent_they_are_used_all_the_same():
    assert set(place([replace(FAT, takes="nothing")], arrivals=1)) == {1}


def test_an_idle_path_of_which_little_is_known_is_tried():
    unknown = replace(THIN, confidence=0.1)
    assert place([FAT, unknown], arrivals=0.1).count(3) == 1
    # And once it is in force, it stays.
    before = place([FAT, unknown], arrivals=0.1)
    assert place([FAT, unknown], before, arrivals=0.1) == before


def test_what_is_carried_can_be_carried():
    assert believed(5_000, 8_000, 2, 1.0) == 8_000


def test_a_counter_gone_mad_does_not_draw_all_flows():
    assert believed(5_000, 4e9, 1, 0.3) == 10_000


def test_a_doubted_estimate_is_lowered_by_what_comes_and_a_trusted_one_is_not():
    assert believed(40_000, 10_000, 4, 1.0) == 40_000
    assert 10_000 <= believed(40_000, 10_000, 4, 0.2) < 20_000
    assert believed(40_000, 10_000, 0, 0.2) == 40_000


def test_a_bad_sample_starves_no_path():
    assert believed(40_000, 0, 10, 0.0) == 10_000


def test_upload_traffic_is_placed_by_what_goes_up():
    down_rich, up_rich = Candidate(1, 40_000, 4_000), Candidate(2, 10_000, 10_000)
    assert set(place([down_rich, up_rich], arrivals=0.01)) == {1}
    uploading = [replace(down_rich, up_load=4_000), replace(up_rich, up_load=9_000)]
    assert set(place(uploading, arrivals=0.01)) == {2}


def test_downloads_do_not_make_the_upward_estimate_doubtful():
    plain = replace(FAT, confidence=0.2, active=3, down_load=40_000, up_load=300)
    assert offers([plain])[1] == offers([replace(plain, confidence=1.0)])[1]


def test_flows_that_want_little_do_not_compete():
    assert competing([(20.0, 100.0)] * 10, 40_000) == 0
    assert competing([(20.0, 100.0)] * 10 + [(20.0, 36_000.0)], 40_000) == 1
    assert competing([(20.0, 4_000.0)] * 10, 40_000) == 10
    assert competing([(0.1, 0.0)] * 3, 40_000) == 3
    assert competing([], 40_000) == 0


def quality(liveness="up", suppressed=False):
    return Quality(4, liveness, 9_000, 3_000, 0.6, "delivered", suppressed=suppressed)


def test_liveness_says_what_a_path_takes():
    assert candidate(quality(), 2, 10.0, 1.0) == Candidate(4, 9_000, 3_000, 0.6, 2, 10.0, 1.0)
    assert candidate(quality("probation"), 0, 0, 0).takes == "new"
    assert candidate(quality("suspect"), 0, 0, 0).takes == "nothing"
    assert candidate(quality("down"), 0, 0, 0) is None
    flapping = candidate(quality(suppressed=True), 0, 0, 0)
    assert flapping.takes == "nothing" and flapping.drain


@given(candidates, st.one_of(st.floats(0, 1e5), st.just(math.nan)))
def test_any_input_gives_a_whole_map(found, arrivals):
    buckets = place(found, arrivals=arrivals)
    assert len(buckets) == SIZE
    assert set(buckets) <= {one.path for one in found}
    assert place(found, buckets, arrivals) == buckets
