"""Who carries packets in user space: on OpenWrt a package of its own, since kernels there have tunnels."""

from __future__ import annotations

import socket
from importlib import import_module
from ipaddress import IPv4Address

from router.plane.errors import PlaneError
from router.plane.model import Tunnel

__all__ = ["Carrier", "carrier"]


class Carrier:
    """Nobody: what `UserspaceTunnels` does is not installed."""

    installed = False

    def __init__(self) -> None:
        self.unmatched = 0
        """Packets for no tunnel of ours."""

    def attach(self, local: IPv4Address, port: int, sock: socket.socket) -> None:
        """Let tunnels from `local:port` send through `sock`."""

    def detach(self, local: IPv4Address, port: int) -> None:
        """Let them send no more."""

    def put(self, tunnel: Tunnel) -> None:
        """Create the tunnel, or change the one of this device in place.  Raises PlaneError."""
        raise PlaneError(f"{tunnel.device}: install roamd-tun")

    def drop(self, name: str) -> None:
        """Remove the tunnel of this device, if there is one."""

    def close(self) -> None:
        """Remove all."""

    def names(self) -> set[str]:
        return set()

    def dropped(self) -> dict[str, int]:
        """Packets lost between device and socket, by device."""
        return {}

    def deliver(self, local: IPv4Address, port: int, source: tuple[str, int], datagram: bytes) -> bool:
        """A Tunnel Data datagram that arrived at `local:port`; False, and counted, when no tunnel ends there."""
        self.unmatched += 1
        return False


def carrier() -> Carrier:
    """Whoever is installed."""
    try:
        found: Carrier = import_module("router.plane.userspace").UserspaceTunnels()
    except ModuleNotFoundError:
        return Carrier()
    return found
