"""Vendors' formats, read.  Runs under CPython and MicroPython.

The lines are written anew from the vendors' documented formats; the values were worked out by hand.
"""

import pytest

from modem import bands, facts, families
from modem.families import Query


def told(family, command, text):
    """What the parser of `command` makes of the lines of `text`."""
    table = families.load(family)
    for group in (table.identity, table.state, table.signal, table.slow):
        for query in group:
            if query.command == command:
                return query.parser([line.strip(" ") for line in text.split("\n") if line.strip()])
    raise KeyError(command)


def holds(found, expected):
    for name, value in expected.items():
        assert name in found and found[name] == value, (name, found.get(name), value)
    return True


@pytest.mark.parametrize(
    ("manufacturer", "model", "name"),
    [
        ("Quectel", "EC25", "quectel_ec2x"),
        ("Quectel", "EP06", "quectel"),
        ("Quectel", "RM520N-GL", "quectel"),
        ("Quectel", "RM500U-CNV", "quectel_unisoc"),
        ("Quectel", "XX99", "quectel"),
        ("Sierra Wireless, Incorporated", "EM7455", "sierra"),
        ("Telit", "LE910C4-EU", "telit"),
        ("Telit", "LN940A11", "foxconn"),
        ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "simcom"),
        ("u-blox", "TOBY-L210", "ublox"),
        ("Huawei Technologies Co., Ltd.", "ME909s-120", "huawei"),
        ("Fibocom", "L850-GL", "fibocom_intel"),
        ("Fibocom Wireless Inc.", "FM350-GL", "fibocom"),
        ("ZTE CORPORATION", "MF286D", "zte"),
        ("MikroTik", "R11e-LTE6", "mikrotik"),
        (None, "Air724UG", "openluat"),
        (None, "T99W175", "foxconn"),
        (None, None, "generic"),
        ("Nobody", "Nothing", "generic"),
    ],
)
def test_a_modem_is_known_by_what_it_says(manufacturer, model, name):
    assert families.by_identity(manufacturer, model).name == name


@pytest.mark.parametrize(
    ("vendor", "product", "name"),
    [
        (0x2C7C, 0x0125, "quectel_ec2x"),
        (0x2C7C, 0x0800, "quectel"),
        (0x1199, 0x9071, "sierra"),
        (0x2CB7, 0x0007, "fibocom_intel"),
        (0x2CB7, 0x0104, "fibocom"),
        (0x1234, 0x5678, "generic"),
    ],
)
def test_a_usb_id_is_a_hint(vendor, product, name):
    assert families.by_usb(vendor, product).name == name


@pytest.mark.parametrize("name", families.names())
def test_tables_are_whole(name):
    family = families.load(name)
    assert family.name == name
    for group in (family.identity, family.state, family.signal, family.slow):
        assert group
        commands = [query.command for query in group]
        assert len(set(commands)) == len(commands)
        for query in group:
            assert isinstance(query, Query) and query.timeout > 0 and not query.command.startswith("AT")
            assert query.parser([]) is not None
    for commands in (family.setup, family.urc_setup, family.restart_radio, family.reset, family.power_off):
        for command, seconds in commands:
            assert isinstance(command, str) and seconds > 0
    for roles in family.roles.values():
        for role in roles.values():
            assert role in ("at", "modem", "nmea", "diag", "data", "gnss", "audio")
    if family.connect(1, "internet", "user", "secret") is not None:
        assert family.disconnect(1)


@pytest.mark.parametrize("name", [name for name in families.names() if name not in ("generic", "openluat")])
def test_no_family_lets_a_name_or_password_close_its_quotes(name):
    family = families.load(name)
    if family.connect(1, "internet", "user", "secret") is not None:
        with pytest.raises(ValueError, match="not allowed"):
            family.connect(1, "internet", 'user",1,"', "secret")
        with pytest.raises(ValueError, match="not allowed"):
            family.connect(1, "internet", "user", 'x"')


def test_an_unsolicited_line_goes_to_its_reader():
    family = families.load("huawei")
    assert family.facts_of('^HCSQ:"LTE",60,48,131,30')["rsrp"] == -93
    assert family.facts_of("^RSSI: 20")["rssi"] == -73
    assert family.facts_of("^BOOT: 1") == {}


