"""Packets of one device, for who asks: bounded, and ended when nobody fetches."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections import deque
from typing import Any

from router.daemon.headers import headers
from router.daemon.now import now

__all__ = ["MOST", "Capture"]

_ETH_P_ALL = 0x0003
_BATCH, _BUFFER = 64, 1 << 20
MOST = 4000
_OCTETS = 1 << 20
_FORGOTTEN = 15.0
_LINKTYPE = {1: 1, 65534: 101, 512: 101, 768: 101, 778: 101}
"""ARPHRD_* to pcap's link types: Ethernet, and raw IP (TUN, PPP's without header, tunnels)."""


class Capture:
    """What goes in and out by `device` since the last `fetch`: `most` packets, whole or their headers alone.

    Raises OSError.
    """

    def __init__(self, device: str, snaplen: int, most: int = MOST, *, only_headers: bool = False) -> None:
        self._packets: deque[tuple[float, int, bytes]] = deque()
        self._held = self._lost = 0
        self._snaplen, self._most, self._only_headers = snaplen, most, only_headers
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.bind((device, _ETH_P_ALL))
        except OSError:
            self._socket.close()
            raise
        self.linktype = _LINKTYPE.get(self._socket.getsockname()[3], 1)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)
        self._forget = self._loop.call_later(_FORGOTTEN, self.close)

    def fetch(self) -> dict[str, Any]:
        """{linktype, packets: [[seconds since 1970, octets on the wire, base64]], lost}."""
        self._forget.cancel()
        if not self.ended:
            self._forget = self._loop.call_later(_FORGOTTEN, self.close)
        rows = [[round(at, 6), length, base64.b64encode(data).decode()] for at, length, data in self._packets]
        lost, self._lost, self._held = self._lost, 0, 0
        self._packets.clear()
        return {"linktype": self.linktype, "packets": rows, "lost": lost}

    @property
    def ended(self) -> bool:
        return self._socket.fileno() < 0

    def close(self) -> None:
        self._forget.cancel()
        if not self.ended:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        for _ in range(_BATCH):
            data = bytearray(self._snaplen)
            try:
                length = self._socket.recv_into(data, 0, socket.MSG_TRUNC)
            except BlockingIOError:
                return
            except OSError:
                # The device is down for now.
                return
            if len(self._packets) >= self._most or self._held >= _OCTETS:
                self._lost += 1
                continue
            kept = bytes(data[: min(length, self._snaplen)])
            if self._only_headers:
                kept = kept[: headers(kept, self.linktype == 1)]
            self._held += len(kept)
            self._packets.append((now().wall, length, kept))
