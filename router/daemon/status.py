"""What a role tells `roamctl status`: plain values, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from enum import Enum
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from router.config.model import Uplink
from router.daemon.mobile_node import MobileNodeRole
from router.daemon.now import now
from router.flow.buckets import SIZE
from router.mip.wire.numbers import FlowAction
from router.plane.model import Tunnel
from router.plane.plane import Plane

if TYPE_CHECKING:
    from router.daemon.foreign_agent import ForeignAgentRole
    from router.daemon.home_agent import HomeAgentRole

__all__ = ["foreign_agent_status", "home_agent_status", "merged", "mobile_node_status"]

Status = dict[str, Any]

_COUNTED = ("rx_bytes", "tx_bytes", "rx_packets", "tx_packets", "dropped")


def merged(one: Status, other: Status) -> Status:
    """What two roles of one process tell: lists after each other, counters added up, the first problem."""
    result = dict(one)
    for key, value in other.items():
        before = one.get(key)
        if isinstance(before, list) and isinstance(value, list):
            result[key] = before + value
        elif key == "counters" and before is not None:
            result[key] = {name: before.get(name, 0) + value.get(name, 0) for name in {**before, **value}}
        else:
            result[key] = value if before is None else before
    return result


def mobile_node_status(role: MobileNodeRole) -> Status:
    """Uplinks, bindings, tunnels, flows and counters of a mobile node."""
    paths = role.paths()
    tunnels = {path.bid: path.tunnel for path in paths if path.tunnel is not None}
    return {
        "home_address": str(role.machine.home_address),
        "home_agent": str(role.machine.session.home_agent),
        "mobile_networks": [str(prefix) for prefix in role.machine.mobile_networks],
        "at_home": role.machine.at_home is not None,
        "uplinks": [_uplink(role, uplink) for uplink in role.config.uplinks],
        "bindings": [_mobile_binding(role, bid) for bid in sorted(role.bindings)],
        "tunnels": _tunnels(role.plane, sorted(tunnels.items())),
        "flows": _flows(role),
        "counters": {
            **role.machine.counters, **role.watcher.counters, **role.watcher.modems.counters, **role.keeper.counters,
            **role.plane.counters(), **role.mtus.counters, **role.watch.counters, **role.flows.counters,
            **role.flows.tracker.counters, **(role.recorder.counters if role.recorder is not None else {}), **role.counters,
        },
        "problem": role.keeper.problem,
        "states": _states(role.plane),
        "clock_offset": round(role.machine.clock_offset, 1),
        "lacking": role.plane.lacking(tunnels.values()),
    }  # fmt: skip


def home_agent_status(role: HomeAgentRole) -> Status:
    """Bindings, tunnels and counters of a home agent."""
    bindings = list(role.machine.bindings.values())
    at = now().monotonic
    return {
        "home_agent": str(role.settings.address),
        "bindings": [
            {
                "mobile": binding.mobile.name,
                "home_address": str(binding.home_address),
                "bid": binding.bid,
                "label": binding.label,
                "care_of_address": str(binding.care_of_address),
                "source": f"{binding.source}:{binding.source_port}",
                "encapsulation": binding.encapsulation,
                "nat": binding.nat,
                "lifetime": binding.granted,
                "remaining": round(max(0.0, binding.expires - at), 1),
                "mobile_networks": [str(prefix) for prefix in role.networks_of(binding.home_address)],
                "state": "bound",
            }
            for binding in bindings
        ],
        "flow_bindings": _flow_bindings(role),
        "tunnels": _tunnels(role.plane, [(binding.bid, role.ways.tunnel(binding)) for binding in bindings]),
        "counters": {
            **role.machine.counters, **role.keeper.counters, **role.plane.counters(), **role.counters,
            **(role.reflector.counters if role.reflector is not None else {}),
        },
        "problem": role.keeper.problem,
        "states": _states(role.plane),
    }  # fmt: skip


def _states(plane: Plane) -> list[Status]:
    return [{"state": "others route first", "text": plane.beside}] if plane.beside is not None else []


def _flow_bindings(role: HomeAgentRole) -> list[Status]:
    """What mobile nodes have said of their flows (RFC 7629 section 4.2), in order."""
    homes = sorted({binding.home_address for binding in role.machine.bindings.values()})
    nodes = [node for node in map(role.machine.node, homes) if node is not None]
    return [
        {
            "mobile": node.mobile.name,
            "action": FlowAction(said.action).name.lower(),
            "bids": list(said.bids) if said.action == FlowAction.FORWARD else [],
            "match": str(said.selector),
        }
        for node in nodes
        for said in node.flow_bindings
    ]


def foreign_agent_status(role: ForeignAgentRole) -> Status:
    """Visitors, tunnels and counters of a foreign agent."""
    at = now().monotonic
    return {
        "care_of_address": str(role.settings.care_of_address),
        "bindings": [
            {
                "mobile": visitor.nai.decode(errors="replace") or str(visitor.home_address),
                "home_address": str(visitor.home_address),
                "home_agent": str(visitor.home_agent),
                "bid": visitor.bid,
                "care_of_address": str(visitor.care_of_address),
                "source": f"{visitor.source[0]}:{visitor.source[1]}",
                "encapsulation": visitor.encapsulation,
                "nat": False,
                "lifetime": visitor.lifetime,
                "remaining": round(max(0.0, visitor.expires - at), 1),
                "state": "visiting",
            }
            for visitor in role.visitors
        ],
        "tunnels": _tunnels(role.plane, [(0, tunnel) for tunnel in role.plan().tunnels]),
        "counters": {
            **role.machine.counters, **role.keeper.counters, **role.plane.counters(), **role.counters
        },
        "problem": role.keeper.problem,
        "states": _states(role.plane),
    }  # fmt: skip


def _uplink(role: MobileNodeRole, uplink: Uplink) -> Status:
    view = role.views.get(uplink.bid)
    registration = role.machine.registrations.get(uplink.bid)
    carries = role.capacity(uplink.bid)
    return {
        "name": uplink.name,
        "bid": uplink.bid,
        "kind": uplink.kind,
        "state": view.state.value if view is not None else "unknown",
        "device": view.device if view is not None else uplink.device,
        "network": uplink.network,
        "address": _text(view.address) if view is not None else None,
        "gateway": _text(view.gateway) if view is not None else None,
        "mtu": view.mtu if view is not None else None,
        "path_mtu": role.path_mtu(uplink.bid),
        "bandwidth_down": carries.down,
        "bandwidth_up": carries.up,
        "bandwidth_source": carries.source,
        "metered": uplink.metered,
        "used": role.limits.usage[uplink.bid].octets if uplink.bid in role.limits.usage else None,
        "path": role.watch.status(uplink.bid),
        "mtu_given": uplink.mtu is not None,
        "registration": registration.state if registration is not None else "idle",
        "code": registration.code if registration is not None else None,
        "answered": _milliseconds(registration.rtt) if registration is not None else None,
        "disbelieved": role.machine.disbelieved.get(uplink.bid),
        "reach": role.reach.told(uplink.bid),
        "detail": _detail(role, uplink.bid),
        "modem": _plain(asdict(view.modem)) if view is not None and view.modem is not None else None,
        "wifi": _plain(asdict(view.wifi)) if view is not None and view.wifi is not None else None,
    }


def _detail(role: MobileNodeRole, bid: int) -> str:
    registration = role.machine.registrations.get(bid)
    held = "held down" if bid in role.held else None
    return held or role.limits.barred(bid) or (registration.detail if registration is not None else "")


def _milliseconds(seconds: float | None) -> float | None:
    return round(1000 * seconds, 1) if seconds is not None else None


def _mobile_binding(role: MobileNodeRole, bid: int) -> Status:
    binding = role.bindings[bid]
    registration = role.machine.registrations.get(bid)
    return {
        "mobile": None,
        "home_address": str(role.machine.home_address),
        "uplink": role.uplinks[bid].name,
        "bid": bid,
        "care_of_address": str(binding.care_of_address),
        "foreign_agent": _text(binding.foreign_agent),
        "encapsulation": binding.encapsulation,
        "nat": binding.nat,
        "lifetime": binding.lifetime,
        "remaining": round(max(0.0, binding.expires - now().monotonic), 1),
        "state": registration.state if registration is not None else "idle",
    }


def _flows(role: MobileNodeRole) -> Status:
    names = {uplink.bid: uplink.name for uplink in role.config.uplinks}
    buckets = role.flows.buckets.get("", ())
    return {
        "policies": [
            {
                "name": choice.flow.name,
                "action": "drop" if choice.flow.drop else choice.flow.action,
                "uplinks": list(choice.flow.uplinks),
                "members": [names[bid] for bid in choice.members],
                "path": names[choice.path] if choice.path is not None else None,
                "asleep": choice.asleep,
            }
            for choice in role.flows.choices
        ],
        "buckets": {names[bid]: buckets.count(bid) for bid in sorted(set(buckets))},
        "size": SIZE,
        "tracked": len(role.flows.tracker.flows),
        "active": len(role.flows.tracker.active),
    }


def _tunnels(plane: Plane, tunnels: Iterable[tuple[int, Tunnel]]) -> list[Status]:
    statistics = plane.statistics()
    return [
        {
            "device": tunnel.device,
            "bid": bid,
            "plane": plane.kind_of(tunnel),
            "encapsulation": tunnel.encapsulation,
            "local": _endpoint(tunnel.local, tunnel.local_port),
            "remote": _endpoint(tunnel.remote, tunnel.remote_port),
            "mtu": tunnel.mtu,
            # A tunnel that is about to stand has carried nothing yet.
            **(statistics.get(tunnel.device) or dict.fromkeys(_COUNTED, 0)),
        }
        for bid, tunnel in tunnels
    ]


def _endpoint(address: IPv4Address, port: int) -> str:
    return f"{address}:{port}" if port else str(address)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _plain(values: Mapping[str, Any]) -> Status:
    return {
        key: value.value
        if isinstance(value, Enum)
        else str(value)
        if isinstance(value, IPv4Address)
        else value
        for key, value in values.items()
    }
