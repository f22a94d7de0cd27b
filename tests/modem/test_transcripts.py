"""Recorded dialogues of real modems: every line that is understood, with the value a person reads in it."""

import json
import os
from glob import glob

import pytest

from modem import families
from modem.at import Engine, Response, Unsolicited

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ.get("ROAMD_TRANSCRIPTS") or os.path.join(HERE, "..", "..", "..", "shared", "transcripts")
RECORDINGS = sorted(glob(os.path.join(FOLDER, "*", "dialogue.json")))

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="no recorded dialogues beside this checkout")

EXPECTED = {
    "quectel-rm500u": {
        "+CGMI": {"manufacturer": "Quectel"},
        "+CGMM": {"model": "RM500U-CNV"},
        "+CGSN": {"imei": "869950000000001"},
        "+CIMI": {"imsi": "460110000000001"},
        "+CCID": {"iccid": "89860000000000000001"},
        "+CPIN?": {"sim": "READY"},
        "+COPS?": {"plmn": "46011"},
        "+CGACT?": {"contexts": [{"cid": 1, "active": True}, {"cid": 11, "active": True}]},
        "+CGPADDR": {"contexts": [{"cid": 1, "address": "10.5.116.2"}]},
        "+CSQ": {"rssi": -77},
        "+QNWINFO": {"band": "n78", "plmn": "46011", "arfcn": 633984},
        '+QENG="servingcell"': {
            "technology": "NR",
            "duplex": "TDD",
            "plmn": "46011",
            "cell_id": 0x760BF0114,
            "pci": 702,
            "tac": 0x76010F,
            "arfcn": 633984,
            "band": "n78",
            "bandwidth_down": 100000,
            "rsrp": -89,
            "rsrq": -8,
            "sinr": 15,
        },
        "+QCAINFO": {
            "carriers": [
                {
                    "role": "PCC",
                    "technology": "NR",
                    "band": "n78",
                    "bandwidth_down": 100000,
                    "arfcn": 633984,
                    "pci": 702,
                    "rsrp": -92,
                    "rsrq": -7,
                    "rssi": -72,
                    "sinr": 10,
                }
            ]
        },
        "+QTEMP": {"temperature": 50},
        "+QGDCNT?": {"bytes_down": 109169083, "bytes_up": 82663256},
    },
    "openluat-air724ug": {
        "+CGMI": {"manufacturer": None},
        "+CGMM": {"model": "Air724UG"},
        "+CGMR": {"revision": "LuatOS-Air_V4032_RDA8910_TTS_NOLVGL_FLOAT"},
        "+CGSN": {"imei": "860000000000001"},
        "+CIMI": {"imsi": "460000000000001"},
        "+ICCID": {"iccid": "89000000000000000001"},
        "+CPIN?": {"sim": "READY"},
        "+COPS?": {"plmn": "46011"},
        "+CGACT?": {"contexts": [{"cid": 5, "active": True}]},
        "+CGPADDR": {"contexts": [{"cid": 5, "address": "10.32.140.122"}]},
        "+CSQ": {"rssi": -59},
        "+CESQ": {"rscp": None, "ecio": None, "rsrq": -10.5, "rsrp": -90},
        "+CCED=0,1": {
            "technology": "E-UTRAN",
            "plmn": "46011",
            "band": "B3",
            "bandwidth_down": 20000,
            "arfcn": 1650,
            "cell_id": 111742881,
            "rsrp": -90,
            "rsrq": -10.5,
            "tac": 6342,
            "pci": 81,
        },
        "+EEMGINFO?": {
            "technology": "E-UTRAN",
            "tac": 6342,
            "pci": 81,
            "arfcn": 1650,
            "band": "B3",
            "bandwidth_down": 20000,
            "cell_id": 111742881,
            "sinr": 6,
        },
    },
}


def recorded(name):
    """Command (without AT) and the answer's octets."""
    with open(os.path.join(FOLDER, name, "dialogue.json")) as file:
        return {entry["command"][2:]: entry["response"].encode("latin-1") for entry in json.load(file)}


def played(command, octets):
    engine = Engine()
    engine.send(command, 5.0)
    engine.output(0.0)
    return [*engine.feed(octets, 0.0), *engine.tick(1.0)]


def family_of(name):
    told = {}
    for command in ("+CGMI", "+CGMM"):
        for event in played(command, recorded(name)[command]):
            if isinstance(event, Response):
                query = next(item for item in families.GENERIC.identity if item.command == command)
                told.update(query.parser(event.lines))
    return families.by_identity(told["manufacturer"], told["model"])


def queries(family):
    return {
        query.command: query
        for group in (family.identity, family.state, family.signal, family.slow)
        for query in group
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_modem_said_is_understood(name):
    if not os.path.exists(os.path.join(FOLDER, name)):
        pytest.skip(f"no recording {name}")
    family = family_of(name)
    asked = queries(family)
    found = {}
    for recorded_command, octets in recorded(name).items():
        command = "+CGPADDR" if recorded_command.startswith("+CGPADDR=") else recorded_command
        events = played(recorded_command, octets)
        responses = [event for event in events if isinstance(event, Response)]
        assert len(responses) == 1, recorded_command
        if command not in asked or not responses[0].ok:
            continue
        found[command] = asked[command].parser(responses[0].lines)
        for event in events:
            if isinstance(event, Unsolicited):
                found[command].update(family.facts_of(event.line))
    assert found == EXPECTED[name]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: os.path.basename(os.path.dirname(path)))
def test_no_octet_of_a_recording_is_lost(path):
    """Each line but the echo and the result is a line of the answer, or unsolicited."""
    for command, octets in recorded(os.path.basename(os.path.dirname(path))).items():
        lines = [line for line in octets.decode("latin-1").replace("\r", "\n").split("\n") if line]
        seen = ["AT" + command]
        for event in played(command, octets):
            if isinstance(event, Response):
                seen += [*event.lines, event.result]
            else:
                seen.append(event.line)
        assert sorted(seen) == sorted(lines)
