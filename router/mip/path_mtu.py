"""What the path to a care-of address carries, told to the home agent: a vendor's extension (RFC 3115 section 2.2).

Only the mobile node can find it out behind NAT, and what was under way to it in
full packets ends at a black hole unless the other end of the tunnel knows too.
The extension stands before the mobile node's authenticator, and a home agent
that does not know it passes over it.
"""

from __future__ import annotations

from collections.abc import Iterable

from router.mip.wire.extension import Extension
from router.mip.wire.vendor import NormalVendor

__all__ = ["VENDOR", "path_mtu_extension", "path_mtu_in"]

VENDOR = 32473
"""RFC 5612's number for examples: there is none of our own."""
_PATH_MTU = 1
_LEAST = 576


def path_mtu_extension(mtu: int) -> NormalVendor:
    """`mtu` octets of IP, outer header included."""
    return NormalVendor(VENDOR, _PATH_MTU, mtu.to_bytes(2, "big"))


def path_mtu_in(extensions: Iterable[Extension]) -> int | None:
    """What the mobile node said, 576 at least; None: nothing."""
    for item in extensions:
        if isinstance(item, NormalVendor) and (item.vendor, item.vendor_type) == (VENDOR, _PATH_MTU):
            return max(_LEAST, int.from_bytes(item.value, "big")) if len(item.value) == 2 else None
    return None
