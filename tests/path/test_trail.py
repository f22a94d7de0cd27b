"""What is remembered of a path's rates: five minutes, and nothing across two tunnels."""

from router.path.trail import Trail


def test_rates_are_taken_over_five_seconds_and_more():
    trail = Trail()
    for at, down, up in ((0, 0, 0), (1, 9, 9), (5, 625_000, 62_500), (17, 625_000, 62_500)):
        trail.look(down, up, at)
    assert trail.told(20) == [(15, 5, 1000, 100), (3, 12, 0, 0)]


def test_another_tunnels_counters_are_not_compared():
    trail = Trail()
    for at, octets in ((0, 5000), (5, 10_000), (10, 100), (15, 725)):
        trail.look(octets, octets, at)
    assert trail.told(15) == [(10, 5, 8, 8), (0, 5, 1, 1)]
    trail.end()
    trail.look(1_000_000, 1_000_000, 20)
    trail.look(1_000_625, 1_000_000, 25)
    assert trail.told(25)[-1] == (0, 5, 1, 0)


def test_what_is_older_than_five_minutes_is_forgotten():
    trail = Trail()
    for at in range(0, 2000, 5):
        trail.look(at, at, at)
    assert len(trail.told(1995)) == 60
    assert trail.told(2400) == []
