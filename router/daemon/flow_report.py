"""What `roamctl flows`, `explain` and `policy check` ask of a mobile node.  ValueError says what is wrong."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from router.config.kinds import device, dscp, mac
from router.control.server import Method
from router.daemon.flow_control import FlowControl, traits_of
from router.daemon.now import now
from router.daemon.policy_check import dry_run
from router.flow.assigner import Decision, Ruling, ruling
from router.flow.explain import alternatives, bucket, class_of, why
from router.flow.match import Traits
from router.flow.place import offers
from router.flow.track import Flow

__all__ = ["FlowReport"]

Values = dict[str, Any]

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}
_NUMBERS = {name: number for number, name in _PROTOCOLS.items()}
_LIMIT, _MOST = 40, 1000
_TRAITS: dict[str, Callable[[str], Any]] = {"in_device": device, "mac": mac, "dscp": dscp}


class FlowReport:
    """The connections of one mobile node, as the control socket shows them."""

    def __init__(self, control: FlowControl, names: dict[int, str]) -> None:
        self._control = control
        self._names = names

    def methods(self) -> dict[str, Method]:
        return {"flows": self._flows, "explain": self._explain, "policy_check": self._policy_check}

    # roamctl flows

    def _flows(self, params: Values) -> Values:
        """The busiest first; `all` shows idle ones too, `limit` how many."""
        limit = params.get("limit", _LIMIT)
        if not isinstance(limit, int) or not 1 <= limit <= _MOST:
            raise ValueError(f"limit {limit}: expected 1..{_MOST}")
        tracker = self._control.tracker
        shown = tracker.flows if params.get("all") else tracker.active
        rows = sorted(shown.values(), key=lambda flow: (-max(flow.down, flow.up), flow.since))[:limit]
        return {
            "flows": [self._row(flow) for flow in rows],
            "active": len(tracker.active),
            "tracked": len(tracker.flows),
            "paths": self._paths(self._control.assigner.decision),
        }

    def _row(self, flow: Flow) -> Values:
        at, decision = now().monotonic, self._control.assigner.decision
        found = self._control.assigner.ruling(flow, decision.choices)
        return {
            "id": _id(flow),
            **_ends(traits_of(flow.key)),
            "path": self._name(flow.path),
            "why": self._why(flow, found, decision),
            "down": round(flow.down),
            "up": round(flow.up),
            "octets": flow.original + flow.reply,
            "age": round(at - flow.since, 1),
            "idle": round(at - flow.active_at, 1),
            "moves": flow.moves,
            "moved": round(at - flow.moved, 1) if flow.moved is not None else None,
        }

    def _why(self, flow: Flow, found: Ruling, decision: Decision) -> str:
        if flow.inbound:
            return "begun outside"
        text = why(found, _bucket(traits_of(flow.key), found, decision))
        return f"{text}, moved" if flow.moves else text

    def _paths(self, decision: Decision) -> list[Values]:
        offered = offers(decision.candidates)
        return [
            {
                "path": self._name(one.path),
                "down": round(one.down),
                "up": round(one.up),
                "confidence": round(one.confidence, 2),
                "active": one.active,
                "down_load": round(one.down_load),
                "up_load": round(one.up_load),
                "takes": one.takes,
                "drain": one.drain,
                "offer": round(offered[one.path]) if one.path in offered else None,
                "buckets": decision.buckets.get("", ()).count(one.path),
            }
            for one in decision.candidates
        ]

    # roamctl explain

    def _explain(self, params: Values) -> Values:
        """`flow`: an identifier from `flows`, or protocol, source and destination; what else is known of it beside."""
        words = str(params.get("flow", "")).split()
        told = _told(params)
        if len(words) == 1:
            flow = next(
                (item for item in self._control.tracker.flows.values() if _id(item) == words[0]), None
            )
            if flow is None:
                raise ValueError(f"no flow {words[0]}: `roamctl flows --all` shows those there are")
            return self._of_flow(flow, told)
        traits = _asked(words)
        flow = next(
            (item for item in self._control.tracker.flows.values() if traits_of(item.key) == traits), None
        )
        return self._of_flow(flow, told) if flow is not None else self._of_nobody(replace(traits, **told))

    def _of_flow(self, flow: Flow, told: Values) -> Values:
        decision = self._control.assigner.decision
        then = self._control.decided_at(flow.since)
        traits = traits_of(flow.key)
        found = Ruling(None)
        if traits is not None and not flow.inbound:
            found = ruling(replace(traits, **told), decision.choices, flow.path)
        return {
            "flow": self._row(flow),
            "path": self._name(flow.path),
            "reasons": list(self._reasons(flow, traits, found, then)),
            "then": self._figures(then),
            "now": self._figures(decision),
            "alternatives": self._alternatives(flow.path, found, decision),
        }

    def _reasons(
        self, flow: Flow, traits: Traits | None, found: Ruling, then: Decision | None
    ) -> Sequence[str]:
        """What put it there, the last first."""
        at, reasons = now().monotonic, []
        if flow.moved is not None:
            times = f", the last of {flow.moves} moves" if flow.moves > 1 else ""
            reasons.append(f"moved here {at - flow.moved:.0f} s ago{times}")
        if flow.inbound:
            return [*reasons, "begun by the other side: it answers through the tunnel that it came by"]
        reasons += self._ruled(found)
        place = _bucket(traits, found, then)
        name = class_of(found)
        if then is None or name is None:
            return reasons
        buckets = then.buckets.get(name, ())
        if place is not None and place < len(buckets):
            began = self._name(buckets[place])
            text = f"its ports and addresses fall into bucket {place}, which had path {began} when it began"
            differs = buckets[place] != flow.path and flow.moved is None
            reasons.append(f"{text}; its first packet had another then" if differs else text)
        return reasons

    def _ruled(self, found: Ruling) -> list[str]:
        reasons = []
        if found.choice is not None:
            flow = found.choice.flow
            action = "drop" if flow.drop else flow.action
            reasons.append(
                f"policy {flow.name} is the first that matches: {action} {' '.join(flow.uplinks)}".rstrip()
            )
        else:
            reasons.append("no policy matches: it goes by the common buckets")
        if not found.certain:
            reasons.append(f"as far as can be seen from here; not known is {found.unseen}")
        return reasons

    def _of_nobody(self, traits: Traits) -> Values:
        """Where a connection would go that there is not."""
        decision = self._control.assigner.decision
        found = ruling(traits, decision.choices)
        path = found.choice.path if found.choice is not None else None
        place, name = _bucket(traits, found, decision), class_of(found)
        reasons = ["there is no such connection; a new one would go like this", *self._ruled(found)]
        buckets = decision.buckets.get(name or "", ()) if name is not None else ()
        if place is not None and place < len(buckets):
            path = buckets[place]
            reasons.append(f"its ports and addresses fall into bucket {place}")
        return {
            "flow": {**_ends(traits), "why": why(found, place)},
            "path": self._name(path) if path is not None else None,
            "reasons": reasons,
            "then": None,
            "now": self._figures(decision),
            "alternatives": self._alternatives(path, found, decision) if path is not None else [],
        }

    def _alternatives(self, path: int, found: Ruling, decision: Decision) -> list[Values]:
        return [
            {"path": self._name(one.path), "reason": one.reason}
            for one in alternatives(path, found, decision, self._names)
        ]

    def _figures(self, decision: Decision | None) -> Values | None:
        """None where it is forgotten."""
        if decision is None:
            return None
        return {"ago": round(now().monotonic - decision.at, 1), "paths": self._paths(decision)}

    async def _policy_check(self, params: Values) -> Values:
        """What another configuration's flow sections would do to the connections there are."""
        text, file = str(params.get("text", "")), str(params.get("file", "policy"))
        flows = list(self._control.tracker.flows.values())
        return await dry_run(text, file, flows, self._control.assigner.decision.ways, self._names)

    def _name(self, path: int) -> str:
        return self._names.get(path, f"#{path}")


