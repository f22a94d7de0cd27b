import dataclasses

from router.config.model import Uplink
from router.path.capacity import Capacity, capacity, steady
from router.uplink.model import ModemInfo, UplinkState, UplinkView, WifiInfo

WIFI = Uplink("wifi", 1, "wifi", "wlan0")
CELL = Uplink("cell", 2, "cellular", tty="/dev/ttyUSB2")


def view(uplink, **found):
    return UplinkView(uplink.name, uplink.bid, uplink.kind, UplinkState.USABLE, **found)


def test_configured_figures_win():
    fixed = dataclasses.replace(WIFI, bandwidth_down=7_000, bandwidth_up=3_000)
    found = capacity(fixed, view(fixed, wifi=WifiInfo(tx_bitrate=300_000)))
    assert (found.down, found.up, found.source) == (7_000, 3_000, "configured")


def test_one_configured_direction_leaves_the_other_discovered():
    half = dataclasses.replace(WIFI, bandwidth_down=7_000)
    found = capacity(half, view(half, wifi=WifiInfo(tx_bitrate=300_000)))
    assert (found.down, found.up) == (7_000, 150_000)


def test_wifi_bit_rate_is_halved():
    found = capacity(WIFI, view(WIFI, wifi=WifiInfo(tx_bitrate=65_000, rx_bitrate=130_000)))
    assert (found.down, found.up, found.source) == (65_000, 32_500, "wifi bitrate")


def test_technology_decides_for_a_modem():
    slow = capacity(CELL, view(CELL, modem=ModemInfo("registered", technology="GSM")))
    fast = capacity(CELL, view(CELL, modem=ModemInfo("registered", technology="E-UTRAN")))
    assert slow.down < fast.down
    assert fast.source == "radio technology"


def test_an_unknown_link_has_a_modest_default():
    assert capacity(WIFI, None).source == "default"
    assert capacity(CELL, view(CELL, modem=ModemInfo("searching"))).source == "default"


def test_the_radio_decides_where_the_modem_tells_of_it():
    radio = ModemInfo(
        "registered", technology="E-UTRAN", bandwidth_down=10_000, bandwidth_up=10_000, sinr=10, layers=2
    )
    found = capacity(CELL, view(CELL, modem=radio))
    # As worked out in test_radio: 14.0 Mbit/s down, half of it, one layer, up.
    assert (found.down, found.up, found.source) == (14_010, 7_005, "radio")
    assert 0.5 < found.confidence < 0.6


def test_a_signal_of_nothing_still_gives_the_path_a_rate():
    silent = ModemInfo("registered", technology="E-UTRAN", sinr=-20)
    assert capacity(CELL, view(CELL, modem=silent)).down == 1


def test_a_rate_that_trembles_stays():
    first = Capacity(10_000, 5_000, "radio", 0.5)
    assert steady(None, first) is first
    assert steady(first, Capacity(12_000, 4_500, "radio", 0.5)) is first
    better = Capacity(13_000, 5_000, "radio", 0.5)
    assert steady(first, better) is better
    assert steady(first, Capacity(10_000, 5_000, "configured")).source == "configured"
