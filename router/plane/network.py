"""Routes, rules and addresses: the kernel's against the wanted ones."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from ipaddress import IPv4Address
from typing import Any, TypeVar

from router import netlink as nl
from router.config.model import PlaneSettings
from router.netlink import Netlink, NetlinkError, fibmsg, ifaddrmsg, ifinfmsg, rtmsg
from router.plane import messages
from router.plane.model import PlaneState, Route, Rule
from router.plane.neighbours import PRIORITIES, OtherRule, in_the_way
from router.plane.route_messages import route_deletion, route_message

__all__ = ["Network", "missing", "surplus"]

_log = logging.getLogger("roamd.plane")

_TABLES = 32
_GONE = (errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.EADDRNOTAVAIL)

Key = tuple[int, int, int]
"""Table, network and prefix length of a route: numbers, since networks are slow to hash."""
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

    The kernel is read at the start and whenever `stale`, and believed to be as
    it was left in between.  Routes and rules of ours carry a protocol number
    of their own; others in our blocks are told by `strangers` and left alone.
    A refused change never stops the others: it is counted in `failures` and
    logged, and the next `put` of everything tries it again.
    """

    def __init__(self, settings: PlaneSettings, known: Callable[[str], int] = lambda device: 0) -> None:
        """`known` says the index of a device where it is known without asking the kernel, else 0."""
        self._settings = settings
        self._known = known
        self._tables = range(settings.table_base, settings.table_base + _TABLES)
        self._priorities = range(settings.rule_priority, settings.rule_priority + PRIORITIES)
        self._netlink = Netlink()
        self._routes: dict[Key, Route] = {}
        self._leading: Counter[str] = Counter()
        """How many nexthops of them go by a device."""
        self._rules: dict[Rule, Rule] = {}
        self._addresses: dict[Address, bool] = {}
        """Every /32 there is: ours or not."""
        self.stale = True
        """What the kernel has may not be what we left."""
        self.failures = 0

    @property
    def port(self) -> int:
        """See `Netlink.port`."""
        return self._netlink.port

    def close(self) -> None:
        """Remove all that is owned."""
        self.stale = True
        self.put(PlaneState())
        self.prune(PlaneState())
        self._netlink.close()

    def has_place_for(self, message: Any) -> bool:
        """Whether a route or rule lies in our blocks."""
        if isinstance(message, rtmsg):
            return messages.table_of(message) in self._tables
        return (message.get_attr("FRA_PRIORITY") or 0) in self._priorities

    def uses(self, device: str) -> bool:
        """Whether a route of ours leads there."""
        return self._leading[device] > 0

    def strangers(self) -> list[str]:
        """What others have in our blocks of tables and priorities, or do with our mark bits; in `ip`'s words."""
        found = []
        for message in self._dump(rtmsg(), nl.RTM_GETROUTE):
            table = messages.table_of(message)
            if table in self._tables and not messages.is_ours(message):
                found.append(f"a route in table {table}: choose another table_base")
        return found + in_the_way(self.other_rules(), self._settings)

    def other_rules(self) -> list[OtherRule]:
        """Those that are not ours, in their order."""
        return sorted(
            OtherRule(message.get_attr("FRA_PRIORITY") or 0, message.get_attr("FRA_FWMASK") or 0)
            for message in self._dump(fibmsg(), nl.RTM_GETRULE)
            if not messages.is_ours(message)
        )

    def replace_known(self, routes: Iterable[Route], held: Collection[str] = ()) -> None:
        """The fail-over: replace those routes that exist and should differ, and nothing else.

        A route through a device that is still to be made waits for `put`.
        """
        self._change_routes([
            route
            for route in missing(_by_key(routes), self._routes)
            if (before := self._routes.get(_key(route))) is not None
            and not _leads_to(before, held)
            and _possible(route)
        ])  # fmt: skip

    def put(self, state: PlaneState, routes: Iterable[Route] = (), held: Collection[str] = ()) -> None:
        """Add and change what is wanted, `routes` beside those of `state`.

        Addresses come first, since routes may name them as their source.  A
        route through one of the devices `held` stays as a predecessor left it.
        """
        if self.stale:
            self._read()
        for pair in state.addresses:
            if pair not in self._addresses:
                self._try("address", pair, self._put_address)
        self.put_routes((*state.routes, *routes), held)
        for rule in missing(_by_self(state.rules), self._rules):
            self._try("rule", rule, self._put_rule)

    def put_routes(self, routes: Iterable[Route], held: Collection[str] = ()) -> None:
        """Add and change these."""
        self._change_routes([
            route
            for route in missing(_by_key(routes), self._routes)
            if (before := self._routes.get(_key(route))) is None
            or not _leads_to(before, held)
        ])  # fmt: skip

    def drop_routes(self, routes: Iterable[Route]) -> None:
        """Remove these, if they are there."""
        gone = [self._forget(key) for key in map(_key, routes) if key in self._routes]
        refused = self._netlink.attempt([(route_deletion(route), nl.RTM_DELROUTE, 0) for route in gone])
        for place, code in refused.items():
            # Gone already, with its device or its address: just what we wanted.
            if code not in _GONE:
                self._refused("route", gone[place], os.strerror(code))

    def prune(self, state: PlaneState, routes: Iterable[Route] = (), held: Collection[str] = ()) -> None:
        """Remove what is ours and not wanted any more; what leads to the devices `held` stays."""
        for rule in surplus(_by_self(state.rules), self._rules):
            self._try("rule", rule, self._drop_rule)
        gone = [self._routes[key] for key in surplus(_by_key((*state.routes, *routes)), self._routes)]
        self.drop_routes(route for route in gone if not _leads_to(route, held))
        for pair in surplus(dict.fromkeys(state.addresses, True), self._addresses):
            if self._addresses[pair]:
                self._try("address", pair, self._drop_address)

    def set_group(self, device: str, group: int) -> None:
        """Put a device into a group.  Raises NetlinkError."""
        message: Any = ifinfmsg()
        message["index"], message["attrs"] = _index(device), [["IFLA_GROUP", group]]
        self._netlink.request(message, nl.RTM_SETLINK)

    def _read(self) -> None:
        """Learn what is there."""
        self._routes, self._rules = {}, {}
        self._leading.clear()
        for message in self._dump(rtmsg(), nl.RTM_GETROUTE):
            if messages.table_of(message) in self._tables and messages.is_ours(message):
                route = messages.route_of(message, _name)
                if route is not None:
                    self._learn(route)
        for message in self._dump(fibmsg(), nl.RTM_GETRULE):
            if (message.get_attr("FRA_PRIORITY") or 0) in self._priorities and messages.is_ours(message):
                rule = messages.rule_of(message)
                if rule is not None:
                    self._rules[rule] = rule
        self._addresses = {
            messages.address_of(message, _name): messages.owned(message)
            for message in self._dump(ifaddrmsg(), nl.RTM_GETADDR)
            if message["prefixlen"] == 32
        }
        self.stale = False

    def _dump(self, message: Any, kind: int) -> list[Any]:
        message["family"] = socket.AF_INET
        return [item for item in self._netlink.dump(message, kind) if item["family"] == socket.AF_INET]

    def _try(self, what: str, item: V, change: Callable[[V], None]) -> None:
        try:
            change(item)
        except OSError as error:
            self._refused(what, item, error.strerror)

    def _refused(self, what: str, item: object, why: str | None) -> None:
        self.failures += 1
        _log.warning("%s %s: %s", what, _text(item), why)

    def _change_routes(self, routes: Iterable[Route]) -> None:
        """Add these, each in place of what stands there."""
        sent: list[Route] = []
        requests: list[nl.Request] = []
        for route in routes:
            try:
                body = route_message(route, self._index)
            except NetlinkError as error:
                self._refused("route", route, error.strerror)
                continue
            sent.append(route)
            requests.append((body, nl.RTM_NEWROUTE, nl.NLM_F_CREATE | nl.NLM_F_REPLACE))
        refused = self._netlink.attempt(requests)
        for place, route in enumerate(sent):
            if place in refused:
                self._refused("route", route, os.strerror(refused[place]))
            else:
                self._learn(route)

    def _learn(self, route: Route) -> None:
        key = _key(route)
        if key in self._routes:
            self._forget(key)
        self._routes[key] = route
        for hop in route.nexthops:
            self._leading[hop.device] += 1

    def _forget(self, key: Key) -> Route:
        route = self._routes.pop(key)
        for hop in route.nexthops:
            self._leading[hop.device] -= 1
            if not self._leading[hop.device]:
                del self._leading[hop.device]
        return route

    def _index(self, device: str) -> int:
        return self._known(device) or _index(device)

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
    return {_key(route): messages.canonical(route) for route in routes}


def _key(route: Route) -> Key:
    return route.table, int(route.prefix.network_address), route.prefix.prefixlen


def _by_self(rules: Iterable[Rule]) -> dict[Rule, Rule]:
    return {rule: rule for rule in rules}


def _leads_to(route: Route, devices: Collection[str]) -> bool:
    return bool(devices) and any(hop.device in devices for hop in route.nexthops)


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
