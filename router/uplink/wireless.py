"""Signal and bit rate of a Wi-Fi uplink, from nl80211.

A few attributes of two commands: written out here, since pyroute2's nl80211
socket cannot be used inside a running event loop.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

from router.uplink.model import WifiInfo

__all__ = ["Wireless", "parse_station"]

_GENERIC = 16
_HEADER = struct.Struct("=IHHII")
_GENL = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE, _CONTROLLER = 2, 3, 16

_GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 3, 1, 2
_GET_INTERFACE, _GET_STATION = 5, 17
_IFINDEX, _STA_INFO, _SSID = 3, 21, 52
_SIGNAL, _TX_BITRATE, _RX_BITRATE = 7, 8, 14
_RATE_16, _RATE_32 = 1, 5
_NESTED_MASK = 0x3FFF
_TIMEOUT = 0.2


class Wireless:
    """Reads Wi-Fi interfaces; anything that is none gives None."""

    def __init__(self) -> None:
        self._family: int | None = None

    def read(self, device: str) -> WifiInfo | None:
        """SSID, signal (dBm) and bit rates (kbit/s) of the association on `device`."""
        if not os.path.exists(f"/sys/class/net/{device}/phy80211"):
            return None
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _GENERIC) as sock:
                sock.settimeout(_TIMEOUT)
                return self._read(sock, socket.if_nametoindex(device))
        except OSError:
            # Gone in this moment, or no nl80211: the link table says the rest.
            return None

    def _read(self, sock: socket.socket, index: int) -> WifiInfo | None:
        if self._family is None:
            name = _pack(_FAMILY_NAME, b"nl80211\0")
            for attributes in _ask(sock, _CONTROLLER, _GET_FAMILY, name, 0):
                self._family = int.from_bytes(attributes[_FAMILY_ID][:2], "little")
        if self._family is None:
            return None
        which = _pack(_IFINDEX, struct.pack("=I", index))
        ssid = None
        for attributes in _ask(sock, self._family, _GET_INTERFACE, which, 0):
            ssid = attributes[_SSID].decode(errors="replace") if _SSID in attributes else None
        for attributes in _ask(sock, self._family, _GET_STATION, which, _DUMP):
            return parse_station(attributes.get(_STA_INFO, b""), ssid)
        return WifiInfo(ssid=ssid)


def parse_station(info: bytes, ssid: str | None) -> WifiInfo:
    """WifiInfo from the octets of NL80211_ATTR_STA_INFO; what is missing stays None."""
    attributes = dict(_attributes(info))
    signal = attributes.get(_SIGNAL)
    return WifiInfo(
        ssid=ssid,
        signal=struct.unpack("b", signal[:1])[0] if signal else None,
        tx_bitrate=_rate(attributes.get(_TX_BITRATE)),
        rx_bitrate=_rate(attributes.get(_RX_BITRATE)),
    )


def _rate(nested: bytes | None) -> int | None:
    """kbit/s; nl80211 counts in units of 100 kbit/s, in 16 bits or, above 6.5 Gbit/s, in 32."""
    rates = dict(_attributes(nested or b""))
    raw = rates.get(_RATE_32) or rates.get(_RATE_16)
    return 100 * int.from_bytes(raw, "little") if raw else None


def _ask(
    sock: socket.socket, family: int, command: int, body: bytes, flags: int
) -> Iterator[dict[int, bytes]]:
    message = _GENL.pack(command, 1, 0) + body
    sock.sendto(_HEADER.pack(_HEADER.size + len(message), family, _REQUEST | flags, 1, 0) + message, (0, 0))
    while True:
        data = sock.recv(1 << 16)
        offset = 0
        while offset + _HEADER.size <= len(data):
            length, kind, *_ = _HEADER.unpack_from(data, offset)
            if kind in (_ERROR, _DONE) or length < _HEADER.size:
                return
            yield dict(_attributes(data[offset + _HEADER.size + _GENL.size : offset + length]))
            offset += (length + 3) & ~3
        if not flags & _DUMP:
            return


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _NESTED_MASK, data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def _pack(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)
