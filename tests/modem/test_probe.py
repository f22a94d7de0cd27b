"""The probing dialogue on a stepped clock: which port is taken, and what is never written to."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modem.ports.probe import FRAMES, GRACE, LISTEN, MODEM_DELAY, NMEA, NOISE, SILENT, DeviceProbe

IMEI = "861075023456789"


class At:
    """A port that answers, `latency` seconds later."""

    def __init__(self, imei=IMEI, latency=0.1, deaf=0, answer="OK"):
        self.imei, self.latency, self.deaf, self.answer = imei, latency, deaf, answer
        self.heard, self._line, self._out = b"", b"", []

    def feed(self, data, now):
        self.heard += data
        *lines, self._line = (self._line + data).split(b"\r")
        for line in lines:
            if line == b"AT+CGSN" and self.imei:
                text = f"AT+CGSN\r\r\n{self.imei}\r\n\r\nOK\r\n"
            elif line == b"AT+CMEE?" and self.answer == "OK":
                text = "\r\n+CMEE: 0\r\n\r\nOK\r\n"
            else:
                text = f"\r\n{self.answer}\r\n"
            if self.deaf and line:
                self.deaf -= 1
            elif line:
                self._out.append((now + self.latency, text.encode()))

    def output(self, now):
        due = b"".join(data for when, data in self._out if when <= now)
        self._out = [item for item in self._out if item[0] > now]
        return due


class Says:
    """A port that speaks by itself."""

    def __init__(self, text=b"", period=1.0, since=0.9):
        self.text, self.period, self.next, self.heard = text, period, since, b""

    def feed(self, data, now):
        self.heard += data

    def output(self, now):
        if now < self.next or not self.text:
            return b""
        self.next += self.period
        return self.text


def run(ports, roles=None, seconds=12.0, opens=0.02):
    """Step until there is an outcome; (outcome, seconds it took)."""
    roles = roles or {}
    probe = DeviceProbe([(name, roles.get(name)) for name in ports], 0.0)
    opening, now = {}, 0.0
    while probe.outcome is None and now < seconds:
        probe.tick(now)
        for name in probe.to_open(now):
            opening[name] = now + opens
        for name, when in list(opening.items()):
            if now >= when:
                del opening[name]
                (
                    probe.failed(name, ports[name], now)
                    if isinstance(ports[name], str)
                    else probe.opened(name, now)
                )
        for name, data in probe.output(now):
            ports[name].feed(data, now)
        assert probe.outcome is not None or probe.next_wake() is not None
        for name, port in ports.items():
            data = b"" if isinstance(port, str) else port.output(now)
            if data:
                probe.feed(name, data, now)
        now = round(now + 0.01, 3)
    return probe.outcome, now


def test_the_at_port_of_a_known_modem_is_found_at_once():
    ports = {"ttyUSB2": At(), "ttyUSB3": At()}
    outcome, took = run(ports, {"ttyUSB2": "at", "ttyUSB3": "modem"})
    assert (outcome.port, outcome.imei) == ("ttyUSB2", IMEI)
    assert took < MODEM_DELAY
    # The port that PPP may want was left alone.
    assert ports["ttyUSB3"].heard == b""


def test_the_modem_port_will_do_when_there_is_no_other():
    outcome, _ = run({"ttyUSB2": Says(), "ttyUSB3": At()}, {"ttyUSB2": "at", "ttyUSB3": "modem"})
    assert outcome.port == "ttyUSB3"
    assert outcome.reasons == {"ttyUSB2": SILENT} or outcome.reasons == {}


def test_of_unknown_ports_the_first_that_answers_is_taken_whatever_the_order_of_answers():
    ports = {"ttyUSB0": Says(), "ttyUSB1": At(latency=0.2), "ttyUSB2": At(latency=0.01), "ttyUSB3": Says()}
    outcome, took = run(ports)
    assert outcome.port == "ttyUSB1"
    assert took < 3.0


def test_a_likelier_port_that_hangs_is_not_waited_for():
    ports = {"ttyUSB0": Says(), "ttyUSB1": At()}
    outcome, took = run(ports)
    assert outcome.port == "ttyUSB1"
    assert took < LISTEN + 0.5 + GRACE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n", NMEA),
        (b"$PQXFI,1,2,3*4F\r\n", NMEA),
        (b"\r\n$GNRMC,,V,,,,,,,,,,N*4D\r\n", NMEA),
        (b"\x10\x00\x12\x00\x60\x8a\x01\x7e", FRAMES),
        (b"\x7e\x01\x0a\x00\xff\x7e", FRAMES),
    ],
)
def test_a_port_with_another_language_is_never_written_to(text, reason):
    port = Says(text)
    outcome, _ = run({"ttyUSB1": port})
    assert outcome.port is None
    assert outcome.reasons == {"ttyUSB1": reason}
    assert port.heard == b""


def test_a_receiver_that_wakes_late_is_left_alone_from_then_on():
    port = Says(b"$GPGGA,,,,,,0,,,,,,,,*66\r\n", since=1.5)
    outcome, _ = run({"ttyUSB1": port})
    assert outcome.reasons == {"ttyUSB1": NMEA}
    assert port.heard == b"AT\r"


def test_a_port_that_misses_the_first_at_hears_a_second():
    outcome, _ = run({"ttyUSB2": At(deaf=1)}, {"ttyUSB2": "at"})
    assert outcome.port == "ttyUSB2"


def test_a_silent_port_hears_no_more_than_two():
    port = Says()
    outcome, took = run({"ttyUSB2": port}, {"ttyUSB2": "at"})
    assert outcome.reasons == {"ttyUSB2": SILENT}
    assert port.heard.count(b"AT") == 2
    assert took < 2.5


def test_a_modem_without_an_imei_is_a_modem():
    outcome, _ = run({"ttyUSB2": At(imei=None)}, {"ttyUSB2": "at"})
    assert (outcome.port, outcome.imei) == ("ttyUSB2", None)


@pytest.mark.parametrize("imei", ["86107502345678", "8610750234567890", "86107502345678x", '"', ""])
def test_what_is_no_imei_is_none(imei):
    outcome, _ = run({"ttyUSB2": At(imei=imei)}, {"ttyUSB2": "at"})
    assert (outcome.port, outcome.imei) == ("ttyUSB2", None)


def test_a_port_that_refuses_is_an_at_port():
    outcome, _ = run({"ttyUSB2": At(imei=None, answer="ERROR")}, {"ttyUSB2": "at"})
    assert outcome.port == "ttyUSB2"


def test_a_port_in_use_is_named():
    outcome, _ = run({"ttyUSB2": "port in use by ModemManager (pid 7)"}, {"ttyUSB2": "at"})
    assert outcome.reasons == {"ttyUSB2": "port in use by ModemManager (pid 7)"}


def test_a_port_that_never_opens_ends_too():
    outcome, _ = run({"ttyUSB2": At()}, {"ttyUSB2": "at"}, opens=1000.0)
    assert outcome.reasons == {"ttyUSB2": "does not open"}


def test_a_port_that_floods_ends_too():
    outcome, _ = run({"ttyUSB2": Says(b"\r\n+NOISE: 1\r\n" * 300, period=0.01, since=0.0)}, {"ttyUSB2": "at"})
    assert outcome.reasons == {"ttyUSB2": NOISE}


def test_a_device_without_a_port_to_ask():
    assert DeviceProbe([], 0.0).outcome.port is None


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_whatever_a_port_says_there_is_an_end(pieces):
    class Babble(Says):
        def output(self, now):
            return pieces.pop() if pieces else b""

    outcome, _ = run({"ttyUSB2": Babble()})
    assert outcome is not None


@given(st.integers(0, 2**32))
def test_noise_before_the_answer_does_not_hide_the_modem(seed):
    noise = bytes(b for b in os.urandom(64) if b != 0x7E and b != 0x24)

    class Noisy(At):
        def feed(self, data, now):
            super().feed(data, now)
            self._out.insert(0, (now, noise + b"\r\n"))

    outcome, _ = run({"ttyUSB2": Noisy()}, {"ttyUSB2": "at"})
    assert outcome.port == "ttyUSB2"


def test_an_answer_that_comes_late_is_not_taken_for_the_next_ones():
    class Late(At):
        def feed(self, data, now):
            self.latency = 1.0 if not self.heard else 0.02
            super().feed(data, now)

    outcome, _ = run({"ttyUSB2": Late()}, {"ttyUSB2": "at"})
    assert (outcome.port, outcome.imei) == ("ttyUSB2", IMEI)
