"""What a path can probably carry, before anything was measured on it."""

from __future__ import annotations

from dataclasses import dataclass

from router.config.model import Uplink
from router.uplink.model import UplinkView

__all__ = ["Capacity", "capacity"]

# kbit/s (down, up) for a link of which nothing else is known: deliberately
# modest, since an overestimate fills a queue and an underestimate does not.
_BY_TECHNOLOGY = {
    "GSM": (100, 40),
    "UTRAN": (4_000, 1_000),
    "E-UTRAN": (20_000, 8_000),
    "NR": (80_000, 20_000),
}
_BY_KIND = {"ethernet": (50_000, 20_000), "wifi": (20_000, 10_000), "cellular": (10_000, 4_000)}

# Of a Wi-Fi PHY rate about half is left for IP in the best case.
_WIFI_EFFICIENCY = 0.5


@dataclass(frozen=True)
class Capacity:
    """kbit/s towards us and away from us, and where the figures come from."""

    down: int
    up: int
    source: str
    """`configured`, `wifi bitrate`, `radio technology` or `default`."""


def capacity(uplink: Uplink, view: UplinkView | None) -> Capacity:
    """Configured figures win; each direction that is missing is discovered or assumed."""
    found = _discovered(uplink, view)
    if uplink.bandwidth_down is None and uplink.bandwidth_up is None:
        return found
    return Capacity(uplink.bandwidth_down or found.down, uplink.bandwidth_up or found.up, "configured")


def _discovered(uplink: Uplink, view: UplinkView | None) -> Capacity:
    if view is not None and view.wifi is not None and view.wifi.tx_bitrate:
        up = int(view.wifi.tx_bitrate * _WIFI_EFFICIENCY)
        down = int((view.wifi.rx_bitrate or view.wifi.tx_bitrate) * _WIFI_EFFICIENCY)
        return Capacity(max(1, down), max(1, up), "wifi bitrate")
    technology = view.modem.technology if view is not None and view.modem is not None else None
    if technology in _BY_TECHNOLOGY:
        return Capacity(*_BY_TECHNOLOGY[technology], "radio technology")
    return Capacity(*_BY_KIND[uplink.kind], "default")
