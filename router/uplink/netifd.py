"""Which network device each interface of netifd has.  Pure: statuses in, names out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["devices"]

_MAX_DEVICE = 15


def devices(known: Mapping[str, str], found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """`known` with what statuses of `network.interface` tell: interface to l3_device.

    An interface that is down names none: it keeps the one it had, and netlink says what became of that.
    """
    result = dict(known)
    for status in found:
        name, device = status.get("interface"), status.get("l3_device")
        if isinstance(name, str) and isinstance(device, str) and 0 < len(device) <= _MAX_DEVICE:
            result[name] = device
    return result
