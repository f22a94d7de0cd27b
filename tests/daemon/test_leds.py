"""LEDs on a folder that looks like /sys/class/leds."""

import logging

import pytest

from router.daemon.leds import Leds


@pytest.fixture
def sysfs(tmp_path):
    for name, trigger in (("green:wan", "none [netdev] timer"), ("red:wan", "[none] netdev timer")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trigger").write_text(trigger + "\n")
        (tmp_path / name / "brightness").write_text("0\n")
        (tmp_path / name / "max_brightness").write_text("255\n")
    return tmp_path


def seen(sysfs, name):
    return (sysfs / name / "trigger").read_text(), (sysfs / name / "brightness").read_text()


def test_a_led_is_lit_blinks_is_dark_and_is_given_back(sysfs):
    leds = Leds(str(sysfs))
    leds.show({"green:wan": "on", "red:wan": "blink"})
    assert seen(sysfs, "green:wan") == ("none", "255") and seen(sysfs, "red:wan")[0] == "timer"
    leds.show({"green:wan": "off", "red:wan": "on"})
    assert seen(sysfs, "green:wan") == ("none", "0") and seen(sysfs, "red:wan") == ("none", "255")
    leds.show({"green:wan": "off"})
    assert seen(sysfs, "red:wan") == ("none", "0") and leds.busy
    leds.show({})
    assert seen(sysfs, "green:wan")[0] == "netdev" and not leds.busy


def test_what_shows_already_is_not_written_again(sysfs):
    leds = Leds(str(sysfs))
    leds.show({"green:wan": "on"})
    (sysfs / "green:wan" / "brightness").write_text("7")
    leds.show({"green:wan": "on"})
    assert seen(sysfs, "green:wan")[1] == "7"


def test_a_led_that_is_not_there_is_said_once_with_those_that_are(sysfs, caplog):
    leds = Leds(str(sysfs))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            leds.show({"blue:wan": "on"})
        leds.show({})
    assert [record.getMessage() for record in caplog.records] == [
        "no LED blue:wan; there are: green:wan, red:wan"
    ]
    assert not (sysfs / "blue:wan").exists()
