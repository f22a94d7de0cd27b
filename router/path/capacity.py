"""What a path can probably carry, before anything was measured on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from router.config.model import Uplink
from router.uplink.model import ModemInfo, UplinkView

__all__ = ["Capacity", "capacity", "steady"]

# kbit/s (down, up) for a link of which nothing else is known: deliberately
# modest, since an overestimate fills a queue and an underestimate does not.
_BY_TECHNOLOGY = {
    "GSM": (100, 40),
    "UTRAN": (4_000, 1_000),
    "E-UTRAN": (20_000, 8_000),
    "EN-DC": (50_000, 10_000),
    "NR": (80_000, 20_000),
}
_BY_KIND = {"ethernet": (50_000, 20_000), "wifi": (20_000, 10_000), "cellular": (10_000, 4_000)}

# Of a Wi-Fi PHY rate about half is left for IP in the best case.
_WIFI_EFFICIENCY = 0.5

_CONFIGURED, _BIT_RATE, _TECHNOLOGY, _NOTHING = 1.0, 0.5, 0.1, 0.05
_STEADY = 1.25


@dataclass(frozen=True)
class Capacity:
    """kbit/s towards us and away from us, and where the figures come from."""

    down: int
    up: int
    source: str
    """`configured`, `wifi bitrate`, `radio`, `radio technology` or `default`."""
    confidence: float = 0.0
    """0..1, of the figures that were not configured."""


def capacity(uplink: Uplink, view: UplinkView | None) -> Capacity:
    """Configured figures win; each direction that is missing is discovered or assumed."""
    found = _discovered(uplink, view)
    if uplink.bandwidth_down is None and uplink.bandwidth_up is None:
        return found
    both = uplink.bandwidth_down is not None and uplink.bandwidth_up is not None
    return Capacity(
        uplink.bandwidth_down or found.down,
        uplink.bandwidth_up or found.up,
        "configured",
        _CONFIGURED if both else found.confidence,
    )


def steady(before: Capacity | None, found: Capacity) -> Capacity:
    """`before`, as long as `found` differs from it by less than a quarter: a signal that trembles moves no flows."""
    if before is None or before.source != found.source:
        return found
    near = all(
        one < _STEADY * other and other < _STEADY * one
        for one, other in ((before.down, found.down), (before.up, found.up))
    )
    return before if near else found


def _discovered(uplink: Uplink, view: UplinkView | None) -> Capacity:
    if view is not None and view.wifi is not None and view.wifi.tx_bitrate:
        up = int(view.wifi.tx_bitrate * _WIFI_EFFICIENCY)
        down = int((view.wifi.rx_bitrate or view.wifi.tx_bitrate) * _WIFI_EFFICIENCY)
        return Capacity(max(1, down), max(1, up), "wifi bitrate", _BIT_RATE)
    if view is not None and view.modem is not None:
        found = _of_modem(view.modem)
        if found is not None:
            return found
    return Capacity(*_BY_KIND[uplink.kind], "default", _NOTHING)


def _of_modem(modem: ModemInfo) -> Capacity | None:
    # Comes with the package that talks to modems.
    from router.path.radio import estimate

    found = estimate(asdict(modem)) if modem.technology is not None else None
    if found is not None:
        return Capacity(max(1, found.down // 1000), max(1, found.up // 1000), "radio", found.confidence)
    if modem.technology in _BY_TECHNOLOGY:
        return Capacity(*_BY_TECHNOLOGY[modem.technology], "radio technology", _TECHNOLOGY)
    return None
