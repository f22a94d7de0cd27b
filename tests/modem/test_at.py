"""The AT engine: what a line may do, and what comes of it.  Runs under CPython and MicroPython."""

import pytest

from modem.at import (
    GRACE,
    MAX_LINE,
    MAX_LINES,
    MAX_QUEUE,
    SYNC_TIMEOUT,
    Data,
    Engine,
    Prompt,
    QueueFull,
    Response,
    TimedOut,
    Unsolicited,
)

PROBE = b"\rAT+CMEE?\r"
IN_STEP = b"\r\n+CMEE: 1\r\n\r\nOK\r\n"


def talk(engine, command, answer, timeout=1.0, now=0.0, data=None):
    engine.send(command, timeout, data)
    assert engine.output(now).endswith(b"AT" + command.encode() + b"\r")
    return engine.feed(answer, now)


def only(events, kind):
    return [event for event in events if isinstance(event, kind)]


def lines_of(events):
    (event,) = only(events, Response)
    assert event.ok
    return event.lines


def urcs_of(events):
    return [event.line for event in only(events, Unsolicited)]


def test_a_plain_answer():
    (event,) = talk(Engine(), "+CSQ", b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
    assert (event.command, event.lines, event.result, event.ok) == ("+CSQ", ["+CSQ: 20,99"], "OK", True)


@pytest.mark.parametrize(
    "echo",
    [
        b"AT+CGMI\r\r\n",
        b"AT+CGMI\r\n\r\n",
        b"AT+CGMI\r\n",
        b"at+cgmi\r\r\n",
        b"AT+CGI\r\r\n",
        b"AT#CGMI\r\r\n",
    ],
)
def test_an_echo_is_no_line_nor_is_one_with_an_octet_spoilt(echo):
    assert lines_of(talk(Engine(), "+CGMI", echo + b"Quectel\r\n\r\nOK\r\n")) == ["Quectel"]


@pytest.mark.parametrize(
    "result",
    ["ERROR", "+CME ERROR: 10", "+CME ERROR: SIM not inserted", "+CMS ERROR: 302", "COMMAND NOT SUPPORT"],
)
def test_failures(result):
    (event,) = talk(Engine(), "+CPIN?", b"\r\n" + result.encode() + b"\r\n")
    assert (event.ok, event.result) == (False, result)


@pytest.mark.parametrize("result", ["NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE"])
def test_results_of_a_call_end_a_call_only(result):
    (event,) = talk(Engine(), "D*99#", b"\r\n" + result.encode() + b"\r\n")
    assert (event.ok, event.result) == (False, result)
    engine = Engine()
    talk(engine, "+CSQ", b"\r\n" + result.encode() + b"\r\n")
    assert lines_of(engine.feed(b"+CSQ: 7,99\r\nOK\r\n", 0.0))[-1] == "+CSQ: 7,99"


# Results in digits (ATV0)


def test_digits_are_results_once_asked_for():
    engine = Engine()
    assert talk(engine, "V0", b"0\r")[0].result == "OK"
    assert talk(engine, "+X", b"4\r")[0].result == "ERROR"
    assert talk(engine, "+CSQ", b"+CSQ: 20,99\r\n0\r")[0].lines == ["+CSQ: 20,99"]
    assert talk(engine, "V1", b"\r\nOK\r\n")[0].ok
    assert talk(engine, "+CGSN", b"\r\n4\r\n\r\nOK\r\n")[0].lines == ["4"]


def test_a_modem_that_spoke_digits_all_along_is_understood_after_a_moment():
    engine = Engine()
    assert talk(engine, "", b"0\r") == []
    assert engine.next_wake() == GRACE
    (event,) = engine.tick(GRACE)
    assert (event.result, event.ok) == ("OK", True)


@pytest.mark.parametrize("digits", ["0", "4", "861075023456789", "00"])
def test_an_information_line_of_digits_is_no_result(digits):
    assert lines_of(talk(Engine(), "+CGSN", b"\r\n" + digits.encode() + b"\r\n\r\nOK\r\n")) == [digits]


def test_the_line_end_may_come_in_two_pieces():
    engine = Engine()
    assert talk(engine, "+CGSN", b"\r\n4\r") == []
    assert lines_of(engine.feed(b"\n\r\nOK\r\n", 0.1)) == ["4"]


# Unsolicited lines


def test_an_unsolicited_line_in_the_middle_of_an_answer():
    events = talk(Engine(), "+COPS?", b'\r\n+CREG: 1\r\n\r\n+COPS: 0,0,"T",7\r\n\r\nRING\r\n\r\nOK\r\n')
    assert urcs_of(events) == ["+CREG: 1", "RING"]
    assert lines_of(events) == ['+COPS: 0,0,"T",7']


def test_an_unsolicited_line_in_an_answer_without_a_name():
    events = talk(Engine(), "I", b"\r\nMaker\r\n+CREG: 2\r\n+GCAP: +CGSM\r\nOK\r\n")
    assert (urcs_of(events), lines_of(events)) == (["+CREG: 2"], ["Maker", "+GCAP: +CGSM"])


def test_unsolicited_between_commands():
    (event,) = Engine().feed(b'\r\n+QIND: "act","LTE"\r\n', 0.0)
    assert event.line == '+QIND: "act","LTE"'


def test_results_nobody_waits_for_are_not_news():
    assert Engine().feed(b"\r\nOK\r\n\r\nERROR\r\nAT+X\r\n", 0.0) == []


def test_octet_by_octet_is_the_same():
    engine = Engine()
    engine.send("+CGSN")
    engine.output(0.0)
    events = []
    for octet in b"AT+CGSN\r\r\n861075023456789\r\n\r\nOK\r\n":
        events += engine.feed(bytes([octet]), 0.0)
    assert lines_of(events) == ["861075023456789"]


# Text


def test_a_quoted_text_over_several_lines():
    events = talk(Engine(), "+X?", b'\r\n+X: 1,"first\r\nOK\r\nlast",15\r\n\r\nOK\r\n')
    assert lines_of(events) == ['+X: 1,"first\nOK\nlast",15']


def test_an_unsolicited_text_over_several_lines():
    events = Engine().feed(b'\r\n+CUSD: 0,"Balance\r\n5 EUR",15\r\n', 0.0)
    assert urcs_of(events) == ['+CUSD: 0,"Balance\n5 EUR",15']


def test_a_quote_that_never_closes_does_not_swallow_the_result():
    engine = Engine()
    assert talk(engine, "+COPS?", b'\r\n+COPS: 0,0,"T,7\r\n\r\nOK\r\n') == []
    events = engine.tick(GRACE)
    assert lines_of(events) == ['+COPS: 0,0,"T,7']


def test_a_quote_that_never_closes_does_not_swallow_what_follows():
    engine = Engine()
    events = talk(engine, "+COPS?", b'\r\n+COPS: 0,0,"T,7\r\n\r\nOK\r\n\r\n+CREG: 1\r\n')
    assert (lines_of(events), urcs_of(events)) == (['+COPS: 0,0,"T,7'], ["+CREG: 1"])


def test_octets_beyond_ascii_stay():
    assert lines_of(talk(Engine(), "+COPS?", b'\r\n+COPS: 0,0,"T\xc3\xa9l\xc3\xa9",7\r\nOK\r\n')) == [
        '+COPS: 0,0,"T\xc3\xa9l\xc3\xa9",7'
    ]


def test_tabs_part_columns():
    assert lines_of(talk(Engine(), "!GSTATUS?", b"!GSTATUS:\r\nTime: 1\t\tTemperature: 35\r\nOK\r\n")) == [
        "!GSTATUS:",
        "Time: 1\t\tTemperature: 35",
    ]


def test_nuls_are_nothing():
    assert lines_of(talk(Engine(), "I", b"\0\r\n\0Mod\0em\r\nO\0K\r\n")) == ["Modem"]


# Prompts and data


def test_data_follows_the_prompt():
    engine = Engine()
    assert talk(engine, "+CMGS=18", b"\r\n> ", data=b"0011000B91") == []
    assert engine.output(0.0) == b"0011000B91\x1a"
    (event,) = engine.feed(b"0011000B91\x1a\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n", 0.5)
    assert event.lines == ["+CMGS: 5"]


def test_a_prompt_without_data_is_told():
    engine = Engine()
    (event,) = talk(engine, "+CMGS=18", b"\r\n> ")
    assert isinstance(event, Prompt)
    engine.answer_prompt(b"00")
    assert engine.output(0.0) == b"00\x1a"
    engine = Engine()
    talk(engine, "+CMGS=18", b"\r\n>")
    engine.abort_prompt()
    assert engine.output(0.0) == b"\x1b"
    assert lines_of(engine.feed(b" \r\nOK\r\n", 0.1)) == []


def test_a_prompt_left_alone_is_left():
    engine = Engine()
    talk(engine, "+CMGS=18", b"\r\n> ")
    engine.tick(1.0)
    assert engine.output(1.0) == b"\x1b" + PROBE


def test_a_question_gets_no_prompt():
    assert lines_of(talk(Engine(), "+X?", b"\r\n> not one\r\nOK\r\n")) == ["> not one"]


def test_connect_enters_data_mode():
    engine = Engine()
    events = talk(engine, "D*99#", b"\r\nCONNECT 150000000\r\n~\xff}#")
    assert (events[0].result, events[0].ok) == ("CONNECT 150000000", True)
    assert events[1].octets == b"~\xff}#"
    engine.send("+CSQ")
    assert engine.data_mode and engine.output(0.0) == b""
    assert only(engine.feed(b"OK\r\n", 0.0), Data)[0].octets == b"OK\r\n"
    assert urcs_of(engine.feed(b"~\r\nNO CARRIER\r\n", 0.0)) == ["NO CARRIER"]
    assert engine.output(0.0) == b"AT+CSQ\r"


def test_a_question_does_not_connect():
    engine = Engine()
    assert talk(engine, "+CSQ", b"\r\nCONNECT\r\n") == []
    assert not engine.data_mode


# Out of step


def test_commands_wait_for_their_turn():
    engine = Engine()
    engine.send("I")
    engine.send("+CSQ")
    assert engine.output(0.0) == b"ATI\r"
    assert engine.output(0.0) == b""
    engine.feed(b"OK\r\n", 0.0)
    assert engine.output(0.0) == b"AT+CSQ\r"


def given_up(command="+COPS?"):
    engine = Engine()
    talk(engine, command, b"")
    engine.send("+CGMM")
    (event,) = engine.tick(1.0)
    assert isinstance(event, TimedOut) and event.command == command
    assert engine.output(1.0) == PROBE
    return engine


def test_a_late_answer_is_not_taken_for_the_next_ones():
    engine = given_up()
    assert engine.feed(b'\r\n+COPS: 0,0,"late",7\r\n\r\nOK\r\n', 1.1) == []
    # That OK was the late one's: the line is not free before the probe's.
    assert engine.output(1.1) == b""
    assert engine.feed(IN_STEP, 1.2) == []
    assert engine.output(1.2) == b"AT+CGMM\r"
    assert lines_of(engine.feed(b"\r\nEC25\r\n\r\nOK\r\n", 1.3)) == ["EC25"]


def test_a_late_answer_to_a_probe_is_not_taken_for_the_next_ones():
    engine = given_up()
    engine.tick(2.0)
    assert engine.output(2.0) == PROBE
    engine.feed(IN_STEP, 2.1)
    assert engine.output(2.1) == b"AT+CGMM\r"
    assert engine.feed(IN_STEP, 2.2) == []
    assert lines_of(engine.feed(b"\r\nEC25\r\n\r\nOK\r\n", 2.3)) == ["EC25"]


def test_a_modem_that_does_not_know_the_probe_is_found_too():
    engine = given_up()
    assert engine.feed(b"\r\nERROR\r\n", 1.1) == []
    assert engine.output(1.1) == b""
    engine.tick(2.0)
    assert engine.output(2.0) == PROBE
    engine.feed(b"\r\nERROR\r\n", 2.1)
    assert engine.output(2.1) == b"AT+CGMM\r"


def test_it_keeps_asking_and_wakes_the_modem():
    engine = given_up()
    assert [event.command for event in engine.tick(2.0)] == [""]
    assert engine.output(2.0) == PROBE
    engine.tick(3.0)
    assert engine.output(3.0) == b"\x1b\rATE0V1Q\r"
    engine.feed(b"\x00\xff\xfegarb\r\nOK\r\n", 3.1)
    assert engine.output(3.1) == PROBE
    engine.feed(IN_STEP, 3.2)
    assert engine.output(3.2) == b"AT+CGMM\r"
    engine.feed(b"\r\nOK\r\n", 3.3)
    assert engine.idle()


def test_a_wake_that_nobody_answers_is_sent_again_before_the_next_probe():
    engine = given_up()
    engine.tick(2.0)
    engine.output(2.0)
    engine.tick(3.0)
    wake = engine.output(3.0)
    engine.tick(4.0)
    # The first may have been spoilt into one that made the modem quiet.
    assert engine.output(4.0) == wake
    engine.feed(b"\r\nOK\r\n", 4.1)
    assert engine.output(4.1) == PROBE
    engine.feed(IN_STEP, 4.2)
    assert engine.output(4.2) == b"AT+CGMM\r"


def test_a_late_result_and_that_of_a_wake_are_not_taken_for_the_probes():
    engine = given_up()
    engine.tick(2.0)
    engine.output(2.0)
    engine.tick(3.0)
    engine.output(3.0)
    # The command given up at last, then the wake: neither says that the probe was answered.
    assert engine.feed(b"\r\nOK\r\n", 3.1) == []
    assert engine.output(3.1) == PROBE
    assert engine.feed(b"\r\nOK\r\n", 3.2) == []
    assert engine.output(3.2) == b""
    engine.feed(IN_STEP, 3.3)
    assert engine.output(3.3) == b"AT+CGMM\r"


def test_what_was_probed_before_does_not_count_when_the_step_is_lost_again():
    engine = given_up()
    engine.feed(IN_STEP, 1.1)
    engine.output(1.1)
    assert [type(event) for event in engine.feed(b"\r\nRDY\r\n", 1.2)] == [Unsolicited, TimedOut]
    assert engine.output(1.2) == PROBE


def test_a_modem_that_gives_no_results_is_woken_at_once():
    engine = given_up()
    engine.feed(b"\r\n+CMEE: 1\r\n", 1.1)
    engine.tick(2.0)
    assert engine.output(2.0) == b"\x1b\rATE0V1Q\r"


def test_a_modem_that_answers_no_wake_is_probed_all_the_same():
    engine, sent = given_up(), []
    for second in range(2, 12):
        engine.tick(float(second))
        sent.append(engine.output(float(second)))
    assert sent.count(PROBE) >= 3 and PROBE in sent[2:]


def test_it_finds_its_step_when_asked_to():
    engine = Engine()
    engine.resync(5.0)
    engine.send("I")
    assert engine.output(5.0) == PROBE
    assert engine.feed(b"half li\x00ne\r\n" + IN_STEP, 5.1) == []
    assert engine.output(5.1) == b"ATI\r"


def test_a_reboot_ends_the_wait_for_an_answer():
    engine = Engine()
    events = talk(engine, "+COPS=?", b"\r\nRDY\r\n", timeout=180.0)
    assert urcs_of(events) == ["RDY"]
    assert [event.command for event in only(events, TimedOut)] == ["+COPS=?"]
    assert engine.output(0.0) == PROBE
    assert engine.feed(b"AT+CMEE?\r" + IN_STEP, 0.5) == [] and engine.idle()


# Bounds


def test_a_flood_without_a_line_end_is_forgotten():
    engine = Engine()
    for _ in range(100):
        assert engine.feed(b"x" * 1000, 0.0) == []
        assert len(engine._buffer) <= MAX_LINE
    engine.feed(b"rest\r\n", 0.0)
    assert lines_of(talk(engine, "I", b"Modem\r\nOK\r\n")) == ["Modem"]


def test_an_answer_without_end_is_bounded_and_says_so():
    (event,) = talk(Engine(), "+CMGL", b"text\r\n" * 5000 + b"OK\r\n")
    assert len(event.lines) == MAX_LINES and event.truncated


def test_a_queue_without_end_is_refused():
    engine = Engine()
    for _ in range(MAX_QUEUE):
        engine.send("")
    with pytest.raises(QueueFull, match="are waiting"):
        engine.send("")


@pytest.mark.parametrize("command", ['+CGDCONT=1,"IP","a"\rATD112;', "I\n", "+X\x1a", "+\xe9"])
def test_a_command_cannot_smuggle_another(command):
    with pytest.raises(ValueError, match="line ends"):
        Engine().send(command)


def test_faults_never_hang_or_raise():
    state = 7

    def rng(n):
        nonlocal state
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        return (state >> 8) % n

    good = b'\r\n+CREG: 2,1,"1A2B","01C3",7\r\n\r\nOK\r\n'
    for _ in range(300):
        engine, now = Engine(), 0.0
        for _ in range(3):
            engine.send("+CREG?", 1.0)
            engine.output(now)
            data = bytearray(good)
            for _ in range(rng(4)):
                data[rng(len(data))] = rng(256)
            engine.feed(bytes(data[: rng(len(data) + 1)]), now)
            now += 1.0
            engine.tick(now)
            engine.output(now)
            engine.feed(IN_STEP, now)
        engine.send("I")
        for _ in range(8):
            engine.output(now)
            engine.feed(IN_STEP, now)
            now += SYNC_TIMEOUT
            engine.tick(now)
        assert engine.idle()
