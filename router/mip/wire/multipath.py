"""Multipath and Flow-Binding: type 154 of RFC 7629.

Its framing is long although its number says skippable (RFC 5944 section 1.10
rules that out): a receiver that does not know 154 reads the sub-type as a
length, stumbles over what follows, and drops the message without a word.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.mip.wire.extension import Extension, UnknownSubType, framed_long, within
from router.mip.wire.numbers import ExtensionType, FlowAction
from router.mip.wire.selector import IPV4_BINARY, TrafficSelector

__all__ = ["MAX_BIDS", "FlowBinding", "Multipath", "parse"]

MAX_BIDS = 8
_MULTIPATH, _FLOW_BINDING = 1, 2
_BULK, _OVERWRITE = 0x80, 0x40


@dataclass(frozen=True, slots=True)
class Multipath:
    """Multipath extension (RFC 7629 section 4.1).  Raises ValueError on values it forbids."""

    access_technology: int
    label: int
    bid: int
    bulk: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        within("If-Label", self.label, 1, 255)
        within("Binding ID", self.bid, 1, 254)
        if self.bulk and self.overwrite:
            raise ValueError("B and O are mutually exclusive")

    def encode(self) -> bytes:
        flags = (_BULK if self.bulk else 0) | (_OVERWRITE if self.overwrite else 0)
        body = bytes((self.access_technology, self.label, self.bid, flags))
        return framed_long(ExtensionType.MULTIPATH, _MULTIPATH, body)


@dataclass(frozen=True, slots=True)
class FlowBinding:
    """Flow-Binding extension (RFC 7629 section 4.2).

    `bids` is an ordered list: the first whose binding lives carries the flow.
    With DROP it holds one octet without meaning.  The flag word of the
    selector follows its TS Format octet directly: the figure's alignment is
    taken for drawing, as no text asks for padding.  Raises ValueError on
    values the RFC forbids.
    """

    action: int
    bids: tuple[int, ...]
    selector: TrafficSelector

    def __post_init__(self) -> None:
        within("Action", self.action, FlowAction.DROP, FlowAction.FORWARD)
        within("BID Count", len(self.bids), 1, MAX_BIDS)
        if self.action == FlowAction.FORWARD:
            for bid in self.bids:
                within("Binding ID", bid, 1, 254)
            if len(set(self.bids)) < len(self.bids):
                raise ValueError("a Binding ID twice in one list")
        elif len(self.bids) > 1:
            raise ValueError("DROP wants exactly one octet in its list")

    def encode(self) -> bytes:
        body = bytes((self.action, len(self.bids), *self.bids, IPV4_BINARY)) + self.selector.encode()
        return framed_long(ExtensionType.MULTIPATH, _FLOW_BINDING, body)


def parse(data: bytes) -> Extension:
    """Type 154, `data` beginning with its sub-type.  Raises ValueError, UnknownSubType."""
    sub_type, body = data[0], data[1:]
    if sub_type == _MULTIPATH:
        if len(body) != 4:
            raise ValueError(f"Multipath: length {len(body)}: must be 4")
        return Multipath(body[0], body[1], body[2], bool(body[3] & _BULK), bool(body[3] & _OVERWRITE))
    if sub_type == _FLOW_BINDING:
        return _flow_binding(body)
    raise UnknownSubType(f"sub-type {sub_type} of type 154")


def _flow_binding(body: bytes) -> FlowBinding:
    if len(body) < 3 or len(body) < 3 + body[1]:
        raise ValueError(f"Flow-Binding: length {len(body)} is too short for its BID list")
    count = body[1]
    ts_format = body[2 + count]
    if ts_format != IPV4_BINARY:
        raise ValueError(
            f"Flow-Binding: TS Format {ts_format}: must be {IPV4_BINARY}, the IPv4 binary selector"
        )
    return FlowBinding(body[0], tuple(body[2 : 2 + count]), TrafficSelector.decode(body[3 + count :]))
