"""The plane: makes the kernel equal to a `PlaneState`.

Tunnels live in the kernel or in user space, tunnel by tunnel; routes, rules,
addresses and the nftables table are the kernel's in both cases.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from router.config.model import PlaneSettings
from router.plane import link
from router.plane.carrier import carrier
from router.plane.errors import PlaneError
from router.plane.kernel import KernelTunnels
from router.plane.model import NO_PART, Element, Part, PlaneState, Route, Tunnel
from router.plane.neighbours import ahead
from router.plane.network import Network
from router.plane.nft import Nft
from router.plane.sysctl import OwnedSysctls
from router.plane.translation import Translation, virtual_route
from router.plane.watch import PlaneWatch

__all__ = ["Plane", "PlaneError"]

_log = logging.getLogger("roamd.plane")
_AT_ONCE = 64
"""Parts that are changed before the events of it are taken in."""
_HASH_POLICY, _BY_PORTS = "net/ipv4/fib_multipath_hash_policy", "1"
_ACCOUNTING = "net/netfilter/nf_conntrack_acct"
_IN_USER_SPACE = ("ipip", "udp")
"""What can be carried there: GRE is asked for by who has it in the kernel."""
_ON_FOREIGN_LINKS = {"arp_ignore": "1", "accept_redirects": "0"}


class Plane:
    """One per network namespace.  `start()` first, `close()` last; in between `apply()`, from any task.

    Tunnels that a killed predecessor left in the kernel go on: they and the
    routes into them are held until they are wanted again, or for `hold`
    seconds.  What a predecessor left and nobody will want goes then.  `record`
    is a file for the values of sysctls that are to be put back.
    """

    def __init__(self, settings: PlaneSettings, hold: float = 15.0, record: str | None = None) -> None:
        self._settings = settings
        self._hold = hold
        self._network = Network(settings, self._index)
        self._nft = Nft()
        self._user = carrier()
        self._kernel: KernelTunnels | None = None
        self._translation = Translation(settings.fou_port)
        self._watch: PlaneWatch | None = None
        self._release: asyncio.TimerHandle | None = None
        self._held: set[str] = set()
        self._parts: dict[Hashable, Part] = {}
        self._users: dict[str, set[Hashable]] = {}
        """The parts that want a tunnel, by its device."""
        self._own: frozenset[str] = frozenset()
        """Devices of the tunnels that belong to no part."""
        self._sysctls = OwnedSysctls(record)
        self._turn = asyncio.Lock()
        self._newest = PlaneState()
        self._changed: set[Hashable] | None = None
        self._asked = self._done = 0
        self.tunnel_failures = 0
        self.beside: str | None = None
        """What was found at the start of others who route here, and takes packets from us."""

    async def start(self, disturbed: Callable[[], None] = lambda: None) -> None:
        """Learn what the kernel can and what a killed predecessor left; `disturbed()` asks for an `apply`.

        Raises PlaneError where others have routes or rules in our places, or nobody makes the tunnels.
        """
        if self._settings.kind == "userspace" and not self._user.installed:
            raise PlaneError(
                "plane 'userspace': nobody carries packets here: install roamd-tun, or say plane 'auto'"
            )
        strangers = self._network.strangers()
        if strangers:
            raise PlaneError("the kernel has " + "; ".join(dict.fromkeys(strangers)))
        self.beside = ahead(self._network.other_rules(), self._settings)
        if self.beside is not None:
            _log.warning("%s", self.beside)
        if self._settings.kind != "userspace":
            await self._open_kernel()
        self._sysctls.set(_HASH_POLICY, _BY_PORTS)
        await self._nft.adopt()
        self._watch = PlaneWatch(self._network, self._nft, self.owns, disturbed)
        if self._held:
            _log.info("taking over %d tunnels of a predecessor", len(self._held))
            loop = asyncio.get_running_loop()
            self._release = loop.call_later(self._hold, self._let_go, disturbed)

    async def _open_kernel(self) -> None:
        """Take the kernel's tunnels into use, as far as it has them, and those of a predecessor over."""
        kernel = KernelTunnels()
        try:
            await kernel.start(self._settings.fou_port)
            lacking = sorted(package for kind, package in kernel.lacking.items() if kind in _IN_USER_SPACE)
            if lacking and (self._settings.kind == "kernel" or not self._user.installed):
                instead = (
                    "" if self._settings.kind == "kernel" else ", or roamd-tun for tunnels in user space"
                )
                raise PlaneError(
                    f"plane {self._settings.kind!r}: this kernel makes no such tunnels: install "
                    f"{', '.join(lacking)}{instead}"
                )
        except PlaneError:
            kernel.close()
            raise
        self._kernel = kernel
        kernel.adopt()
        self._held = set(kernel.names())
        for device, remote in kernel.remotes.items():
            self._translation.adopt(device, remote)

    async def close(self) -> None:
        """Remove all that is owned.  What cannot be removed is logged."""
        async with self._turn:
            if self._release is not None:
                self._release.cancel()
            if self._watch is not None:
                self._watch.close()
            try:
                await self._nft.apply("")
            except PlaneError as error:
                _log.warning("closing: %s", error)
            self._network.close()
            self._user.close()
            if self._kernel is not None:
                self._kernel.close()
            self._sysctls.restore()

    def _let_go(self, disturbed: Callable[[], None]) -> None:
        if self._held:
            _log.info("%d tunnels of a predecessor were wanted no more", len(self._held))
        self._held.clear()
        disturbed()

    def attach(self, local: IPv4Address, port: int, sock: socket.socket) -> None:
        """Share the registration's UDP socket with the tunnels from `local:port`."""
        self._user.attach(local, port, sock)
        self._translation.attach(local, port)

    def detach(self, local: IPv4Address, port: int) -> None:
        """The socket is about to be closed; its tunnels drop their packets until another is attached."""
        self._user.detach(local, port)
        self._translation.detach(local, port)

    def deliver(self, local: IPv4Address, port: int, source: tuple[str, int], datagram: bytes) -> bool:
        """Hand over a datagram whose first octet is 4; False (and counted) when it belongs to no tunnel.

        Of tunnels in the kernel none comes here but what concerns the
        registration too: that is False, and not counted.
        """
        return not self._translates and self._user.deliver(local, port, source, datagram)

    def apply_routes_now(self, state: PlaneState, changed: Collection[Hashable] | None = None) -> None:
        """The urgent part of `apply`: routes that exist and should differ, in force on return."""
        keys = state.parts if changed is None else changed
        # A part that is new has none yet, and making it twice takes a while.
        known = [key for key in keys if key in self._parts]
        routes = [route for key in known for route in state.parts.get(key, NO_PART).routes]
        self._network.replace_known((*(state.routes if changed is None else ()), *routes), self._held)

    async def apply(self, state: PlaneState, changed: Collection[Hashable] | None = None) -> None:
        """Make the kernel equal to `state`, or to a newer one given meanwhile.

        With `changed`, only these parts may differ from those applied before.
        Calls wait for each other; one that waited does nothing when a newer
        state went with the call before.  A tunnel, route, rule or address that
        the kernel refuses is logged, counted and tried again the next time.
        Raises PlaneError when nft refuses; all else has been applied then.
        """
        self.apply_routes_now(state, changed)
        first = self._asked == self._done
        self._newest, self._asked = state, self._asked + 1
        before: set[Hashable] | None = set() if first else self._changed
        self._changed = None if changed is None or before is None else before | set(changed)
        mine = self._asked
        async with self._turn:
            if self._done < mine:
                asked, keys = self._asked, self._changed
                failures = self._failures()
                if keys is None or self._network.stale:
                    await self._settle(self._newest)
                else:
                    await self._settle_parts(self._newest, keys)
                self._network.stale = self._network.stale or self._failures() > failures
                self._done = asked

    async def _settle(self, state: PlaneState) -> None:
        """Everything: what the kernel has is read, and what nobody wants goes."""
        self._sysctls.keep({_HASH_POLICY: _BY_PORTS} | _knobs(state))
        self._parts = {key: self._translated(part) for key, part in state.parts.items()}
        parts = self._parts.values()
        self._own = frozenset(tunnel.device for tunnel in state.tunnels)
        self._users = {}
        for key, part in self._parts.items():
            for tunnel in part.tunnels:
                self._users.setdefault(tunnel.device, set()).add(key)
        tunnels = (*state.tunnels, *(tunnel for part in parts for tunnel in part.tunnels))
        self._put_tunnels(tunnels)
        self._held -= self._own | self._users.keys()
        routes = [route for part in parts for route in part.routes]
        routes += self._virtual_routes(tunnels)
        self._network.stale = True
        self._network.put(state, routes, self._held)
        try:
            await self._settle_table(state)
        finally:
            self._network.prune(state, routes, self._held)
            self._drop_tunnels(self._own | self._users.keys() | self._held)

    async def _settle_table(self, state: PlaneState) -> None:
        if self._held and self._nft.adopted and not state.parts:
            # Its rules know the tunnels that are held, ours not yet.
            return
        own, text = self._translated(Part(tunnels=state.tunnels)), state.ruleset
        if self._kernel is not None and (text or state.tunnels):
            udp = self._translates
            own = replace(own, elements=(*self._translation.ends(state.tunnels, udp=udp), *own.elements))
            text += self._translation.text(udp=udp)
        parts = (own, *self._parts.values())
        await self._nft.apply(
            text,
            [chain for part in parts for chain in part.chains],
            [element for part in parts for element in part.elements],
            hold=bool(self._held),
        )
        if state.accounting:
            # Once more: connection tracking may have come with the table.
            self._sysctls.set(_ACCOUNTING, "1")

    async def _settle_parts(self, state: PlaneState, keys: Collection[Hashable]) -> None:
        """These parts alone: what they were before is known."""
        pairs = [
            (key, self._parts.get(key, NO_PART), self._translated(state.parts.get(key, NO_PART)))
            for key in keys
        ]
        for start in range(0, len(pairs), _AT_ONCE):
            if self._watch is not None:
                self._watch.drain()
            self._put_parts(pairs[start : start + _AT_ONCE])
        try:
            await self._nft.change(
                [chain for _, _, part in pairs for chain in part.chains],
                [chain.name for _, before, part in pairs for chain in before.chains if not part.chains],
                [element for _, _, part in pairs for element in part.elements],
                [element for _, before, part in pairs for element in _lost(before.elements, part.elements)],
            )
        finally:
            for key, before, part in pairs:
                if before is not NO_PART:
                    kept = {(route.table, route.prefix) for route in part.routes}
                    gone = [route for route in before.routes if (route.table, route.prefix) not in kept]
                    self._network.drop_routes(gone)
                    self._drop_unused(key, before, part)

    def _put_parts(self, changes: Sequence[tuple[Hashable, Part, Part]]) -> None:
        """Tunnels and routes of these parts: key, as it was, as it shall be."""
        tunnels: list[Tunnel] = []
        routes: list[Route] = []
        for key, before, part in changes:
            for tunnel in part.tunnels:
                self._users.setdefault(tunnel.device, set()).add(key)
                self._held.discard(tunnel.device)
            tunnels += [tunnel for tunnel in part.tunnels if tunnel not in before.tunnels]
            routes += (*part.routes, *self._virtual_routes(part.tunnels))
            self._parts[key] = part
            if part is NO_PART:
                del self._parts[key]
        self._put_tunnels(tunnels)
        self._network.put_routes(routes, self._held)

    def _drop_unused(self, key: Hashable, before: Part, part: Part) -> None:
        wanted = {tunnel.device for tunnel in part.tunnels}
        for device in {tunnel.device for tunnel in before.tunnels} - wanted:
            users = self._users.get(device, set())
            users.discard(key)
            if not users and device not in self._own:
                self._users.pop(device, None)
                self._user.drop(device)
                self._drop_device(device)

    def _failures(self) -> int:
        return self._network.failures + self.tunnel_failures

    def lacking(self, tunnels: Iterable[Tunnel]) -> list[str]:
        """Packages without which these tunnels are in user space, unless that is what is wanted."""
        kernel = self._kernel
        if kernel is None or self._settings.kind == "userspace":
            return []
        found = {kernel.lacking.get(item.encapsulation) for item in tunnels if not self._in_kernel(item)}
        return sorted(package for package in found if package is not None)

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
        watched = self._watch.counters if self._watch is not None else {}
        return {"plane_refused": self._failures(), "tunnel_unmatched": self._user.unmatched, **watched}

    def _names(self) -> set[str]:
        kernel = self._kernel.names() if self._kernel is not None else set()
        return self._user.names() | kernel

    def owns(self, device: str) -> bool:
        """Whether it is a tunnel that is wanted now."""
        return device in self._own or device in self._users

    def _in_kernel(self, tunnel: Tunnel) -> bool:
        return self._kernel is not None and tunnel.encapsulation in self._kernel.kinds

    @property
    def _translates(self) -> bool:
        """Whether tunnels in UDP are the kernel's."""
        return self._kernel is not None and "udp" in self._kernel.kinds

    def _translated(self, part: Part) -> Part:
        """With the elements that its tunnels in UDP need."""
        if not self._translates:
            return part
        elements = [element for tunnel in part.tunnels for element in self._translation.elements(tunnel)]
        return replace(part, elements=(*part.elements, *elements)) if elements else part

    def _virtual_routes(self, tunnels: Iterable[Tunnel]) -> list[Route]:
        """In the table for unmarked packets: what has a mark finds it there too."""
        hidden = self._translates and any(tunnel.hidden for tunnel in tunnels)
        return [virtual_route(self._settings.table_base)] if hidden else []

    def _put_tunnels(self, tunnels: Iterable[Tunnel]) -> None:
        amiss: dict[str, str] = {}
        in_kernel: list[Tunnel] = []
        for tunnel in tunnels:
            if self._in_kernel(tunnel):
                self._user.drop(tunnel.device)
                in_kernel.append(self._translation.device(tunnel))
            elif tunnel.encapsulation in _IN_USER_SPACE:
                try:
                    self._put_in_user_space(tunnel)
                except (PlaneError, OSError) as error:
                    amiss[tunnel.device] = str(error)
            else:
                kind = tunnel.encapsulation
                amiss[tunnel.device] = f"no {kind} in this kernel: install kmod-{kind}"
        if self._kernel is not None:
            amiss |= self._kernel.put(in_kernel)
        self.tunnel_failures += len(amiss)
        for name, reason in amiss.items():
            _log.warning("tunnel %s: %s", name, reason)

    def _index(self, device: str) -> int:
        return self._kernel.index(device) if self._kernel is not None else 0

    def _put_in_user_space(self, tunnel: Tunnel) -> None:
        self._drop_device(tunnel.device)
        self._user.put(tunnel)
        if not link.is_ready(tunnel.device, tunnel.mtu):
            # In its group before it is up: nothing gets in unchecked.
            if tunnel.group:
                self._network.set_group(tunnel.device, tunnel.group)
            link.set_up(tunnel.device, tunnel.mtu)

    def _drop_device(self, name: str) -> None:
        """Remove a device of the kernel's own."""
        if self._kernel is not None:
            self._kernel.drop(name)
            self._translation.release(name)

    def _drop_tunnels(self, keep: Collection[str]) -> None:
        for name in self._user.names() - set(keep):
            self._user.drop(name)
        if self._kernel is not None:
            gone = self._kernel.names() - set(keep)
            self._kernel.drop_all(gone)
            for name in gone:
                self._translation.release(name)


def _lost(before: Iterable[Element], now: Iterable[Element]) -> list[Element]:
    """The elements whose place is empty now."""
    kept = {(element.set, element.key) for element in now}
    return [element for element in before if (element.set, element.key) not in kept]


def _knobs(state: PlaneState) -> dict[str, str]:
    knobs = {
        f"net/ipv4/conf/{device}/{name}": value
        for device in state.foreign_links
        for name, value in _ON_FOREIGN_LINKS.items()
    }
    if knobs:
        # A kernel that does not forward follows redirects where the device or "all" says so.
        knobs["net/ipv4/conf/all/accept_redirects"] = "0"
    return knobs | {_ACCOUNTING: "1"} if state.accounting else knobs
