"""mwan3 and pbr beside us: told apart by their rules, borne where it goes, and named with the option where not."""

import pytest

from router.config.model import PlaneSettings
from router.plane.neighbours import OtherRule, ahead, in_the_way

MWAN3 = [OtherRule(1001), OtherRule(2001, 0x3F00), OtherRule(2061, 0x3F00), OtherRule(3001, 0x3F00)]
PBR = [OtherRule(29998, 0xFF0000), OtherRule(30000, 0xFF0000)]
KERNEL = [OtherRule(0), OtherRule(32766), OtherRule(32767)]
WIREGUARD = [OtherRule(5209, 0xFFFFFFFF)]


def test_both_as_they_come_are_in_nobodys_way():
    assert in_the_way([*KERNEL, *MWAN3, *PBR, *WIREGUARD], PlaneSettings()) == []


@pytest.mark.parametrize(
    ("rule", "settings", "said"),
    [
        (OtherRule(2001, 0x0F00_0000), {}, "mwan3's rule of priority 2001 for marks 0xf000000: choose another mark_mask"),
        (OtherRule(2001, 0x3F00), {"rule_priority": 1990}, "mwan3's rule of priority 2001: choose another rule_priority"),
        (OtherRule(30000, 0xFF0000), {"rule_priority": 29990}, "pbr's rule of priority 30000: choose another rule_priority"),
        (OtherRule(29000, 0xFF0000), {"mark_mask": 0xF0000}, "pbr's rule of priority 29000 for marks 0xff0000: choose another mark_mask"),
        (OtherRule(7463, 0), {}, "a rule of priority 7463: choose another rule_priority"),
    ],
)  # fmt: skip
def test_what_is_in_the_way_is_named_with_the_option_that_helps(rule, settings, said):
    assert in_the_way([rule], PlaneSettings(**settings)) == [said]


def test_rules_by_marks_before_ours_take_packets_from_us():
    assert ahead([*KERNEL, *PBR, *WIREGUARD], PlaneSettings()) is None
    said = ahead([*KERNEL, *MWAN3], PlaneSettings())
    assert said.startswith("mwan3's rule of priority 2001 for marks 0x3f00 comes before ours")
    assert said.endswith("option rule_priority 900 puts ours first")
    assert ahead([*KERNEL, *MWAN3], PlaneSettings(rule_priority=900)) is None
