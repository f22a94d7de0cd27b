"""The emulated modem on a stepped clock: what a host on its line would see."""

import pytest

from router.lab.modem import PERSONALITIES, Emulator
from router.lab.modem.contexts import Lease
from router.lab.modem.network import Network
from router.lab.modem.radio import read
from router.lab.modem.script import parse
from router.lab.modem.sim import Sim

EC25 = PERSONALITIES["quectel-ec25"]


class Host:
    """Talks to an emulated modem; time goes on only here."""

    def __init__(self, personality=EC25, *, settle=2.0, events=(), **options):
        self.now = 0.0
        options.setdefault("interrupt", 0)
        self.modem = Emulator(personality, 0.0, script=parse(events), **options)
        self.said = self.wait(settle)

    def wait(self, seconds):
        self.now += seconds
        return self.modem.output(self.now).decode("latin-1")

    def raw(self, octets, seconds=10.0):
        self.modem.feed(octets, self.now)
        return self.wait(seconds)

    def ask(self, command, seconds=10.0):
        """Lines of the answer without echo, the result code last."""
        said = self.raw(f"AT{command}\r".encode(), seconds)
        return [line for line in said.replace("\r", "\n").split("\n") if line and line != f"AT{command}"]


# The line (V.250)


def test_echo_and_no_echo():
    host = Host()
    assert host.raw(b"AT+CSQ=?\r").startswith("AT+CSQ=?\r\r\n+CSQ: ")
    host.ask("E0")
    assert host.raw(b"AT\r") == "\r\nOK\r\n"


def test_digits_for_words():
    host = Host()
    host.ask("E0V0")
    assert host.raw(b"AT+CMEE?\r") == "+CMEE: 0\r\n0\r"
    assert host.raw(b"AT+NONE\r") == "4\r"
    assert host.raw(b"ATV1\r") == "\r\nOK\r\n"


def test_quiet():
    host = Host()
    host.ask("E0Q1")
    assert host.raw(b"AT+CMEE?\r") == "\r\n+CMEE: 0\r\n"


def test_other_line_ends():
    host = Host()
    host.ask("E0")
    assert host.raw(b"ATS3=33S4=36\r") == "!$OK!$"
    assert host.raw(b"ATS3?!") == "!$033!$!$OK!$"


def test_the_last_line_again():
    host = Host()
    first = host.ask("+CMEE?")
    assert host.raw(b"A/") == "A/" + "\r\n" + first[0] + "\r\n\r\nOK\r\n"


@pytest.mark.parametrize(
    "typed", [b"at+cmee?\r", b"AT +CMEE ?\r", b"noise AT+CMEE?\r", b"AT+CMEX\bE?\r", b"\0\nAT+CMEE?\r"]
)
def test_a_line_is_found_in_what_is_typed(typed):
    host = Host()
    host.ask("E0")
    assert host.raw(typed) == "\r\n+CMEE: 0\r\n\r\nOK\r\n"


def test_commands_on_one_line_stop_at_the_first_error():
    host = Host()
    assert host.ask("E0V1+CMEE=1;+CMEE?;+CREG?") == ["+CMEE: 1", "+CREG: 0,1", "OK"]
    assert host.ask("+CMEE=2;+CPIN=1234;+CMEE=0") == ["+CME ERROR: operation not allowed"]
    assert host.ask("+CMEE?") == ["+CMEE: 2", "OK"]


@pytest.mark.parametrize(
    ("detail", "said"), [(0, "ERROR"), (1, "+CME ERROR: 10"), (2, "+CME ERROR: SIM not inserted")]
)
def test_how_errors_are_told(detail, said):
    sim = Sim()
    sim.fault = "absent"
    host = Host(sim=sim)
    host.ask(f"+CMEE={detail}")
    assert host.ask("+CPIN?") == [said]


@pytest.mark.parametrize(
    "command", ["+", "+CSQ=", "?", '+CGDCONT=1,"IP', "+CFUN=x", "+CGDCONT=99", "S", "&", "+COPS=9"]
)
def test_what_makes_no_sense_is_an_error(command):
    assert Host().ask(command) == ["ERROR"]


def test_a_line_without_end_is_an_error_and_the_next_one_is_not():
    host = Host()
    host.ask("E0")
    assert host.raw(b"AT" + b"+" * 100_000 + b"\r") == "\r\nERROR\r\n"
    assert host.raw(b"AT\r") == "\r\nOK\r\n"


