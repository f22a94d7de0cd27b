"""What the state machines ask of the world: values, performed by the daemon."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.mip.binding import Binding, MobileBinding

__all__ = ["Bound", "Effect", "Event", "Granted", "Removed", "Reply", "Send", "Unbound"]


@dataclass(frozen=True)
class Send:
    """Mobile node: send `data` to the home agent's port 434, out of the uplink of `bid`."""

    bid: int
    data: bytes


@dataclass(frozen=True)
class Reply:
    """Home agent: send `data` from port 434 to `address:port`."""

    data: bytes
    address: IPv4Address
    port: int


@dataclass(frozen=True)
class Bound:
    """Mobile node: this binding is in force; also said again when it changed or was refreshed."""

    binding: MobileBinding


@dataclass(frozen=True)
class Unbound:
    """Mobile node: the binding of `bid` carries nothing any more."""

    bid: int
    reason: str


@dataclass(frozen=True)
class Granted:
    """Home agent: this binding is in force; also said again when it changed or was refreshed."""

    binding: Binding


@dataclass(frozen=True)
class Removed:
    """Home agent: this binding is gone."""

    binding: Binding
    reason: str


@dataclass(frozen=True)
class Event:
    """Something worth a line in the log; `kind` is what a flood is limited by."""

    level: str
    """`info` or `warning`."""
    kind: str
    text: str


Effect = Send | Reply | Bound | Unbound | Granted | Removed | Event
