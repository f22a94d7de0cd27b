"""LEDs in the configuration."""

import pytest

from router.config import ConfigErrors, load
from router.config.changes import compare
from router.config.model import Led
from tests.config.test_options import NODE, UPLINK


def leds(text):
    return load(f"{NODE}{UPLINK}{text}", "x").leds


def test_a_led_shows_what_it_is_told_and_the_usual_where_it_is_told_nothing():
    assert leds("config led 'a'\n\toption led 'green:wan'\n") == (Led("a", "green:wan"),)
    told = "config led 'a'\n\toption led 'red:status'\n\toption uplink 'u'\n\tlist on 'down'\n"
    assert leds(told) == (Led("a", "red:status", "u", ("down",), ()),)
    assert leds(told + "\toption blink 'up degraded'\n")[0].blink == ("up", "degraded")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config led 'a'\n", "option led is missing"),
        ("config led 'a'\n\toption led '../x'\n", "expected the name of a LED"),
        ("config led 'a'\n\toption led 'x'\n\toption uplink 'lte'\n", "no such uplink"),
        ("config led 'a'\n\toption led 'x'\n\tlist on 'bright'\n", "bright"),
        (
            "config led 'a'\n\toption led 'x'\nconfig led 'b'\n\toption led 'x'\n",
            "another section has this LED",
        ),
    ],
)
def test_what_is_wrong_is_said(text, said):
    with pytest.raises(ConfigErrors, match=said):
        leds(text)


def test_another_led_costs_no_binding():
    old = load(f"{NODE}{UPLINK}", "x")
    new = load(f"{NODE}{UPLINK}config led 'a'\n\toption led 'green:wan'\n", "x")
    changes = compare(old, new)
    assert changes.restarts == {} and changes.gone == () and changes.names == ("led a (new)",)