def test_one_command_at_a_time_each_with_its_latency():
    host = Host(latency=1.0, latencies={"+CMEE?": 3.0})
    host.ask("E0")
    host.modem.feed(b"AT+CMEE?\rAT\r", host.now)
    assert host.wait(2.9) == ""
    assert host.wait(0.2) == "\r\n+CMEE: 0\r\n\r\nOK\r\n"
    assert host.wait(0.8) == ""
    assert host.wait(0.2) == "\r\nOK\r\n"


def test_unasked_lines_in_the_middle_of_an_answer():
    host = Host(interrupt=1)
    said = host.ask("+CMEE?")
    assert said[0] == "+CMEE: 0" and said[1].startswith("+QIND: ") and said[-1] == "OK"


# Card and network


def test_a_card_with_a_pin():
    host = Host(sim=Sim(pin="1234"))
    assert host.ask("+CPIN?") == ["+CPIN: SIM PIN", "OK"]
    host.ask("+CMEE=1")
    assert host.ask("+CIMI") == ["+CME ERROR: 11"]
    assert host.ask('+CPIN="9999"') == ["+CME ERROR: 16"]
    assert host.ask("+QPINC?")[0] == '+QPINC: "SC",2,10'
    assert "OK" in host.ask('+CPIN="1234"')
    assert host.ask("+QPINC?")[0] == '+QPINC: "SC",3,10'
    assert host.ask("+CEREG?") == ["+CEREG: 0,1", "OK"]


def test_three_wrong_pins_ask_for_the_puk_also_after_a_reset():
    host = Host(sim=Sim(pin="1234", puk="87654321"))
    host.ask("+CMEE=1")
    assert [host.ask("+CPIN=0000") for _ in range(3)] == [
        ["+CME ERROR: 16"],
        ["+CME ERROR: 16"],
        ["+CME ERROR: 12"],
    ]
    host.ask("+CFUN=1,1")
    assert host.ask("+CPIN?") == ["+CPIN: SIM PUK", "OK"]
    host.ask("+CMEE=1")
    assert host.ask("+CPIN=1234") == ["+CME ERROR: 12"]
    assert host.ask("+CPIN=11111111,4321") == ["+CME ERROR: 16"]
    assert "OK" in host.ask("+CPIN=87654321,4321")
    assert host.ask("+CPIN?") == ["+CPIN: READY", "OK"]
    host.ask("+CFUN=1,1")
    assert host.ask("+CPIN?") == ["+CPIN: SIM PIN", "OK"]
    assert "OK" in host.ask("+CPIN=4321")


def test_ten_wrong_puks_end_the_card():
    host = Host(sim=Sim(pin="1234"))
    host.ask("+CMEE=1")
    said = [host.ask(f"+CPIN={word}") for word in ["0000"] * 3 + ["00000000,1111"] * 10]
    assert said[-1] == ["+CME ERROR: 13"] == host.ask("+CPIN?")


@pytest.mark.parametrize(
    ("outcome", "stat"), [("home", 1), ("roaming", 5), ("denied", 3), ("searching", 2), ("none", 2)]
)
def test_what_a_search_comes_to(outcome, stat):
    host = Host(network=Network(outcome=outcome, search=5.0), settle=1.0)
    assert host.ask("+CEREG?", 1.0) == ["+CEREG: 0,2", "OK"]
    host.wait(5.0)
    assert host.ask("+CEREG?") == [f"+CEREG: 0,{stat}", "OK"]
    assert host.ask("+COPS?") == ['+COPS: 0,0,"Testnet",7' if stat in (1, 5) else "+COPS: 0", "OK"]


@pytest.mark.parametrize(
    ("mode", "said"), [(0, ""), (1, "\r\n+CEREG: 1\r\n"), (2, '\r\n+CEREG: 1,"1A2B","01C3D40B",7\r\n')]
)
def test_registration_is_told_as_asked_for(mode, said):
    host = Host(network=Network(search=5.0), settle=1.0)
    host.ask(f"+CEREG={mode}", 1.0)
    assert host.wait(5.0) == said


