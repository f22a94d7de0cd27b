"""What a technician does with a router that works: every command on a real daemon in a small internet."""

import io
import json
import re
import struct
import subprocess
import tarfile
import time

import pytest

from router.control.cli import run
from router.control.client import ControlError
from tests.diagnosis.faults import KEY, NODE, FaultLab, Here

pytestmark = pytest.mark.lab


class Saving(Here):
    """Also takes files."""

    def save(self, name):
        file = self.saved[name] = _Kept()
        return file

    def pause(self, seconds):
        time.sleep(0.05)


class _Kept(io.BytesIO):
    def close(self):
        self.kept = self.getvalue()
        super().close()


def is_ready(lab):
    modem = lab.cast.status("mr")["uplinks"][1]["modem"]
    return modem["state"] == "registered" and modem["rsrp"] is not None and modem["technology"] is not None


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = FaultLab(tmp_path_factory.mktemp("field"))
    try:
        lab.modem("--pin", "1234")
        lab.start(NODE + "\toption pin 1234\n")
        lab.cast.wait("both bindings", lambda: {"wifi", "lte"} <= set(lab.cast.bound()), 20)
        lab.cast.wait("the modem", lambda: is_ready(lab), 20)
        yield lab
        assert lab.cast.stop_daemon("mr") == 0
        after = lab.topology.snapshot("mr")
        assert after["links"] == lab.clean["mr"]["links"] and after["rules"] == lab.clean["mr"]["rules"]
    finally:
        lab.topology.destroy()


def roamctl(lab, *words):
    here = Saving(lab.cast.directory + "/mr.sock")
    return run(words, here), here.text, here.saved


@pytest.mark.parametrize(
    ("noun", "word"),
    [
        ("summary", "OK: 2 of 2 uplinks"), ("uplinks", "192.0.2.10"), ("modem", "EC25"), ("sim", "READY"), ("signal", "RSRP"),
        ("cells", "E-UTRAN"), ("bindings", "CARE-OF ADDRESS"), ("tunnels", "userspace"), ("flows", "PATH"),
        ("home-agent", "198.51.100.2"), ("events", "binding 1 (192.0.2.10): registered"), ("counters", "requests_sent"),
        ("config", "option spi '256'"), ("version", "python"),
    ],
)  # fmt: skip
def test_every_noun_is_shown(lab, noun, word):
    status, text, _ = roamctl(lab, "show", noun)
    assert status == 0 and word in text
    status, text, _ = roamctl(lab, "show", noun, "--json")
    assert status == 0 and json.loads(text)


def test_the_configuration_shows_no_secret(lab):
    text = roamctl(lab, "show", "config")[1]
    assert KEY not in text and "1234" not in text and text.count("(hidden)") == 2


def test_throughput_is_measured_on_request(lab):
    status, text, _ = roamctl(lab, "test", "uplink", "wifi", "--throughput", "--json")
    last = json.loads(text)["steps"][-1]
    assert status == 0 and last["step"] == "throughput"
    assert 1000 < int(last["text"].split()[1]) < 40_000, "of 20,000"


def test_events_are_found_by_uplink(lab):
    text = roamctl(lab, "show", "events", "lte")[1]
    assert "modem registered" in text and "binding 2" in text and "wifi" not in text


def test_ping_and_trace_go_through_the_uplink_that_is_named(lab):
    status, text, _ = roamctl(lab, "ping", "lte", "203.0.113.10", "--count", "2")
    assert status == 0 and "203.0.113.10 through wwan0" in text and "0% lost" in text
    status, text, _ = roamctl(lab, "trace", "wifi", "203.0.113.10")
    assert status == 0 and [line.split()[1] for line in text.splitlines()[1:]] == [
        "192.0.2.1",
        "198.18.1.1",
        "203.0.113.10",
    ]
    assert roamctl(lab, "ping", "wifi", "--tunnel", "--count", "1")[0] == 0
    status, text, _ = roamctl(lab, "ping", "wifi", "203.0.113.77", "--count", "1")
    assert status == 1 and "100% lost" in text
    status, text, _ = roamctl(lab, "ping", "bike")
    assert status == 1 and "no uplink 'bike'; known: wifi, lte" in text


def test_an_uplink_is_left_alone_and_used_again(lab):
    assert roamctl(lab, "uplink", "down", "wifi")[0] == 0
    lab.cast.wait("wifi to be left", lambda: set(lab.cast.bound()) == {"lte"}, 5)
    text = roamctl(lab, "show", "summary")[1]
    assert "held down by hand" in text and "try: uplink up wifi" in text
    assert roamctl(lab, "uplink", "up", "wifi")[0] == 0
    lab.cast.wait("wifi to be back", lambda: set(lab.cast.bound()) == {"wifi", "lte"}, 5)


