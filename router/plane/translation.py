"""Tunnels in UDP on the kernel's own: what nftables makes of its datagrams, and of its peers' (RFC 3519).

An `ipip` device with Generic UDP Encapsulation sends, from the port Q of a
listener, and takes in at Q:

    IP | UDP, from Q   | 00 04 00 00 | packet
    IP | UDP, 434 <> P | 04 04 00 00 | packet        is what RFC 3519 wants

with the ports of the registration.  The two differ in one octet and in the
ports; both are exchanged, without any state, packet by packet:

- on the way out before connection tracking, which then sees one flow with the
  registration's, and no port Q at all;
- on the way in behind everything that judges packets by their addresses and
  ports: routing, reverse-path filter, connection tracking and the firewall's
  input chains see what came over the wire.

Which datagrams belong to a tunnel is told by both addresses and both ports
(section 4.3).  What belongs to none is dropped, but for echo requests, by which
half-bound tunnels tell their port (section 4.6), and, at the mobile node, the
answers to our own keepalives: these two go to the registration's socket.

Two mobile nodes behind one NAT have the same outer address, by which the
kernel cannot tell two devices apart.  So a tunnel to a peer that may be hidden
leads to a virtual address, one for each device, and only the maps here know the
real one and its port: they change when a NAT's mapping does, the device never.
Path MTUs are learnt for real addresses; hence DF is not set towards virtual ones.

All other tunnels carry DF outside when it is set inside (RFC 2003 section 3.1):
the kernel sets it always on an `ipip` device with a TTL of its own, and here it
is taken off again where nobody asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from heapq import heappop, heappush
from ipaddress import IPv4Address, IPv4Network

from router.mip.keepalive import IDENTIFIER
from router.mip.wire.numbers import PORT
from router.plane.model import Element, Nexthop, Route, Tunnel
from router.plane.words import chain, named_map

__all__ = ["VIRTUAL", "Translation", "virtual_route"]

VIRTUAL = IPv4Network("240.0.0.0/8")
"""For addresses of nobody: reserved (RFC 1112 section 4), routed by Linux as any others, seen on no wire."""

_SOURCE_PORT, _PEER_ADDRESS, _PEER_PORT = "udp_source_port", "udp_peer_address", "udp_peer_port"
_TUNNEL, _KEEPALIVE, _REGISTRATION = "udp_tunnel", "udp_keepalive", "udp_registration"
_LOCAL = "tunnel_local"
_ENDS = "ipv4_addr . inet_service . ipv4_addr . inet_service"
_GUE, _TUNNEL_DATA = 0x00040000, 0x04040000
_FIRST = int(VIRTUAL.network_address) + 1


class Translation:
    """The part of `table ip roamd` that tunnels of the kernel need; those in UDP with a listener at `port`.

    It also keeps which virtual address is whose.  They are given out here,
    the lowest free one first: nothing of a binding is short enough to make one of.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._virtual: dict[str, int] = {}
        self._adopted: set[int] = set()
        self._free: list[int] = []
        self._next = _FIRST
        self._registrations: dict[IPv4Address, int] = {}

    def text(self, *, udp: bool) -> str:
        """Chains and maps, the same whatever tunnels there are; `udp` tells whether there is a listener."""
        return "\n".join(_text(self._port if udp else None)) + "\n"

    def attach(self, local: IPv4Address, port: int) -> None:
        """Registrations from `local` use `port`, and so do its tunnels."""
        self._registrations[local] = port

    def detach(self, local: IPv4Address, port: int) -> None:
        if self._registrations.get(local) == port:
            del self._registrations[local]

    def adopt(self, device: str, remote: IPv4Address) -> None:
        """A device that a predecessor left leads to `remote`."""
        if remote in VIRTUAL:
            self._virtual[device] = int(remote)
            self._adopted.add(int(remote))

    def release(self, device: str) -> None:
        """The device is gone, and its virtual address free."""
        number = self._virtual.pop(device, None)
        if number is not None:
            heappush(self._free, number)

    def device(self, tunnel: Tunnel) -> Tunnel:
        """The tunnel as its device is: before its datagrams are translated."""
        if tunnel.encapsulation != "udp":
            return tunnel
        if not tunnel.hidden:
            return replace(tunnel, local_port=self._port)
        return replace(tunnel, remote=self._address(tunnel.device), local_port=self._port, remote_port=PORT)

    def ends(self, tunnels: Iterable[Tunnel], *, udp: bool) -> Iterable[Element]:
        """Our own ends: of these tunnels, and where we register from."""
        own = {tunnel.local for tunnel in tunnels if not tunnel.local.is_unspecified}
        for local in sorted(own | self._registrations.keys()):
            yield Element(_LOCAL, str(local))
        for local, port in self._registrations.items() if udp else ():
            yield Element(_SOURCE_PORT, str(local), str(port))
            yield Element(_REGISTRATION, f"{local} . {port}")

    def elements(self, tunnel: Tunnel) -> Iterable[Element]:
        """What one tunnel adds."""
        if tunnel.encapsulation != "udp":
            return
        ends = f"{tunnel.remote} . {tunnel.remote_port} . {tunnel.local} . {tunnel.local_port}"
        remote = self.device(tunnel).remote
        yield Element(_TUNNEL, ends, str(remote))
        if tunnel.hidden:
            yield Element(_PEER_ADDRESS, str(remote), str(tunnel.remote))
            yield Element(_PEER_PORT, str(remote), str(tunnel.remote_port))
        else:
            yield Element(_KEEPALIVE, ends)

    def _address(self, device: str) -> IPv4Address:
        number = self._virtual.get(device)
        if number is None:
            number = self._virtual[device] = heappop(self._free) if self._free else self._unused()
        return IPv4Address(number)

    def _unused(self) -> int:
        number = self._next
        while number in self._adopted:
            number += 1
        self._next = number + 1
        return number


