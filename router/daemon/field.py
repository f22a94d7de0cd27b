"""What a technician asks of a mobile node: methods of the control socket.  ValueError says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

from router.config.model import Uplink
from router.control.server import Method
from router.daemon.capture import MOST, Capture
from router.daemon.mobile_node import MobileNodeRole
from router.daemon.ping import ping, trace
from router.daemon.uplink_test import test_uplink
from router.plane.words import mark_of

__all__ = ["FieldControl"]

Status = dict[str, Any]
_MOST_ECHOES, _SMALLEST, _LARGEST = 20, 28, 65535
_SNAPLEN = 65535


class FieldControl:
    """`status()` is what the roles tell of themselves now."""

    def __init__(self, role: MobileNodeRole, status: Callable[[], Status]) -> None:
        self._role, self._status = role, status
        self._captures: dict[str, Capture] = {}
        self._tested: set[str] = set()

    def methods(self) -> dict[str, Method]:
        return {
            "test_uplink": self._test, "uplink_set": self._set, "registration_renew": self._renew, "ping": self._ping,
            "trace": self._trace, "capture": self._capture,
        }  # fmt: skip

    def close(self) -> None:
        for capture in self._captures.values():
            capture.close()

    async def _test(self, params: Status) -> Status:
        """Try one uplink, step by step: some ten seconds where nothing answers."""
        uplink = self._uplink(params)
        if uplink.name in self._tested:
            raise ValueError(f"uplink {uplink.name} is being tested")
        self._tested.add(uplink.name)
        try:
            throughput = bool(params.get("throughput"))
            return await test_uplink(self._role, uplink, self._status, throughput=throughput)
        finally:
            self._tested.discard(uplink.name)

    def _set(self, params: Status) -> Status:
        """Take an uplink out of use (`down` true) or let it be used again, until the daemon starts anew."""
        uplink, down = self._uplink(params), params.get("down")
        if not isinstance(down, bool):
            raise ValueError("down: expected true or false")
        self._role.hold(uplink.bid, down=down)
        return {"uplink": uplink.name, "down": down}

    def _renew(self, params: Status) -> Status:
        """Register one uplink anew, or all."""
        named = params.get("uplink")
        chosen = [self._uplink(params)] if named is not None else list(self._role.uplinks.values())
        attached = [uplink for uplink in chosen if self._role.direction(uplink.bid) is not None]
        if not attached:
            raise ValueError("no uplink that could register: see `show summary`")
        for uplink in attached:
            self._role.renew(uplink.bid)
        return {"renewed": [uplink.name for uplink in attached]}

    async def _ping(self, params: Status) -> Status:
        ends, device, mark = self._way(params)
        count = _whole(params, "count", 4, 1, _MOST_ECHOES)
        size = _whole(params, "size", 84, _SMALLEST, _LARGEST)
        return {
            "to": str(ends[1]),
            "device": device,
            "echoes": await _tried(ping(ends, device, count, size, mark)),
        }

    async def _trace(self, params: Status) -> Status:
        ends, device, mark = self._way(params)
        return {"to": str(ends[1]), "device": device, "hops": await _tried(trace(ends, device, mark))}

    def _way(self, params: Status) -> tuple[tuple[IPv4Address, IPv4Address], str, int]:
        """Ends, device and mark: from the care-of address, or (`tunnel`) the home address through the tunnel."""
        uplink, role = self._uplink(params), self._role
        to = params.get("to")
        try:
            target = IPv4Address(str(to)) if to is not None else role.machine.session.home_agent
        except ValueError:
            raise ValueError(f"to {to!r}: expected an IPv4 address") from None
        if params.get("tunnel"):
            if uplink.bid not in role.bindings:
                raise ValueError(f"uplink {uplink.name} has no tunnel now")
            mark = mark_of(uplink.bid, role.settings.plane.mark_mask)
            return (role.machine.home_address, target), f"roam{uplink.bid}", mark
        view = role.views.get(uplink.bid)
        if view is None or view.device is None or view.address is None:
            raise ValueError(f"uplink {uplink.name} has no address now")
        return (view.address, target), view.device, 0

    def _capture(self, params: Status) -> Status:
        """Packets since last asked; the first call begins, `end` ends it, and so does not asking.

        `most` are kept from one call to the next, with `headers` their headers alone.
        """
        uplink = self._uplink(params)
        device = f"roam{uplink.bid}" if params.get("tunnel") else self._device(uplink)
        capture = self._captures.get(device)
        if capture is None or capture.ended:
            snaplen = _whole(params, "snaplen", 256, 64, _SNAPLEN)
            most = _whole(params, "most", MOST, 1, MOST)
            only_headers = bool(params.get("headers"))
            try:
                capture = Capture(device, snaplen, most, only_headers=only_headers)
            except OSError as error:
                raise ValueError(f"device {device}: {error.strerror}") from None
            self._captures[device] = capture
        found = capture.fetch()
        if params.get("end"):
            self._captures.pop(device).close()
        return {"uplink": uplink.name, "device": device, **found}

    def _device(self, uplink: Uplink) -> str:
        view = self._role.views.get(uplink.bid)
        if view is None or view.device is None:
            raise ValueError(f"uplink {uplink.name} has no device now")
        return view.device

    def _uplink(self, params: Status) -> Uplink:
        named = {uplink.name: uplink for uplink in self._role.uplinks.values()}
        name = params.get("uplink")
        if name is None and len(named) == 1:
            return next(iter(named.values()))
        if name not in named:
            raise ValueError(f"no uplink {name!r}; known: {', '.join(named) or 'none'}")
        return named[name]


async def _tried(work: Any) -> Any:
    try:
        return await work
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None


def _whole(params: Status, name: str, default: int, least: int, most: int) -> int:
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} {value!r}: expected a whole number, {least}..{most}")
    return value
