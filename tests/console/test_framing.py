"""Frames in noise, and requests that are answered rightly or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.control.answering import Answerer
from router.control.client import ControlError
from router.control.envelope import pack, pack_error, unpack
from router.control.framing import MAX_DATA, Frame, Kind, Reader, encode
from tests.console.virtual_line import VirtualLine

FRAMES = st.builds(
    Frame,
    st.sampled_from(Kind),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.integers(1, 255),
    st.integers(0, 0xFFFFFF),
    st.integers(0, 0xFFFFFF),
    st.binary(max_size=MAX_DATA),
)
FRAME = Frame(Kind.DATA, 1, 2, 240, 3, 400, b"\x1e\x7d\x03\x11\x13 text")
TEXT = st.binary(min_size=1, max_size=30).filter(lambda text: 0x1E not in text)


def frames(found):
    return [part for part in found if isinstance(part, Frame)]


@given(st.lists(st.one_of(FRAMES, TEXT)), st.integers(1, 50))
def test_frames_and_text_come_apart(parts, step):
    stream = b"".join(encode(part) if isinstance(part, Frame) else part for part in parts)
    reader, found = Reader(), []
    for at in range(0, len(stream), step):
        found += reader.feed(stream[at : at + step], 0.0)
    text = b"".join(part for part in found if not isinstance(part, Frame))
    assert frames(found) == [part for part in parts if isinstance(part, Frame)]
    assert text == b"".join(part for part in parts if not isinstance(part, Frame))
    assert reader.spoilt == 0


def test_what_terminals_take_for_theirs_is_not_on_the_line():
    inner = encode(FRAME)[1:-1]
    assert not set(inner) & {0x1E, 0x03, 0x11, 0x13}


@given(st.data())
def test_a_spoilt_frame_costs_no_other(data):
    octets = bytearray(encode(FRAME))
    at = data.draw(st.integers(0, len(octets) - 1))
    if data.draw(st.booleans()):
        del octets[at]
    else:
        octets[at] ^= 1 << data.draw(st.integers(0, 7))
    found = frames(Reader().feed(bytes(octets) + 2 * encode(FRAME), 0.0))
    assert found[-2:] == [FRAME, FRAME]
    assert set(found) == {FRAME}


def test_somebodys_text_is_text_again_a_while_after_a_flag_that_was_noise():
    reader = Reader()
    assert reader.feed(b"\x1e", 0.0) == []
    assert reader.feed(b"x", 1.0) == []
    assert reader.feed(b"status\r", 2.5) == [b"status\r"]
    assert reader.spoilt == 1


def test_without_end_a_frame_is_given_up():
    reader = Reader()
    assert reader.feed(b"\x1e" + b"x" * 5000, 0.0) == []
    assert reader.feed(b"text", 0.0) == [b"text"]


@given(st.binary(max_size=400))
def test_any_octets_are_taken(octets):
    assert not frames(Reader().feed(octets, 0.0))


def reverse(request):
    return request[::-1]


@pytest.mark.parametrize("speed", [9600, 115200])
@pytest.mark.parametrize("size", [1, 60, 5000])
def test_a_clean_line_is_used_well(speed, size):
    line = VirtualLine(lambda request: b"x" * size, speed)
    for number in range(20):
        assert line.ask(b"%d" % number) == b"x" * size
    assert sum(reader.spoilt for reader in line.readers) == 0
    assert line.sent < 20 * (1.15 * size + 3 * 24)


def test_a_noisy_line_answers_rightly():
    done = []

    def answer(request):
        done.append(request)
        return request + b" is answered " + request * 20

    line = VirtualLine(answer, noise=0.01)
    asked = [b"request %d" % number for number in range(300)]
    for request in asked:
        assert line.ask(request) == request + b" is answered " + request * 20
    assert sum(reader.spoilt for reader in line.readers) > 300
    assert done == asked, "each request is done once"


def test_a_long_request_and_a_long_answer_through_noise():
    line = VirtualLine(reverse, noise=0.01, seed=3)
    request = bytes(range(256)) * 12
    assert line.ask(request) == request[::-1]


def test_pieces_grow_and_shrink_with_the_line():
    line = VirtualLine(lambda request: b"x" * 4000)
    line.ask(b"a")
    assert line.line.piece == MAX_DATA
    line.noise = 0.01
    line.ask(b"b")
    assert line.line.piece < 100


def test_a_router_that_has_forgotten_says_so():
    line = VirtualLine(reverse)
    line.ask(b"hello")
    line.answerer.end()
    assert line.ask(b"status") is None


def test_a_busy_router_is_asked_again_and_does_it_once():
    answerer = Answerer()
    request = Frame(Kind.REQUEST, 7, 0, total=5, data=b"hello")
    assert [frame.kind for frame in answerer.receive(request)] == [Kind.ACCEPTED]
    assert answerer.request == b"hello"
    read = Frame(Kind.READ, 7, 0, total=100)
    assert [frame.kind for frame in answerer.receive(read)] == [Kind.BUSY]
    assert [frame.kind for frame in answerer.receive(request)] == [Kind.ACCEPTED]
    (pushed,) = answerer.answer(b"world")
    assert answerer.request is None
    assert (pushed.kind, pushed.data) == (Kind.DATA, b"world")
    assert answerer.receive(request) == answerer.receive(read) == [pushed]


def test_late_copies_of_an_old_request_do_nothing():
    answerer = Answerer()
    for number in range(3):
        answerer.receive(Frame(Kind.REQUEST, 7, number, total=1, data=b"x"))
        answerer.answer(b"y")
    assert answerer.receive(Frame(Kind.REQUEST, 7, 1, total=1, data=b"x")) == []
    assert answerer.receive(Frame(Kind.REQUEST, 7, 9, total=1, data=b"x")) == []
    assert answerer.request is None


def test_a_stranger_is_told_so_and_a_new_one_says_hello_first():
    answerer = Answerer()
    assert [frame.kind for frame in answerer.receive(Frame(Kind.READ, 9, 4))] == [Kind.UNKNOWN]
    assert answerer.receive(Frame(Kind.DATA, 9, 4)) == []
    answerer.receive(Frame(Kind.REQUEST, 9, 0, total=1, data=b"x"))
    answerer.receive(Frame(Kind.BYE, 9, 0))
    assert answerer.session is None


def test_a_request_without_measure_is_not_taken():
    answerer = Answerer()
    answerer.receive(Frame(Kind.REQUEST, 9, 0, total=0xFFFFFF, data=b"x"))
    assert answerer.request is None


@given(st.one_of(st.binary(), st.text(), st.lists(st.integers()), st.dictionaries(st.text(), st.booleans())))
def test_an_answer_is_what_was_answered(value):
    assert unpack(pack(value)) == value


def test_an_error_is_an_error_and_noise_is_none():
    with pytest.raises(ControlError, match="no such uplink"):
        unpack(pack_error("no such uplink" * 50))
    for octets in (b"", b"x", b"jnonsense", b"J{"):
        with pytest.raises(ValueError):
            unpack(octets)
