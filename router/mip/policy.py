"""Flow policies on the wire and in the configuration: one said in terms of the other.

A traffic selector speaks of packets towards the mobile node: its source is the
correspondent.  A `flow` section on the mobile router speaks of the packets its
hosts send.  Hence source and destination change places between the two.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from itertools import product

from router.config.model import Flow
from router.mip.wire.multipath import MAX_BIDS, FlowBinding
from router.mip.wire.numbers import FlowAction
from router.mip.wire.selector import Range, TrafficSelector

__all__ = ["PORT_PROTOCOLS", "agent_bindings", "agent_flows", "flow_bindings", "flow_of", "selectors_of"]

_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
_NAMES = {number: name for name, number in _PROTOCOLS.items()}
_ESP = 50
PORT_PROTOCOLS = (6, 17, 33, 132, 136)
"""TCP, UDP, DCCP, SCTP, UDP-Lite: what has the ports of a selector."""


def selectors_of(flow: Flow) -> tuple[TrafficSelector, ...]:
    """The selectors that together match what `flow` matches, towards the mobile node.

    One selector has one range a field: a section with lists becomes their
    product.  `in_device` has no counterpart and is not said: such a policy
    tells the home agent less than it tells the router.
    """
    protocol = _protocol(flow)
    fields = product(
        _ranges(flow.dest_prefixes),
        _ranges(flow.src_prefixes),
        flow.spis or (None,),
        flow.dest_ports or (None,),
        flow.src_ports or (None,),
        [(first, last) for first, last in _runs(flow.dscp)] or (None,),
    )
    return tuple(
        TrafficSelector(source, destination, spi, source_port, destination_port, dscp, protocol)
        for source, destination, spi, source_port, destination_port, dscp in fields
    )


def flow_of(selector: TrafficSelector, name: str, uplinks: Sequence[str], *, drop: bool = False) -> Flow:
    """The `flow` section, as the mobile router writes it, that means `selector`.

    A range of protocols that is not one protocol has no option of its own:
    raises ValueError for it.
    """
    if selector.protocol is not None and selector.protocol[0] != selector.protocol[1]:
        raise ValueError(
            f"protocols {selector.protocol[0]}..{selector.protocol[1]}: a flow names one, or any"
        )
    number = selector.protocol[0] if selector.protocol is not None else None
    return Flow(
        name=name,
        uplinks=tuple(uplinks),
        proto=None if number is None else _NAMES.get(number, str(number)),
        src_prefixes=_prefixes(selector.destination),
        dest_prefixes=_prefixes(selector.source),
        src_ports=_list(selector.destination_port),
        dest_ports=_list(selector.source_port),
        dscp=tuple(range(selector.dscp[0], selector.dscp[1] + 1)) if selector.dscp is not None else (),
        spis=_list(selector.spi),
        drop=drop,
    )


def flow_bindings(
    flows: Iterable[Flow], bids: Mapping[str, int], registered: Iterable[int], registering: int | None = None
) -> tuple[FlowBinding, ...]:
    """The Flow-Binding extensions for a mobile router's policies, in their order.

    Only BIDs that the home agent knows, or learns by the same request
    (`registering`), are named: one unknown BID makes it refuse the request
    (RFC 7629 section 5.2).  A policy none of whose uplinks
    is registered is left out, and one that says what no selector can: told
    without that, it would catch more than it means.
    """
    known = {*registered, registering}
    result = []
    for flow in filter(_can_be_said, flows):
        wanted = [bids[name] for name in flow.uplinks if name in bids and bids[name] in known]
        found = tuple(dict.fromkeys(wanted))[:MAX_BIDS]
        if flow.drop:
            result += [FlowBinding(FlowAction.DROP, (255,), selector) for selector in selectors_of(flow)]
        elif found:
            result += [FlowBinding(FlowAction.FORWARD, found, selector) for selector in selectors_of(flow)]
    return tuple(result)


def agent_bindings(
    flows: Iterable[Flow], mobile: str, labels: Mapping[int, int], most: int = 16
) -> tuple[FlowBinding, ...]:
    """What a home agent tells the mobile node of that name of its own policies, in their order.

    `labels` are those of the mobile node's bindings, by BID.  No more than
    `most` are told, so that the reply fits into one packet.
    """
    result: list[FlowBinding] = []
    for flow in flows:
        if flow.mobiles and mobile not in flow.mobiles:
            continue
        bids = [bid for label in flow.labels for bid in sorted(labels) if labels[bid] == label]
        if flow.drop:
            result += [FlowBinding(FlowAction.DROP, (255,), selector) for selector in selectors_of(flow)]
        elif bids:
            found = tuple(dict.fromkeys(bids))[:MAX_BIDS]
            result += [FlowBinding(FlowAction.FORWARD, found, selector) for selector in selectors_of(flow)]
    return tuple(result[:most])


def agent_flows(said: Iterable[FlowBinding], names: Mapping[int, str]) -> tuple[Flow, ...]:
    """A home agent's flow bindings as the mobile router's policies; `names` are its uplinks', by BID.

    One that names no uplink of ours, or says what no policy can, is passed over.
    """
    result = []
    for number, item in enumerate(said, 1):
        uplinks = [names[bid] for bid in item.bids if bid in names]
        drop = item.action == FlowAction.DROP
        if drop or uplinks:
            with contextlib.suppress(ValueError):
                result.append(
                    flow_of(item.selector, f"home_agent_{number}", () if drop else uplinks, drop=drop)
                )
    return tuple(result)


def _can_be_said(flow: Flow) -> bool:
    """Also not what changes by the hour, or with every look."""
    beyond = flow.dest_set is not None or flow.macs or flow.days or flow.hours
    return not beyond and (flow.drop or flow.action == "prefer")


def _protocol(flow: Flow) -> Range | None:
    if flow.proto is not None:
        number = _PROTOCOLS.get(flow.proto) or int(flow.proto)
        return number, number
    return (_ESP, _ESP) if flow.spis else None


def _ranges(prefixes: Iterable[IPv4Network]) -> tuple[Range | None, ...]:
    found = tuple((int(prefix.network_address), int(prefix.broadcast_address)) for prefix in prefixes)
    return found or (None,)


def _prefixes(found: Range | None) -> tuple[IPv4Network, ...]:
    if found is None:
        return ()
    return tuple(summarize_address_range(IPv4Address(found[0]), IPv4Address(found[1])))


def _list(found: Range | None) -> tuple[Range, ...]:
    return () if found is None else (found,)


def _runs(numbers: Iterable[int]) -> list[Range]:
    runs: list[Range] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
