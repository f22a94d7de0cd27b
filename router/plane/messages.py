"""Rules and addresses as rtnetlink says them, and back; routes (`route_messages`) back only.

No socket in here: `index` and `name` translate between device names and
interface indexes, and whoever calls decides where the answers come from.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from router.netlink import fibmsg, ifaddrmsg, rtmsg
from router.plane.model import Nexthop, Route, Rule
from router.plane.route_messages import RTPROT_ROAMD

__all__ = [
    "OWNED_LABEL",
    "address_message",
    "address_of",
    "canonical",
    "is_ours",
    "owned",
    "route_of",
    "rule_message",
    "rule_of",
    "table_of",
]

OWNED_LABEL = ":roamd"
"""How the labels of our addresses end, as in `ip address`: a later run knows them by it."""

_IFNAMSIZ = 16
_RT_TABLE_COMPAT = 252
_UNICAST, _UNREACHABLE = 1, 7
_CLONED = 0x200
_TO_TABLE = 1
_NO_SUPPRESSION = 0xFFFFFFFF
_ALL_BITS = 0xFFFFFFFF
_RULE_ATTRIBUTES = {
    "FRA_PRIORITY", "FRA_TABLE", "FRA_SRC", "FRA_FWMARK", "FRA_FWMASK", "FRA_SUPPRESS_PREFIXLEN",
    "FRA_PROTOCOL", "FRA_OIFNAME", "FRA_IIFNAME",
}  # fmt: skip
_ROUTE_ATTRIBUTES = {
    "RTA_TABLE", "RTA_DST", "RTA_PREFSRC", "RTA_OIF", "RTA_GATEWAY", "RTA_MULTIPATH", "RTA_CACHEINFO",
}  # fmt: skip

Index = Callable[[str], int]
Name = Callable[[int], str]


def canonical(route: Route) -> Route:
    """As the kernel says it back: a single nexthop has no weight."""
    if len(route.nexthops) != 1:
        return route
    hop = route.nexthops[0]
    return Route(route.table, route.prefix, (Nexthop(hop.device, hop.gateway),), route.source)


def route_of(message: Any, name: Name) -> Route | None:
    """None for a route that we would not have made, such as one with a metric."""
    kinds = (_UNICAST, _UNREACHABLE)
    if message["type"] not in kinds or message["tos"] or not _names(message) <= _ROUTE_ATTRIBUTES:
        return None
    prefix = IPv4Network((message.get_attr("RTA_DST") or "0.0.0.0", message["dst_len"]))
    source = message.get_attr("RTA_PREFSRC")
    hops = tuple(_hop_of(hop, name) for hop in message.get_attr("RTA_MULTIPATH") or ())
    if not hops and message["type"] == _UNICAST:
        device = name(message.get_attr("RTA_OIF") or 0)
        hops = (Nexthop(device, _address(message.get_attr("RTA_GATEWAY"))),)
    return Route(table_of(message), prefix, hops, _address(source))


def table_of(message: Any) -> int:
    """The table of a route or rule; -1 for what is no route but learned about one (path MTUs)."""
    if isinstance(message, rtmsg) and message["flags"] & _CLONED:
        return -1
    table: int = message.get_attr("RTA_TABLE") or message.get_attr("FRA_TABLE") or message["table"]
    return table


def rule_message(rule: Rule) -> Any:
    message = fibmsg()
    message["family"], message["action"], message["table"] = socket.AF_INET, _TO_TABLE, _RT_TABLE_COMPAT
    attributes: list[Any] = [["FRA_PRIORITY", rule.priority], ["FRA_TABLE", rule.table]]
    attributes.append(["FRA_PROTOCOL", RTPROT_ROAMD])
    if rule.source is not None and rule.source.prefixlen:
        message["src_len"] = rule.source.prefixlen
        attributes.append(["FRA_SRC", str(rule.source.network_address)])
    if rule.mark is not None:
        mask = _ALL_BITS if rule.mask is None else rule.mask
        attributes += [["FRA_FWMARK", rule.mark], ["FRA_FWMASK", mask]]
    if rule.suppress_prefixlength is not None:
        attributes.append(["FRA_SUPPRESS_PREFIXLEN", rule.suppress_prefixlength])
    if rule.oif is not None:
        attributes.append(["FRA_OIFNAME", rule.oif])
    if rule.iif is not None:
        attributes.append(["FRA_IIFNAME", rule.iif])
    message["attrs"] = attributes
    return message


def rule_of(message: Any) -> Rule | None:
    """None for a rule that we would not have made, such as one with a destination."""
    fields = (message["action"], message["dst_len"], message["tos"])
    if fields != (_TO_TABLE, 0, 0) or not _names(message) <= _RULE_ATTRIBUTES:
        return None
    source, mark = message.get_attr("FRA_SRC"), message.get_attr("FRA_FWMARK")
    suppressed = message.get_attr("FRA_SUPPRESS_PREFIXLEN")
    return Rule(
        priority=message.get_attr("FRA_PRIORITY") or 0,
        table=table_of(message),
        source=IPv4Network((source, message["src_len"])) if source else None,
        mark=mark,
        mask=message.get_attr("FRA_FWMASK") if mark is not None else None,
        suppress_prefixlength=None if suppressed in (None, _NO_SUPPRESSION) else suppressed,
        oif=message.get_attr("FRA_OIFNAME"),
        iif=message.get_attr("FRA_IIFNAME"),
    )


def address_message(pair: tuple[str, IPv4Address], index: Index) -> Any:
    device, address = pair
    message = ifaddrmsg()
    message["family"], message["prefixlen"], message["index"] = socket.AF_INET, 32, index(device)
    label = device[: _IFNAMSIZ - 1 - len(OWNED_LABEL)] + OWNED_LABEL
    message["attrs"] = [["IFA_LOCAL", str(address)], ["IFA_ADDRESS", str(address)], ["IFA_LABEL", label]]
    return message


def address_of(message: Any, name: Name) -> tuple[str, IPv4Address]:
    local = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    return name(message["index"]), IPv4Address(local)


def owned(message: Any) -> bool:
    """Whether an address of the kernel's is one we put there."""
    return str(message.get_attr("IFA_LABEL") or "").endswith(OWNED_LABEL)


def is_ours(message: Any) -> bool:
    """Whether a route or rule carries our protocol number."""
    protocol = message["proto"] if isinstance(message, rtmsg) else message.get_attr("FRA_PROTOCOL")
    return bool(protocol == RTPROT_ROAMD)


def _hop_of(hop: Any, name: Name) -> Nexthop:
    gateway = dict(_pairs(hop["attrs"])).get("RTA_GATEWAY")
    return Nexthop(name(hop["oif"]), _address(gateway), hop["hops"] + 1)


def _address(text: str | None) -> IPv4Address | None:
    return IPv4Address(text) if text else None


def _names(message: Any) -> set[str]:
    return {key for key, _ in _pairs(message["attrs"])}


def _pairs(attributes: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    return ((item[0], item[1]) for item in attributes)
