"""Signal and bit rate of a Wi-Fi uplink, from nl80211.

A few attributes of two commands: written out here, since pyroute2's nl80211
socket cannot be used inside a running event loop.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys

from router.attributes import attributes, u32
from router.genetlink import GenericNetlink
from router.uplink.model import WifiInfo

__all__ = ["Wireless", "parse_ssid", "parse_station"]

_GET_STATION, _GET_SCAN = 17, 32
_IFINDEX, _MAC, _STA_INFO, _BSS = 3, 6, 21, 47
_SIGNAL, _TX_BITRATE, _RX_BITRATE = 7, 8, 14
_RATE_16, _RATE_32 = 1, 5
_BSSID, _ELEMENTS = 1, 6
_SSID = 0
"""Of an information element (IEEE 802.11 section 9.4.2.2)."""


class Wireless:
    """Reads Wi-Fi interfaces; anything that is none gives None."""

    def __init__(self) -> None:
        self._networks: dict[str, tuple[bytes, str]] = {}
        """By device: the access point seen last, and the name of its network."""

    def read(self, device: str) -> WifiInfo | None:
        """SSID, signal (dBm) and bit rates (kbit/s) of the association on `device`; all None without one."""
        if not os.path.exists(f"/sys/class/net/{device}/phy80211"):
            return None
        try:
            which = u32(_IFINDEX, socket.if_nametoindex(device))
            with contextlib.closing(GenericNetlink("nl80211")) as nl80211:
                stations = nl80211.dump(_GET_STATION, which)
                if not stations:
                    return WifiInfo()
                ssid = self._ssid(nl80211, device, which, stations[0].get(_MAC, b""))
        except OSError:
            # Gone in this moment, or no nl80211: the link table says the rest.
            return None
        return parse_station(stations[0].get(_STA_INFO, b""), ssid)

    def _ssid(self, nl80211: GenericNetlink, device: str, which: bytes, access_point: bytes) -> str | None:
        """Of the scan's result for the access point: asked for its network's name an interface says
        nothing when not the kernel but wpa_supplicant has made the association."""
        known = self._networks.get(device)
        if known is not None and known[0] == access_point:
            return known[1]
        for found in nl80211.dump(_GET_SCAN, which):
            heard = dict(attributes(found.get(_BSS, b"")))
            ssid = parse_ssid(heard.get(_ELEMENTS, b""))
            if heard.get(_BSSID) == access_point and ssid is not None:
                self._networks[device] = access_point, ssid
                return ssid
        return None


def parse_ssid(elements: bytes) -> str | None:
    """The name among the information elements of a beacon or probe response; None when it is hidden."""
    while len(elements) >= 2:
        kind, length = elements[:2]
        value, elements = elements[2 : 2 + length], elements[2 + length :]
        if kind == _SSID:
            return value.decode(errors="replace") if any(value) else None
    return None


def parse_station(info: bytes, ssid: str | None) -> WifiInfo:
    """WifiInfo from the octets of NL80211_ATTR_STA_INFO; what is missing stays None."""
    found = dict(attributes(info))
    signal = found.get(_SIGNAL)
    return WifiInfo(
        ssid=ssid,
        signal=struct.unpack("b", signal[:1])[0] if signal else None,
        tx_bitrate=_rate(found.get(_TX_BITRATE)),
        rx_bitrate=_rate(found.get(_RX_BITRATE)),
    )


def _rate(nested: bytes | None) -> int | None:
    """kbit/s; nl80211 counts in units of 100 kbit/s, in 16 bits or, above 6.5 Gbit/s, in 32."""
    rates = dict(attributes(nested or b""))
    raw = rates.get(_RATE_32) or rates.get(_RATE_16)
    return 100 * int.from_bytes(raw, sys.byteorder) if raw else None
