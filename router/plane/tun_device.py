"""A TUN device, and the way of its packets: out of it into a socket, and into it."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import socket
import struct
from ipaddress import IPv4Address

from router.plane import link
from router.plane.model import Tunnel
from router.plane.offload import HEADER_SIZE, joined, runs, segment, trains

__all__ = ["PROTOCOL_IPIP", "TUNNEL_DATA", "TunDevice"]

_log = logging.getLogger("roamd.plane")

PROTOCOL_IPIP = 4
TUNNEL_DATA = b"\x04\x04\x00\x00"
_PROTOCOL_UDP = 17
_IPV4 = 0x45 >> 4
_MIN_HEADER = 20
_BATCH = 64
# Prepared once: the allocator gives large pieces back to the kernel, and they cost page faults anew.
_BUFFER = memoryview(bytearray(HEADER_SIZE + 65535))
_DSCP = 0xFC
_PKTINFO = struct.Struct("=i4s4s")
_SIZE = struct.Struct("=H")
# Not in the socket module: <linux/in.h>, <linux/udp.h>.
_IP_PKTINFO = 8
_SOL_UDP, _UDP_SEGMENT, _UDP_GRO = 17, 103, 104
_GONE = (errno.EBADFD, errno.EIO)
# struct ifreq of <linux/if.h>: 40 octets on 64-bit machines, 32 on others.
_IFREQ = struct.Struct("=16s24s")
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_TUN_F_CSUM, _TUN_F_TSO4 = 0x01, 0x02
# _IOW('T', 202, int): these architectures number the direction differently.
_OTHER_IOW = ("alpha", "mips", "ppc", "sparc")
_IOW = 0x80000000 if os.uname().machine.startswith(_OTHER_IOW) else 0x40000000
_TUNSETIFF, _TUNSETOFFLOAD = _IOW | 0x454CA, _IOW | 0x454D0
# No checksum offload at the link (older kernels), or the link's MTU is less than the packets'.
_NO_TRAINS = (errno.EIO, errno.EINVAL, errno.EMSGSIZE)


class TunDevice:
    """An open TUN device and what goes out of it and into it."""

    def __init__(self, name: str) -> None:
        self._file, self._offloads = _open_tun(name)
        self.name = name
        self.index = link.index(name)
        self.tunnel: Tunnel | None = None
        self.dropped = 0
        self._sender: socket.socket | None = None
        self._target = ("", 0)
        self._prefix = b""
        self._looping = (0, b"")
        self._control: list[tuple[int, int, bytes]] = []
        self._in_trains = False
        self._arrived: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._outgoing)

    def close(self) -> None:
        self._write()
        self._forget()
        os.close(self._file)

    def _forget(self) -> None:
        self._loop.remove_reader(self._file)

    def connect(self, tunnel: Tunnel, sender: socket.socket | None) -> None:
        """Send as `tunnel` says through `sender`; None: nowhere, for now."""
        self.tunnel, self._sender = tunnel, sender
        self._target = (str(tunnel.remote), tunnel.remote_port)
        udp = tunnel.encapsulation == "udp"
        self._prefix = TUNNEL_DATA if udp else b""
        protocol = _PROTOCOL_UDP if udp else PROTOCOL_IPIP
        self._looping = (protocol, tunnel.local.packed + tunnel.remote.packed)
        self._control = [] if not tunnel.link else [_leaving_by(link.index(tunnel.link), tunnel.local)]
        self._in_trains = udp and sender is not None and _offloads_udp(sender)

    @property
    def connected(self) -> bool:
        return self._sender is not None

    def _outgoing(self) -> None:
        """Send what waits in the device, at most a batch: the other devices want their turn."""
        file, offloads = self._file, self._offloads
        protocol, ends = self._looping
        waiting: list[bytes] = []
        while len(waiting) < _BATCH:
            try:
                data = _BUFFER[: os.readv(file, (_BUFFER,))].tobytes()
            except BlockingIOError:
                break
            except OSError as error:
                self._failed(error)
                break
            packets = segment(data) if offloads else [data]
            first = packets[0] if packets else b""
            # One of the tunnel's own outer packets has been routed back into
            # it, and would go round for ever (RFC 2003 section 3.2).
            if not first or first[0] >> 4 != _IPV4 or (first[12:20] == ends and first[9] == protocol):
                self.dropped += len(packets) or 1
            else:
                waiting += packets
        self._send(waiting)

    def _send(self, packets: list[bytes]) -> None:
        if self._sender is None:
            self.dropped += len(packets)
        elif self._in_trains:
            for train in trains(packets):
                if len(train) > 1:
                    self._send_train(train, self._sender)
                else:
                    self._send_packet(train[0], self._sender)
        else:
            for packet in packets:
                self._send_packet(packet, self._sender)

    def _send_packet(self, packet: bytes, sender: socket.socket) -> None:
        try:
            # The DSCP is copied, the ECN bits are not (RFC 6040 section 4.3,
            # compatibility mode): a UDP socket does not tell us the outer ones
            # at the far end, and marks that vanish are worse than none.  It
            # goes along with the packet, as the socket is not ours alone.
            dscp, control = packet[1] & _DSCP, self._control
            if dscp or control:
                if dscp:
                    control = [*control, _tos(dscp)]
                sender.sendmsg((self._prefix, packet), control, socket.MSG_DONTWAIT, self._target)
            elif self._prefix:
                sender.sendto(self._prefix + packet, socket.MSG_DONTWAIT, self._target)
            else:
                sender.sendto(packet, socket.MSG_DONTWAIT, self._target)
        except OSError:
            # A full queue, a lost route, or the ICMP error of an earlier packet.
            self.dropped += 1

    def _send_train(self, train: list[bytes], sender: socket.socket) -> None:
        """Several datagrams in one call, which the kernel cuts as late as it can."""
        first, prefix = train[0], self._prefix
        control = [*self._control, (_SOL_UDP, _UDP_SEGMENT, _SIZE.pack(len(prefix) + len(first)))]
        if dscp := first[1] & _DSCP:
            control.append(_tos(dscp))
        octets = [part for packet in train for part in (prefix, packet)]
        try:
            sender.sendmsg(octets, control, socket.MSG_DONTWAIT, self._target)
        except BlockingIOError:
            self.dropped += len(train)
        except OSError as error:
            if error.errno in _NO_TRAINS:
                self._in_trains = False
            for packet in train:
                self._send_packet(packet, sender)

    def inject(self, packet: bytes) -> None:
        """Let the kernel receive `packet` from this device, with all that comes in this turn of the loop."""
        if len(packet) < _MIN_HEADER or packet[0] >> 4 != _IPV4:
            self.dropped += 1
            return
        if not self._arrived:
            self._loop.call_soon(self._write)
        self._arrived.append(packet)

    def _write(self) -> None:
        packets, self._arrived = self._arrived, []
        if not self._offloads:
            for packet in packets:
                self._write_one(packet)
            return
        for run in runs(packets):
            try:
                os.write(self._file, joined(run))
            except OSError:
                for packet in run:
                    self._write_one(joined([packet]))

    def _write_one(self, data: bytes) -> None:
        try:
            os.write(self._file, data)
        except OSError:
            self.dropped += 1

    def _failed(self, error: OSError) -> None:
        self.dropped += 1
        if error.errno in _GONE:
            # A descriptor without its device is readable for ever.
            self._forget()
            _log.warning("tunnel device %s was removed by somebody else", self.name)


def _offloads_udp(sender: socket.socket) -> bool:
    """Whether the kernel cuts datagrams for us; if so, let it collect those that arrive as well."""
    try:
        sender.getsockopt(_SOL_UDP, _UDP_SEGMENT)
        sender.setsockopt(_SOL_UDP, _UDP_GRO, 1)
    except OSError:
        return False
    return True


def _tos(value: int) -> tuple[int, int, bytes]:
    return socket.IPPROTO_IP, socket.IP_TOS, bytes((value,))


def _leaving_by(index: int, source: IPv4Address) -> tuple[int, int, bytes]:
    """Control data that sends a packet out of one device, as IP_PKTINFO takes it."""
    return socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(index, source.packed, bytes(4))


def _open_tun(name: str) -> tuple[int, bool]:
    """A non-blocking file descriptor of a new TUN device, without packet information headers.

    And whether it hands over and takes super-packets of TCP over IPv4, each
    packet behind a `virtio_net_hdr` (<linux/virtio_net.h>), in this machine's order.
    """
    file = _open(name, _IFF_VNET_HDR)
    try:
        fcntl.ioctl(file, _TUNSETOFFLOAD, _TUN_F_CSUM | _TUN_F_TSO4)
    except OSError:
        os.close(file)
        return _open(name, 0), False
    return file, True


def _open(name: str, more: int) -> int:
    try:
        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise OSError(errno.ENOENT, "missing: install kmod-tun", "/dev/net/tun") from None
    try:
        flags = struct.pack("=H", _IFF_TUN | _IFF_NO_PI | more)
        fcntl.ioctl(file, _TUNSETIFF, _IFREQ.pack(name.encode(), flags))
    except OSError as error:
        os.close(file)
        raise OSError(error.errno, error.strerror, name) from None
    return file
