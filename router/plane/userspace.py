"""Tunnels in user space: TUN devices, and packets carried by this process.

The fall-back where the kernel has no ipip module, and the only carrier of
RFC 3519 tunnels for now.  A device's packets leave as protocol 4 (RFC 2003)
through a raw socket, or as Tunnel Data (RFC 3519 section 3.3) through the UDP
socket of the registration.

Path MTU: the device's MTU makes the kernel fragment, or refuse, what would not
fit the uplink, before it is encapsulated (as RFC 3519 section 4.8 demands).
Outer packets leave without DF, although RFC 2003 section 3.1 copies it from
the inner header: that is of use only with the relaying of "too big" errors
into the tunnel (section 5.1), and mobile networks seldom let these errors
through.  Where the path is thinner than the uplink, fragments may arrive until
that has been found out by probes, and the device's MTU is the path's.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address

from router.plane import link
from router.plane.carrier import Carrier
from router.plane.errors import PlaneError
from router.plane.model import Tunnel
from router.plane.tun_device import PROTOCOL_IPIP, TUNNEL_DATA, TunDevice

__all__ = ["UserspaceTunnels"]

_BATCH = 64
# Prepared once: the allocator gives large pieces back to the kernel, and they cost page faults anew.
_BUFFER = memoryview(bytearray(65535))
# Deep queues in here would only be delay: about 110 full packets.
_SEND_BUFFER = 1 << 17
_RECEIVE_BUFFER = 1 << 20
# Not in the socket module: IP_MTU_DISCOVER and IP_PMTUDISC_DONT of <linux/in.h>.
_IP_MTU_DISCOVER, _PMTUDISC_DONT = 10, 0


class _RawSocket:
    """Protocol 4 at one local address, for all tunnels that end there."""

    def __init__(self, local: IPv4Address, owner: UserspaceTunnels) -> None:
        self.peers: dict[str, list[TunDevice]] = {}
        """By the far end; several tunnels to it differ by the link that they leave by."""
        self._owner = owner
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, PROTOCOL_IPIP)
        try:
            self.socket.bind((str(local), 0))
        except OSError:
            self.socket.close()
            raise
        _prepare(self.socket)
        asyncio.get_running_loop().add_reader(self.socket, self._incoming)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _incoming(self) -> None:
        receive, peers, buffer = self.socket.recvfrom_into, self.peers, _BUFFER
        for _ in range(_BATCH):
            try:
                size, (source, _) = receive(buffer)
            except BlockingIOError:
                return
            except OSError:
                continue
            devices = peers.get(source)
            if devices is None:
                # A socket bound to any address of ours gets the others' packets too.
                self._owner.unmatched += not self._owner.has_tunnel_to(source)
            else:
                devices[0].inject(buffer[4 * (buffer[0] & 0x0F) : size].tobytes())


class UserspaceTunnels(Carrier):
    """All tunnels this process carries."""

    installed = True

    def __init__(self) -> None:
        super().__init__()
        self._devices: dict[str, TunDevice] = {}
        self._udp: dict[tuple[IPv4Address, int], socket.socket] = {}
        self._udp_peers: dict[tuple[int, tuple[str, int]], list[TunDevice]] = {}
        self._raw: dict[IPv4Address, _RawSocket] = {}

    def attach(self, local: IPv4Address, port: int, sock: socket.socket) -> None:
        """Let tunnels from `local:port` send through `sock`."""
        _prepare(sock)
        self._udp[local, port] = sock
        self._reconnect_udp(local, port)

    def detach(self, local: IPv4Address, port: int) -> None:
        self._udp.pop((local, port), None)
        self._reconnect_udp(local, port)

    def put(self, tunnel: Tunnel) -> None:
        """Create the tunnel, or change the one of this device in place.  Raises PlaneError."""
        device = self._devices.get(tunnel.device)
        if device is not None and link.index(tunnel.device) != device.index:
            self.drop(tunnel.device)
            device = None
        if device is not None and device.tunnel == tunnel and device.connected:
            return
        try:
            if device is None:
                device = self._devices[tunnel.device] = TunDevice(tunnel.device)
            self._connect(device, tunnel)
        except OSError as error:
            raise PlaneError(f"tunnel device {tunnel.device}: {_reason(error)}") from None

    def drop(self, name: str) -> None:
        device = self._devices.pop(name, None)
        if device is not None:
            self._disconnect(device)
            device.close()

    def close(self) -> None:
        for name in self.names():
            self.drop(name)

    def names(self) -> set[str]:
        return set(self._devices)

    def dropped(self) -> dict[str, int]:
        """Packets lost between device and socket, by device."""
        return {name: device.dropped for name, device in self._devices.items()}

    def deliver(self, local: IPv4Address, port: int, source: tuple[str, int], datagram: bytes) -> bool:
        """A Tunnel Data datagram that arrived at `local:port`; False when no tunnel ends there.

        RFC 3519 section 4.3: addresses and ports must be exactly the tunnel's.
        """
        if datagram[:2] == TUNNEL_DATA[:2]:
            for device in self._udp_peers.get((port, source), ()):
                tunnel = device.tunnel
                if tunnel is not None and (tunnel.local is local or tunnel.local == local):
                    device.inject(datagram[len(TUNNEL_DATA) :])
                    return True
        return super().deliver(local, port, source, datagram)

    def has_tunnel_to(self, remote: str) -> bool:
        return any(remote in raw.peers for raw in self._raw.values())

    def _connect(self, device: TunDevice, tunnel: Tunnel) -> None:
        self._disconnect(device)
        if tunnel.encapsulation == "udp":
            device.connect(tunnel, self._udp.get((tunnel.local, tunnel.local_port)))
            self._udp_peers.setdefault(_udp_key(tunnel), []).append(device)
            return
        device.connect(tunnel, None)
        raw = self._raw.get(tunnel.local)
        if raw is None:
            raw = self._raw[tunnel.local] = _RawSocket(tunnel.local, self)
        raw.peers.setdefault(str(tunnel.remote), []).append(device)
        device.connect(tunnel, raw.socket)

    def _disconnect(self, device: TunDevice) -> None:
        tunnel = device.tunnel
        if tunnel is None:
            return
        peers = self._udp_peers.get(_udp_key(tunnel), [])
        if device in peers:
            peers.remove(device)
            if not peers:
                del self._udp_peers[_udp_key(tunnel)]
        raw = self._raw.get(tunnel.local)
        if raw is not None and device in raw.peers.get(str(tunnel.remote), ()):
            raw.peers[str(tunnel.remote)].remove(device)
            if not raw.peers[str(tunnel.remote)]:
                del raw.peers[str(tunnel.remote)]
            if not raw.peers:
                self._raw.pop(tunnel.local).close()
        device.connect(tunnel, None)

    def _reconnect_udp(self, local: IPv4Address, port: int) -> None:
        for device in self._devices.values():
            tunnel = device.tunnel
            if tunnel is not None and tunnel.local_port == port and tunnel.local == local:
                device.connect(tunnel, self._udp.get((local, port)))


def _prepare(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DONT)


def _udp_key(tunnel: Tunnel) -> tuple[int, tuple[str, int]]:
    return tunnel.local_port, (str(tunnel.remote), tunnel.remote_port)


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
