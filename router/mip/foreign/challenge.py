"""Challenges: values that only a fresh request can repeat (RFC 4721 sections 2.1 and 3.2)."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random

from router.mip.wire.numbers import ReplyCode

__all__ = ["Challenges"]

_OCTETS = 16
_MOST = 4096


@dataclass(slots=True)
class _Record:
    """What one mobile node was given for itself, and has used."""

    issued: bytes = b""
    """In the last reply, or the last advertisement to it alone."""
    used: tuple[bytes, ...] = ()
    """What would be taken otherwise, and the last of all."""


class Challenges:
    """Those advertised of late, and what each mobile node was given and has used.

    A record is made when a request goes on to its home agent, and never for
    who is merely denied or solicits: he gets what is stored already, and what
    others may still use stays as it is (RFC 4721 section 12).  Without `wanted`
    nobody is given one, and none is asked for.
    """

    def __init__(self, rng: Random, window: int, *, wanted: bool) -> None:
        self._random = rng
        self._wanted = wanted
        self._advertised: deque[bytes] = deque(maxlen=window)
        self._records: OrderedDict[object, _Record] = OrderedDict()

    def advertise(self, to: IPv4Address | None, fresh: bool) -> bytes:
        """The value for an advertisement to one, or to all (None): a new one if nobody has solicited it."""
        if not self._wanted:
            return b""
        if to is not None:
            return self.offer(to)
        if fresh:
            self._advertised.append(self._new())
        return self._latest()

    def offer(self, who: object) -> bytes:
        """A value that `who` has not used, for an answer to one who has proven nothing."""
        if not self._wanted:
            return b""
        record = self._records.get(who)
        if record is None:
            return self._latest()
        for value in (record.issued, *reversed(self._advertised)):
            if value and value not in record.used:
                return value
        record.issued = self._new()
        return record.issued

    def renew(self, who: object, used: bytes) -> bytes:
        """A new value for one whom the home agent accepted, and who goes by the name of `who` from now on.

        `used` is the challenge of its request, empty for none.
        """
        if not self._wanted:
            return b""
        if used:
            self.use(who, used)
        record = self._record(who)
        record.issued = self._new()
        return record.issued

    def verdict(self, who: object, value: bytes) -> ReplyCode | None:
        """Why a request with this challenge (empty: none) is refused, or None."""
        if not self._wanted:
            return None
        record = self._records.get(who)
        if not value:
            return ReplyCode.FA_MISSING_CHALLENGE
        if record is not None and value in record.used:
            return ReplyCode.FA_STALE_CHALLENGE
        if value in self._advertised or (record is not None and value == record.issued):
            return None
        return ReplyCode.FA_UNKNOWN_CHALLENGE

    def use(self, who: object, value: bytes) -> None:
        """A request with this challenge was let through; what was advertised before it is used up for `who`."""
        if not self._wanted:
            return
        record = self._record(who)
        advertised = list(self._advertised)
        before = advertised[: advertised.index(value)] if value in advertised else []
        living = {*advertised, record.issued}
        used = dict.fromkeys(item for item in (*record.used, *before) if item in living and item != value)
        record.used = (*used, value)

    def _latest(self) -> bytes:
        if not self._advertised:
            self._advertised.append(self._new())
        return self._advertised[-1]

    def _record(self, who: object) -> _Record:
        record = self._records.setdefault(who, _Record())
        self._records.move_to_end(who)
        if len(self._records) > _MOST:
            self._records.popitem(last=False)
        return record

    def _new(self) -> bytes:
        return self._random.randbytes(_OCTETS)
