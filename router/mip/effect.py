"""What the state machines ask of the world: values, performed by the daemon."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from router.mip.foreign.visitor import Visitor
    from router.mip.home.binding import Binding
    from router.mip.mobile.binding import MobileBinding

__all__ = [
    "Advertise",
    "Bound",
    "Effect",
    "Event",
    "Granted",
    "GratuitousArp",
    "ProxyArp",
    "Removed",
    "Reply",
    "Send",
    "Solicit",
    "Unbound",
    "Visiting",
    "VisitorLeft",
]  # fmt: skip

_REGISTRATION_REPLY = b"\x03"


class Send(NamedTuple):
    """Mobile node: send `data` out of the uplink of `bid`."""

    bid: int
    data: bytes
    to: IPv4Address
    port: int = 434
    ttl: int = 64
    as_home_address: bool = False
    """From the home address: a care-of address of our own there is not, or not any more."""


class Reply(NamedTuple):
    """Home or foreign agent: send `data` from port 434 to `address:port`."""

    data: bytes
    address: IPv4Address
    port: int
    on_link: bool = False
    """Directly onto the home or visited link, whatever the routing tables and bindings say."""
    source: IPv4Address | None = None
    """From this address of ours; None: from that of the socket."""

    @property
    def home_address(self) -> IPv4Address | None:
        """Whose, where it is a Registration Reply (RFC 5944 section 3.4)."""
        return IPv4Address(self.data[4:8]) if self.data[:1] == _REGISTRATION_REPLY else None


class Bound(NamedTuple):
    """Mobile node: this binding is in force; also said again when it changed or was refreshed."""

    binding: MobileBinding


class Unbound(NamedTuple):
    """Mobile node: the binding of `bid` carries nothing any more."""

    bid: int
    reason: str


class Granted(NamedTuple):
    """Home agent: this binding is in force; also said again when its terms changed."""

    binding: Binding
    urgent: bool = False
    """Flows must leave a path that carries nothing."""


class Removed(NamedTuple):
    """Home agent: this binding is gone."""

    binding: Binding
    reason: str


class ProxyArp(NamedTuple):
    """Home agent: start or stop answering ARP for `address` on the home link (RFC 5944 section 4.6)."""

    address: IPv4Address
    on: bool


class GratuitousArp(NamedTuple):
    """Tell the home link who has `address` now: the home agent, or the mobile node that came home."""

    address: IPv4Address
    returned: bool


class Visiting(NamedTuple):
    """Foreign agent: carry packets for this visitor; also said again when its terms changed."""

    visitor: Visitor


class VisitorLeft(NamedTuple):
    """Foreign agent: no more packets for this visitor."""

    visitor: Visitor
    reason: str


class Advertise(NamedTuple):
    """An agent: send this ICMP message on the advertised link, to all or to one mobile node."""

    data: bytes
    to: IPv4Address | None = None


class Solicit(NamedTuple):
    """Mobile node: send this ICMP message out of the uplink of `bid`, with TTL 1."""

    bid: int
    data: bytes


class Event(NamedTuple):
    """Something worth a line in the log; `kind` is what a flood is limited by."""

    level: str
    """`info` or `warning`."""
    kind: str
    text: str
    bid: int = 0
    """Of the uplink it is about; 0: of none."""


Effect = (
    Send | Reply | Bound | Unbound | Granted | Removed | ProxyArp | GratuitousArp | Visiting | VisitorLeft
    | Advertise | Solicit | Event
)  # fmt: skip
