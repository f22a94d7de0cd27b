"""Tunnels in user space: TUN devices, and packets carried by this process.

The fall-back where the kernel has no ipip module, and the only carrier of
RFC 3519 tunnels for now.  Each device's packets leave as protocol 4
(RFC 2003) through a raw socket, or as Tunnel Data (RFC 3519 section 3.3)
through the UDP socket of the registration.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from router.plane.errors import PlaneError
from router.plane.model import Tunnel

__all__ = ["UserspaceTunnels"]

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_PROTOCOL_IPIP = 4
_TUNNEL_DATA = b"\x04\x04\x00\x00"
_BATCH = 64
_MAX_PACKET = 65535
_BUFFER = 1 << 19
# Not in the socket module: IP_MTU_DISCOVER and IP_PMTUDISC_DONT of <linux/in.h>.
_IP_MTU_DISCOVER, _PMTUDISC_DONT = 10, 0


@dataclass
class _Device:
    """An open TUN device and what goes out of it."""

    tunnel: Tunnel
    file: int
    sender: socket.socket | None = None
    target: tuple[str, int] = ("", 0)
    prefix: bytes = b""
    counters: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("rx_bytes", "tx_bytes", "rx_packets", "tx_packets", "dropped"), 0
        )
    )


class UserspaceTunnels:
    """All tunnels this process carries.  Counters are from the router's view: rx came out of the tunnel."""

    def __init__(self) -> None:
        self._devices: dict[str, _Device] = {}
        self._udp: dict[tuple[str, int], socket.socket] = {}
        self._raw: dict[IPv4Address, socket.socket] = {}
        self._by_peer: dict[tuple[str, int, str, int], _Device] = {}
        self.unmatched = 0

    def attach(self, local: IPv4Address, port: int, sock: socket.socket) -> None:
        """Let tunnels from `local:port` send through `sock`."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        # The tunnel's MTU keeps packets small enough; where the path is thinner
        # still, fragments of the outer packet are better than silence.
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DONT)
        self._udp[str(local), port] = sock
        self._reconnect()

    def detach(self, local: IPv4Address, port: int) -> None:
        self._udp.pop((str(local), port), None)
        self._reconnect()

    def put(self, tunnel: Tunnel) -> None:
        """Create the tunnel, or change the one of this device in place.  Raises PlaneError."""
        device = self._devices.get(tunnel.device)
        if device is None:
            device = _Device(tunnel, _open_tun(tunnel.device))
            self._devices[tunnel.device] = device
            asyncio.get_running_loop().add_reader(device.file, self._outgoing, device)
        device.tunnel = tunnel
        self._reconnect()

    def drop(self, name: str) -> None:
        device = self._devices.pop(name, None)
        if device is not None:
            asyncio.get_running_loop().remove_reader(device.file)
            os.close(device.file)
            self._reconnect()

    def close(self) -> None:
        for name in list(self._devices):
            self.drop(name)

    def names(self) -> set[str]:
        return set(self._devices)

    def statistics(self) -> dict[str, dict[str, int]]:
        return {name: dict(device.counters) for name, device in self._devices.items()}

    def deliver(self, local: IPv4Address, port: int, source: tuple[str, int], datagram: bytes) -> bool:
        """A Tunnel Data datagram that arrived at `local:port`; False when no tunnel ends there.

        RFC 3519 section 4.2: addresses, ports and next header must be the tunnel's.
        """
        device = self._by_peer.get((str(local), port, *source))
        if device is None or datagram[:2] != _TUNNEL_DATA[:2] or len(datagram) < 24:
            self.unmatched += 1
            return False
        self._inject(device, datagram[4:])
        return True

    def _reconnect(self) -> None:
        """Bind devices to their sockets anew after any change of either."""
        locals_ = {d.tunnel.local for d in self._devices.values() if d.tunnel.encapsulation == "ipip"}
        for local in set(self._raw) - locals_:
            sock = self._raw.pop(local)
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._by_peer = {}
        for device in self._devices.values():
            tunnel = device.tunnel
            here, remote = str(tunnel.local), str(tunnel.remote)
            if tunnel.encapsulation == "udp":
                device.sender = self._udp.get((here, tunnel.local_port))
                device.target, device.prefix = (remote, tunnel.remote_port), _TUNNEL_DATA
                self._by_peer[here, tunnel.local_port, remote, tunnel.remote_port] = device
            else:
                device.sender = self._raw_socket(tunnel.local)
                device.target, device.prefix = (remote, 0), b""
                self._by_peer[here, 0, remote, 0] = device

    def _raw_socket(self, local: IPv4Address) -> socket.socket | None:
        if local not in self._raw:
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _PROTOCOL_IPIP)
            try:
                sock.bind((str(local), 0))
            except OSError:
                # The care-of address went away in this very moment: the uplink's event follows.
                sock.close()
                return None
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
            sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DONT)
            asyncio.get_running_loop().add_reader(sock, self._incoming_raw, sock, str(local))
            self._raw[local] = sock
        return self._raw[local]

    def _outgoing(self, device: _Device) -> None:
        counters = device.counters
        for _ in range(_BATCH):
            try:
                packet = os.read(device.file, _MAX_PACKET)
            except BlockingIOError:
                return
            except OSError:
                counters["dropped"] += 1
                return
            if device.sender is None or packet[0] >> 4 != 4:
                counters["dropped"] += 1
                continue
            try:
                device.sender.sendto(device.prefix + packet, socket.MSG_DONTWAIT, device.target)
            except OSError:
                # A full queue, a lost route, or the ICMP error of an earlier packet.
                counters["dropped"] += 1
                continue
            counters["tx_packets"] += 1
            counters["tx_bytes"] += len(packet)

    def _incoming_raw(self, sock: socket.socket, local: str) -> None:
        for _ in range(_BATCH):
            try:
                packet, (source, _) = sock.recvfrom(_MAX_PACKET)
            except BlockingIOError:
                return
            except OSError:
                continue
            device = self._by_peer.get((local, 0, source, 0))
            if device is None:
                self.unmatched += 1
                continue
            self._inject(device, packet[4 * (packet[0] & 0x0F) :])

    def _inject(self, device: _Device, packet: bytes) -> None:
        if len(packet) < 20 or packet[0] >> 4 != 4:
            device.counters["dropped"] += 1
            return
        try:
            os.write(device.file, packet)
        except OSError:
            device.counters["dropped"] += 1
            return
        device.counters["rx_packets"] += 1
        device.counters["rx_bytes"] += len(packet)


def _open_tun(name: str) -> int:
    try:
        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise PlaneError(f"/dev/net/tun: {error.strerror}: needs kmod-tun and CAP_NET_ADMIN") from None
    try:
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError as error:
        os.close(file)
        raise PlaneError(f"tunnel device {name}: {error.strerror}") from None
    return file
