"""Network devices, one at a time: a few microseconds each, where a netlink dump takes milliseconds.

What a device is like is asked by netlink: an ioctl about one that is not there
makes the kernel look for a module of that name, by a process, and wait for it.
Errors are OSErrors of the kernel, with the device's name as `filename`.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from typing import NamedTuple

from router.attributes import attributes, text, u32
from router.plane.sysctl import read_sysctl, write_sysctl

__all__ = ["Packets", "counters", "index", "is_ready", "is_up", "packets", "set_up"]

# struct ifreq of <linux/if.h>: 40 octets on 64-bit machines, 32 on others.
_IFREQ = struct.Struct("=16s24s")
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_SIOCSIFMTU = 0x8922
_IFF_UP = 0x1
_LOOSE, _OFF = "2", "0"

# struct nlmsghdr and struct ifinfomsg of <linux/rtnetlink.h>.
_HEADER, _INFO = struct.Struct("=IHHII"), struct.Struct("=BxHiII")
_RTM_NEWLINK, _RTM_GETLINK, _REQUEST = 16, 18, 0x1
_IFLA_IFNAME, _IFLA_MTU, _IFLA_STATS64, _IFLA_EXT_MASK, _SKIP_STATISTICS = 3, 4, 23, 29, 0x8


class _State(NamedTuple):
    ifindex: int
    flags: int
    mtu: int


_ABSENT = _State(0, 0, 0)


class Packets(NamedTuple):
    """What a device has carried."""

    device: str
    received: int
    sent: int


def index(name: str) -> int:
    """The interface index; 0 when there is no such device."""
    return _state(name).ifindex


def is_ready(name: str, mtu: int) -> bool:
    """Whether the device exists, is up and has this MTU."""
    state = _state(name)
    return bool(state.flags & _IFF_UP) and state.mtu == mtu


def is_up(name: str) -> bool:
    """Whether the device exists and is up."""
    return bool(_state(name).flags & _IFF_UP)


def set_up(name: str, mtu: int) -> None:
    """Prepare a tunnel device and bring it up."""
    # An answer may come through another tunnel than the question left by.  The
    # kernel takes the stricter of "all" and the device, where loose (2) counts
    # as the laxer one: it is the way out when "all" is strict.
    strict = read_sysctl("net/ipv4/conf/all/rp_filter") not in (_OFF, None)
    write_sysctl(f"net/ipv4/conf/{name}/rp_filter", _LOOSE if strict else _OFF)
    # Before it is up, or router solicitations go into an IPv4-only tunnel.
    write_sysctl(f"net/ipv6/conf/{name}/disable_ipv6", "1")
    _ask(_SIOCSIFMTU, name, struct.pack("=i", mtu))
    _ask(_SIOCSIFFLAGS, name, struct.pack("=H", _flags(name) | _IFF_UP))


def counters() -> dict[str, dict[str, int]]:
    """Octets and packets by device, as the kernel counts them; rx is out of the tunnel."""
    result = {}
    with open("/proc/net/dev") as file:
        for line in file.readlines()[2:]:
            name, _, numbers = line.partition(":")
            rx_bytes, rx_packets, _, rx_dropped, _, _, _, _, tx_bytes, tx_packets, _, tx_dropped, *_ = map(
                int, numbers.split()
            )
            result[name.strip()] = {
                "rx_bytes": rx_bytes,
                "tx_bytes": tx_bytes,
                "rx_packets": rx_packets,
                "tx_packets": tx_packets,
                "dropped": rx_dropped + tx_dropped,
            }
    return result


def packets(ifindex: int) -> Packets | None:
    """Packets in and out of one device by its index; None when there is no such device."""
    _, found = _described(ifindex, b"")
    if _IFLA_STATS64 not in found:
        return None
    # struct rtnl_link_stats64 begins with them.
    received, sent = struct.unpack_from("=QQ", found[_IFLA_STATS64])
    return Packets(found[_IFLA_IFNAME].rstrip(b"\0").decode(), received, sent)


def _state(name: str) -> _State:
    info, found = _described(0, text(_IFLA_IFNAME, name))
    if not found:
        return _ABSENT
    return _State(info[0], info[1], struct.unpack("=I", found[_IFLA_MTU])[0])


def _described(ifindex: int, name: bytes) -> tuple[tuple[int, int], dict[int, bytes]]:
    """Index, flags and attributes of a device by its index or its name's attribute; none when it is not there."""
    body = _INFO.pack(socket.AF_UNSPEC, 0, ifindex, 0, 0) + name + u32(_IFLA_EXT_MASK, _SKIP_STATISTICS)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC) as sock:
        sock.sendto(_HEADER.pack(_HEADER.size + len(body), _RTM_GETLINK, _REQUEST, 1, 0) + body, (0, 0))
        port, data = 1, b""
        while port:
            data, (port, _) = sock.recvfrom(1 << 16)
    if _HEADER.unpack_from(data)[1] != _RTM_NEWLINK:
        return (0, 0), {}
    _, _, found, flags, _ = _INFO.unpack_from(data, _HEADER.size)
    return (found, flags), dict(attributes(data[_HEADER.size + _INFO.size :]))


def _flags(name: str) -> int:
    flags: int = struct.unpack_from("=H", _ask(_SIOCGIFFLAGS, name))[0]
    return flags


def _ask(request: int, name: str, value: bytes = b"") -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            return fcntl.ioctl(sock, request, _IFREQ.pack(name.encode(), value))[16:]
        except OSError as error:
            raise OSError(error.errno, error.strerror, name) from None
