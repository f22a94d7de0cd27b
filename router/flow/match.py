"""Which policy a connection falls under, as far as its addresses tell.

The kernel decides this, packet by packet; here it is said again, for those who
ask why.  What a connection's entry does not show (the device it came in by,
its DSCP, a link address) may be told by the asker; where nobody knows, the
answer is neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from router.config.model import Flow, Range

__all__ = ["Judgement", "Traits", "judge"]

_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
_ESP = 50


@dataclass(frozen=True)
class Traits:
    """A connection by its first packet; None for what is not known."""

    protocol: int
    source: IPv4Address
    destination: IPv4Address
    source_port: int = 0
    destination_port: int = 0
    dscp: int | None = None
    in_device: str | None = None
    mac: str | None = None
    sets: Collection[str] | None = None
    """Names of the sets that have its destination."""


@dataclass(frozen=True)
class Judgement:
    """`matches` is None where that depends on what is not known; `why` says what does not match, or is not known."""

    matches: bool | None
    why: str = ""


def judge(flow: Flow, traits: Traits) -> Judgement:
    unknown: list[str] = []
    for holds, why in _tests(flow, traits):
        if holds is False:
            return Judgement(False, why)
        if holds is None:
            unknown.append(why)
    return Judgement(None, ", ".join(unknown)) if unknown else Judgement(True)


def _tests(flow: Flow, traits: Traits) -> Iterator[tuple[bool | None, str]]:
    if flow.proto is not None:
        yield traits.protocol == (_PROTOCOLS.get(flow.proto) or int(flow.proto)), f"proto is not {flow.proto}"
    if flow.src_prefixes:
        yield any(traits.source in prefix for prefix in flow.src_prefixes), "src_prefix"
    if flow.dest_prefixes:
        yield any(traits.destination in prefix for prefix in flow.dest_prefixes), "dest_prefix"
    if flow.src_ports:
        yield _within(traits.source_port, flow.src_ports), "src_port"
    if flow.dest_ports:
        yield _within(traits.destination_port, flow.dest_ports), "dest_port"
    if flow.spis:
        yield None if traits.protocol == _ESP else False, "spi"
    if flow.dest_set is not None:
        yield None if traits.sets is None else flow.dest_set in traits.sets, f"set {flow.dest_set}"
    if flow.dscp:
        yield None if traits.dscp is None else traits.dscp in flow.dscp, "dscp"
    if flow.in_devices:
        yield None if traits.in_device is None else traits.in_device in flow.in_devices, "in_device"
    if flow.macs:
        yield None if traits.mac is None else traits.mac in flow.macs, "mac"


def _within(port: int, ranges: Collection[Range]) -> bool:
    return any(first <= port <= last for first, last in ranges)
