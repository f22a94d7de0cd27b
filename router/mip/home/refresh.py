"""Refreshes, answered from memory.

A refresh differs from the request before it in its identification, in the time
stamp of its Revocation Support extension and in its authenticator, and the
reply likewise.  Everything else was decided the first time and holds as long
as nothing of this mobile node changes.  So a refresh is compared octet by
octet with its predecessor, its time stamp and authenticator are checked, and
the reply of then goes out with today's numbers.  Whatever differs in anything
takes the long way.
"""

from __future__ import annotations

from hmac import compare_digest
from ipaddress import IPv4Address
from typing import NamedTuple

from router.config.model import SecurityAssociation
from router.mip.auth import ALGORITHMS, authenticator
from router.mip.home.binding import Binding, RevocationTerms
from router.mip.home.node import Node
from router.mip.revocation import timestamp
from router.mip.wire.registration import REPLY_SIZE, REQUEST_SIZE

__all__ = ["Refreshes"]

_FIXED = 16
"""Octets of a request before its identification."""
_REPLY_FIXED = 12
_AUTH_HEADER = 6
_STAMP = 4
_MOST_COMMON = 4096


class _Refresh(NamedTuple):
    node: Node
    binding: Binding
    scope: int | None
    address: IPv4Address
    port: int
    size: int
    """Octets of an authenticator."""
    stamped: bool
    """A Revocation Support extension stands right before the authentication, here and in the reply."""
    middle: bytes
    """Request: from behind the identification to the time stamp or the authentication."""
    head: bytes
    """Reply: what precedes its identification."""
    body: bytes
    """Reply: from behind the identification to the time stamp or the authentication."""
    header: bytes
    """Type, length and SPI of the authentication, the same on both ways."""


class Refreshes:
    """Answers by the first sixteen octets of their requests."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Refresh] = {}
        self._common: dict[bytes, bytes] = {}

    def remember(
        self,
        data: bytes,
        reply: bytes,
        node: Node,
        binding: Binding,
        scope: int | None,
        source: tuple[IPv4Address, int],
    ) -> None:
        """`reply` answered `data`, both ending with a Mobile-Home Authentication."""
        security = node.mobile.security
        size = ALGORITHMS[security.algorithm][1]
        stamped = binding.revocation is not None
        tail = _AUTH_HEADER + size + (_STAMP if stamped else 0)
        if len(data) < REQUEST_SIZE + tail or len(reply) < REPLY_SIZE + tail:
            return
        key = data[:_FIXED]
        self._known[key] = _Refresh(
            node, binding, scope, source[0], source[1], size, stamped, self._one(data[REQUEST_SIZE:-tail]),
            reply[:_REPLY_FIXED], self._one(reply[REPLY_SIZE:-tail]), self._one(data[-_AUTH_HEADER - size : -size]),
        )  # fmt: skip
        if key not in node.refreshes:
            node.refreshes = (*node.refreshes, key)

    def _one(self, octets: bytes) -> bytes:
        """The one copy of octets that many mobile nodes have in common."""
        if len(self._common) > _MOST_COMMON:
            self._common.clear()
        return self._common.setdefault(octets, octets)

    def forget(self, node: Node, key: int | None = None) -> None:
        """The terms of one binding of this mobile node changed, or (None) of all: its answers are void."""
        left = []
        for octets in node.refreshes:
            known = self._known.get(octets)
            if known is None or known.node is not node:
                continue
            if key is None or known.binding.key == key:
                del self._known[octets]
            else:
                left.append(octets)
        node.refreshes = tuple(left)

    def answer(
        self, data: bytes, source: tuple[IPv4Address, int], wall: float, monotonic: float
    ) -> bytes | None:
        """The reply when `data` is a valid refresh, and the binding lives on; else None, and nothing changed."""
        known = self._known.get(data[:_FIXED])
        if known is None:
            return None
        node, binding, scope, address, port, size, stamped, middle, head, body, header = known
        # Addresses are compared slowly; mostly it is the same object.
        if port != source[1] or (address is not source[0] and address != source[0]):
            return None
        tail = _AUTH_HEADER + size + (_STAMP if stamped else 0)
        if len(data) != REQUEST_SIZE + len(middle) + tail or data[REQUEST_SIZE:-tail] != middle:
            return None
        security: SecurityAssociation = node.mobile.security
        covered = data[:-size]
        identification = int.from_bytes(data[_FIXED:REQUEST_SIZE], "big")
        guard = node.guard
        if (
            guard.heed_clock(wall, monotonic)
            or not guard.in_tolerance(identification, wall)
            or not guard.is_fresh(identification, scope)
            or binding.expires <= monotonic
            or covered[-_AUTH_HEADER:] != header
            or not compare_digest(authenticator(security, covered), data[-size:])
        ):
            return None
        guard.accept(identification, scope)
        binding.expires = monotonic + binding.granted
        parts = [head, data[_FIXED:REQUEST_SIZE], body]
        if stamped and binding.revocation is not None:
            ours = timestamp(wall)
            theirs = int.from_bytes(data[-tail : _STAMP - tail], "big")
            binding.revocation = RevocationTerms(theirs, ours, binding.revocation.inform)
            parts.append(ours.to_bytes(_STAMP, "big"))
        parts.append(header)
        answer = b"".join(parts)
        return answer + authenticator(security, answer)