def _bucket(traits: Traits | None, found: Ruling, decision: Decision | None) -> int | None:
    name = class_of(found)
    if traits is None or decision is None or name is None:
        return None
    return bucket(traits, len(decision.buckets.get(name, ())))


def _id(flow: Flow) -> str:
    """Short, and the same as long as the connection lives."""
    return f"{binascii.crc32(flow.key) & 0xFFFFFF:06x}" if isinstance(flow.key, bytes) else "-"


def _ends(traits: Traits | None) -> Values:
    if traits is None:
        return {"protocol": "?", "source": "?", "destination": "?"}
    ports = traits.source_port, traits.destination_port
    source, destination = (
        f"{address}:{port}" if port else str(address)
        for address, port in zip((traits.source, traits.destination), ports, strict=True)
    )
    number = traits.protocol
    return {"protocol": _PROTOCOLS.get(number, str(number)), "source": source, "destination": destination}


def _asked(words: Sequence[str]) -> Traits:
    allowed = (
        "expected PROTOCOL SOURCE[:PORT] DESTINATION[:PORT], such as tcp 10.50.0.10:40000 203.0.113.10:443"
    )
    if len(words) != 3:
        raise ValueError(f"{' '.join(words) or 'nothing'}: {allowed}, or a flow's identifier")
    try:
        protocol = _NUMBERS.get(words[0]) or int(words[0])
        ends = [
            (IPv4Address(host), int(port or 0))
            for host, _, port in (word.partition(":") for word in words[1:])
        ]
    except ValueError:
        raise ValueError(f"{' '.join(words)}: {allowed}") from None
    if not 0 <= protocol <= 255 or not all(0 <= port <= 65535 for _, port in ends):
        raise ValueError(f"{' '.join(words)}: {allowed}")
    return Traits(protocol, ends[0][0], ends[1][0], ends[0][1], ends[1][1])


def _told(params: Values) -> Values:
    """What the asker knows, and no table shows.  Raises ValueError naming it."""
    told = {}
    for name, read in _TRAITS.items():
        text = params.get(name)
        if text is None:
            continue
        try:
            told[name] = read(str(text))
        except ValueError as error:
            raise ValueError(f"{name} {text}: {error}") from None
    return told