def test_another_cell_and_another_technology_are_told():
    samples = read("time,ci,technology\n0,01C3D40B,E-UTRAN\n20,01C3D40C,\n30,01C3D40C,GSM\n")
    host = Host(samples=samples)
    host.ask("+CREG=2", 1.0)
    assert host.wait(18.0) == '\r\n+CREG: 1,"1A2B","01C3D40C",7\r\n'
    assert host.wait(10.0) == '\r\n+CREG: 1,"1A2B","01C3D40C",0\r\n'


def test_packet_events_are_told_as_asked_for():
    host = Host(events=["10 session down", "20 network searching", "30 network home"])
    host.ask("+CGEREP=2,1", 1.0)
    assert host.wait(8.0) == "\r\n+CGEV: NW PDN DEACT 1\r\n"
    host.ask("+CGACT=1,1", 1.0)
    assert host.wait(9.0) == "\r\n+CGEV: NW DETACH\r\n"
    assert host.wait(10.0) == "\r\n+CGEV: ME PDN ACT 1\r\n"


def test_a_modem_of_5g_registers_there():
    host = Host(PERSONALITIES["quectel-rm500u"])
    assert host.ask("+C5GREG=2;+C5GREG?;+CEREG?") == [
        '+C5GREG: 2,1,"10010F","00101B0114",11', "+CEREG: 0,0", "OK",
    ]  # fmt: skip
    assert Host().ask("+C5GREG?") == ["ERROR"]


def test_flight_mode_and_back():
    host = Host()
    host.ask("+CEREG=1")
    assert host.ask("+CFUN=4") == ["OK", "+CEREG: 0"]
    assert host.ask("+CSQ") == ["+CSQ: 99,99", "OK"]
    assert host.ask("+CESQ") == ["+CESQ: 99,99,255,255,255,255", "OK"]
    assert host.ask("+CFUN?;+CGACT?") == ["+CFUN: 4", "+CGACT: 1,0", "OK"]
    assert host.ask("+CFUN=1") == ["OK", "+CEREG: 2", "+CEREG: 1"]
    assert host.ask("+CGACT?") == ["+CGACT: 1,1", "OK"]


def test_an_operator_is_chosen():
    host = Host()
    assert host.ask("+COPS=?") == ['+COPS: (2,"Testnet","Test","00101",7),,(0-4),(0-2)', "OK"]
    assert host.ask("+COPS=2;+COPS?") == ["+COPS: 2", "OK"]
    assert host.ask('+COPS=1,2,"00102"') == ["ERROR"]
    assert host.ask('+COPS=1,2,"00101"') == ["OK"]
    assert host.ask("+COPS=3,2;+COPS?") == ['+COPS: 1,2,"00101",7', "OK"]


def test_the_network_goes_and_returns():
    host = Host(events=["10 network searching", "20 network roaming"])
    host.ask("+CEREG=1", 1.0)
    assert host.wait(10.0) == "\r\n+CEREG: 2\r\n"
    assert host.ask("+CGPADDR=1", 1.0) == ['+CGPADDR: 1,"0.0.0.0"', "OK"]
    assert host.wait(10.0) == "\r\n+CEREG: 5\r\n"


def test_a_card_that_is_pulled_out():
    host = Host(events=["10 sim absent", "30 sim ready"])
    assert "+CPIN: NOT READY" in host.wait(10.0)
    host.ask("+CMEE=1")
    assert host.ask("+CPIN?;+CEREG?", 1.0) == ["+CME ERROR: 10"]
    host.wait(20.0)
    assert host.ask("+CPIN?;+CEREG?") == ["+CPIN: READY", "+CEREG: 0,1", "OK"]


# Contexts and sessions


def test_contexts_are_defined_activated_and_described():
    host = Host(lease=Lease(address="100.64.0.10"))
    assert host.ask('+CGDCONT=3,"IPV4V6","company"') == ["OK"]
    assert host.ask("+CGACT=1,3") == ["OK"]
    assert host.ask("+CGACT?") == ["+CGACT: 1,1", "+CGACT: 3,1", "OK"]
    assert host.ask("+CGPADDR=3") == [
        '+CGPADDR: 3,"100.64.0.10","32.1.13.184.0.100.0.0.0.0.0.0.0.0.0.10"',
        "OK",
    ]
    assert host.ask("+CGCONTRDP=3") == [
        '+CGCONTRDP: 3,5,"company","100.64.0.10.255.255.255.0","10.64.0.1","10.64.0.53","10.64.0.54","","",0,0,1430',
        "OK",
    ]
    assert host.ask("+CGACT=0,3") == ["OK"]
    assert host.ask("+CGPADDR=3") == ['+CGPADDR: 3,"0.0.0.0"', "OK"]
    assert host.ask("+CGDCONT=3") == ["OK"]
    assert host.ask("+CGPADDR=3") == ["ERROR"]


