"""What a new configuration changes, and what each change costs: nothing, an uplink's binding, or a role's start anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from router.config.model import Config, MobileNode, Uplink

__all__ = ["ROLES", "Changes", "compare"]

ROLES = ("home_agent", "foreign_agent", "mobile_node")
"""In the order in which they start."""
_EVERYTHING = ("control", "state")
_RECORD = ("record", "record_size")
_NODE_LIVE = ("lan_devices", "damping")
_UPLINK_LIVE = (
    "label", "bandwidth_down", "bandwidth_up", "gateway", "mtu", "metered", "roaming", "cap", "cap_day", "probe_budget",
)  # fmt: skip
"""Whatever else is changed of an uplink makes it another: it is detached, and attached as the new one."""


@dataclass(frozen=True)
class Changes:
    """Nothing of a role that has no entry in `restarts` is lost, but for uplinks in `gone`."""

    restarts: dict[str, tuple[str, ...]]
    """Roles that start anew, come or go, each with the reasons: names of options and sections."""
    gone: tuple[Uplink, ...] = ()
    """Uplinks to detach, as they were; also those that come anew."""
    come: tuple[Uplink, ...] = ()
    altered: tuple[tuple[Uplink, Uplink], ...] = ()
    """Uplinks that stay attached, as they were and as they shall be."""
    mobiles: bool = False
    """Whether a home agent serves others than before, or by other policies."""
    names: tuple[str, ...] = ()
    """Everything that differs, for the log."""


def compare(old: Config, new: Config) -> Changes:
    """From the configuration in force to the next one.  Values of options are not told: some are secret."""
    whole = _differing(old, new, _EVERYTHING)
    restarts = {}
    for role, reasons in (
        ("home_agent", _home_agent(old, new)),
        ("foreign_agent", _role(old, new, "foreign_agent")),
        ("mobile_node", _mobile_node(old, new)),
    ):
        present = getattr(old, role) is not None or getattr(new, role) is not None
        if present and (whole or reasons):
            restarts[role] = (*whole, *reasons)
    gone, come, altered = _uplinks(old, new)
    mobiles = bool(_differing(old, new, ("mobiles", "flows")))
    return Changes(restarts, gone, come, altered, mobiles, tuple(_names(old, new)))


def _role(old: Config, new: Config, role: str) -> tuple[str, ...]:
    before, after = getattr(old, role), getattr(new, role)
    if before is None or after is None:
        return (role,) if before is not after else ()
    return _differing(before, after)


def _home_agent(old: Config, new: Config) -> tuple[str, ...]:
    # Addresses that are lent belong to names, and the pool to nobody who has one of his own.
    lends = any(network.pool is not None for network in (*old.home_networks, *new.home_networks))
    nameless = any(mobile.home_address.is_unspecified for mobile in (*old.mobiles, *new.mobiles))
    names = ("mobiles", "home_networks") if lends or nameless else ("home_networks",)
    return (*_role(old, new, "home_agent"), *_differing(old, new, names))


def _mobile_node(old: Config, new: Config) -> tuple[str, ...]:
    before, after = old.mobile_node, new.mobile_node
    reasons = [*_role(_without_live(old), _without_live(new), "mobile_node")]
    if before is None or after is None:
        return tuple(reasons)
    reasons += _differing(old, new, _RECORD)
    same = {uplink.name: uplink for uplink in new.uplinks}
    for uplink in old.uplinks:
        # A data session of ours is ended with patience, which a role at its stop has.
        ours = uplink.kind == "cellular" and uplink.modem.session != "netifd"
        if ours and not _is_same(uplink, same.get(uplink.name)):
            reasons.append(f"uplink {uplink.name}, whose data session is roamd's")
    return tuple(reasons)


def _without_live(config: Config) -> Config:
    node = config.mobile_node
    if node is None:
        return config
    fresh: dict[str, Any] = {
        item.name: item.default for item in fields(MobileNode) if item.name in _NODE_LIVE
    }
    return replace(config, mobile_node=replace(node, **fresh))


def _uplinks(
    old: Config, new: Config
) -> tuple[tuple[Uplink, ...], tuple[Uplink, ...], tuple[tuple[Uplink, Uplink], ...]]:
    before = {uplink.name: uplink for uplink in old.uplinks}
    after = {uplink.name: uplink for uplink in new.uplinks}
    gone = tuple(item for item in old.uplinks if not _is_same(item, after.get(item.name)))
    come = tuple(item for item in new.uplinks if not _is_same(item, before.get(item.name)))
    altered = tuple(
        (before[item.name], item) for item in new.uplinks if item not in come and item != before[item.name]
    )
    return gone, come, altered


def _is_same(one: Uplink, other: Uplink | None) -> bool:
    """Whether one can become the other while it is attached."""
    return other is not None and not set(_differing(one, other)) - set(_UPLINK_LIVE)


def _differing(one: Any, other: Any, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Fields of two values of one class that are not the same, in their order."""
    wanted = tuple(names) or tuple(item.name for item in fields(one))
    return tuple(name for name in wanted if getattr(one, name) != getattr(other, name))


def _names(old: Config, new: Config) -> Iterable[str]:
    for item in fields(Config):
        one, other = getattr(old, item.name), getattr(new, item.name)
        if one == other:
            continue
        if item.name in ROLES and one is not None and other is not None:
            yield from (f"{item.name}.{name}" for name in _differing(one, other))
        elif item.name in ("uplinks", "flows", "mobiles", "home_networks", "leds"):
            yield from _of_sections(item.name.rstrip("s"), one, other)
        else:
            yield item.name


def _of_sections(kind: str, old: Iterable[Any], new: Iterable[Any]) -> Iterable[str]:
    before, after = {item.name: item for item in old}, {item.name: item for item in new}
    for name, item in before.items():
        if name not in after:
            yield f"{kind} {name} (gone)"
        elif item != after[name]:
            yield from (f"{kind} {name}.{field}" for field in _differing(item, after[name]))
    yield from (f"{kind} {name} (new)" for name in after if name not in before)
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield f"order of {kind}s"
