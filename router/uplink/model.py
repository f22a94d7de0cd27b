"""What is known of one uplink at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import Any

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
    """What a modem tells by AT commands: the facts of `modem.facts`, in their units; None is unknown."""

    state: str
    """`opening`, `no tty`, `no answer`, `sim`, `searching`, `denied`, `registered`, ... for `status`."""
    family: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    revision: str | None = None
    imei: str | None = None
    imsi: str | None = None
    iccid: str | None = None
    sim: str | None = None
    pin_tries: int | None = None
    functionality: int | None = None
    registration: str | None = None
    roaming: bool | None = None
    operator: str | None = None
    plmn: str | None = None
    technology: str | None = None
    """`GSM`, `UTRAN`, `E-UTRAN`, `EN-DC`, `NR`."""
    tac: int | None = None
    cell_id: int | None = None
    pci: int | None = None
    arfcn: int | None = None
    band: str | None = None
    duplex: str | None = None
    bandwidth_down: int | None = None
    bandwidth_up: int | None = None
    rssi: float | None = None
    rsrp: float | None = None
    rsrq: float | None = None
    sinr: float | None = None
    rscp: float | None = None
    ecio: float | None = None
    cqi: int | None = None
    layers: int | None = None
    carriers: tuple[dict[str, Any], ...] = ()
    temperature: float | None = None
    contexts: tuple[dict[str, Any], ...] = ()
    ambr_down: int | None = None
    ambr_up: int | None = None
    bytes_down: int | None = None
    bytes_up: int | None = None
    session: str | None = None
    """Of a data session that is ours: what it does, or why it does not stand."""
    watchdog: str | None = None
    """What was done last to a modem that had failed, or why nothing is."""
    address: IPv4Address | None = None
    """PDP address of the context in use."""

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> ModemInfo:
        """From `modem.dialogue.Modem.snapshot()`; names that are not ours are left out."""
        known = {name: value for name, value in snapshot.items() if name in cls.__dataclass_fields__}
        for name in ("carriers", "contexts"):
            known[name] = tuple(known.get(name) or ())
        address = known.get("address")
        known["address"] = IPv4Address(address) if address else None
        return cls(**known)


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