# Quectel


def test_quectel_lte():
    line = (
        '+QENG: "servingcell","NOCONN","LTE","FDD",262,02,2D8C40B,310,1444,3,5,4,B4A9,-94,-11,-62,14,9,230,40'
    )
    assert holds(
        told("quectel", '+QENG="servingcell"', line),
        {
            "technology": "E-UTRAN",
            "duplex": "FDD",
            "plmn": "26202",
            "cell_id": 0x2D8C40B,
            "pci": 310,
            "arfcn": 1444,
            "band": "B3",
            "bandwidth_up": 20000,
            "bandwidth_down": 15000,
            "tac": 0xB4A9,
            "rsrp": -94,
            "rsrq": -11,
            "rssi": -62,
            "sinr": 14,
            "cqi": 9,
        },
    )


def test_quectel_ec25_counts_fifths():
    line = '+QENG: "servingcell","CONNECT","LTE","FDD",262,02,2D8C40B,310,1444,3,5,5,B4A9,-94,-11,-62,150,36'
    assert told("quectel_ec2x", '+QENG="servingcell"', line)["sinr"] == 10
    assert "cqi" not in told("quectel_ec2x", '+QENG="servingcell"', line)


def test_quectel_en_dc():
    text = """+QENG: "servingcell","NOCONN"
+QENG: "LTE","FDD",310,260,2D8C40B,310,1444,66,5,5,B4A9,-94,-11,-62,14,9,230,40
+QENG: "NR5G-NSA",310,260,77,-90,22,-11,520110,41,12,1"""
    found = told("quectel", '+QENG="servingcell"', text)
    assert holds(found, {"technology": "EN-DC", "band": "B66", "rsrp": -94, "plmn": "310260"})
    assert found["carriers"] == [
        {
            "role": "SCC",
            "technology": "NR",
            "pci": 77,
            "rsrp": -90,
            "sinr": 22,
            "rsrq": -11,
            "arfcn": 520110,
            "band": "n41",
            "bandwidth_down": 100000,
        }
    ]


def test_quectel_unknown_codes_are_unknown():
    line = (
        '+QENG: "servingcell","LIMSRV","LTE","FDD",-,-,FFFFFFF,-,1444,3,-,-,FFFF,-44,-,32767,-32768,255,-,-'
    )
    found = told("quectel", '+QENG="servingcell"', line)
    for name in ("plmn", "cell_id", "pci", "bandwidth_up", "tac", "rsrp", "rsrq", "rssi", "sinr", "cqi"):
        assert found[name] is None, name
    assert told("quectel", '+QENG="servingcell"', '+QENG: "servingcell","SEARCH"')["rsrp"] is None


def test_quectel_wcdma_and_gsm():
    line = '+QENG: "servingcell","NOCONN","WCDMA",262,02,A1B2,C3D4E5,10712,131,1,-86,-6,0,-,-,-,-'
    assert holds(
        told("quectel", '+QENG="servingcell"', line),
        {"technology": "UTRAN", "tac": 0xA1B2, "arfcn": 10712, "rscp": -86, "ecio": -6},
    )
    line = '+QENG: "servingcell","NOCONN","GSM",262,02,A1B2,C3D4,31,64,0,-71,255,255,0,0,0'
    assert holds(told("quectel", '+QENG="servingcell"', line), {"technology": "GSM", "rssi": -71})


def test_quectel_aggregation():
    text = """+QCAINFO: "PCC",1444,100,"LTE BAND 3",1,310,-94,-11,-62,14
+QCAINFO: "SCC",2850,50,"LTE BAND 7",2,122,-101,-13,-71,6
+QCAINFO: "SCC",636768,12,"NR5G BAND 78",801"""
    carriers = told("quectel", "+QCAINFO", text)["carriers"]
    assert [c["band"] for c in carriers] == ["B3", "B7", "n78"]
    assert [c["bandwidth_down"] for c in carriers] == [20000, 10000, 100000]
    assert [c["pci"] for c in carriers] == [310, 122, 801]
    assert holds(carriers[1], {"role": "SCC", "rsrp": -101, "rsrq": -13, "sinr": 6})


