import pytest
from hypothesis import given
from hypothesis import strategies as st

from modem import replies, signal


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('+COPS: 0,0,"Big, Net",7', ["0", "0", "Big, Net", "7"]),
        ("+CSQ: 20,99", ["20", "99"]),
        ("Quectel", ["Quectel"]),
        ("+CPIN: SIM PIN", ["SIM PIN"]),
        ("+X: ,", ["", ""]),
    ],
)
def test_fields(line, expected):
    assert replies.fields(line) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["+CREG: 0,1"], ("registered", False, None)),
        (['+CREG: 2,5,"1A2B","01C3D4E5",7'], ("registered", True, "E-UTRAN")),
        (["+CREG: 2,2"], ("searching", False, None)),
        (["+CREG: 0,3"], ("denied", False, None)),
        # An unsolicited line between: <stat> alone, or with a quoted area code behind it.
        (["+CREG: 1", "+CREG: 2,2"], ("searching", False, None)),
        (['+CREG: 5,"0001","01C3"', '+CREG: 2,1,"0001","01C3",7'], ("registered", False, "E-UTRAN")),
        (["+CREG: 2,77"], None),
        (["+CREG: x,y"], None),
        ([], None),
    ],
)
def test_registration(lines, expected):
    assert replies.registration(lines, "+CREG") == expected


def test_registration_urc():
    assert replies.registration_urc("+CEREG: 5", "+CEREG") == ("registered", True, None)
    assert replies.registration_urc('+CEREG: 1,"1A2B","01C3",7', "+CEREG") == ("registered", False, "E-UTRAN")
    assert replies.registration_urc("+CREG: 1", "+CEREG") is None


def test_operator():
    assert replies.operator(['+COPS: 0,0,"Testnet",7']) == ("Testnet", "E-UTRAN")
    assert replies.operator(["+COPS: 0"]) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('+CGPADDR: 1,"10.1.2.3"', "10.1.2.3"),
        ("+CGPADDR: 1,10.1.2.3", "10.1.2.3"),
        ('+CGPADDR: 1,"0.0.0.0"', None),
        ('+CGPADDR: 2,"10.1.2.3"', None),
        ('+CGPADDR: 1,"10.1.2.300"', None),
        ('+CGPADDR: 1,"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1"', None),
    ],
)
def test_address(line, expected):
    assert replies.address([line]) == expected


@pytest.mark.parametrize(
    ("index", "dbm"), [(0, -113), (31, -51), (20, -73), (99, None), (32, None), (None, None)]
)
def test_csq_is_ts_27_007_8_5(index, dbm):
    assert signal.csq_rssi(index) == dbm


@pytest.mark.parametrize(("index", "dbm"), [(0, -141), (97, -44), (255, None), (98, None)])
def test_rsrp_is_ts_27_007_8_69(index, dbm):
    assert signal.cesq_rsrp(index) == dbm


def test_unknown_signal_is_unknown():
    assert signal.csq(["+CSQ: 99,99"]) is None
    assert signal.cesq(["+CESQ: 99,99,255,255,255,255"]) == (None, None)
    assert signal.cesq(["+CESQ: 99,99,255,255,20,60"]) == (-81, -10.0)


@given(st.lists(st.text(max_size=40) | st.text('+CREGQSPNAD:,"0123456789.- ', max_size=40), max_size=4))
def test_readers_are_total(lines):
    for prefix in ("", "+CREG: ", "+CSQ: ", "+CESQ: ", "+COPS: ", "+CGPADDR: ", "+CPIN: "):
        given_lines = [prefix + line for line in lines if line or prefix]
        replies.registration(given_lines, "+CREG")
        for line in given_lines:
            replies.registration_urc(line, "+CREG")
        for read in (
            replies.sim_state,
            replies.operator,
            replies.address,
            replies.plain,
            replies.imei,
            signal.csq,
            signal.cesq,
        ):
            read(given_lines)
