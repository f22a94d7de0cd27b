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
import errno
import logging
import os
import socket
import struct
from ipaddress import IPv4Address

from router.plane import link
from router.plane.errors import PlaneError
from router.plane.model import Tunnel

__all__ = ["UserspaceTunnels"]

_log = logging.getLogger("roamd.plane")

_PROTOCOL_IPIP = 4
_TUNNEL_DATA = b"\x04\x04\x00\x00"
_IPV4 = 0x45 >> 4
_MIN_HEADER = 20
_BATCH = 64
_MAX_PACKET = 65535
# Deep queues in here would only be delay: about 110 full packets.
_SEND_BUFFER = 1 << 17
_RECEIVE_BUFFER = 1 << 20
# Not in the socket module: IP_MTU_DISCOVER and IP_PMTUDISC_DONT of <linux/in.h>.
_IP_MTU_DISCOVER, _PMTUDISC_DONT = 10, 0
_DSCP = 0xFC
_PKTINFO = struct.Struct("=i4s4s")
_IP_PKTINFO = 8
_PROTOCOL_UDP = 17
_GONE = (errno.EBADFD, errno.EIO)


class _Device:
    """An open TUN device and what goes out of it and into it."""

    def __init__(self, name: str) -> None:
        self.file = link.open_tun(name)
        self.name = name
        self.index = link.index(name)
        self.tunnel: Tunnel | None = None
        self.dropped = 0
        self._sender: socket.socket | None = None
        self._target = ("", 0)
        self._prefix = b""
        self._looping = (0, b"")
        self._control: list[tuple[int, int, bytes]] = []
        asyncio.get_running_loop().add_reader(self.file, self._outgoing)

    def close(self) -> None:
        self.forget()
        os.close(self.file)

    def forget(self) -> None:
        asyncio.get_running_loop().remove_reader(self.file)

    def connect(self, tunnel: Tunnel, sender: socket.socket | None) -> None:
        """Send as `tunnel` says through `sender`; None: nowhere, for now."""
        self.tunnel, self._sender = tunnel, sender
        self._target = (str(tunnel.remote), tunnel.remote_port)
        self._prefix = _TUNNEL_DATA if tunnel.encapsulation == "udp" else b""
        protocol = _PROTOCOL_UDP if tunnel.encapsulation == "udp" else _PROTOCOL_IPIP
        self._looping = (protocol, tunnel.local.packed + tunnel.remote.packed)
        self._control = [] if not tunnel.link else [_leaving_by(link.index(tunnel.link), tunnel.local)]

    @property
    def connected(self) -> bool:
        return self._sender is not None

    def _outgoing(self) -> None:
        """Send what waits in the device, at most a batch: the other devices want their turn."""
        read, file, send = os.read, self.file, self._send
        protocol, ends = self._looping
        for _ in range(_BATCH):
            try:
                packet = read(file, _MAX_PACKET)
            except BlockingIOError:
                return
            except OSError as error:
                self._failed(error)
                return
            # One of the tunnel's own outer packets has been routed back into
            # it, and would go round for ever (RFC 2003 section 3.2).
            if packet[0] >> 4 != _IPV4 or (packet[12:20] == ends and packet[9] == protocol):
                self.dropped += 1
            else:
                send(packet)

    def _send(self, packet: bytes) -> None:
        sender = self._sender
        if sender is None:
            self.dropped += 1
            return
        try:
            # The DSCP is copied, the ECN bits are not (RFC 6040 section 4.3,
            # compatibility mode): a UDP socket does not tell us the outer ones
            # at the far end, and marks that vanish are worse than none.  It
            # goes along with the packet, as the socket is not ours alone.
            dscp, control = packet[1] & _DSCP, self._control
            if dscp or control:
                if dscp:
                    control = [*control, (socket.IPPROTO_IP, socket.IP_TOS, bytes((dscp,)))]
                sender.sendmsg((self._prefix, packet), control, socket.MSG_DONTWAIT, self._target)
            elif self._prefix:
                sender.sendto(self._prefix + packet, socket.MSG_DONTWAIT, self._target)
            else:
                sender.sendto(packet, socket.MSG_DONTWAIT, self._target)
        except OSError:
            # A full queue, a lost route, or the ICMP error of an earlier packet.
            self.dropped += 1

    def inject(self, packet: bytes) -> None:
        """Let the kernel receive `packet` from this device."""
        if len(packet) < _MIN_HEADER or packet[0] >> 4 != _IPV4:
            self.dropped += 1
            return
        try:
            os.write(self.file, packet)
        except OSError:
            self.dropped += 1

    def _failed(self, error: OSError) -> None:
        self.dropped += 1
        if error.errno in _GONE:
            # A descriptor without its device is readable for ever.
            self.forget()
            _log.warning("tunnel device %s was removed by somebody else", self.name)


class _RawSocket:
    """Protocol 4 at one local address, for all tunnels that end there."""

    def __init__(self, local: IPv4Address, owner: UserspaceTunnels) -> None:
        self.peers: dict[str, list[_Device]] = {}
        """By the far end; several tunnels to it differ by the link that they leave by."""
        self._owner = owner
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _PROTOCOL_IPIP)
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
        receive, peers = self.socket.recvfrom, self.peers
        for _ in range(_BATCH):
            try:
                packet, (source, _) = receive(_MAX_PACKET)
            except BlockingIOError:
                return
            except OSError:
                continue
            devices = peers.get(source)
            if devices is None:
                # A socket bound to any address of ours gets the others' packets too.
                self._owner.unmatched += not self._owner.has_tunnel_to(source)
            else:
                devices[0].inject(packet[4 * (packet[0] & 0x0F) :])


class UserspaceTunnels:
    """All tunnels this process carries."""

    def __init__(self) -> None:
        self._devices: dict[str, _Device] = {}
        self._udp: dict[tuple[IPv4Address, int], socket.socket] = {}
        self._udp_peers: dict[tuple[int, tuple[str, int]], list[_Device]] = {}
        self._raw: dict[IPv4Address, _RawSocket] = {}
        self.unmatched = 0
        """Packets for no tunnel of ours."""

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
                device = self._devices[tunnel.device] = _Device(tunnel.device)
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
        if datagram[:2] == _TUNNEL_DATA[:2]:
            for device in self._udp_peers.get((port, source), ()):
                tunnel = device.tunnel
                if tunnel is not None and (tunnel.local is local or tunnel.local == local):
                    device.inject(datagram[len(_TUNNEL_DATA) :])
                    return True
        self.unmatched += 1
        return False

    def has_tunnel_to(self, remote: str) -> bool:
        return any(remote in raw.peers for raw in self._raw.values())

    def _connect(self, device: _Device, tunnel: Tunnel) -> None:
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

    def _disconnect(self, device: _Device) -> None:
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


def _leaving_by(index: int, source: IPv4Address) -> tuple[int, int, bytes]:
    """Control data that sends a packet out of one device, as IP_PKTINFO takes it."""
    return socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(index, source.packed, bytes(4))


def _prepare(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DONT)


def _udp_key(tunnel: Tunnel) -> tuple[int, tuple[str, int]]:
    return tunnel.local_port, (str(tunnel.remote), tunnel.remote_port)


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