def test_a_second_leg_joins_the_carriers():
    known = {}
    facts.merge(
        known, {"carriers": [{"role": "PCC", "arfcn": 1, "pci": 2}, {"role": "SCC", "arfcn": 9, "pci": 8}]}
    )
    facts.merge(known, {"carriers": [{"role": "SCC", "arfcn": 9, "pci": 8, "rsrp": -90}]})
    assert known["carriers"] == [
        {"role": "PCC", "arfcn": 1, "pci": 2},
        {"role": "SCC", "arfcn": 9, "pci": 8, "rsrp": -90},
    ]
    facts.merge(known, {"carriers": [{"role": "PCC", "arfcn": 1, "pci": 2}]})
    assert len(known["carriers"]) == 1


def test_quectel_others():
    assert holds(
        told("quectel", "+QNWINFO", '+QNWINFO: "FDD LTE","26202","LTE BAND 3",1444'),
        {"plmn": "26202", "band": "B3", "arfcn": 1444},
    )
    assert told("quectel", "+QTEMP", '+QTEMP: "cpu0","41"\n+QTEMP: "pa","-273"') == {"temperature": 41}
    assert told("quectel", "+QTEMP", "+QTEMP: 34,31,255") == {"temperature": 34}
    assert told("quectel", "+QPINC?", '+QPINC: "SC",3,10\n+QPINC: "P2",3,10') == {"pin_tries": 3}
    assert told("quectel", "+QGDCNT?", "+QGDCNT: 1000,2000") == {"bytes_up": 1000, "bytes_down": 2000}
    line = '+QNWCFG: "nr5g_ambr","internet",5,100,4,200'
    assert told("quectel", '+QNWCFG="nr5g_ambr"', line) == {"ambr_down": 25600000, "ambr_up": 12800000}


@pytest.mark.parametrize(
    ("line", "down", "up"),
    [
        # Units of 1 Mbit/s and of 4 Mbit/s.
        ('"nr5g_ambr","internet",6,500,7,25', 500000000, 100000000),
        ('"nr5g_ambr",11,2,6,300', 2000000000, 300000000),
        # kbit/s without units, with and without the APN.
        ('"lte_ambr","internet",50000,10000', 50000000, 10000000),
        ('"lte_ambr","",50000,10000', 50000000, 10000000),
        ('"lte_ambr",50000,10000', 50000000, 10000000),
    ],
)
def test_quectel_ambr(line, down, up):
    command = "+QNWCFG=" + line.split(",")[0]
    assert told("quectel", command, "+QNWCFG: " + line) == {"ambr_down": down, "ambr_up": up}


def test_quectel_ambr_of_several_access_points_is_the_greatest():
    lines = """
+QNWCFG: "lte_ambr","internet",150000,50000
+QNWCFG: "lte_ambr","ims",1000,1000"""
    assert told("quectel", '+QNWCFG="lte_ambr"', lines) == {"ambr_down": 150000000, "ambr_up": 50000000}


@pytest.mark.parametrize(
    "line", ['"lte_ambr"', '"lte_ambr","internet"', '"nr5g_ambr",0,5,99,5', '"lte_ambr","a",x,0']
)
def test_quectel_ambr_that_is_not_known(line):
    command = "+QNWCFG=" + line.split(",")[0]
    assert facts.known(told("quectel", command, "+QNWCFG: " + line)) == {}


@pytest.mark.parametrize(
    ("name", "line", "cid", "active"),
    [
        ("quectel", "+QNETDEVCTL: 1,2,1,1", 2, True),
        ("quectel", "+QNETDEVCTL: 3,1,1,0", 1, False),
        ("quectel_unisoc", "+QNETDEVCTL: 2,1,1,1", 2, True),
        ("quectel_unisoc", "+QNETDEVCTL: 1,3,0,0", 1, False),
    ],
)
def test_quectel_whether_the_device_has_its_session(name, line, cid, active):
    question = families.load(name).connected
    assert question.parser([line]) == {"contexts": [{"cid": cid, "active": active}]}