def test_an_apn_that_the_network_does_not_know():
    host = Host(lease=Lease(apns=("company",)))
    host.ask("+CMEE=1")
    assert host.ask("+CGPADDR=1") == ['+CGPADDR: 1,"0.0.0.0"', "OK"]
    assert host.ask("+CGACT=1,1") == ["+CME ERROR: 33"]
    assert host.ask('+CGDCONT=1,"IP","Company";+CGACT=1,1') == ["OK"]


@pytest.mark.parametrize(
    ("name", "connect", "urc", "asked", "up"),
    [
        ("quectel-ec25", "+QNETDEVCTL=1,1,1", None, "+QNETDEVCTL?", "+QNETDEVCTL: 1,1,1,1"),
        ("sierra-em7455", "!SCACT=1,1", None, "!SCACT?", "!SCACT: 1,1"),
        ("simcom-sim7600", "$QCRMCALL=1,1", None, "$QCRMCALL?", "$QCRMCALL: 1, V4"),
        ("huawei-me909s", '^NDISDUP=1,1,"internet"', '^NDISSTAT: 1,,,"IPV4"', "^NDISSTATQRY?", '^NDISSTATQRY: 1,,,"IPV4"'),
        ("telit-le910", "#ECM=1,0", None, "#ECM?", "#ECM: 0,1"),
        ("fibocom-fm350", "+GTRNDIS=1,1", None, "+GTRNDIS?", '+GTRNDIS: 1,1,"10.64.0.10","10.64.0.53","10.64.0.54"'),
    ],
)  # fmt: skip
def test_a_vendors_data_session(name, connect, urc, asked, up):
    host = Host(PERSONALITIES[name], events=["60 session down"])
    assert host.ask(connect)[-2 if urc else -1 :] == ["OK", *([urc] if urc else [])]
    assert host.ask(asked) == [up, "OK"]
    assert host.modem.take_effects() == [("data", "up")]
    host.wait(60.0)
    assert host.modem.take_effects() == [("data", "down")]
    assert host.ask(asked)[0] != up


def test_a_session_needs_a_network():
    host = Host(network=Network(outcome="denied"))
    host.ask("+CMEE=1")
    assert host.ask("+QNETDEVCTL=1,1,1") == ["+CME ERROR: 30"]
    assert host.modem.take_effects() == []


def test_a_data_call_and_the_way_out_of_it():
    host = Host()
    assert host.ask("D*99#") == ["CONNECT 150000000"]
    assert host.raw(b"AT\r") == ""
    assert host.raw(b"+++") == "\r\nOK\r\n"
    assert host.ask("") == ["OK"]


def test_a_data_call_that_the_network_ends():
    host = Host(events=["20 session down"])
    host.ask("D*99#")
    assert host.wait(10.0) == "\r\nNO CARRIER\r\n"
    assert host.ask("") == ["OK"]


def test_a_prompt():
    host = Host()
    host.ask("E0")
    assert host.raw(b'AT+CMGS="1"\r') == "\r\n> "
    assert host.raw(b"AT is text here\r\n\x1a") == "\r\n+CMGS: 1\r\n\r\nOK\r\n"
    host.raw(b'AT+CMGS="1"\r')
    assert host.raw(b"never mind\x1b") == "\r\nOK\r\n"
    assert host.ask("") == ["OK"]


# Signal


CSV = """\
time,rssi,rsrp,rsrq,sinr,band,pci,technology
0,-60,-80.0,-8.3,20,3,1,E-UTRAN
100,-80,-100,-12.3,0,3,1,
200,,,,,7,2,GSM
"""


def test_signal_over_time():
    host = Host(samples=read(CSV))
    host.wait(48.0)
    assert host.ask("+CSQ;+CESQ", 0.5) == ["+CSQ: 21,99", "+CESQ: 99,99,255,255,19,50", "OK"]
    host.wait(150.0)
    assert host.ask("+CSQ;+CESQ") == ["+CSQ: 99,99", "+CESQ: 99,99,255,255,255,255", "OK"]
    assert host.ask("+QNWINFO")[0].split(",")[2] == '"LTE BAND 7"'
    assert host.ask("+COPS?")[0].endswith(",0")


