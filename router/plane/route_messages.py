"""Routes as rtnetlink says them: the bodies of its route messages, octet by octet.

By hand, as in `tunnel_messages`: each binding brings some, and a fail-over
changes many at once.  Reading routes back is left to pyroute2: see `messages`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from router.attributes import attribute, u32
from router.plane.model import Nexthop, Route

__all__ = ["RTPROT_ROAMD", "route_deletion", "route_message"]

RTPROT_ROAMD = 114
"""Protocol number of our routes and rules, of those that iproute2's table leaves free: `ip route` shows it."""

# struct rtmsg, and struct rtnexthop of <linux/rtnetlink.h>.
_ROUTE, _HOP = struct.Struct("=BBBBBBBBI"), struct.Struct("=HBBi")
_DST, _OIF, _GATEWAY, _PREFSRC, _MULTIPATH, _TABLE = 1, 4, 5, 7, 9, 15
_RT_TABLE_COMPAT = 252
_UNICAST, _UNREACHABLE = 1, 7
_SCOPE_UNIVERSE, _SCOPE_LINK, _SCOPE_NOWHERE = 0, 253, 255
_ONLINK = 0x4

Index = Callable[[str], int]


def route_message(route: Route, index: Index) -> bytes:
    """RTM_NEWROUTE; `index` says a device's, and what it raises is raised."""
    hops = route.nexthops
    direct = bool(hops) and all(hop.gateway is None for hop in hops)
    scope, kind = _SCOPE_LINK if direct else _SCOPE_UNIVERSE, _UNICAST if hops else _UNREACHABLE
    flags = _hop_flags(hops[0]) if len(hops) == 1 else 0
    body = _ROUTE.pack(
        socket.AF_INET, route.prefix.prefixlen, 0, 0, _RT_TABLE_COMPAT, RTPROT_ROAMD, scope, kind, flags
    )
    body += _destination(route)
    if route.source is not None:
        body += attribute(_PREFSRC, route.source.packed)
    if len(hops) == 1:
        body += _gateway(hops[0]) + u32(_OIF, index(hops[0].device))
    elif hops:
        body += attribute(_MULTIPATH, b"".join(_hop(hop, index) for hop in hops))
    return body


def route_deletion(route: Route) -> bytes:
    """RTM_DELROUTE of what stands at the route's place, whichever way it goes."""
    header = (socket.AF_INET, route.prefix.prefixlen, 0, 0, _RT_TABLE_COMPAT, 0, _SCOPE_NOWHERE, 0, 0)
    return _ROUTE.pack(*header) + _destination(route)


def _destination(route: Route) -> bytes:
    address = route.prefix.network_address.packed
    return u32(_TABLE, route.table) + (attribute(_DST, address) if route.prefix.prefixlen else b"")


def _hop(hop: Nexthop, index: Index) -> bytes:
    gateway = _gateway(hop)
    header = _HOP.pack(_HOP.size + len(gateway), _hop_flags(hop), hop.weight - 1, index(hop.device))
    return header + gateway


def _hop_flags(hop: Nexthop) -> int:
    # A gateway need not lie in a prefix that the route's own table knows.
    return 0 if hop.gateway is None else _ONLINK


def _gateway(hop: Nexthop) -> bytes:
    return b"" if hop.gateway is None else attribute(_GATEWAY, hop.gateway.packed)
