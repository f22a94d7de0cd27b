"""What is known of one uplink at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

__all__ = ["ModemInfo", "UplinkState", "UplinkView", "WifiInfo"]


class UplinkState(Enum):
    """Why an uplink can or cannot carry a registration, in words for `status`."""

    NO_DEVICE = "no device"
    DOWN = "link down"
    NO_CARRIER = "no carrier"
    NO_ADDRESS = "no address"
    NO_GATEWAY = "no gateway"
    USABLE = "usable"


@dataclass(frozen=True)
class WifiInfo:
    """From nl80211: signal in dBm, bit rates in kbit/s."""

    ssid: str | None = None
    signal: int | None = None
    tx_bitrate: int | None = None
    rx_bitrate: int | None = None


@dataclass(frozen=True)
class ModemInfo:
    """From AT commands (3GPP TS 27.007); None is unknown."""

    state: str
    """`opening`, `no tty`, `no answer`, `sim`, `searching`, `denied`, `registered`, ... for `status`."""
    manufacturer: str | None = None
    model: str | None = None
    revision: str | None = None
    imei: str | None = None
    sim: str | None = None
    operator: str | None = None
    technology: str | None = None
    """`GSM`, `UTRAN`, `E-UTRAN`, `NR`."""
    roaming: bool | None = None
    rssi: int | None = None
    rsrp: int | None = None
    rsrq: float | None = None
    sinr: float | None = None
    address: IPv4Address | None = None
    """PDP address (+CGPADDR)."""


@dataclass(frozen=True)
class UplinkView:
    name: str
    bid: int
    kind: str
    state: UplinkState
    device: str | None = None
    ifindex: int | None = None
    address: IPv4Address | None = None
    gateway: IPv4Address | None = None
    """None on a point-to-point link."""
    mtu: int = 1500
    wifi: WifiInfo | None = None
    modem: ModemInfo | None = None

    @property
    def usable(self) -> bool:
        return self.state is UplinkState.USABLE