def test_quectel_of_unisocs_make_names_the_context_first():
    family = families.load("quectel_unisoc")
    assert family.connect(2, "internet")[-1][0] == "+QNETDEVCTL=2,1,1"
    assert family.disconnect(2)[-1][0] == "+QNETDEVCTL=2,0,1"
    assert families.load("quectel").connect(2, "internet")[-1][0] == "+QNETDEVCTL=1,2,1"


def test_simcom_whether_a_call_stands():
    question = families.load("simcom").connected
    assert question.command == "$QCRMCALL?"
    assert question.parser(["$QCRMCALL: 1, V4"]) == {"contexts": [{"cid": 1, "active": True}]}
    # A bare OK while there is none.
    assert question.parser([]) == {"contexts": [{"cid": 1, "active": False}]}
    assert question.parser(["$QCRMCALL: x"]) == {}
    family = families.load("quectel")
    assert family.facts_of('+QIND: "csq",19,99') == {"rssi": -75}
    assert family.facts_of('+QIND: "act","NR5G-NSA"') == {"technology": "EN-DC"}


# Others


def test_sierra():
    text = """!GSTATUS:
Current Time:  5126\t\tTemperature: 35
Reset Counter: 1\t\tMode:        ONLINE
System mode:   LTE        \tPS state:    Attached
LTE band:      B7     \t\tLTE bw:      20 MHz
LTE Rx chan:   2850\t\tLTE Tx chan: 20850
LTE CA state:  ACTIVE\t\tLTE Scell band:B3
LTE Scell bw:15 MHz\t\tLTE Scell chan:1444
EMM state:     Registered     \tNormal Service
RRC state:     RRC Connected
PCC RxM RSSI:  -60\t\tRSRP (dBm):  -88
PCC RxD RSSI:  -66\t\tRSRP (dBm):  -97
SCC RxM RSSI:  -61\t\tRSRP (dBm):  -91
Tx Power:      --\t\tTAC:         25FE (9726)
RSRQ (dB):     -10.2\t\tCell ID:     0138DF03 (20504323)
SINR (dB):      9.6"""
    found = told("sierra", "!GSTATUS?", text)
    assert holds(
        found,
        {
            "technology": "E-UTRAN",
            "temperature": 35,
            "band": "B7",
            "bandwidth_down": 20000,
            "arfcn": 2850,
            "tac": 0x25FE,
            "cell_id": 0x0138DF03,
            "rssi": -60,
            "rsrp": -88,
            "rsrq": -10.2,
            "sinr": 9.6,
        },
    )
    second = found["carriers"][1]
    assert holds(second, {"band": "B3", "bandwidth_down": 15000, "arfcn": 1444, "rssi": -61, "rsrp": -91})


def test_sierra_en_dc():
    text = """!GSTATUS:
System mode:   ENDC\t\tPS state:    Attached
LTE band:      B66\t\tLTE bw:      20 MHz
LTE Rx chan:   66986\t\tLTE Tx chan: 132522
SCC1 NR5G band: n41\t\tSCC1 NR5G bw: 100 MHz
SCC1 NR5G Rx chan: 520110\t\tSCC1 NR5G Tx chan: 520110
NR5G RSRP (dBm): -90\t\tNR5G RSRQ (dB): -11
NR5G SINR (dB): 18.5
PCC RxM RSSI:  -60\t\tPCC RxM RSRP:  -88"""
    found = told("sierra", "!GSTATUS?", text)
    assert holds(found, {"technology": "EN-DC", "band": "B66", "rsrp": -88})
    assert holds(
        found["carriers"][1],
        {"technology": "NR", "band": "n41", "bandwidth_down": 100000, "rsrp": -90, "rsrq": -11, "sinr": 18.5},
    )


