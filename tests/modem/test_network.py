"""Identity, SIM, registration, contexts.  Runs under CPython and MicroPython."""

import pytest

from modem import facts, network


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["+CREG: 0,1"], ("+CREG", "registered", False, None)),
        (['+CEREG: 2,5,"1A2B","01C3D4E5",7'], ("+CEREG", "registered", True, "E-UTRAN")),
        (['+C5GREG: 2,1,"76010F","760BF0114",11,0,""'], ("+C5GREG", "registered", False, "NR")),
        (["+CREG: 2,1,1A2B,01C3D4E5,7"], ("+CREG", "registered", False, "E-UTRAN")),
        (["+CREG: 2,2"], ("+CREG", "searching", None, None)),
        (["+CREG: 0,3"], ("+CREG", "denied", None, None)),
        # An unsolicited line between: <stat> alone, or with an area code behind it.
        (["+CREG: 1", "+CREG: 2,2"], ("+CREG", "searching", None, None)),
        (['+CREG: 5,"0001","01C3"', '+CREG: 2,1,"0001","01C3",7'], ("+CREG", "registered", False, "E-UTRAN")),
    ],
)
def test_registration(lines, expected):
    found = network.registration(lines)
    assert (found["domain"], found["registration"], found["roaming"], found.get("technology")) == expected


@pytest.mark.parametrize("line", ["+CREG: 2,77", "+CREG: x,y", "+CREG: ", "+CSQ: 2,1", "+CREG: 12,1"])
def test_what_is_no_registration(line):
    assert network.registration([line]) == {}


def test_area_and_cell_are_hexadecimal_and_all_ones_unknown():
    found = network.registration(['+CEREG: 2,1,"1A2B","01C3D4E5",7'])
    assert (found["tac"], found["cell_id"]) == (0x1A2B, 0x01C3D4E5)
    found = network.registration(['+CEREG: 2,1,"FFFF","FFFFFFFF",7'])
    assert (found["tac"], found["cell_id"]) == (None, None)


def test_registration_urc():
    assert network.registration_urc("+CEREG: 5")["roaming"] is True
    found = network.registration_urc('+CEREG: 1,"1A2B","01C3",7')
    assert (found["domain"], found["technology"], found["tac"]) == ("+CEREG", "E-UTRAN", 0x1A2B)
    assert network.registration_urc("+CEREG: 1,1A2B,01C3,7")["cell_id"] == 0x01C3
    assert network.registration_urc("+CSQ: 1") == {}


def test_the_best_domain_shows():
    known = {}
    facts.merge(known, network.registration(["+CREG: 0,0"]))
    assert known["registration"] == "idle"
    facts.merge(known, network.registration(['+CEREG: 2,1,"0001","01C3",7']))
    facts.merge(known, network.registration(["+C5GREG: 2,0"]))
    assert (known["registration"], known["technology"], known["tac"]) == ("registered", "E-UTRAN", 1)
    facts.merge(known, network.registration_urc("+CEREG: 2"))
    assert known["registration"] == "searching"


def test_en_dc_outlives_the_registration_of_its_master():
    known = {"technology": "EN-DC"}
    facts.merge(known, network.registration(['+CEREG: 2,1,"0001","01C3",7']))
    assert known["technology"] == "EN-DC"
    facts.merge(known, {"technology": "E-UTRAN"})
    assert known["technology"] == "E-UTRAN"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('+COPS: 0,0,"Testnet",7', {"operator": "Testnet", "technology": "E-UTRAN"}),
        ('+COPS: 0,2,"26201",11', {"plmn": "26201", "technology": "NR"}),
        ('+COPS: 0,2,"46011",13', {"plmn": "46011", "technology": "EN-DC"}),
        ("+COPS: 0", {"operator": None, "plmn": None}),
        ('+COPS: 0,2,"x"', {"plmn": None}),
        ("+COPS: x", {}),
    ],
)
def test_operator(line, expected):
    assert network.operator_and_technology([line]) == expected


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ("+CME ERROR: 10", "absent"),
        ("+CME ERROR: 13", "failure"),
        ("+CME ERROR: 14", "busy"),
        ("+CME ERROR: 11", "SIM PIN"),
        ("+CME ERROR: SIM not inserted", "absent"),
        ("+CME ERROR: SIM busy", "busy"),
        ("+CME ERROR: 100", None),
        ("ERROR", None),
    ],
)
def test_the_sims_errors(result, state):
    assert network.sim_error(result) == {"sim": state}


