"""What a driver sees of the uplinks without a screen."""

import pytest

from router.config.model import Led
from router.path.lamps import UplinkStand, light, state

CARRIES = UplinkStand("lte", True, True, True)
SILENT = UplinkStand("wifi", True, True, False)
UNBOUND = UplinkStand("wifi", True, False, True)
GONE = UplinkStand("wifi", False, False, True)


@pytest.mark.parametrize(
    ("stands", "uplink", "found"),
    [
        ([CARRIES], None, "up"),
        ([CARRIES, SILENT], None, "degraded"),
        ([CARRIES, GONE], None, "degraded"),
        ([SILENT, GONE], None, "down"),
        ([], None, "down"),
        ([CARRIES, SILENT], "lte", "up"),
        ([CARRIES, SILENT], "wifi", "degraded"),
        ([CARRIES, UNBOUND], "wifi", "degraded"),
        ([CARRIES, GONE], "wifi", "down"),
    ],
)
def test_a_state_of_one_uplink_and_of_all(stands, uplink, found):
    assert state(stands, uplink) == found


def test_a_led_is_lit_blinks_or_is_dark_by_its_states():
    usual, alarm = Led("a", "green:wan"), Led("b", "red:wan", on=("down",), blink=())
    seen = [(light(usual, stands), light(alarm, stands)) for stands in ([CARRIES], [CARRIES, GONE], [GONE])]
    assert seen == [("on", "off"), ("blink", "off"), ("off", "on")]
