"""Recordings: nothing of the subscriber in them, and a test can be made of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modem.record import IN, OUT, Recorder, Replay, read
from modem.redact import Redactor, luhn
from tests.modem.rig import Rig

IMEI, IMSI, ICCID = "861075023456783", "262011234567890", "8949020000012345678"


def answered(command, *lines):
    redactor = Redactor()
    redactor.clean(f"AT{command}\r", True)
    return [redactor.clean(f"{line}\r\n", False).strip() for line in lines]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("+CGSN", IMEI), ("+CGSN", f'+CGSN: "{IMEI}"'), ("I", f"IMEI: {IMEI}"), ("I", f"IMEISV:{IMEI}01"),
        ("I", f"SN_{IMEI}X"), ("+CIMI", IMSI), ("+QCCID", f"+QCCID: {ICCID}F"), ("^ICCID?", f"^ICCID: {ICCID}"),
        ("+CNUM", '+CNUM: ,"+491701234567",145'), ("+CNUM", '+CNUM: "me","01701234567",129'),
        ("", '+CLIP: "01701234567",129'), ("+CSCA?", '+CSCA: "+491701234567",145'),
        ("+CRSM=176,28486,0,0,10", '+CRSM: 144,0,"981012345678"'),
        ("+CUSD=1", '+CUSD: 0,"your number is 01701234567",15'),
        ("+CGPADDR", '+CGPADDR: 1,"37.80.12.34"'), ("+CGPADDR", "+CGPADDR: 1,37.80.12.34"),
        ("+CGCONTRDP", '+CGCONTRDP: 1,5,"internet","37.80.12.34.255.255.255.0","37.80.12.1"'),
        ("+CGPADDR", '+CGPADDR: 1,"42.1.89.128.1.2.3.4.0.0.0.0.0.0.0.77"'),
        ("+CGPADDR", '+CGPADDR: 1,"2a01:598:1:2::77"'),
        ("+QGPSLOC?", "+QGPSLOC: 061951.0,5231.1234N,01323.4567E,0.7,62.2,2,0.0,0.0,0.0,110513,09"),
        ("", "$GPRMC,061951.0,A,5231.1234,N,01323.4567,E,0.0,0.0,110513,,,A*6C"),
        ("+CNUM", '+CNUM: ,"002B003400390031003700300031003200330034003500360037",145'),
        ("+COPS?", '+COPS: 0,0,"0030003100370030003100320033003400350036003700380039",7'),
    ],
)  # fmt: skip
def test_what_is_the_subscribers_does_not_stay(command, line):
    (found,) = answered(command, line)
    assert (
        len(found) >= len(line) - 12 and found.split(":")[0][:5] == line.split(":")[0][:5]
    ) or line.isdigit()
    secrets = (
        IMEI, IMSI, ICCID, "1701234567", "12345678", "37.80.12", "598:1", "89.128.1", "5231", "1323.4",
        "00370030003100320033", "981012",
    )  # fmt: skip
    assert not any(secret in found for secret in secrets), found


@pytest.mark.parametrize(
    "command",
    [
        '+CPIN="1234"', "+CPIN=1234", '+CPIN="12345678","4321"', '+CGAUTH=1,1,"geheim","geheim"', 'D01701234567;',
        '+QICSGP=1,1,"internet","geheim","geheim",1', '+CPWD="SC","1234","4321"', '+CMGS="+491701234567"',
        '^AUTHDATA=1,1,"","geheim","geheim"', "+CUSD=1,\"*101#1234\",15",
    ],
)  # fmt: skip
def test_what_is_sent_keeps_no_secret(command):
    found = Redactor().clean(f"AT{command}\r", True)
    assert len(found) == len(command) + 3
    assert not any(secret in found for secret in ("1234", "4321", "geheim")), found


def test_a_message_is_made_unreadable():
    redactor = Redactor()
    redactor.clean("AT+CMGL=4\r", True)
    said = '+CMGL: 1,"REC READ","+491701234567"\r\nMeet me at Nine\r\n+CSQ: 20,99\r\nOK\r\n'
    found = redactor.clean(said, False)
    assert "Meet" not in found and "170123" not in found
    assert found.split("\r\n")[2:] == ["+CSQ: 20,99", "OK", ""]


@pytest.mark.parametrize(
    "line",
    [
        '+CEREG: 2,1,"1A2B","01C3D4E5",7', "+CSQ: 20,99", "EC25EFAR06A01M4G", "SWI9X30C_02.33.03.00",
        '+QENG: "servingcell","NOCONN","LTE","FDD",262,01,1A2B3C4D,123,1300,3,5,5,1A2B,-95,-10,-65,15,-',
        '+CCLK: "26/11/24,19:12:34+04"', '+COPS: 0,0,"Telekom.de",7', "+CGPADDR: 1,0.0.0.0",
        '+COPS: 0,0,"00540065007300740031",7', "+CPIN: READY", '+QNWINFO: "FDD LTE","26201","LTE BAND 3",1300',
        "+QGDCNT: 1234567890,987654321", "ffff", "::", "12:34:56", "",
    ],
)  # fmt: skip
def test_what_makes_a_report_useful_stays(line):
    assert answered("+X?", line) == [line]


def test_a_revision_is_no_address():
    assert answered("+CGMR", "11.21.4.10") == ["11.21.4.10"]


def test_the_same_secret_gets_the_same_substitute_of_the_same_shape():
    redactor = Redactor()
    one, two, imsi = (redactor.clean(text, False) for text in (IMEI, f'+CGSN: "{IMEI}"', IMSI))
    assert one in two and one.isdigit() and len(one) == 15 and luhn(one) == 0
    assert imsi[:5] == IMSI[:5] and imsi != one
    lan = redactor.clean("37.80.12.34 37.80.12.1 91.2.3.4", False).split()
    assert lan[0].rsplit(".", 1)[0] == lan[1].rsplit(".", 1)[0] != lan[2].rsplit(".", 1)[0]
    assert (lan[0][-3:], lan[1][-2:]) == (".34", ".1")


def test_a_number_cut_in_two_by_the_port_is_found():
    recorder = Recorder()
    lines = [*recorder.take(OUT, b"AT+CGSN\r", 5.0), *recorder.take(IN, b"\r\n8610750", 5.1)]
    lines += [
        *recorder.take(IN, b"23456783\r", 5.2),
        *recorder.take(IN, b"\n\r\nOK\r\n", 5.3),
        *recorder.end(),
    ]
    text = "\n".join([recorder.head(), *lines])
    assert "8610750" not in text and "23456783" not in text
    assert [(round(when, 1), way) for when, way, _ in read(text)][:2] == [(0.0, "out"), (0.1, "in")]


def test_a_recording_is_replayed_as_a_modem():
    """What an emulated modem told, recorded, and told again by the recording, is the same but for the secrets."""
    rig = Rig()
    recorder, lines = Recorder(), []
    feed, heard = rig.emulator.feed, rig.modem.feed
    rig.emulator.feed = lambda data, now: (lines.extend(recorder.take(OUT, data, now)), feed(data, now))[1]
    rig.modem.feed = lambda data, now: (lines.extend(recorder.take(IN, data, now)), heard(data, now))[1]
    first = rig.run(20.0)
    text = "\n".join([recorder.head(), *lines, *recorder.end()])
    assert first["imei"] not in text and first["imsi"] not in text and first["address"] not in text
    again = replayed(text)
    for name in ("manufacturer", "model", "family", "technology", "band", "operator", "registration"):
        assert again[name] == first[name], name
    assert again["imei"] != first["imei"] and len(again["imei"]) == 15


def replayed(text, seconds=20.0):
    from modem.dialogue import Modem

    modem, replay, now = Modem(), Replay(read(text)), 0.0
    wire = replay.start(0.0)
    while now < seconds:
        modem.tick(now)
        wire += replay.feed(modem.output(now), now)
        for _, octets in [item for item in wire if item[0] <= now]:
            modem.feed(octets, now)
        wire = [item for item in wire if item[0] > now]
        now += 0.01
    return modem.snapshot()


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", '{"format": "modem dialogue", "version": 2}', '{"format": "modem dialogue", "version": 1}\n{"t": 0}', '{"format": "modem dialogue", "version": 1}\n{"t": 0, "in": "\u20ac"}'])  # fmt: skip
def test_what_is_no_recording_is_refused(text):
    with pytest.raises(ValueError):
        read(text)


@given(st.lists(st.tuples(st.sampled_from([IN, OUT]), st.binary(max_size=80)), max_size=20))
def test_any_octets_are_recorded_and_read_again(passed):
    recorder = Recorder()
    lines = [line for way, data in passed for line in recorder.take(way, data, 0.0)]
    for line in [*lines, *recorder.end()]:
        assert json.loads(line)
    assert len(read("\n".join([recorder.head(), *lines, *recorder.end()]))) <= 2 * len(passed) + 2