def test_sim():
    assert network.sim(["+CPIN: SIM PIN"]) == {"sim": "SIM PIN"}
    assert network.sim(["+CPIN: NOT INSERTED"]) == {"sim": "absent"}
    assert network.pin_tries(['+CPINR: "SIM PIN",2,3', '+CPINR: "SIM PUK",10,10']) == {"pin_tries": 2}


def test_identity():
    assert network.imei(["861075023456789"]) == {"imei": "861075023456789"}
    assert network.imei(["+CGSN: 861075023456789"]) == {"imei": "861075023456789"}
    assert network.imei(["86107502345678"]) == {"imei": None}
    for line in (
        "+CCID: 89490200001234567890",
        '+ICCID: "8949020000123456789F"',
        "ICCID: 89490200001234567890",
    ):
        assert str(network.iccid([line])["iccid"]).startswith("8949020000123456789")
    assert network.iccid(["+CCID: 1"]) == {"iccid": None}
    assert network.manufacturer(['+CGMI: ""']) == {"manufacturer": None}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('+CGPADDR: 1,"10.1.2.3"', "10.1.2.3"),
        ("+CGPADDR: 1,10.1.2.3", "10.1.2.3"),
        ('+CGPADDR: 1,"0.0.0.0"', None),
        ("+CGPADDR: 1", None),
        ('+CGPADDR: 1,"10.1.2.300"', None),
        ('+CGPADDR: 1,"10.5.116.2","2001:db8:0:0:0:0:0:1"', "10.5.116.2"),
        ('+CGPADDR: 1,"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1"', "2001:db8:0:0:0:0:0:1"),
        ('+CGPADDR: 1,"IPV4:10.32.140.122    IPV6:::18C9:CE33:97B7:75BD"', "10.32.140.122"),
    ],
)
def test_addresses(line, expected):
    assert network.addresses([line]) == {"contexts": [{"cid": 1, "address": expected}]}


def test_a_context_is_put_together():
    known = {}
    facts.merge(
        known, network.definitions(['+CGDCONT: 1,"IPV4V6","internet","",0,0', '+CGDCONT: 2,"IP","ims"'])
    )
    facts.merge(known, network.activity(["+CGACT: 1,1", "+CGACT: 2,0"]))
    line = '+CGCONTRDP: 1,5,"internet.mnc001","10.64.1.2.255.255.255.252","10.64.1.1","9.9.9.9","1.1.1.1","","",0,0,1430'
    six = '+CGCONTRDP: 1,5,"internet.mnc001","' + "32.1.13.184" + ".0" * 11 + '.1","","",""'
    facts.merge(known, network.parameters([six, line]))
    assert known["contexts"] == [
        {
            "cid": 1,
            "type": "IPV4V6",
            "apn": "internet.mnc001",
            "active": True,
            "address": "10.64.1.2",
            "prefix_length": 30,
            "gateway": "10.64.1.1",
            "dns": ["9.9.9.9", "1.1.1.1"],
            "mtu": 1430,
        },
        {"cid": 2, "type": "IP", "apn": "ims", "active": False},
    ]


def test_ambr():
    assert network.ambr(["+CGEQOSRDP: 1,9,0,0,0,0,150000,50000"]) == {
        "ambr_down": 150000000,
        "ambr_up": 50000000,
    }
    assert network.ambr(["+CGEQOSRDP: 1,9,0,0"]) == {}


def test_limits():
    known = {}
    for name, value in (
        ("rsrp", -44),
        ("rsrp", 32767),
        ("rsrq", -32768),
        ("pci", 65535),
        ("temperature", 255),
    ):
        facts.put(known, name, value)
        assert known[name] is None