def test_telit():
    line = '#RFSTS: "222 01",1325,-99,-70,-9.5,FE01,,200,128,19,1,"0B4A9C1","222010000000001","Net",3,3,720,10800'
    assert holds(
        told("telit", "#RFSTS", line),
        {
            "plmn": "22201",
            "technology": "E-UTRAN",
            "rsrp": -99,
            "rssi": -70,
            "rsrq": -9.5,
            "tac": 0xFE01,
            "band": "B3",
        },
    )
    line = (
        '#RFSTS: "222 10",10638,415,-7.0,-79,-72,FE2A,01,,128,19,0,2,,,"0000F2","222100000000001","Net",3,4,1'
    )
    assert holds(
        told("telit", "#RFSTS", line), {"technology": "UTRAN", "ecio": -7, "rscp": -79, "tac": 0xFE2A}
    )
    line = '#SERVINFO: 2850,-66,"Net","22201",7B,FE01,128,3,-95'
    assert holds(told("telit", "#SERVINFO", line), {"band": "B7", "rssi": -66, "rsrp": -95, "tac": 0xFE01})
    line = "#CAINFOEXT: 2,LTE\nPCC-BandClass: LTE B3, BW: 20, CH: 1300, PCI: 12, RSRP: -95, RSSI: -66, RSRQ: -9, TAC: 9726\nSCC1-BandClass: LTE B7, BW: 10, CH: 2850, PCI: 44, RSRP: -101, RSSI: -71"
    found = told("telit", "#CAINFOEXT?", line)
    assert [c["band"] for c in found["carriers"]] == ["B3", "B7"]
    assert holds(found, {"bandwidth_down": 20000, "arfcn": 1300, "pci": 12, "rsrp": -95})
    assert told("telit", "#TEMPMON=1", "#TEMPMEAS: 0,28") == {"temperature": 28}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "+CPSI: LTE,Online,262-01,0x7496,251941991,203,EUTRAN-BAND8,3740,3,3,-92,-972,-618,14",
            {
                "rsrp": -97.2,
                "rsrq": -9.2,
                "rssi": -61.8,
                "band": "B8",
                "bandwidth_down": 10000,
                "sinr": 14,
                "tac": 0x7496,
            },
        ),
        (
            "+CPSI: LTE,Online,262-01,0x7496,251941991,203,EUTRAN-BAND3,1444,100,100,-11,-97,-66,14",
            {
                "rsrp": -97,
                "rsrq": -11,
                "rssi": -66,
                "band": "B3",
                "bandwidth_down": 20000,
                "cell_id": 251941991,
            },
        ),
        (
            "+CPSI: NR5G_SA,Online,460-01,0x6F4700,29869309958,95,NR5G_BAND78,627264,-800,-110,14",
            {"technology": "NR", "band": "n78", "arfcn": 627264, "rsrp": -80, "rsrq": -11, "sinr": 14},
        ),
        (
            "+CPSI: WCDMA,Online,460-01,0xA809,11122855,WCDMA IMT 2000,279,10663,0,1.5,62,33,52,500",
            {"technology": "UTRAN", "ecio": -1.5, "rscp": -62, "tac": 0xA809},
        ),
        ("+CPSI: NO SERVICE,Online", {"technology": None, "rsrp": None}),
        (
            "+CPSI: LTE,Online,262-01,0x7496,251941991,203,EUTRAN-BAND3,1444,5,5,-11,-44,32767,255",
            {"rsrp": None, "sinr": None},
        ),
    ],
)
def test_simcom(line, expected):
    assert holds(told("simcom", "+CPSI?", line), expected)


def test_simcom_en_dc():
    text = """+CPSI: LTE,Online,460-01,0x7496,251941991,203,EUTRAN-BAND3,1650,5,5,-92,-972,-618,14
+CPSI: NR5G_NSA,644,NR5G_BAND78,627264,-960,-110,150,30,12"""
    found = told("simcom", "+CPSI?", text)
    assert found["technology"] == "EN-DC"
    assert holds(
        found["carriers"][0],
        {"band": "n78", "rsrp": -96, "rsrq": -11, "sinr": None, "bandwidth_down": 100000},
    )


def test_ublox():
    text = """+UCGED: 2
6,4,262,01
1444,3,100,75,2b67,69f6bc7,111,00000000,ffff,ff,67,19,12.50,1,2,11,67,11,255,0,255,255,0,0"""
    assert holds(
        told("ublox", "+UCGED?", text),
        {
            "band": "B3",
            "bandwidth_up": 20000,
            "bandwidth_down": 15000,
            "tac": 0x2B67,
            "cell_id": 0x69F6BC7,
            "pci": 111,
            "rsrp": -74,
            "rsrq": -10.5,
            "sinr": 12.5,
            "layers": 2,
            "cqi": 11,
        },
    )
    found = told("ublox", "+UCGED?", text.replace(",12.50,1,2,11,", ",255,255,255,255,"))
    assert (found["sinr"], found["layers"], found["cqi"]) == (None, None, None)


