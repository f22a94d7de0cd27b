"""The line graph of `roamctl modem signal --watch`."""

from hypothesis import given
from hypothesis import strategies as st

from router.control.graph import graph


def test_a_falling_signal_goes_down_from_left_to_right():
    lines = graph([-80.0, -90.0, -100.0], 40, 5, "dBm").split("\n")
    assert lines[0] == "   -80 dBm|*"
    assert lines[2] == "   -90 dBm| *"
    assert lines[4] == "  -100 dBm|  *"
    assert (lines[1][10:], lines[3][10:]) == ("| |", "|  |")


def test_noise_is_no_mountain():
    lines = graph([-90.0, -91.0, -90.0, -91.0], 40, 10, "dBm").split("\n")
    rows = {row for row, line in enumerate(lines) if "*" in line}
    assert max(rows) - min(rows) <= 1


def test_a_gap_stays_empty():
    drawn = graph([-90.0, None, -90.0], 40, 5, "dBm")
    assert [line[11:] for line in drawn.split("\n") if "*" in line] == ["* *"]
    assert graph([None, None], 40, 5, "dBm").startswith("(no signal known)")


@given(st.lists(st.none() | st.floats(-150, 0), max_size=300), st.integers(20, 200), st.integers(3, 60))
def test_it_fits_the_screen(values, width, height):
    lines = graph(values, width, height, "dBm").split("\n")
    assert len(lines) == height
    assert max(map(len, lines)) <= width
