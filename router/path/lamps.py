"""What LEDs show: the state of the uplinks as a value, and what a LED does about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.config.model import Led

__all__ = ["UplinkStand", "light", "state"]


@dataclass(frozen=True)
class UplinkStand:
    """How one uplink is."""

    name: str
    usable: bool
    """It has an address and a way out."""
    bound: bool
    carries: bool
    """Its path is given packets."""


def state(stands: Iterable[UplinkStand], uplink: str | None = None) -> str:
    """`up`, `degraded` or `down`: of one uplink, or of all together.

    One is degraded while it is usable and does not carry; all together while some carry and others do not.
    """
    found = [stand for stand in stands if uplink in (None, stand.name)]
    carrying = [stand.bound and stand.carries for stand in found]
    if found and all(carrying):
        return "up"
    if uplink is None:
        return "degraded" if any(carrying) else "down"
    return "degraded" if any(stand.usable for stand in found) else "down"


def light(led: Led, stands: Iterable[UplinkStand]) -> str:
    """`on`, `blink` or `off`."""
    found = state(stands, led.uplink)
    return "on" if found in led.on else "blink" if found in led.blink else "off"