def test_huawei():
    assert holds(
        told("huawei", "^HCSQ?", '^HCSQ: "LTE",60,48,131,30'),
        {"rssi": -61, "rsrp": -93, "sinr": 6, "rsrq": -5},
    )
    assert told("huawei", "^HCSQ?", '^HCSQ: "LTE",255,255,255,255') == {
        "rssi": None,
        "rsrp": None,
        "sinr": None,
        "rsrq": None,
    }
    assert holds(told("huawei", "^HCSQ?", '^HCSQ: "WCDMA",50,41,53'), {"rscp": -80, "ecio": -6})
    assert holds(
        told("huawei", "^SYSINFOEX", '^SYSINFOEX: 2,3,1,1,,6,"LTE",101,"LTE"'),
        {"technology": "E-UTRAN", "roaming": True},
    )
    assert holds(
        told("huawei", "^HFREQINFO?", "^HFREQINFO: 0,6,7,2850,26300,20000,20850,25100,20000"),
        {"band": "B7", "arfcn": 2850, "bandwidth_down": 20000, "bandwidth_up": 20000},
    )
    assert holds(
        told("huawei", "^MONSC", "^MONSC: LTE,262,01,2850,8F2C7A6,F2,6C0D,-98,-11,-70"),
        {"cell_id": 0x8F2C7A6, "pci": 0xF2, "tac": 0x6C0D, "rsrp": -98},
    )
    assert told("huawei", "^CHIPTEMP?", "^CHIPTEMP: 325,298,65535,65535,32") == {"temperature": 32.5}
    assert told("huawei", "^CPIN?", "^CPIN: READY,,10,3,10,3") == {"pin_tries": 3}
    context = told(
        "huawei", "^DHCP?", "^DHCP: 0A01400A,FCFFFFFF,0901400A,0901400A,09090909,01010101,150000000,50000000"
    )
    assert holds(
        context["contexts"][0],
        {"address": "10.64.1.10", "gateway": "10.64.1.9", "dns": ["9.9.9.9", "1.1.1.1"]},
    )


def test_fibocom():
    text = "+GTCCINFO:\nLTE service cell:\n1,4,262,01,6C0D,8F2C7A6,5A4,122,103,100,24,45,45,20"
    assert holds(
        told("fibocom", "+GTCCINFO?", text),
        {
            "band": "B3",
            "arfcn": 1444,
            "pci": 0x122,
            "bandwidth_down": 20000,
            "sinr": 12,
            "rsrp": -96,
            "rsrq": -10,
        },
    )
    text = "+GTCCINFO:\nLTE service cell:\n1,4,262,01,6C0D,8F2C7A6,1444,122,103,100,24,45,-96,-10"
    assert holds(told("fibocom", "+GTCCINFO?", text), {"arfcn": 1444, "pci": 122, "rsrp": -96, "rsrq": -10})
    text = "+GTCCINFO:\nNR service cell:\n1,9,460,11,76010F,760BF0114,633984,702,5078,100,77,70,67,71"
    assert holds(
        told("fibocom", "+GTCCINFO?", text),
        {"technology": "NR", "band": "n78", "arfcn": 633984, "pci": 702, "sinr": 15, "rsrp": -90, "rsrq": -8},
    )
    text = "PCC: 103,122,1444,100,100\nSCC1: 1,0,107,44,2850,50"
    assert [c["band"] for c in told("fibocom", "+GTCAINFO?", text)["carriers"]] == ["B3", "B7"]
    assert told("fibocom", "+GTSENRDTEMP=1", "+GTSENRDTEMP: 1,36500") == {"temperature": 36.5}


