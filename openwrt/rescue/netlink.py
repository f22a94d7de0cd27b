"""Links, addresses, routes and neighbours: rtnetlink's dumps, octets to values (linux/rtnetlink.h).  Pure."""

import struct
import sys

from openwrt.rescue.registration import dotted

LINKS, ADDRESSES, ROUTES, NEIGHBOURS = 18, 22, 26, 30
"""What to ask for: RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH."""
_NEW = {LINKS: 16, ADDRESSES: 20, ROUTES: 24, NEIGHBOURS: 28}
_ERROR, _DONE = 2, 3
_REQUEST_DUMP = 0x301
_INET = 2
_UP, _LOWER_UP = 0x1, 0x10000
_UNICAST = 1
_STATES = {1: "incomplete", 2: "reachable", 4: "stale", 8: "delay", 16: "probe", 32: "failed", 64: "noarp", 128: "permanent"}  # fmt: skip
# MicroPython's `struct` knows no "=".
_NATIVE = "<" if sys.byteorder == "little" else ">"

TYPE_CHECKING = False
if TYPE_CHECKING:
    Fields = dict[int, bytes]


def request(what: int) -> bytes:
    """The message that asks for a dump; of IPv4, but for links."""
    family = 0 if what == LINKS else _INET
    return struct.pack(_NATIVE + "IHHIIB15x", 32, what, _REQUEST_DUMP, 1, 0, family)


def read(what: int, octets: bytes) -> "tuple[list[dict[str, object]], bool]":
    """What a datagram of the answer holds, and whether it is the last.  Raises OSError for the kernel's refusal."""
    found: list[dict[str, object]] = []
    at = 0
    while at + 16 <= len(octets):
        size, kind = struct.unpack_from(_NATIVE + "IH", octets, at)
        if size < 16 or at + size > len(octets):
            break
        if kind == _DONE:
            return found, True
        if kind == _ERROR:
            raise OSError(-struct.unpack_from(_NATIVE + "i", octets, at + 16)[0])
        if kind == _NEW[what]:
            value = _READERS[what](octets[at + 16 : at + size])
            if value is not None:
                found.append(value)
        at += (size + 3) & ~3
    return found, False


def _fields(body: bytes, at: int) -> "Fields":
    """Attributes by number."""
    found: Fields = {}
    while at + 4 <= len(body):
        size, kind = struct.unpack_from(_NATIVE + "HH", body, at)
        if size < 4 or at + size > len(body):
            break
        found[kind & 0x3FFF] = body[at + 4 : at + size]
        at += (size + 3) & ~3
    return found


def _number(fields: "Fields", kind: int, default: int) -> int:
    octets = fields.get(kind, b"")
    return int(struct.unpack(_NATIVE + "I", octets)[0]) if len(octets) == 4 else default


def _link(body: bytes) -> "dict[str, object] | None":
    """index, name, up, carrier, mtu; not the loopback device."""
    index, flags = struct.unpack_from(_NATIVE + "iI", body, 4)
    fields = _fields(body, 16)
    name = fields.get(3, b"").rstrip(b"\0").decode()
    if name == "lo":
        return None
    carrier = bool(flags & _LOWER_UP) and fields.get(33, b"\1") != b"\0"
    return {"index": index, "name": name, "up": bool(flags & _UP), "carrier": carrier, "mtu": _number(fields, 4, 1500)}  # fmt: skip


def _address(body: bytes) -> "dict[str, object] | None":
    """index, address, prefix_length; of IPv4 and of more than host scope."""
    family, length, _, scope, index = struct.unpack_from(_NATIVE + "BBBBI", body, 0)
    fields = _fields(body, 8)
    octets = fields.get(2) or fields.get(1)
    if family != _INET or scope >= 254 or octets is None:
        return None
    return {"index": index, "address": dotted(octets), "prefix_length": length}


def _route(body: bytes) -> "dict[str, object] | None":
    """to, gateway, index, metric, table; unicast routes of IPv4."""
    family, length, _, _, table, protocol, _, kind = struct.unpack_from(_NATIVE + "BBBBBBBB", body, 0)
    if family != _INET or kind != _UNICAST:
        return None
    fields = _fields(body, 12)
    to = "default" if not length else "%s/%d" % (dotted(fields.get(1, bytes(4))), length)
    gateway = fields.get(5)
    return {
        "to": to,
        "gateway": dotted(gateway) if gateway is not None else None,
        "index": _number(fields, 4, 0),
        "metric": _number(fields, 6, 0),
        "table": _number(fields, 15, table),
        "protocol": protocol,
    }


def _neighbour(body: bytes) -> "dict[str, object] | None":
    """index, address, state."""
    family, index, state = struct.unpack_from(_NATIVE + "B3xiH", body, 0)
    address = _fields(body, 12).get(1)
    if family != _INET or address is None:
        return None
    return {"index": index, "address": dotted(address), "state": _STATES.get(state, "none")}


_READERS = {LINKS: _link, ADDRESSES: _address, ROUTES: _route, NEIGHBOURS: _neighbour}
