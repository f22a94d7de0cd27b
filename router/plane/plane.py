"""The plane: makes the kernel equal to a `PlaneState`.

Tunnels live in the kernel or in user space, tunnel by tunnel; routes, rules,
addresses and the nftables table are the kernel's in both cases.
"""

from __future__ import annotations

import logging
import socket
from ipaddress import IPv4Address

from router import netlink as nl
from router.config.model import PlaneSettings
from router.netlink import Netlink, NetlinkError, ifinfmsg
from router.plane.errors import PlaneError
from router.plane.kernel import KernelTunnels
from router.plane.model import PlaneState, Tunnel
from router.plane.network import Network
from router.plane.nft import Nft
from router.plane.userspace import UserspaceTunnels

__all__ = ["Plane", "PlaneError"]

_log = logging.getLogger("roamd.plane")
_HASH_POLICY = "/proc/sys/net/ipv4/fib_multipath_hash_policy"
_BY_PORTS = "1"


class Plane:
    """One per role.  `start()` first, `close()` last; `apply()` in between, one call at a time."""

    def __init__(self, settings: PlaneSettings) -> None:
        self._settings = settings
        self._network = Network(settings)
        self._nft = Nft()
        self._user = UserspaceTunnels()
        self._kernel: KernelTunnels | None = None
        self._links = Netlink()
        self._hash_policy: str | None = None
        self.tunnel_failures = 0

    async def start(self) -> None:
        """Learn what the kernel can, and clear what a killed predecessor left.  Raises PlaneError."""
        if self._settings.kind != "userspace" and KernelTunnels.available():
            self._kernel = KernelTunnels()
        elif self._settings.kind == "kernel":
            raise PlaneError("plane 'kernel': this kernel makes no ipip devices: install kmod-ipip")
        self._hash_policy = _swap_sysctl(_HASH_POLICY, _BY_PORTS)
        self._network.apply((), (), ())
        await self._nft.apply("")

    async def close(self) -> None:
        """Remove all that is owned."""
        self._network.close()
        try:
            await self._nft.close()
        finally:
            self._user.close()
            if self._kernel is not None:
                self._kernel.close()
            self._links.close()
            if self._hash_policy is not None:
                _swap_sysctl(_HASH_POLICY, self._hash_policy)

    def attach(self, local: IPv4Address, port: int, sock: socket.socket) -> None:
        """Share the registration's UDP socket with the tunnels from `local:port`."""
        self._user.attach(local, port, sock)

    def detach(self, local: IPv4Address, port: int) -> None:
        self._user.detach(local, port)

    def deliver(self, local: IPv4Address, port: int, source: tuple[str, int], datagram: bytes) -> bool:
        """Hand over a datagram whose first octet is 4; False when it belongs to no tunnel."""
        return self._user.deliver(local, port, source, datagram)

    def apply_routes_now(self, state: PlaneState) -> None:
        """The urgent part of `apply`: routes that exist and changed, synchronously."""
        self._network.replace_known_routes(state.routes)

    async def apply(self, state: PlaneState) -> None:
        """Make the kernel equal to `state`.  Raises PlaneError when nft refuses."""
        self.apply_routes_now(state)
        wanted = {tunnel.device: tunnel for tunnel in state.tunnels}
        for tunnel in state.tunnels:
            self._put_tunnel(tunnel)
        self._network.apply(state.routes, state.rules, state.addresses)
        try:
            await self._nft.apply(state.ruleset)
        finally:
            self._drop_tunnels(set(wanted))

    def kind_of(self, tunnel: Tunnel) -> str:
        return "kernel" if self._in_kernel(tunnel) else "userspace"

    def statistics(self) -> dict[str, dict[str, int]]:
        """Counters by device: rx_bytes, tx_bytes, rx_packets, tx_packets, dropped."""
        kernel = self._kernel.statistics() if self._kernel is not None else {}
        return {**kernel, **self._user.statistics()}

    def counters(self) -> dict[str, int]:
        return {
            "plane_refused": self._network.failures + self.tunnel_failures,
            "tunnel_unmatched": self._user.unmatched,
        }

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
            self._set_up(tunnel)
        except (PlaneError, NetlinkError) as error:
            self.tunnel_failures += 1
            _log.warning("tunnel %s: %s", name, error)

    def _drop_tunnels(self, keep: set[str]) -> None:
        for name in self._user.names() - keep:
            self._user.drop(name)
        if self._kernel is not None:
            for name in self._kernel.names() - keep:
                self._kernel.drop(name)

    def _set_up(self, tunnel: Tunnel) -> None:
        # Replies may come back through another tunnel than requests left by,
        # and the kernel must not send IPv6 router solicitations into a tunnel.
        _swap_sysctl(f"/proc/sys/net/ipv4/conf/{tunnel.device}/rp_filter", "0")
        _swap_sysctl(f"/proc/sys/net/ipv6/conf/{tunnel.device}/disable_ipv6", "1")
        message = ifinfmsg()
        message["index"] = socket.if_nametoindex(tunnel.device)
        message["flags"], message["change"] = 1, 1
        message["attrs"] = [["IFLA_MTU", tunnel.mtu]]
        self._links.request(message, nl.RTM_NEWLINK)


def _swap_sysctl(path: str, value: str) -> str | None:
    """Write `value`; the old one when it was another, None when nothing had to or could be changed."""
    try:
        with open(path, "r+") as file:
            old = file.read().strip()
            if old == value:
                return None
            file.seek(0)
            file.write(value)
    except OSError as error:
        _log.debug("%s: %s", path, error)
        return None
    return old
