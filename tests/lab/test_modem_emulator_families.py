"""Every personality read through its family's table: what the emulator says is what roamd understands."""

import pytest

from modem import families
from modem.facts import known, merge
from router.lab.modem import PERSONALITIES, Emulator
from router.lab.modem.radio import Samples

# Levels that no rounding changes (dBm, dBm, dB, dB).
LEVELS = {"rssi": -65.0, "rsrp": -93.0, "rsrq": -8.0, "sinr": 14.0}
# An index of TS 27.007 is a range: how far its lower end may be from the value (dB).
NO_SINR = ("telit-le910",)
"""Products that have no command which tells it."""
LOOSE = {"rssi": 2.0, "rsrp": 1.0, "rsrq": 0.5, "sinr": 1.0}
BANDS = {"NR": "n{}", "E-UTRAN": "B{}", "EN-DC": "B{}"}


NR_CELL = {"technology": "NR", "arfcn": 636768, "band": 78, "duplex": "TDD", "bandwidth": 100}
LTE_CELL = {"technology": "E-UTRAN", "arfcn": 1300, "band": 3, "duplex": "FDD", "bandwidth": 20, "pci": 501}
OTHERS = [
    ("quectel-rm520n", NR_CELL),
    ("quectel-rm520n", LTE_CELL),
    ("quectel-rm500u", {**LTE_CELL, "ci": "01C3D40B", "tac": "1A2B"}),
]
"""Personalities in another network than their usual one."""


def cases():
    """(personality, what is other about the cell): all whose family has a table of its own, and OTHERS."""
    usual = [
        (who.name, {})
        for who in PERSONALITIES.values()
        if families.by_identity(who.manufacturer, who.model).name != "generic"
    ]
    return usual + OTHERS


class Told:
    """What a family's commands, sent to an emulated modem that is registered, tell."""

    def __init__(self, who, cell):
        self.who = who
        self.technology = cell.get("technology", who.technology)
        self.modem = Emulator(who, 0.0, interrupt=0, samples=Samples([(0.0, {**LEVELS, **cell})]))
        self.now = 10.0
        self.facts = {}
        self.silent = []
        self.family = families.by_identity(who.manufacturer, who.model)
        for command, _ in (("E0", 1.0), ("+CMEE=1", 1.0), *self.family.setup):
            self.ask(command)
        for group in ("identity", "state", "signal", "slow"):
            for query in getattr(self.family, group):
                self.query(query)

    def ask(self, command):
        self.modem.feed(f"AT{command}\r".encode(), self.now)
        self.now += 10.0
        lines = [line for line in self.modem.output(self.now).decode("latin-1").split("\r\n") if line]
        final = next(
            at for at, line in enumerate(lines) if line in ("OK", "ERROR") or line.startswith("+CME")
        )
        for line in lines[final + 1 :]:
            merge(self.facts, self.family.facts_of(line))
        self.later = lines[final + 1 :]
        return lines[:final], lines[final]

    def query(self, query):
        lines, result = self.ask(query.command)
        if result != "OK":
            return
        told = query.parser(lines)
        read = known(told) or any(self.family.facts_of(line) for line in self.later)
        if lines and not read and '""' not in lines[0]:
            self.silent.append((query.command, lines))
        merge(self.facts, told)


@pytest.fixture(
    scope="module",
    params=cases(),
    ids=lambda case: "-".join([case[0], *filter(None, [case[1].get("technology")])]),
)
def told(request):
    name, cell = request.param
    return Told(PERSONALITIES[name], cell)


def test_it_is_known_by_name(told):
    view = told.modem.core.view()
    assert told.facts["model"] == told.who.model
    assert {name: told.facts.get(name) for name in ("imei", "imsi", "iccid", "sim")} == {
        "imei": view["imei"], "imsi": view["imsi"], "iccid": view["iccid"], "sim": "READY",
    }  # fmt: skip


def test_the_levels_are_those_of_the_air(told):
    for name, value in LEVELS.items():
        if name == "sinr" and told.who.name in NO_SINR:
            assert "sinr" not in told.facts
            continue
        assert abs(told.facts[name] - value) <= LOOSE[name], (name, told.facts[name])


def test_the_cell_is_the_one_that_serves(told):
    view = told.modem.core.view()
    technology = told.technology
    wanted = {
        "registration": "registered",
        "technology": technology,
        "tac": view["tac_decimal"],
        "cell_id": view["ci_decimal"],
        "pci": view["pci"],
        "arfcn": view["arfcn"],
        "band": BANDS[technology].format(view["band"]),
        "bandwidth_down": 1000 * view["bandwidth"],
        "plmn": view["plmn"],
        "operator": view["operator"],
    }
    found = {name: told.facts[name] for name in wanted if name in told.facts}
    assert found == {name: wanted[name] for name in found}
    assert {"registration", "technology", "tac", "cell_id", "operator"} <= found.keys()


def test_the_rest_is_right_where_it_is_told(told):
    view = told.modem.core.view()
    if "temperature" in told.facts:
        assert abs(told.facts["temperature"] - view["temperature"]) <= 5
    context = next(item for item in told.facts["contexts"] if item["cid"] == told.modem.core.contexts.default)
    assert context["apn"] == "internet"


def test_every_answer_of_the_table_is_understood(told):
    assert told.silent == []


def test_a_session_by_at_comes_and_goes(told):
    commands = told.family.connect(told.modem.core.contexts.default, "internet")
    if commands is None:
        pytest.skip(f"{told.family.name} has no session by AT")
    told.modem.take_effects()
    assert [told.ask(command)[1] for command, _ in commands] == ["OK"] * len(commands)
    assert told.modem.take_effects() == [("data", "up")]
    question = told.family.connected
    assert question is None or active(told)
    for command, _ in told.family.disconnect(told.modem.core.contexts.default):
        assert told.ask(command)[1] == "OK"
    assert told.modem.take_effects() == [("data", "down")]
    # A context may outlive the network device's session.
    assert question is None or question.command == "+CGACT?" or not active(told)


def active(told):
    """What the family's own question about the session says."""
    lines, _ = told.ask(told.family.connected.command)
    contexts = told.family.connected.parser(lines).get("contexts", [])
    return any(context["active"] for context in contexts)
