"""The plane: makes the kernel equal to a `PlaneState`.

Tunnels live in the kernel or in user space, tunnel by tunnel; routes, rules,
addresses and the nftables table are the kernel's in both cases.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address

from router.config.model import PlaneSettings
from router.plane import link
from router.plane.errors import PlaneError
from router.plane.kernel import KernelTunnels
from router.plane.model import PlaneState, Tunnel
from router.plane.network import Network
from router.plane.nft import Nft
from router.plane.sysctl import OwnedSysctls
from router.plane.userspace import UserspaceTunnels

__all__ = ["Plane", "PlaneError"]

_log = logging.getLogger("roamd.plane")
_HASH_POLICY, _BY_PORTS = "net/ipv4/fib_multipath_hash_policy", "1"
_ON_FOREIGN_LINKS = {"arp_ignore": "1", "accept_redirects": "0"}


class Plane:
    """One per network namespace.  `start()` first, `close()` last; in between `apply()`, from any task."""

    def __init__(self, settings: PlaneSettings) -> None:
        self._settings = settings
        self._network = Network(settings)
        self._nft = Nft()
        self._user = UserspaceTunnels()
        self._kernel: KernelTunnels | None = None
        self._sysctls, self._link_sysctls = OwnedSysctls(), OwnedSysctls()
        self._turn = asyncio.Lock()
        self._newest = PlaneState()
        self._asked = self._done = 0
        self.tunnel_failures = 0

    async def start(self) -> None:
        """Learn what the kernel can, and clear what a killed predecessor left.  Raises PlaneError."""
        if self._settings.kind != "userspace" and KernelTunnels.available():
            self._kernel = KernelTunnels()
            self._kernel.adopt()
        elif self._settings.kind == "kernel":
            raise PlaneError("plane 'kernel': this kernel makes no ipip devices: install kmod-ipip")
        self._sysctls.set(_HASH_POLICY, _BY_PORTS)
        self._network.clear()
        await self._nft.clear()

    async def close(self) -> None:
        """Remove all that is owned.  What cannot be removed is logged."""
        async with self._turn:
            try:
                await self._nft.apply("")
            except PlaneError as error:
                _log.warning("closing: %s", error)
            self._network.close()
            self._user.close()
            if self._kernel is not None:
                self._kernel.close()
            self._sysctls.restore()
            self._link_sysctls.restore()

    def attach(self, local: IPv4Address, port: int, sock: socket.socket) -> None:
        """Share the registration's UDP socket with the tunnels from `local:port`."""
        self._user.attach(local, port, sock)

    def detach(self, local: IPv4Address, port: int) -> None:
        """The socket is about to be closed; its tunnels drop their packets until another is attached."""
        self._user.detach(local, port)

    def deliver(self, local: IPv4Address, port: int, source: tuple[str, int], datagram: bytes) -> bool:
        """Hand over a datagram whose first octet is 4; False (and counted) when it belongs to no tunnel."""
        return self._user.deliver(local, port, source, datagram)

    def apply_routes_now(self, state: PlaneState) -> None:
        """The urgent part of `apply`: routes that exist and should differ, in force on return."""
        self._network.replace_known(state.routes)

    async def apply(self, state: PlaneState) -> None:
        """Make the kernel equal to `state`, or to a newer one given meanwhile.

        Calls wait for each other; one that waited does nothing when a newer
        state went with the call before.  A tunnel, route, rule or address that
        the kernel refuses is logged, counted and tried again the next time.
        Raises PlaneError when nft refuses; all else has been applied then.
        """
        self.apply_routes_now(state)
        self._newest, self._asked = state, self._asked + 1
        mine = self._asked
        async with self._turn:
            if self._done < mine:
                asked = self._asked
                await self._settle(self._newest)
                self._done = asked

    async def _settle(self, state: PlaneState) -> None:
        self._link_sysctls.keep(_knobs(state.foreign_links))
        for tunnel in state.tunnels:
            self._put_tunnel(tunnel)
        self._network.put(state)
        try:
            await self._nft.apply(state.ruleset)
        finally:
            self._network.prune(state)
            self._drop_tunnels({tunnel.device for tunnel in state.tunnels})

    def kind_of(self, tunnel: Tunnel) -> str:
        """`kernel` or `userspace`."""
        return "kernel" if self._in_kernel(tunnel) else "userspace"

    def statistics(self) -> dict[str, dict[str, int]]:
        """By device: rx_bytes, tx_bytes, rx_packets, tx_packets, dropped; rx is what came out of the tunnel."""
        counters, dropped = link.counters(), self._user.dropped()
        return {
            name: {**counters[name], "dropped": counters[name]["dropped"] + dropped.get(name, 0)}
            for name in self._names() & counters.keys()
        }

    def counters(self) -> dict[str, int]:
        """Changes the kernel refused, and packets that came for no tunnel."""
        return {
            "plane_refused": self._network.failures + self.tunnel_failures,
            "tunnel_unmatched": self._user.unmatched,
        }

    def _names(self) -> set[str]:
        kernel = self._kernel.names() if self._kernel is not None else set()
        return self._user.names() | kernel

    def _in_kernel(self, tunnel: Tunnel) -> bool:
        return self._kernel is not None and tunnel.encapsulation == "ipip"

    def _put_tunnel(self, tunnel: Tunnel) -> None:
        name = tunnel.device
        try:
            if self._kernel is not None and self._in_kernel(tunnel):
                self._user.drop(name)
                self._kernel.put(tunnel)
            else:
                if self._kernel is not None:
                    self._kernel.drop(name)
                self._user.put(tunnel)
            if not link.is_ready(name, tunnel.mtu):
                link.set_up(name, tunnel.mtu)
        except (PlaneError, OSError) as error:
            self.tunnel_failures += 1
            _log.warning("tunnel %s: %s", name, error)

    def _drop_tunnels(self, keep: set[str]) -> None:
        for name in self._user.names() - keep:
            self._user.drop(name)
        if self._kernel is not None:
            for name in self._kernel.names() - keep:
                self._kernel.drop(name)


def _knobs(foreign_links: Iterable[str]) -> dict[str, str]:
    knobs = {
        f"net/ipv4/conf/{device}/{name}": value
        for device in foreign_links
        for name, value in _ON_FOREIGN_LINKS.items()
    }
    # A kernel that does not forward follows redirects where the device or "all" says so.
    return knobs | {"net/ipv4/conf/all/accept_redirects": "0"} if knobs else {}
