"""Tunnel devices as rtnetlink says them: the bodies of its link messages, octet by octet.

By hand, since there may be thousands: pyroute2's classes take longer to encode
a device than the kernel to make it.
"""

from __future__ import annotations

import socket
import struct

from router.attributes import attribute, nest, text, u8, u16, u16_be, u32, u32_be
from router.plane.model import Tunnel

__all__ = [
    "OWNER",
    "change",
    "creation",
    "group_removal",
    "kind_of",
    "move",
    "preparation",
    "removal",
    "rise",
]

OWNER = "roamd"
"""The alias of a device of ours: a later run knows it by that."""

_LINK = struct.Struct("=BxHiII")
_IFF_UP = 0x1
_IFNAME, _MTU, _LINKINFO, _IFALIAS, _AF_SPEC, _GROUP = 3, 4, 18, 20, 26, 27
_INFO_KIND, _INFO_DATA = 1, 2
# <linux/if_tunnel.h>: IFLA_IPTUN_*, and IFLA_GRE_*.
_IPIP_LINK, _IPIP_LOCAL, _IPIP_REMOTE, _IPIP_TTL, _IPIP_TOS, _IPIP_PMTUDISC = 1, 2, 3, 4, 5, 10
_ENCAP_TYPE, _ENCAP_FLAGS, _ENCAP_SPORT, _ENCAP_DPORT = 15, 16, 17, 18
_GRE_LINK, _GRE_IFLAGS, _GRE_OFLAGS, _GRE_IKEY, _GRE_OKEY = 1, 2, 3, 4, 5
_GRE_LOCAL, _GRE_REMOTE, _GRE_TTL, _GRE_TOS, _GRE_PMTUDISC = 6, 7, 8, 9, 10
_NO_ENCAPSULATION, _GUE = 0, 2
_GRE_KEY = 0x2000
_INET_CONF, _RP_FILTER = 1, 8
_TTL = 64
_TOS_INHERIT = 1


def kind_of(tunnel: Tunnel) -> str:
    """The kernel's word for the device that carries it."""
    return "gre" if tunnel.encapsulation == "gre" else "ipip"


def creation(tunnel: Tunnel, link: int, index: int = 0) -> bytes:
    """RTM_NEWLINK of a device that is still down; `link` is the index of the one it leaves by (0: as routed).

    `index` is what its own shall be; 0 leaves it to the kernel.
    """
    return _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + text(_IFNAME, tunnel.device) + _shape(tunnel, link)


def preparation(index: int, rp_filter: int) -> bytes:
    """RTM_SETLINK of what must hold before the device goes up."""
    return _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + _dress(rp_filter)


def rise(index: int) -> bytes:
    """RTM_SETLINK that takes the device up."""
    return _LINK.pack(socket.AF_UNSPEC, 0, index, _IFF_UP, _IFF_UP)


def change(tunnel: Tunnel, link: int, index: int, rp_filter: int) -> bytes:
    """RTM_NEWLINK that makes the device `index`, up as it is, another tunnel of its kind."""
    header = _LINK.pack(socket.AF_UNSPEC, 0, index, _IFF_UP, _IFF_UP)
    return header + _shape(tunnel, link) + _dress(rp_filter)


def removal(index: int) -> bytes:
    """RTM_DELLINK."""
    return _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0)


def move(index: int, group: int) -> bytes:
    """RTM_SETLINK of the device's group."""
    return _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + u32(_GROUP, group)


def group_removal(group: int) -> bytes:
    """RTM_DELLINK of all devices of a group at once."""
    return _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + u32(_GROUP, group)


def _shape(tunnel: Tunnel, link: int) -> bytes:
    data = _gre(tunnel, link) if tunnel.encapsulation == "gre" else _ipip(tunnel, link)
    kind = text(_INFO_KIND, kind_of(tunnel))
    return u32(_MTU, tunnel.mtu) + u32(_GROUP, tunnel.group) + nest(_LINKINFO, kind, nest(_INFO_DATA, data))


def _dress(rp_filter: int) -> bytes:
    inet = nest(socket.AF_INET, nest(_INET_CONF, u32(_RP_FILTER, rp_filter)))
    return text(_IFALIAS, OWNER) + nest(_AF_SPEC, inet)


def _ipip(tunnel: Tunnel, link: int) -> bytes:
    udp = tunnel.encapsulation == "udp"
    return b"".join((
        u32(_IPIP_LINK, link),
        attribute(_IPIP_LOCAL, tunnel.local.packed),
        attribute(_IPIP_REMOTE, tunnel.remote.packed),
        u8(_IPIP_TTL, _TTL),
        # DSCP copied; the ECN bits as RFC 6040 has them.
        u8(_IPIP_TOS, _TOS_INHERIT),
        # The outer header then has DF when the inner one has (RFC 2003 section
        # 3.1), and the uplink may fragment the rest.
        u8(_IPIP_PMTUDISC, 0),
        # Said also where there is none, to take it from a device that had one.
        u16(_ENCAP_TYPE, _GUE if udp else _NO_ENCAPSULATION),
        u16(_ENCAP_FLAGS, 0),
        u16_be(_ENCAP_SPORT, tunnel.local_port if udp else 0),
        u16_be(_ENCAP_DPORT, tunnel.remote_port if udp else 0),
    ))  # fmt: skip


def _gre(tunnel: Tunnel, link: int) -> bytes:
    """RFC 2784; with keys RFC 2890.  No checksums, no sequence numbers."""
    return b"".join((
        u32(_GRE_LINK, link),
        u16_be(_GRE_IFLAGS, 0 if tunnel.key_in is None else _GRE_KEY),
        u16_be(_GRE_OFLAGS, 0 if tunnel.key_out is None else _GRE_KEY),
        u32_be(_GRE_IKEY, tunnel.key_in or 0),
        u32_be(_GRE_OKEY, tunnel.key_out or 0),
        attribute(_GRE_LOCAL, tunnel.local.packed),
        attribute(_GRE_REMOTE, tunnel.remote.packed),
        u8(_GRE_TTL, _TTL),
        u8(_GRE_TOS, _TOS_INHERIT),
        u8(_GRE_PMTUDISC, 0),
    ))  # fmt: skip
