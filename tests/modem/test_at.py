"""The AT engine: what a line may do, and what comes of it."""

import random

import pytest

from modem.at import MAX_LINE, Engine, Response, TimedOut, Unsolicited


def talk(engine, command, answer, timeout=1.0, now=0.0):
    engine.send(command, timeout)
    assert engine.output(now).endswith(b"AT" + command.encode() + b"\r")
    return engine.feed(answer, now)


def only(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_a_plain_answer():
    (event,) = talk(Engine(), "+CSQ", b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
    assert (event.command, event.lines, event.result, event.ok) == ("+CSQ", ["+CSQ: 20,99"], "OK", True)


def test_an_echo_is_no_line():
    (event,) = talk(Engine(), "+CGMI", b"AT+CGMI\r\r\nQuectel\r\n\r\nOK\r\n")
    assert event.lines == ["Quectel"]


@pytest.mark.parametrize("result", ["ERROR", "+CME ERROR: 10", "+CMS ERROR: SIM failure", "NO CARRIER"])
def test_failures(result):
    (event,) = talk(Engine(), "D*99#", b"\r\n" + result.encode() + b"\r\n")
    assert (event.ok, event.result) == (False, result)


def test_numeric_results():
    (event,) = talk(Engine(), "V0", b"0\r")
    assert event.ok
    (event,) = talk(Engine(), "+X", b"4\r")
    assert not event.ok


def test_an_unsolicited_line_in_the_middle_of_an_answer():
    events = talk(Engine(), "+COPS?", b'\r\n+CREG: 1\r\n\r\n+COPS: 0,0,"T",7\r\n\r\nRING\r\n\r\nOK\r\n')
    assert [event.line for event in only(events, Unsolicited)] == ["+CREG: 1", "RING"]
    assert only(events, Response)[0].lines == ['+COPS: 0,0,"T",7']


def test_unsolicited_between_commands():
    (event,) = Engine().feed(b'\r\n+QIND: "act","LTE"\r\n', 0.0)
    assert event.line == '+QIND: "act","LTE"'


def test_octet_by_octet_is_the_same():
    engine = Engine()
    engine.send("+CGSN")
    engine.output(0.0)
    events = [
        event for octet in b"\r\n861075023456789\r\n\r\nOK\r\n" for event in engine.feed(bytes([octet]), 0.0)
    ]
    assert events[0].lines == ["861075023456789"]


def test_commands_wait_for_their_turn():
    engine = Engine()
    engine.send("I")
    engine.send("+CSQ")
    assert engine.output(0.0) == b"ATI\r"
    assert engine.output(0.0) == b""
    engine.feed(b"OK\r\n", 0.0)
    assert engine.output(0.0) == b"AT+CSQ\r"


def test_a_late_answer_is_not_taken_for_the_next_ones():
    engine = Engine()
    talk(engine, "+COPS?", b"", timeout=1.0)
    engine.send("+CSQ")
    (event,) = engine.tick(1.0)
    assert isinstance(event, TimedOut)
    assert engine.output(1.0) == b"\rAT\r"
    assert engine.feed(b'\r\n+COPS: 0,0,"late",7\r\n', 1.1) == []
    assert engine.feed(b"\r\nOK\r\n", 1.2) == []
    assert engine.output(1.2) == b"AT+CSQ\r"
    (event,) = engine.feed(b"\r\n+CSQ: 7,99\r\n\r\nOK\r\n", 1.3)
    assert event.lines == ["+CSQ: 7,99"]


def test_it_keeps_asking_until_the_line_is_clean():
    engine = Engine()
    talk(engine, "I", b"", timeout=1.0)
    engine.tick(1.0)
    engine.output(1.0)
    (event,) = engine.tick(2.0)
    assert event.command == ""
    assert engine.output(2.0) == b"\rAT\r"
    engine.feed(b"\x00\xff\xfegarb\r\nOK\r\n", 2.1)
    assert engine.idle()


def test_nuls_are_nothing():
    (event,) = talk(Engine(), "I", b"\0\r\n\0Mod\0em\r\nO\0K\r\n")
    assert event.lines == ["Modem"]


def test_a_flood_without_a_line_end_is_forgotten():
    engine = Engine()
    for _ in range(100):
        assert engine.feed(b"x" * 1000, 0.0) == []
        assert len(engine._buffer) <= MAX_LINE
    engine.feed(b"rest\r\n", 0.0)
    (event,) = talk(engine, "I", b"Modem\r\nOK\r\n")
    assert event.lines == ["Modem"]


def test_an_answer_without_end_is_bounded():
    engine = Engine()
    events = talk(engine, "+CMGL", b"text\r\n" * 5000 + b"OK\r\n")
    assert len(events[0].lines) < 1000


def test_a_command_cannot_smuggle_another():
    with pytest.raises(ValueError, match="line ends"):
        Engine().send('+CGDCONT=1,"IP","a"\rATD112;')


def test_faults_never_hang_or_raise():
    rng = random.Random(7)
    good = b'\r\n+CREG: 2,1,"1A2B","01C3",7\r\n\r\nOK\r\n'
    for _ in range(300):
        engine, now = Engine(), 0.0
        for _ in range(3):
            engine.send("+CREG?", 1.0)
            engine.output(now)
            data = bytearray(good)
            for _ in range(rng.randrange(4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            engine.feed(bytes(data[: rng.randrange(len(data) + 1)]), now)
            now += 1.0
            engine.tick(now)
            engine.output(now)
            engine.feed(b"\r\nOK\r\n", now)
        engine.send("I")
        for _ in range(8):
            engine.output(now)
            engine.feed(b"\r\nOK\r\n", now)
            now += 1.0
            engine.tick(now)
        assert engine.idle()
