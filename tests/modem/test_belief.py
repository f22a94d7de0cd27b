"""What is believed of a noisy line.  Runs under CPython and MicroPython."""

from modem.belief import Belief, alike


def test_an_answer_is_believed_once_heard_again():
    belief = Belief(agree=2)
    assert not belief.weigh("+CGMM", ["+CGMM: 1"], {"model": "EC25"})
    assert belief.weigh("+CGMM", ["+CGMM: 1"], {"model": "EC25"})
    assert belief.weigh("+CGMM", ["+CGMM: 1"], {"model": "EC25"})


def test_one_spoilt_answer_changes_nothing():
    belief = Belief(agree=2)
    for _ in range(2):
        belief.weigh("+CSQ", ["+CSQ: 1"], {"rssi": -73})
    assert not belief.weigh("+CSQ", ["+CSQ: 1"], {"rssi": -109})
    assert belief.weigh("+CSQ", ["+CSQ: 1"], {"rssi": -75})
    # The doubt of then does not count now.
    assert not belief.weigh("+CSQ", ["+CSQ: 1"], {"rssi": -109})
    assert belief.weigh("+CSQ", ["+CSQ: 1"], {"rssi": -109})


def test_what_says_nothing_agrees_only_with_the_same():
    belief = Belief(agree=2)
    assert not belief.weigh("+CGSN", ["86107502345678x"], {"imei": None})
    weighed = [belief.weigh("+CGSN", ["y861075023456789"], {"imei": None}) for _ in range(4)]
    assert weighed == [False, False, False, True]


def test_an_answer_that_tells_nothing_needs_more():
    belief = Belief(agree=2)
    for command, lines, told in (
        ("+CGACT?", [], {}),
        ("+CIMI", ["x"], {"imsi": None}),
        ("+X", ["1"], {"contexts": []}),
    ):
        assert [belief.weigh(command, lines, told) for _ in range(4)] == [False, False, False, True]


def test_commands_are_weighed_apart():
    belief = Belief(agree=2)
    belief.weigh("+CGMI", ["+CGMI: 1"], {"manufacturer": "A"})
    assert not belief.weigh("+CGMM", ["+CGMM: 1"], {"manufacturer": "A"})


def test_what_is_forgotten_is_doubted_again():
    belief = Belief(agree=2)
    for _ in range(2):
        belief.weigh("+CGMM", ["+CGMM: 1"], {"model": "EC25"})
    belief.forget()
    assert not belief.weigh("+CGMM", ["+CGMM: 1"], {"model": "EC25"})


def test_levels_may_differ_and_words_may_not():
    assert alike({"rsrp": -90, "band": "B3"}, {"rsrp": -95, "band": "B3"})
    assert not alike({"rsrp": -90}, {"rsrp": -99})
    assert not alike({"band": "B3"}, {"band": "B7"})
    assert not alike({"rsrp": -90}, {"rsrp": None})
    assert not alike({"rsrp": -90}, {})
    assert alike({"bytes_up": 1}, {"bytes_up": 9}) and not alike({"bytes_up": 9}, {"bytes_up": 1})
    assert alike({"carriers": [{"pci": 1, "rsrp": -90}]}, {"carriers": [{"pci": 1, "rsrp": -91}]})
    assert not alike({"carriers": [{"pci": 1}]}, {"carriers": [{"pci": 2}]})
    assert not alike({"carriers": [{"pci": 1}]}, {"carriers": []})
