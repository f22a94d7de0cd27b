"""Indices to dBm and dB, by hand from TS 27.007 8.5 and 8.69.  Runs under CPython and MicroPython."""

import pytest

from modem import signal


@pytest.mark.parametrize(
    ("index", "dbm"),
    [
        (0, -113),
        (31, -51),
        (20, -73),
        (99, None),
        (32, None),
        (100, -116),
        (191, -25),
        (199, None),
        (None, None),
    ],
)
def test_csq_is_ts_27_007_8_5(index, dbm):
    assert signal.csq_rssi(index) == dbm


@pytest.mark.parametrize(
    ("scale", "index", "value"),
    [
        ("rxlev", 0, -111),
        ("rxlev", 63, -48),
        ("rscp", 96, -25),
        ("ecno", 0, -24.5),
        ("ecno", 49, 0),
        ("rsrq", 34, -3),
        ("rsrq", 35, None),
        ("rsrp", 0, -141),
        ("rsrp", 97, -44),
        ("rsrp", 98, None),
        ("rsrp", 255, None),
        ("ss_rsrq", 126, 19.5),
        ("ss_rsrp", 126, -31),
        ("ss_sinr", 127, 40),
        ("ss_sinr", 255, None),
        ("hcsq_sinr", 251, 30),
        ("rsrp", None, None),
        ("rsrp", -1, None),
    ],
)
def test_scales(scale, index, value):
    assert signal.by_index(scale, index) == value


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("+CSQ: 20,99", {"rssi": -73}),
        ("+CSQ: 99,99", {"rssi": None}),
        ("+CSQ: x", {"rssi": None}),
        ("+CSQX: 20,99", {}),
    ],
)
def test_csq(line, facts):
    assert signal.csq([line]) == facts


def test_cesq():
    unknown = signal.cesq(["+CESQ: 99,99,255,255,255,255"])
    assert unknown == {"rscp": None, "ecio": None, "rsrq": None, "rsrp": None}
    found = signal.cesq(["+CESQ: 99,99,255,255,20,60"])
    assert (found["rsrp"], found["rsrq"]) == (-81, -10)
    found = signal.cesq(["+CESQ: 99,99,255,255,255,255,65,70,60"])
    assert (found["rsrp"], found["rsrq"], found["sinr"]) == (-87, -11, 6.5)
    assert signal.cesq(["+CESQ: 30,99,255,255,255,255"])["rssi"] == -81
    assert signal.cesq(["+CESQ: 1,2"]) == {}
