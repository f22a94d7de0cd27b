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

__all__ = ["Wireless", "parse_station"]

_GET_INTERFACE, _GET_STATION = 5, 17
_IFINDEX, _STA_INFO, _SSID = 3, 21, 52
_SIGNAL, _TX_BITRATE, _RX_BITRATE = 7, 8, 14
_RATE_16, _RATE_32 = 1, 5


class Wireless:
    """Reads Wi-Fi interfaces; anything that is none gives None."""

    def read(self, device: str) -> WifiInfo | None:
        """SSID, signal (dBm) and bit rates (kbit/s) of the association on `device`; all None without one."""
        if not os.path.exists(f"/sys/class/net/{device}/phy80211"):
            return None
        try:
            which = u32(_IFINDEX, socket.if_nametoindex(device))
            with contextlib.closing(GenericNetlink("nl80211")) as nl80211:
                interface = nl80211.request(_GET_INTERFACE, which)
                stations = nl80211.dump(_GET_STATION, which)
        except OSError:
            # Gone in this moment, or no nl80211: the link table says the rest.
            return None
        ssid = next((found[_SSID].decode(errors="replace") for found in interface if _SSID in found), None)
        return parse_station(stations[0].get(_STA_INFO, b""), ssid) if stations else WifiInfo(ssid=ssid)


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
