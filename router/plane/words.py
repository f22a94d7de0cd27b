"""nft's language, a few words of it: what every ruleset of ours is made of.

Marks: a path's number sits in the bits of `mask`, in the packet's mark (which
`ip rule` reads) and in the connection's mark (which pins the flow).  Other
programs' bits are left as they are; since nft before 1.1.1 cannot merge two
marks in one expression, every path has a small chain of its own that writes
its constant.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

__all__ = [
    "MANGLE",
    "OPEN_SET",
    "chain",
    "clamp",
    "interval",
    "lowered",
    "mark_of",
    "named_map",
    "none_of",
    "path_chains",
    "pinned",
    "quoted",
    "set_of",
    "silence",
    "vmap",
]

MANGLE = "priority mangle; policy accept;"
OPEN_SET = "set_"
"""How the names of sets begin that others fill, dnsmasq above all: their elements outlive the table's text."""


def mark_of(number: int, mask: int) -> int:
    """`number` shifted to the place of `mask`."""
    return number << ((mask & -mask).bit_length() - 1)


def path_chains(numbers: Iterable[int], mask: int) -> Iterable[str]:
    rest = 0xFFFFFFFF & ~mask
    for number in numbers:
        mark = mark_of(number, mask)
        connection = f"ct mark set ct mark & {rest:#x} | {mark:#x}"
        packet = f"meta mark set meta mark & {rest:#x} | {mark:#x}"
        yield chain(f"pin_{number}", [connection])
        yield chain(f"use_{number}", [packet])
        yield chain(f"path_{number}", [packet, connection])
        # Says the last word, and leaves the connection's own pin alone.
        yield chain(f"flow_{number}", [packet, "accept"])


def pinned(numbers: Iterable[int], mask: int) -> Iterable[tuple[str, str]]:
    return ((f"{mark_of(number, mask):#x}", f"goto use_{number}") for number in numbers)


def named_map(
    name: str, type_: str, *, kind: str = "map", flags: str = "", typeof: bool = False, merge: bool = False
) -> str:
    """The declaration of a map, or of a set; its elements come and go by themselves."""
    lines = [
        f"{'typeof' if typeof else 'type'} {type_};",
        f"flags {flags};" if flags else "",
        "auto-merge;" if merge else "",
    ]
    body = "".join(f"    {line}\n" for line in lines if line)
    return f"  {kind} {name} {{\n{body}  }}"


def clamp(tunnels: str, mss: int, by: str = "ifname") -> str:
    """One clamp for all tunnels, to the smallest of them: a flow that changes its tunnel then fits at once.

    What goes into a tunnel tells the other side how much to send us, what comes out of one how much we send.
    """
    return chain("forward_mss", [
        f"type filter hook forward {MANGLE}",
        *(lowered(f"{way}{by} {tunnels}", mss) for way in "oi"),
    ])  # fmt: skip


def lowered(where: str, mss: int) -> str:
    """Lower the MSS of what opens a TCP connection, in both directions (SYN, and SYN with ACK).

    Few packets are that, so it is asked first, and `where` then.
    """
    words = ["tcp flags syn", where, f"tcp option maxseg size > {mss} tcp option maxseg size set {mss}"]
    return " ".join(word for word in words if word)


def none_of(field: str, values: Iterable[str]) -> str:
    """`field` is none of a few values: cheaper one by one than by a set of intervals."""
    return " ".join(f"{field} != {value}" for value in values)


def chain(name: str, lines: Iterable[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines if line)
    return f"  chain {name} {{\n{body}  }}"


def vmap(pairs: Iterable[tuple[str, str]]) -> str:
    return "vmap { " + ", ".join(f"{key} : {verdict}" for key, verdict in pairs) + " }"


def set_of(items: Iterable[str]) -> str:
    return "{ " + ", ".join(items) + " }"


def quoted(names: Iterable[str]) -> Iterable[str]:
    return (f'"{name}"' for name in names)


def interval(first: int | IPv4Address, last: int | IPv4Address) -> str:
    return str(first) if first == last else f"{first}-{last}"


def silence() -> str:
    """Not even the kernel says that a packet (protocol 4, or GRE) came for a tunnel there is not."""
    return chain("silence", [
        "type filter hook output priority filter; policy accept;",
        "icmp type destination-unreachable @th,136,8 { 4, 47 } counter drop",
    ])  # fmt: skip
