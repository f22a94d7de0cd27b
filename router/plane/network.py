"""Routes, rules and addresses: the kernel's against the wanted ones."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from router import netlink as nl
from router.config.model import PlaneSettings
from router.netlink import Netlink, NetlinkError, fibmsg, ifaddrmsg, rtmsg
from router.plane.model import Nexthop, Route, Rule

__all__ = ["Network"]

_log = logging.getLogger("roamd.plane")

_TABLES, _PRIORITIES = 32, 64
_RT_TABLE_COMPAT = 252
_PROTO_STATIC = 4
_UNICAST, _UNREACHABLE = 1, 7
_SCOPE_UNIVERSE, _SCOPE_LINK = 0, 253
_TO_TABLE = 1
_NO_SUPPRESSION = 0xFFFFFFFF
_GONE = (errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.EADDRNOTAVAIL)

Key = tuple[int, IPv4Network]


class Network:
    """What roamd owns of routing: its block of tables, its block of priorities, its addresses.

    A refused change never stops the others: it is counted in `failures` and
    logged, and the next `apply` tries it again.
    """

    def __init__(self, settings: PlaneSettings) -> None:
        self._settings = settings
        self._netlink = Netlink()
        self._routes: dict[Key, Route] = {}
        self._addresses: set[tuple[str, IPv4Address]] = set()
        self.failures = 0

    def close(self) -> None:
        """Remove all that is owned."""
        self.apply((), (), ())
        self._netlink.close()

    def replace_known_routes(self, routes: Iterable[Route]) -> None:
        """The fail-over: replace those routes that exist and should differ, and nothing else."""
        for route in map(_canonical, routes):
            key = (route.table, route.prefix)
            if key in self._routes and self._routes[key] != route and self._devices_exist(route):
                self._try(self._put_route, route)

    def apply(
        self,
        routes: Iterable[Route],
        rules: Iterable[Rule],
        addresses: Iterable[tuple[str, IPv4Address]],
    ) -> None:
        """Make routes, rules and addresses equal to the wanted ones."""
        wanted = {(route.table, route.prefix): _canonical(route) for route in routes}
        self._apply_addresses(set(addresses))
        self._routes = self._read_routes()
        for key, route in wanted.items():
            if self._routes.get(key) != route:
                self._try(self._put_route, route)
        self._apply_rules(set(rules))
        for key in set(self._routes) - set(wanted):
            self._try(self._drop_route, self._routes[key])

    def _apply_rules(self, wanted: set[Rule]) -> None:
        present = self._read_rules()
        for rule in wanted - present:
            self._try(self._rule, rule, nl.RTM_NEWRULE, nl.NLM_F_CREATE | nl.NLM_F_EXCL)
        for rule in present - wanted:
            self._try(self._rule, rule, nl.RTM_DELRULE, 0)

    def _apply_addresses(self, wanted: set[tuple[str, IPv4Address]]) -> None:
        for pair in wanted - self._addresses:
            if self._try(self._address, pair, nl.RTM_NEWADDR, nl.NLM_F_CREATE | nl.NLM_F_EXCL):
                self._addresses.add(pair)
        for pair in self._addresses - wanted:
            self._try(self._address, pair, nl.RTM_DELADDR, 0)
            self._addresses.discard(pair)

    def _try(self, change: Callable[..., None], *arguments: Any) -> bool:
        try:
            change(*arguments)
        except OSError as error:
            removing = (
                change == self._drop_route or nl.RTM_DELRULE in arguments or nl.RTM_DELADDR in arguments
            )
            if removing and error.errno in _GONE:
                return True
            self.failures += 1
            _log.warning("%s: %s", arguments[0], error.strerror)
            return False
        return True

    def _put_route(self, route: Route) -> None:
        message = self._route_message(route)
        self._netlink.request(message, nl.RTM_NEWROUTE, nl.NLM_F_CREATE | nl.NLM_F_REPLACE)
        self._routes[route.table, route.prefix] = route

    def _drop_route(self, route: Route) -> None:
        self._routes.pop((route.table, route.prefix), None)
        message = rtmsg()
        message["family"], message["dst_len"] = socket.AF_INET, route.prefix.prefixlen
        message["table"], message["scope"] = _RT_TABLE_COMPAT, 255
        message["attrs"] = _destination(route)
        self._netlink.request(message, nl.RTM_DELROUTE)

    def _route_message(self, route: Route) -> Any:
        message = rtmsg()
        message["family"], message["dst_len"] = socket.AF_INET, route.prefix.prefixlen
        message["table"], message["proto"] = _RT_TABLE_COMPAT, _PROTO_STATIC
        message["type"] = _UNICAST if route.nexthops else _UNREACHABLE
        direct = bool(route.nexthops) and all(hop.gateway is None for hop in route.nexthops)
        message["scope"] = _SCOPE_LINK if direct else _SCOPE_UNIVERSE
        attributes: list[Any] = _destination(route)
        if route.source is not None:
            attributes.append(["RTA_PREFSRC", str(route.source)])
        if len(route.nexthops) == 1:
            attributes += _hop_attributes(route.nexthops[0])
            attributes.append(["RTA_OIF", _index(route.nexthops[0].device)])
        elif route.nexthops:
            hops = [
                {"oif": _index(hop.device), "hops": hop.weight - 1, "attrs": _hop_attributes(hop)}
                for hop in route.nexthops
            ]
            attributes.append(["RTA_MULTIPATH", hops])
        message["attrs"] = attributes
        if any(hop.gateway is not None for hop in route.nexthops):
            # The gateway need not be in a connected prefix of this table.
            message["flags"] = 4
        return message

    def _rule(self, rule: Rule, kind: int, flags: int) -> None:
        message = fibmsg()
        message["family"], message["action"], message["table"] = socket.AF_INET, _TO_TABLE, _RT_TABLE_COMPAT
        attributes: list[Any] = [["FRA_PRIORITY", rule.priority], ["FRA_TABLE", rule.table]]
        if rule.source is not None:
            message["src_len"] = rule.source.prefixlen
            attributes.append(["FRA_SRC", str(rule.source.network_address)])
        if rule.mark is not None:
            attributes += [["FRA_FWMARK", rule.mark], ["FRA_FWMASK", rule.mask]]
        if rule.suppress_prefixlength is not None:
            attributes.append(["FRA_SUPPRESS_PREFIXLEN", rule.suppress_prefixlength])
        message["attrs"] = attributes
        self._netlink.request(message, kind, flags)

    def _address(self, pair: tuple[str, IPv4Address], kind: int, flags: int) -> None:
        device, address = pair
        message = ifaddrmsg()
        message["family"], message["prefixlen"], message["index"] = socket.AF_INET, 32, _index(device)
        message["attrs"] = [["IFA_LOCAL", str(address)], ["IFA_ADDRESS", str(address)]]
        self._netlink.request(message, kind, flags)

    def _read_routes(self) -> dict[Key, Route]:
        first = self._settings.table_base
        found = {}
        for message in self._netlink.dump(rtmsg(), nl.RTM_GETROUTE):
            table = message.get_attr("RTA_TABLE") or message["table"]
            if message["family"] == socket.AF_INET and first <= table < first + _TABLES:
                route = _parse_route(message, table)
                found[route.table, route.prefix] = route
        return found

    def _read_rules(self) -> set[Rule]:
        first = self._settings.rule_priority
        return {
            _parse_rule(message)
            for message in self._netlink.dump(fibmsg(), nl.RTM_GETRULE)
            if message["family"] == socket.AF_INET
            and first <= (message.get_attr("FRA_PRIORITY") or 0) < first + _PRIORITIES
        }

    @staticmethod
    def _devices_exist(route: Route) -> bool:
        try:
            for hop in route.nexthops:
                _index(hop.device)
        except NetlinkError:
            return False
        return True


def _canonical(route: Route) -> Route:
    """As the kernel says it back: a single nexthop has no weight."""
    if len(route.nexthops) != 1:
        return route
    hop = route.nexthops[0]
    return Route(route.table, route.prefix, (Nexthop(hop.device, hop.gateway),), route.source)


def _destination(route: Route) -> list[Any]:
    attributes: list[Any] = [["RTA_TABLE", route.table]]
    if route.prefix.prefixlen:
        attributes.append(["RTA_DST", str(route.prefix.network_address)])
    return attributes


def _hop_attributes(hop: Nexthop) -> list[Any]:
    return [["RTA_GATEWAY", str(hop.gateway)]] if hop.gateway is not None else []


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


def _parse_route(message: Any, table: int) -> Route:
    prefix = IPv4Network((message.get_attr("RTA_DST") or "0.0.0.0", message["dst_len"]))
    source = message.get_attr("RTA_PREFSRC")
    hops = message.get_attr("RTA_MULTIPATH") or []
    nexthops = tuple(
        Nexthop(_name(hop["oif"]), _gateway(dict(_pairs(hop["attrs"])).get("RTA_GATEWAY")), hop["hops"] + 1)
        for hop in hops
    )
    if not hops and message["type"] == _UNICAST:
        device = _name(message.get_attr("RTA_OIF") or 0)
        nexthops = (Nexthop(device, _gateway(message.get_attr("RTA_GATEWAY"))),)
    return Route(table, prefix, nexthops, IPv4Address(source) if source else None)


def _pairs(attributes: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    return ((item[0], item[1]) for item in attributes)


def _gateway(text: str | None) -> IPv4Address | None:
    return IPv4Address(text) if text else None


def _parse_rule(message: Any) -> Rule:
    source = message.get_attr("FRA_SRC")
    mark = message.get_attr("FRA_FWMARK")
    suppressed = message.get_attr("FRA_SUPPRESS_PREFIXLEN")
    return Rule(
        priority=message.get_attr("FRA_PRIORITY"),
        table=message.get_attr("FRA_TABLE") or message["table"],
        source=IPv4Network((source, message["src_len"])) if source else None,
        mark=mark,
        mask=message.get_attr("FRA_FWMASK") if mark is not None else None,
        suppress_prefixlength=None if suppressed in (None, _NO_SUPPRESSION) else suppressed,
    )
