"""Which binding each flow takes at the home agent: the administrator's word first, then the mobile node's."""

from __future__ import annotations

from collections.abc import Iterable

from router.config.model import Flow
from router.mip.home.binding import Binding
from router.mip.home.node import Node
from router.mip.policy import selectors_of
from router.mip.wire.numbers import FlowAction
from router.mip.wire.selector import TrafficSelector

__all__ = ["Policy", "home_policies"]

Policy = tuple[TrafficSelector, int | None]
"""What is matched, and the slot of the binding that carries it; None drops it."""


def home_policies(flows: Iterable[Flow], node: Node) -> tuple[Policy, ...]:
    """In order, the first match wins.

    A policy none of whose bindings lives, or all of whose paths are silent, is left out: what it matches goes on
    to the next (RFC 7629 leaves this open; RFC 6089 calls it inactive).
    """
    result: list[Policy] = []
    silenced = {binding.key for binding in node.silenced}
    living = {binding.key: binding for binding in node.in_force if binding.key not in silenced}
    for flow in flows:
        if flow.mobiles and node.mobile.name not in flow.mobiles:
            continue
        slot = _labelled(flow.labels, living.values())
        if flow.drop or slot is not None:
            result += [(selector, None if flow.drop else slot) for selector in selectors_of(flow)]
    for said in node.flow_bindings:
        if said.action == FlowAction.DROP:
            result.append((said.selector, None))
            continue
        first = next((bid for bid in said.bids if bid in living), None)
        if first is not None:
            result.append((said.selector, living[first].slot))
    return tuple(result)


def _labelled(labels: Iterable[int], bindings: Iterable[Binding]) -> int | None:
    found = list(bindings)
    for label in labels:
        slots = [binding.slot for binding in found if binding.label == label]
        if slots:
            return min(slots)
    return None