@pytest.mark.parametrize("text", ["rsrp\n1\n", "time,rsrp\nx,1\n", "time,rsrp\n0,x\n"])
def test_a_wrong_csv_is_refused_with_the_place(text):
    with pytest.raises(ValueError, match=r"row 2|header"):
        read(text)


# What goes wrong


def test_a_hang_loses_what_is_said_in_the_meantime():
    host = Host(events=["10 hang 5"])
    host.wait(9.0)
    assert host.raw(b"AT\r", 4.0) == ""
    assert host.wait(10.0) == ""
    assert host.ask("") == ["OK"]


def test_a_reset_forgets_settings_and_is_seen_from_outside():
    host = Host()
    host.ask("E0+CREG=2")
    assert host.raw(b"AT+CFUN=1,1\r", 1.0) == "\r\nOK\r\n"
    assert host.modem.take_effects() == [("vanish",)]
    assert host.raw(b"AT\r", 1.0) == ""
    assert "RDY" in host.wait(5.0)
    assert host.modem.take_effects() == [("appear",)]
    assert host.ask("+CREG?") == ["+CREG: 0,1", "OK"]


@pytest.mark.parametrize(("name", "command"), [("sierra-em7455", "!RESET"), ("simcom-sim7600", "+CRESET")])
def test_a_vendors_reset(name, command):
    host = Host(PERSONALITIES[name])
    host.ask(command)
    assert host.modem.take_effects() == [("vanish",), ("appear",)]


def test_a_reset_in_the_middle_of_an_answer_leaves_nothing_of_it():
    host = Host(events=["10 reset 2"], latencies={"+CMEE?": 5.0})
    host.wait(7.0)
    host.modem.feed(b"AT+CMEE?\rAT+CGSN\r", host.now)
    said = host.wait(20.0)
    assert "+CMEE:" not in said and "OK" not in said
    assert host.ask("+CMEE?") == ["+CMEE: 0", "OK"]


def test_garbage_noise_cuts_and_floods():
    host = Host(events=["10 garbage 100", "20 cut 4", "30 noise 5 0.5", "50 flood 200 100"])
    assert len(host.wait(10.0)) == 100
    host.wait(9.0)
    assert host.raw(b"AT+CGSN\r", 5.0) == f"AT+C\r\n{EC25.imei}\r\n\r\nOK\r\n"
    host.wait(5.0)
    spoilt = host.raw(b"AT+CGSN\rAT+CGSN\rAT+CGSN\r", 2.0)
    assert spoilt.count(EC25.imei) < 3
    host.wait(12.0)
    assert host.wait(10.0).count("+QIND:") == 200
    assert host.ask("+CGSN") == [EC25.imei, "OK"]


@pytest.mark.parametrize(
    "line",
    ["hang 5", "x hang 5", "1 dance", "1 hang", "1 hang x", "1 network mars", "1 flood 3", "1 session up"],
)
def test_an_event_that_cannot_be_read_is_named(line):
    with pytest.raises(ValueError, match=line.split()[-1]):
        parse([line])


def test_events_and_comments():
    events = parse(["# a story", "", "1.5 urc +CREG: 0  # lost", "2 reset"])
    assert [(event.time, event.name, event.text) for event in events] == [
        (1.5, "urc", "+CREG: 0"),
        (2.0, "reset", ""),
    ]


@pytest.mark.parametrize("personality", PERSONALITIES.values(), ids=lambda personality: personality.name)
@pytest.mark.parametrize("outcome", ["home", "none"])
def test_every_answer_of_every_personality_can_be_given(personality, outcome):
    host = Host(personality, network=Network(outcome=outcome, technology=personality.technology))
    host.ask("E0+CMEE=1")
    for command in [*personality.answers, *(f"{name}=1,1" for name in personality.sessions)]:
        said = host.ask(command)
        final = said[-1] if "OK" not in said else "OK"
        assert final == "OK" or (outcome == "none" and final.startswith("+CME ERROR")), (command, said)
        assert not any("{" in line or "}" in line for line in said)