def test_fibocom_intel():
    assert holds(
        told("fibocom_intel", "+XLEC?", "+XLEC: 0,2,5,3,BAND_LTE_3,7"),
        {"band": "B3", "bandwidth_down": 20000},
    )
    line = '+XMCI: 4,262,01,"0x6C0D","0x08F2C7A6","0x0122","0x000005A4","0x00004BF4","0xFFFFFFFF",45,20,30,0'
    assert holds(
        told("fibocom_intel", "+XMCI=1", line),
        {"tac": 0x6C0D, "pci": 0x122, "arfcn": 1444, "band": "B3", "rsrp": -96, "rsrq": -10},
    )
    assert told("fibocom_intel", "+XCESQ?", "+XCESQ: 0,99,99,255,255,20,45,25")["sinr"] == 12.5


def test_zte_and_mikrotik():
    assert told("zte", "+ZRSSI", "+ZRSSI: -97,-9,-66,12.4") == {
        "rsrp": -97,
        "rsrq": -9,
        "rssi": -66,
        "sinr": 12.4,
    }
    assert holds(
        told("mikrotik", "+ZCELLINFO?", "+ZCELLINFO: 47313163, 310, LTE B3, 1444"),
        {"cell_id": 47313163, "pci": 310, "band": "B3"},
    )
    found = told("zte", "+ZCAINFO?", "+ZCAINFO: 310,3,9726,1444,20;122,2,7,2850,10.0")
    assert holds(found, {"tac": 9726, "bandwidth_down": 20000, "pci": 310})
    assert holds(found["carriers"][1], {"pci": 122, "band": "B7", "arfcn": 2850, "bandwidth_down": 10000})


def test_foxconn():
    text = """RAT:LTE+NR
mcc:262,mnc:01
lte_cell_id:47313163
lte_tac:9726
pcell: lte_band:3 lte_band_width:20.0MHz
channel:1444 pci:310
lte_rsrp:-97.1dBm,rsrq:-9.3dB
lte_rssi:-66.2dBm,lte_snr:12.4dB
scell: lte_band:7 lte_band_width:10.0MHz
channel:2850 pci:122
lte_rsrp:-101.0dBm,rsrq:-11.0dB
lte_rssi:-71.0dBm,lte_snr:6.0dB
nr_band:n78
nr_band_width:100.0MHz
nr_channel:636768
nr_pci:801
nr_rsrp:-91.5dBm
nr_rsrq:-10.5dB
nr_snr:20.5dB"""
    found = told("foxconn", "^DEBUG?", text)
    assert holds(
        found,
        {"plmn": "26201", "tac": 9726, "band": "B3", "rsrp": -97.1, "rsrq": -9.3, "sinr": 12.4, "pci": 310},
    )
    assert [c["bandwidth_down"] for c in found["carriers"]] == [20000, 10000, 100000]
    assert holds(found["carriers"][2], {"band": "n78", "pci": 801, "rsrp": -91.5, "sinr": 20.5})
    assert told("foxconn", "^TEMP?", "TSENS: 40C\nPA: 43C") == {"temperature": 43}


def test_meig():
    text = "BAND:3\nTAC_ID:9726\nPHYSICAL_CELL_ID:310\nDL CHANNEL:1444\nRSSI:-66\nRSRP:-97\nRSRQ:-9\nSINR:150\nLTE_BANDWIDTH:5"
    assert holds(
        told("meig", "+SGCELLINFOEX?", text),
        {"band": "B3", "rsrp": -97, "sinr": 10, "bandwidth_down": 20000, "tac": 9726},
    )


# Bands


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("LTE BAND 3", "B3"),
        ("EUTRAN-BAND20", "B20"),
        ("LTE_B7", "B7"),
        ("NR5G BAND 78", "n78"),
        ("NR N78", "n78"),
        ("NR5G_BAND41", "n41"),
        ("n257", "n257"),
        ("B66", "B66"),
        ("8", "B8"),
        ("WCDMA 2100", None),
        ("GSM 900", None),
        ("-", None),
        ("", None),
    ],
)
def test_band_names(text, name):
    assert bands.band(text) == name


def test_bandwidths():
    assert bands.by_mhz("1.4", bands.LTE) == 1400 and bands.by_mhz("100MHz") == 100000
    assert bands.by_mhz("17") is None and bands.lte_by_index(6) is None and bands.lte_by_blocks(7) is None
    assert bands.lte_of_channel(6300) == "B20" and bands.lte_of_channel(65535) is None
