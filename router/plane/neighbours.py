"""Who else routes by rules on this machine, and whether that goes together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from router.config.model import PlaneSettings

__all__ = ["PRIORITIES", "OtherRule", "ahead", "in_the_way"]

PRIORITIES = 64
"""Rule priorities that are ours."""
_EVERY_BIT = 0xFFFFFFFF
_MWAN3 = (range(1001, 1255), range(2001, 2255), range(3001, 3255))
"""Of packets in by a device, by their mark, and of marks without a route: a number for each interface."""
_PBR_MASK, _PBR = 0x00FF0000, range(29000, 30001)
_AHEAD = 900
"""Before mwan3's."""


class OtherRule(NamedTuple):
    """A rule that is not ours; without a mark `mask` is 0."""

    priority: int
    mask: int = 0

    def __str__(self) -> str:
        """`mwan3's rule of priority 2001`, where it looks like one of a program that is known."""
        if any(self.priority in block for block in _MWAN3):
            return f"mwan3's rule of priority {self.priority}"
        if self.mask == _PBR_MASK or (self.mask and self.priority in _PBR):
            return f"pbr's rule of priority {self.priority}"
        return f"a rule of priority {self.priority}"


def in_the_way(rules: Iterable[OtherRule], settings: PlaneSettings) -> list[str]:
    """Those in our priorities, and those that look at our mark bits, each with the option that helps."""
    ours, found = range(settings.rule_priority, settings.rule_priority + PRIORITIES), []
    for rule in rules:
        if rule.priority in ours:
            found.append(f"{rule}: choose another rule_priority")
        elif rule.mask != _EVERY_BIT and rule.mask & settings.mark_mask:
            found.append(f"{rule} for marks {rule.mask:#x}: choose another mark_mask")
    return found


def ahead(rules: Iterable[OtherRule], settings: PlaneSettings) -> str | None:
    """What is said of rules by other marks that come before ours: packets with such a mark pass the tunnels by."""
    first = min(
        (
            rule
            for rule in rules
            if rule.mask not in (0, _EVERY_BIT) and 0 < rule.priority < settings.rule_priority
        ),
        default=None,
    )
    if first is None:
        return None
    return (
        f"{first} for marks {first.mask:#x} comes before ours: what has such a mark passes the tunnels by; "
        f"option rule_priority {min(_AHEAD, max(1, first.priority - PRIORITIES))} puts ours first"
    )
