import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.sim.csv_trace import TraceError, read_traces

GOOD = """\
# a drive
time,link,down,up,delay,loss,technology,sinr
100,lte,12000,4000,45,0.01,E-UTRAN,11
100,wifi,30000,30000,8,,,

101,lte,,,,,,9
102,wifi,0,0
"""


def read(text):
    return {link.name: link for link in read_traces(text.splitlines(), "t.csv")}


def test_links_in_order_of_appearance_from_zero_on():
    links = read(GOOD)
    assert list(links) == ["lte", "wifi"]
    assert links["lte"].times == (0.0, 1.0)
    assert links["wifi"].at(1.9).down == 30_000
    assert links["wifi"].at(2.0).down == 0
    assert links["lte"].at(0).delay == 0.045


def test_what_is_missing_goes_on_and_is_counted():
    lte = read(GOOD)["lte"]
    assert lte.at(1).down == 12_000 and lte.at(1).loss == 0.01
    assert lte.at(1).radio == {"technology": "E-UTRAN", "sinr": 9.0}
    assert lte.holes == 4


def test_lost_packets_are_sent_again():
    assert read(GOOD)["lte"].at(0).goodput == pytest.approx(11_880)


def test_a_rate_up_that_is_not_told_is_half_of_down():
    assert read("time,link,down\n0,a,100\n1,a,40\n")["a"].at(1).up == 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "t.csv: no rows; expected a header line"),
        ("time,link,down\n", "no rows"),
        ("time,link\n0,a\n", "line 1: no column down; expected time, link, down"),
        ("time,link,down,colour\n0,a,1,red\n", "line 1: column 'colour' is unknown; expected some of time,"),
        ("time,link,down,down\n0,a,1,1\n", "column 'down' is there twice"),
        ("time,link,down\n0,a,fast\n", "line 2, column down: 'fast'; expected kbit/s, 0..100000000"),
        ("time,link,down\n0,a,-1\n", "line 2, column down: '-1'; expected kbit/s"),
        ("time,link,down\n0,a,nan\n", "line 2, column down: 'nan'"),
        ("time,link,down\n,a,1\n", "line 2, column time: empty; expected seconds"),
        ("time,link,down\n0,,1\n", "line 2, column link: empty; expected a name"),
        ("time,link,down\n5,a,1\n4,a,1\n", "line 3, column time: 4 lies before 5"),
        ("time,link,down\n0,a,1,2,3\n", "line 2: 5 values; expected 3 at most"),
        (
            "time,link,down,loss\n0,a,1,1.5\n",
            "line 2, column loss: '1.5'; expected a part of the packets, 0..1",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, words):
    with pytest.raises(TraceError) as error:
        read(text)
    assert words in str(error.value)


@given(st.text(alphabet="time,link,down\n0a1.-\"'#\x00é", max_size=80))
def test_any_text_is_read_or_refused(text):
    try:
        read("time,link,down\n" + text)
    except TraceError as error:
        assert "t.csv" in str(error)
