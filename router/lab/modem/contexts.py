"""PDP contexts (3GPP TS 27.007 section 10.1): defined by the user, filled by the network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from router.lab.modem.errors import Refused

__all__ = ["Context", "Contexts", "Lease"]

TYPES = ("IP", "IPV6", "IPV4V6")


@dataclass(frozen=True)
class Lease:
    """What a network gives to an active context; the APNs it knows (none: any), bit rates in kbit/s."""

    address: str = "10.64.0.10"
    gateway: str = "10.64.0.1"
    mask: str = "255.255.255.0"
    address6: str = "2001:db8:64::a"
    dns: tuple[str, str] = ("10.64.0.53", "10.64.0.54")
    mtu: int = 1430
    apns: tuple[str, ...] = ()
    ambr_down: int = 50000
    ambr_up: int = 10000


@dataclass(frozen=True)
class Context:
    cid: int
    kind: str = "IP"
    apn: str = ""
    active: bool = False

    @property
    def ipv4(self) -> bool:
        return self.kind != "IPV6"

    @property
    def ipv6(self) -> bool:
        return self.kind != "IP"


class Contexts:
    """The table of contexts; `default` is the one that LTE and 5G activate by themselves (TS 23.401 5.3.2)."""

    def __init__(self, lease: Lease, default: Context, greatest: int = 16) -> None:
        self.lease = lease
        self._greatest = greatest
        self.default = default.cid
        self._table = {default.cid: default}

    def all(self) -> list[Context]:
        return [self._table[cid] for cid in sorted(self._table)]

    def get(self, cid: int) -> Context:
        """Raises Refused when it is not defined."""
        if cid not in self._table:
            raise Refused(50)
        return self._table[cid]

    def define(self, cid: int, kind: str | None, apn: str) -> None:
        """+CGDCONT=; with no `kind` the context goes.  Raises Refused."""
        if not 1 <= cid <= self._greatest:
            raise Refused(50)
        if kind is None:
            self._table.pop(cid, None)
        elif kind not in TYPES:
            raise Refused(50)
        else:
            self._table[cid] = Context(cid, kind, apn)

    def activate(self, cid: int, registered: bool) -> None:
        """Raises Refused: no network, or an APN it does not know."""
        context = self.get(cid)
        if not registered:
            raise Refused(30)
        if self.lease.apns and context.apn.lower() not in self.lease.apns:
            raise Refused(33)
        self._table[cid] = replace(context, active=True)

    def deactivate(self, cid: int) -> None:
        self._table[cid] = replace(self.get(cid), active=False)

    def attached(self) -> None:
        """Registered: the default context comes with it, if its APN is known."""
        if self.default in self._table:
            try:
                self.activate(self.default, True)
            except Refused:
                self.deactivate(self.default)

    def detached(self) -> None:
        self._table = {cid: replace(context, active=False) for cid, context in self._table.items()}
