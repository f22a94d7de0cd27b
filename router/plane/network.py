"""Routes, rules and addresses: the kernel's against the wanted ones."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any, TypeVar

from router import netlink as nl
from router.config.model import PlaneSettings
from router.netlink import Netlink, NetlinkError, fibmsg, ifaddrmsg, rtmsg
from router.plane import messages
from router.plane.model import PlaneState, Route, Rule

__all__ = ["Network", "missing", "surplus"]

_log = logging.getLogger("roamd.plane")

_TABLES, _PRIORITIES = 32, 64
_GONE = (errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.EADDRNOTAVAIL)

Key = tuple[int, IPv4Network]
Address = tuple[str, IPv4Address]
K = TypeVar("K")
V = TypeVar("V")


def missing(wanted: Mapping[K, V], present: Mapping[K, V]) -> list[V]:
    """What must be put: wanted, and not there or there in another shape."""
    return [value for key, value in wanted.items() if present.get(key) != value]


def surplus(wanted: Mapping[K, V], present: Mapping[K, V]) -> list[K]:
    """The keys of what must go: there, and not wanted in any shape."""
    return [key for key in present if key not in wanted]


class Network:
    """What roamd owns of routing: its block of tables, its block of priorities, its addresses.

    The kernel is read before every change, since routes vanish with their
    devices and addresses.  A refused change never stops the others: it is
    counted in `failures` and logged, and the next `put` tries it again.
    """

    def __init__(self, settings: PlaneSettings) -> None:
        self._tables = range(settings.table_base, settings.table_base + _TABLES)
        self._priorities = range(settings.rule_priority, settings.rule_priority + _PRIORITIES)
        self._netlink = Netlink()
        self._routes: dict[Key, Route] = {}
        self._rules: dict[Rule, Rule] = {}
        self._addresses: dict[Address, bool] = {}
        """Every /32 there is: ours or not."""
        self.failures = 0

    def close(self) -> None:
        """Remove all that is owned."""
        self.clear()
        self._netlink.close()

    def clear(self) -> None:
        self.put(PlaneState())
        self.prune(PlaneState())

    def replace_known(self, routes: Iterable[Route]) -> None:
        """The fail-over: replace those routes that exist and should differ, and nothing else.

        A route through a device that is still to be made waits for `put`.
        """
        for route in map(messages.canonical, routes):
            key = (route.table, route.prefix)
            if key in self._routes and self._routes[key] != route and _possible(route):
                self._try("route", route, self._put_route)

    def put(self, state: PlaneState) -> None:
        """Add and change what is wanted: addresses first, since routes may name them as their source."""
        self._read()
        for pair in state.addresses:
            if pair not in self._addresses:
                self._try("address", pair, self._put_address)
        for route in missing(_by_key(state.routes), self._routes):
            self._try("route", route, self._put_route)
        for rule in missing(_by_self(state.rules), self._rules):
            self._try("rule", rule, self._put_rule)

    def prune(self, state: PlaneState) -> None:
        """Remove what is ours and not wanted any more, as `put` found it."""
        for rule in surplus(_by_self(state.rules), self._rules):
            self._try("rule", rule, self._drop_rule)
        for key in surplus(_by_key(state.routes), self._routes):
            self._try("route", self._routes[key], self._drop_route)
        for pair in surplus(dict.fromkeys(state.addresses, True), self._addresses):
            if self._addresses[pair]:
                self._try("address", pair, self._drop_address)

    def _read(self) -> None:
        """Learn what is there; what lies in our blocks and cannot be ours goes at once."""
        self._routes, self._rules = {}, {}
        for message in self._dump(rtmsg(), nl.RTM_GETROUTE):
            if messages.table_of(message) in self._tables:
                route = messages.route_of(message, _name)
                if route is None:
                    self._remove_stranger(message, nl.RTM_DELROUTE)
                else:
                    self._routes[route.table, route.prefix] = route
        for message in self._dump(fibmsg(), nl.RTM_GETRULE):
            if (message.get_attr("FRA_PRIORITY") or 0) in self._priorities:
                rule = messages.rule_of(message)
                if rule is None:
                    self._remove_stranger(message, nl.RTM_DELRULE)
                else:
                    self._rules[rule] = rule
        self._addresses = {
            messages.address_of(message, _name): messages.owned(message)
            for message in self._dump(ifaddrmsg(), nl.RTM_GETADDR)
            if message["prefixlen"] == 32
        }

    def _dump(self, message: Any, kind: int) -> list[Any]:
        message["family"] = socket.AF_INET
        return [item for item in self._netlink.dump(message, kind) if item["family"] == socket.AF_INET]

    def _remove_stranger(self, message: Any, kind: int) -> None:
        description = f"{messages.table_of(message)} {message['attrs']}"
        self._try("foreign entry", description, lambda _: self._delete(messages.deletion(message), kind))

    def _try(self, what: str, item: V, change: Callable[[V], None]) -> None:
        try:
            change(item)
        except OSError as error:
            self.failures += 1
            _log.warning("%s %s: %s", what, _text(item), error.strerror)

    def _put_route(self, route: Route) -> None:
        message = messages.route_message(route, _index)
        self._netlink.request(message, nl.RTM_NEWROUTE, nl.NLM_F_CREATE | nl.NLM_F_REPLACE)
        self._routes[route.table, route.prefix] = route

    def _drop_route(self, route: Route) -> None:
        del self._routes[route.table, route.prefix]
        self._delete(messages.route_deletion(route), nl.RTM_DELROUTE)

    def _put_rule(self, rule: Rule) -> None:
        flags = nl.NLM_F_CREATE | nl.NLM_F_EXCL
        self._netlink.request(messages.rule_message(rule), nl.RTM_NEWRULE, flags)
        self._rules[rule] = rule

    def _drop_rule(self, rule: Rule) -> None:
        del self._rules[rule]
        self._delete(messages.rule_message(rule), nl.RTM_DELRULE)

    def _put_address(self, pair: Address) -> None:
        flags = nl.NLM_F_CREATE | nl.NLM_F_EXCL
        self._netlink.request(messages.address_message(pair, _index), nl.RTM_NEWADDR, flags)
        self._addresses[pair] = True

    def _drop_address(self, pair: Address) -> None:
        del self._addresses[pair]
        self._delete(messages.address_message(pair, _index), nl.RTM_DELADDR)

    def _delete(self, message: Any, kind: int) -> None:
        try:
            self._netlink.request(message, kind)
        except NetlinkError as error:
            # Gone already, with its device or its address: just what we wanted.
            if error.errno not in _GONE:
                raise


def _by_key(routes: Iterable[Route]) -> dict[Key, Route]:
    return {(route.table, route.prefix): messages.canonical(route) for route in routes}


def _by_self(rules: Iterable[Rule]) -> dict[Rule, Rule]:
    return {rule: rule for rule in rules}


def _possible(route: Route) -> bool:
    try:
        for hop in route.nexthops:
            _index(hop.device)
    except NetlinkError:
        return False
    return True


def _index(device: str) -> int:
    try:
        return socket.if_nametoindex(device)
    except OSError:
        raise NetlinkError(errno.ENODEV, f"no device {device}") from None


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"#{index}"


def _text(item: object) -> str:
    if isinstance(item, Route):
        return f"{item.prefix} in table {item.table}"
    if isinstance(item, Rule):
        return f"{item.priority} to table {item.table}"
    return " ".join(map(str, item)) if isinstance(item, tuple) else str(item)