def test_registrations_are_renewed(lab):
    before = lab.cast.status("mr")["counters"]["requests_sent"]
    assert roamctl(lab, "registration", "renew")[1] == "asked again: wifi, lte\n"
    lab.cast.wait("two requests", lambda: lab.cast.status("mr")["counters"]["requests_sent"] >= before + 2, 5)
    assert roamctl(lab, "registration", "renew", "wifi")[1] == "asked again: wifi\n"


def test_a_capture_is_a_pcap_file(lab):
    request = lab.ask("capture", uplink="lte")
    assert request["linktype"] == 1
    roamctl(lab, "ping", "lte", "--count", "2")
    status, text, saved = roamctl(lab, "capture", "lte", "--count", "3", "--seconds", "5")
    assert status == 0 and "3 packets in lte.pcap" in text
    data = saved["lte.pcap"].kept
    assert struct.unpack_from("<IHHiIII", data) == (0xA1B2C3D4, 2, 4, 0, 0, 256, 1)
    at, packets = 24, []
    while at < len(data):
        _, _, kept, length = struct.unpack_from("<IIII", data, at)
        packets.append(data[at + 16 : at + 16 + kept])
        assert kept == min(length, 256)
        at += 16 + kept
    assert len(packets) == 3 and all(packet[12:14] in (b"\x08\x00", b"\x08\x06") for packet in packets)


class Pinging(Saving):
    """Something goes on by each uplink whenever it waits."""

    def pause(self, seconds):
        for uplink in ("wifi", "lte"):
            self.ask("ping", {"uplink": uplink, "count": 1})


def archived(lab, *words):
    here = Pinging(lab.cast.directory + "/mr.sock")
    assert run(["support", "-", *words], here) == 0
    with tarfile.open(fileobj=io.BytesIO(here.saved["-"].kept)) as tar:
        return here.text, {name.rpartition("/")[2]: tar.extractfile(name).read() for name in tar.getnames()}


TOLD = {
    "summary.txt", "summary.json", "status.json", "events.json", "flows.json", "modems.json", "version.json", "config",
    "machine.txt",
}  # fmt: skip


def test_the_archive_for_the_back_office_holds_no_secret(lab):
    text, files = archived(lab, "--seconds", "0")
    assert "summary.txt" in text and files.keys() == TOLD
    whole = b"".join(files.values()).decode()
    for secret in (KEY, "861075023456789", "001010123456789", "8988211000000000017", "'1234'"):
        assert secret not in whole
    assert "192.0.2.10" in whole and "nft list table ip roamd" in whole


def test_the_archive_has_the_headers_of_every_uplinks_packets(lab):
    _, files = archived(lab, "--seconds", "3")
    assert files.keys() == TOLD | {"wifi.pcap", "lte.pcap", "captures.txt"}
    for name in ("wifi", "lte"):
        found = subprocess.run(
            ["tshark", "-r", "-", "-T", "fields", "-e", "frame.protocols", "-e", "frame.cap_len"],
            input=files[f"{name}.pcap"],
            capture_output=True,
            check=True,
        ).stdout.decode()
        rows = [line.split("\t") for line in found.splitlines()]
        assert rows and all(int(octets) <= 160 for _, octets in rows)
        # Of an echo its header alone, and not the octets that it carries.
        assert ["eth:ethertype:ip:icmp", "42"] in rows
        assert f"{name}.pcap: {len(rows)} packets" in files["captures.txt"].decode()


def test_an_archive_is_named_by_the_time_and_has_what_the_daemon_can_tell(lab):
    status, text, saved = roamctl(lab, "support", "--seconds", "0")
    (name,) = saved
    assert status == 0 and re.fullmatch(r"roamd-support-\d{8}-\d{6}\.tar\.gz", name) and name in text
    assert roamctl(lab, "support", "--seconds", "61")[0] == 2


@pytest.mark.parametrize(
    ("method", "params", "word"),
    [
        ("ping", {"uplink": "wifi", "to": "x"}, "expected an IPv4 address"),
        ("ping", {"uplink": "wifi", "count": 100}, "count 100: expected a whole number, 1..20"),
        ("capture", {"uplink": "wifi", "snaplen": 1}, "snaplen 1"),
        ("uplink_set", {"uplink": "wifi", "down": "yes"}, "down: expected true or false"),
        ("test_uplink", {}, "no uplink None; known: wifi, lte"),
        ("events", {"limit": -1}, "limit -1"),
    ],
)
def test_wrong_questions_are_named(lab, method, params, word):
    with pytest.raises(ControlError, match=word.replace(".", r"\.")):
        lab.ask(method, **params)
