"""Everything that an answer may name, as one flat dictionary of numbers and texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address

from router.lab.modem.contexts import Context, Lease
from router.lab.modem.radio import SMOOTH, Signal, indices

__all__ = ["USUAL_CELL", "View", "radio", "session"]

View = dict[str, object]

USUAL_CELL: Mapping[str, float | int | str] = {
    "mcc": "001",
    "mnc": "01",
    "operator": "Testnet",
    "short": "Test",
    "tac": "1A2B",
    "ci": "01C3D40B",
    "pci": 123,
    "arfcn": 1300,
    "band": 3,
    "duplex": "FDD",
    "bandwidth": 20,
    "temperature": 41,
    "cqi": 11,
    "layers": 2,
    "tx_power": 12,
    "scs": 1,
}

_INDEX = {1.4: 0, 3: 1, 5: 2, 10: 3, 15: 4, 20: 5}
"""LTE channel bandwidth in MHz to the index that vendors print."""


def radio(cell: Mapping[str, float | int | str], signal: Signal) -> View:
    """Cell and signal: the cell's words, decimal twins of the hexadecimal ones, indices, tenths; unknown levels are `-`."""
    found: View = {**USUAL_CELL, **cell, **signal}
    levels = {name: signal.get(name) for name in SMOOTH}
    for name, value in levels.items():
        known = isinstance(value, float)
        found[name] = round(value) if isinstance(value, float) else "-"
        found[name + "_tenths"] = round(value * 10) if isinstance(value, float) else "-"
        found[name + "_1"] = f"{value:.1f}" if known else "-"
    sinr = levels["sinr"]
    found["sinr_halves"] = round(sinr * 2) if isinstance(sinr, float) else 255
    found["sinr_fifths"] = round((sinr + 20) * 5) if isinstance(sinr, float) else "-"
    found.update(indices(signal))
    found["plmn"] = f"{found['mcc']}{found['mnc']}"
    found["tac_decimal"] = int(str(found["tac"]), 16)
    found["ci_decimal"] = int(str(found["ci"]), 16)
    found["ci_short"] = str(found["ci"]).lstrip("0")
    found["mcc_bcd"], found["mnc_bcd"] = int(str(found["mcc"]), 16), int(str(found["mnc"]), 16)
    bandwidth = found["bandwidth"]
    found["bandwidth_index"] = _INDEX.get(bandwidth, 5) if isinstance(bandwidth, (int, float)) else 5
    return found


def session(context: Context, lease: Lease, connected: bool) -> View:
    """What the network gave; all zero while the context is not active."""
    active = context.active
    address = lease.address if active else "0.0.0.0"
    return {
        "cid": context.cid,
        "apn": context.apn,
        "type": context.kind,
        "address": address,
        "gateway": lease.gateway if active else "0.0.0.0",
        "mask": lease.mask,
        "dns1": lease.dns[0],
        "dns2": lease.dns[1],
        "mtu": lease.mtu,
        "ambr_down": lease.ambr_down,
        "ambr_up": lease.ambr_up,
        "address_hex": _backwards(address),
        "gateway_hex": _backwards(lease.gateway),
        "mask_hex": _backwards(lease.mask),
        "dns1_hex": _backwards(lease.dns[0]),
        "dns2_hex": _backwards(lease.dns[1]),
        "active": int(active),
        "connected": int(connected),
        "bound": context.cid if connected else 0,
        "rrc": "CONNECT" if connected else "NOCONN",
    }


@lru_cache(maxsize=64)
def _backwards(address: str) -> str:
    """An IPv4 address in hexadecimal, its last octet first, as ^DHCP? has it."""
    return IPv4Address(address).packed[::-1].hex().upper()
