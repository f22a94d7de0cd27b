from hypothesis import given
from hypothesis import strategies as st

from router.flow.buckets import SIZE, assign, quotas

weights = st.dictionaries(st.integers(1, 15), st.floats(0.1, 1e6), min_size=1, max_size=15)


def test_buckets_follow_the_weights():
    assert quotas({1: 20_000, 2: 5_000}) == {1: 51, 2: 13}


def test_a_thin_path_still_gets_a_bucket():
    assert quotas({1: 1_000_000, 2: 100})[2] == 1


def test_nothing_living_means_no_buckets():
    assert assign({}) == ()
    assert assign({1: 0.0}) == ()


@given(weights)
def test_every_bucket_belongs_to_a_path_with_weight(weights):
    buckets = assign(weights)
    assert len(buckets) == SIZE
    assert set(buckets) == set(weights)


@given(weights, weights)
def test_a_change_moves_no_more_than_it_must(before, after):
    old = assign(before)
    new = assign(after, old)
    moved = sum(1 for a, b in zip(old, new, strict=True) if a != b)
    gained = sum(max(0, new.count(path) - old.count(path)) for path in after)
    assert moved == gained


@given(weights)
def test_unchanged_weights_move_nothing(weights):
    buckets = assign(weights)
    assert assign(weights, buckets) == buckets


def test_a_lost_path_leaves_the_others_buckets_alone():
    old = assign({1: 10, 2: 10, 3: 10})
    new = assign({1: 10, 3: 10}, old)
    assert all(b == a for a, b in zip(old, new, strict=True) if a != 2)
    assert 2 not in new
