"""Elements of nftables' named sets and maps as nfnetlink says them: one transaction, octet by octet.

By hand for what comes with every binding, and for buckets that change their
path.  All else is told to `nft`, whose start alone takes longer than a
thousand elements do here.
"""

from __future__ import annotations

import re
import socket
import struct
import sys
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address

from router.attributes import attribute, nest, text, u32_be
from router.plane.model import Element

__all__ = ["Types", "declared", "transaction"]

Types = tuple[tuple[str, ...], str]
"""The types of the parts of a key, and of what a map has for it ("" for a set)."""

_DECLARATION = re.compile(r"^  (?:map|set) (\w+) \{\n    (?:type|typeof) ([^;\n]+);\n  \}", re.MULTILINE)

# <linux/netfilter/nfnetlink.h> and nf_tables.h.
_HEADER, _GENERIC = struct.Struct("=IHHII"), struct.Struct("!BBH")
_BEGIN, _END, _SUBSYSTEM, _NEW_ELEMENTS, _DELETE_ELEMENTS = 16, 17, 10, 10 << 8 | 12, 10 << 8 | 14
_REQUEST, _ACK, _CREATE = 0x1, 0x4, 0x400
_LIST_TABLE, _LIST_SET, _LIST_ELEMENTS, _ITEM = 1, 2, 3, 1
_KEY, _DATA, _VALUE, _VERDICT, _CODE, _CHAIN = 1, 2, 1, 2, 1, 2
_VERDICTS = {"jump": 0xFFFFFFFD, "goto": 0xFFFFFFFC}
_IFNAMSIZ = 16
_TOGETHER = 256
"""In one message: an attribute has 64 kB at most."""


def declared(body: str) -> Mapping[str, Types]:
    """The named sets and maps of a table's text, by name; intervals left out: these have ends of their own."""
    found = {}
    for name, types in _DECLARATION.findall(body):
        key, _, data = types.partition(" : ")
        found[name] = (tuple(key.split(" . ")), data)
    return found


def transaction(
    table: str, put: Iterable[Element], types: Mapping[str, Types], gone: Iterable[Element] = ()
) -> tuple[bytes, int] | None:
    """What takes elements away and puts others, all or none, and how many of its messages are answered.

    None where one is of a kind that is not known here.
    """
    flags = _REQUEST | _ACK
    try:
        messages = [
            _message(_DELETE_ELEMENTS, flags, socket.AF_INET, 0, body) for body in _lists(table, gone, types)
        ]
        messages += [
            _message(_NEW_ELEMENTS, flags | _CREATE, socket.AF_INET, 0, body)
            for body in _lists(table, put, types)
        ]
    except (KeyError, ValueError, OverflowError):
        return None
    begin, end = (_message(kind, _REQUEST, 0, _SUBSYSTEM, b"") for kind in (_BEGIN, _END))
    return b"".join((begin, *messages, end)), len(messages)


def _lists(table: str, elements: Iterable[Element], types: Mapping[str, Types]) -> Iterable[bytes]:
    by_set: dict[str, list[bytes]] = {}
    for element in elements:
        by_set.setdefault(element.set, []).append(_element(element, *types[element.set]))
    for name, items in by_set.items():
        for start in range(0, len(items), _TOGETHER):
            together = nest(_LIST_ELEMENTS, *items[start : start + _TOGETHER])
            yield text(_LIST_TABLE, table) + text(_LIST_SET, name) + together


def _message(kind: int, flags: int, family: int, resource: int, body: bytes) -> bytes:
    content = _GENERIC.pack(family, 0, resource) + body
    return _HEADER.pack(_HEADER.size + len(content), kind, flags, 0, 0) + content


def _element(element: Element, keys: tuple[str, ...], data: str) -> bytes:
    words = element.key.split(" . ")
    if len(words) != len(keys):
        raise ValueError(element)
    key = b"".join(map(_octets, words, keys)) if len(words) > 1 else _plain(words[0], keys[0])
    found = nest(_KEY, attribute(_VALUE, key))
    if data == "verdict":
        verb, chain = element.data.split()
        found += nest(_DATA, nest(_VERDICT, u32_be(_CODE, _VERDICTS[verb]), text(_CHAIN, chain)))
    elif data:
        found += nest(_DATA, attribute(_VALUE, _plain(element.data, data)))
    return nest(_ITEM, found)


def _octets(word: str, kind: str) -> bytes:
    """As a part of a longer key: padded to registers of four."""
    value = _plain(word, kind)
    return value + bytes(-len(value) % 4)


def _plain(word: str, kind: str) -> bytes:
    """Raises KeyError for a type that is not known, ValueError for what is none of it."""
    if kind in ("ipv4_addr", "ip saddr", "ip daddr"):
        return IPv4Address(word).packed
    if kind == "meta length":
        return int(word).to_bytes(4, sys.byteorder)
    if kind == "inet_service":
        return int(word).to_bytes(2, "big")
    if kind == "ifname":
        return word.strip('"').encode().ljust(_IFNAMSIZ, b"\0")
    if kind.startswith("@") and kind.endswith(",32"):
        return int(word).to_bytes(4, "big")
    raise KeyError(kind)