def virtual_route(table: int) -> Route:
    """Before a datagram gets its real destination, something must be a way to the virtual one."""
    return Route(table, VIRTUAL, (Nexthop("lo"),))


def _text(port: int | None) -> Iterable[str]:
    yield named_map(_LOCAL, "ipv4_addr", kind="set")
    if port is not None:
        yield from _udp(port)
    yield chain("tunnel_output", [
        # Routed again where the destination has changed.
        "type route hook output priority raw; policy accept;",
        f"udp sport {port} @th,64,32 {_GUE:#010x} goto udp_out" if port is not None else "",
        # The fiftieth bit of the inner header is its DF.
        f"ip protocol 4 ip saddr @{_LOCAL} @th,49,1 0 ip frag-off set 0",
    ])  # fmt: skip


def _udp(port: int) -> Iterable[str]:
    ends = "ip saddr . udp sport . ip daddr . udp dport"
    # Behind 8 octets of UDP and 4 of RFC 3519: an inner header of 20, its protocol in the tenth, then ICMP's type.
    inner_icmp, inner_df = "@th,96,8 0x45 @th,168,8 1", "@th,145,1"
    yield named_map(_SOURCE_PORT, "ipv4_addr : inet_service")
    yield named_map(_REGISTRATION, "ipv4_addr . inet_service", kind="set")
    yield named_map(_TUNNEL, f"{_ENDS} : ipv4_addr")
    yield named_map(_KEEPALIVE, _ENDS, kind="set")
    yield named_map(_PEER_ADDRESS, "ipv4_addr : ipv4_addr")
    yield named_map(_PEER_PORT, "ipv4_addr : inet_service")
    yield chain("udp_out", [
        f"@th,64,32 set {_TUNNEL_DATA:#010x}",
        f"udp sport set ip saddr map @{_SOURCE_PORT}",
        f"udp sport {port} counter drop",
        f"ip daddr {VIRTUAL} goto udp_out_hidden",
        # It is a whole datagram here: this clears DF and nothing else.
        f"{inner_df} 0 ip frag-off set 0",
        # Last, since the changes above have made up a checksum where there was none.
        "udp checksum set 0",
    ])  # fmt: skip
    yield chain("udp_out_hidden", [
        f"udp dport set ip daddr map @{_PEER_PORT}",
        f"ip daddr set ip daddr map @{_PEER_ADDRESS}",
        f"ip daddr {VIRTUAL} counter drop",
        "ip frag-off set 0",
        "udp checksum set 0",
    ])  # fmt: skip
    yield chain("udp_deliver", [
        f"@th,64,32 set {_GUE:#010x}",
        f"udp dport set {port}",
        "udp checksum set 0",
    ])  # fmt: skip
    yield chain("udp_in", [
        f"{inner_icmp} @th,256,8 0 @th,288,16 {IDENTIFIER:#06x} {ends} @{_KEEPALIVE} accept",
        f"ip saddr set {ends} map @{_TUNNEL} goto udp_deliver",
        f"ip daddr . udp dport != @{_REGISTRATION} accept",
        f"{inner_icmp} @th,256,8 8 accept",
        "counter drop",
    ])  # fmt: skip
    yield chain("udp_input", [
        "type filter hook input priority 200; policy accept;",
        # Who comes with a virtual address, or to the listener's port, would enter a tunnel past these chains.
        f"ip saddr {VIRTUAL} counter drop",
        f"udp dport {port} counter drop",
        # Reserved bits are not looked at (RFC 3519 section 3.3).
        "meta l4proto udp @th,64,16 0x0404 goto udp_in",
    ])  # fmt: skip
    # Nothing but our own tunnels has business with virtual addresses.
    yield chain("udp_forward", [
        "type filter hook forward priority raw; policy accept;",
        f"ip daddr {VIRTUAL} counter drop",
    ])  # fmt: skip
