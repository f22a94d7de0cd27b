"""Challenges: values that only a fresh request can repeat (RFC 4721 section 3.2)."""

from __future__ import annotations

from collections import OrderedDict, deque
from random import Random

from router.mip.wire.numbers import ReplyCode

__all__ = ["WINDOW", "Challenges"]

WINDOW = 2
"""CHALLENGE_WINDOW (RFC 4721 section 9)."""
_OCTETS = 16
_MOST = 4096


class Challenges:
    """Those advertised of late, and what each mobile node was offered and has used.

    Nothing is stored for who has not proven itself: an unauthenticated denial
    repeats an advertised challenge (RFC 4721 section 12).
    """

    def __init__(self, rng: Random) -> None:
        self._random = rng
        self._advertised: deque[bytes] = deque(maxlen=WINDOW)
        self._offered: OrderedDict[object, bytes] = OrderedDict()
        self._used: OrderedDict[object, bytes] = OrderedDict()

    def advertise(self) -> bytes:
        """A new value for the next advertisement."""
        value = self._random.randbytes(_OCTETS)
        self._advertised.append(value)
        return value

    def offer(self, who: object, *, proven: bool) -> bytes:
        """A value that `who` has not used, for a reply."""
        if not proven:
            unused = [value for value in self._advertised if value != self._used.get(who)]
            return unused[-1] if unused else self.advertise()
        value = self._random.randbytes(_OCTETS)
        _keep(self._offered, who, value)
        return value

    def verdict(self, who: object, value: bytes | None, *, repeated: bool = False) -> ReplyCode | None:
        """Why a request with this challenge is refused, or None; `repeated`: it waits for its answer already."""
        if value is None:
            return ReplyCode.FA_MISSING_CHALLENGE
        if value == self._used.get(who) and not repeated:
            return ReplyCode.FA_STALE_CHALLENGE
        if value in self._advertised or value == self._offered.get(who) or repeated:
            return None
        return ReplyCode.FA_UNKNOWN_CHALLENGE

    def use(self, who: object, value: bytes) -> None:
        """A request with this challenge was let through; what was advertised before it is used up for `who`."""
        _keep(self._used, who, value)


def _keep(table: OrderedDict[object, bytes], who: object, value: bytes) -> None:
    table[who] = value
    table.move_to_end(who)
    if len(table) > _MOST:
        table.popitem(last=False)
