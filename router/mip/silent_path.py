"""Which paths carry nothing, told to the home agent: a vendor's extension (RFC 3115 section 2.2).

Packets to a mobile node that waits for them end in a black hole until the
other end of the tunnel knows of it; and only the mobile node asks its paths.
The extension goes with a registration by a path that lives, before the mobile
node's authenticator.  A home agent that does not know it passes over it.
"""

from __future__ import annotations

from collections.abc import Iterable

from router.mip.path_mtu import VENDOR
from router.mip.wire.extension import Extension
from router.mip.wire.vendor import NormalVendor

__all__ = ["silent_paths_extension", "silent_paths_in"]

_SILENT_PATHS = 2


def silent_paths_extension(bids: Iterable[int]) -> NormalVendor:
    """Every Binding ID whose path is silent now, an octet each; what is not named carries."""
    return NormalVendor(VENDOR, _SILENT_PATHS, bytes(sorted(bids)))


def silent_paths_in(extensions: Iterable[Extension]) -> frozenset[int]:
    """The Binding IDs named; without the extension no path is silent."""
    for item in extensions:
        if isinstance(item, NormalVendor) and (item.vendor, item.vendor_type) == (VENDOR, _SILENT_PATHS):
            return frozenset(item.value)
    return frozenset()
