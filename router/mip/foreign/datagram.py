"""A datagram with what the layers below tell of it."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import NamedTuple

__all__ = ["Datagram", "Source"]

Source = tuple[IPv4Address, int]
"""Address and UDP port."""


class Datagram(NamedTuple):
    data: bytes
    source: Source
    ttl: int
    link: bytes | None
    """The link-layer address it came from."""
    to: IPv4Address | None
    """The IP address it was sent to."""
