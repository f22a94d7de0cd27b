"""The challenges of one foreign agent, as the mobile node that answers them sees them (RFC 4721)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Held"]

_REMEMBERED = 16


@dataclass
class Held:
    """None is answered twice, nor any that was heard before one that was answered (sections 3.2.1 and 4)."""

    value: bytes = b""
    """To be answered next; empty when there is none."""
    wanted: bool = False
    """The agent's advertisements carry challenges."""
    _tried: bytes = b""
    _heard: tuple[bytes, ...] = ()
    """Since the last answer."""
    _spent: tuple[bytes, ...] = ()

    def advertised(self, value: bytes) -> None:
        """An advertisement came; `value` is empty when it carries no challenge."""
        self.wanted = bool(value)
        self.offered(value)

    def offered(self, value: bytes) -> None:
        """A reply or an advertisement carries this one."""
        if value and value not in self._spent:
            self.value = value
            self._heard = (*self._heard, value)[-_REMEMBERED:]

    @property
    def can_be_had(self) -> bool:
        return bool(self.value) or self.wanted

    def is_lacking(self, *, again: bool) -> bool:
        """Whether the next request has to wait for one; with `again` it repeats one that nobody answered."""
        return self.wanted and not self.value and not (again and self._tried)

    def take(self, *, again: bool) -> bytes:
        """What the request that leaves now answers, empty for none; see `is_lacking`."""
        if not self.value:
            return self._tried if again else b""
        self._spent = (*self._spent, *self._heard)[-_REMEMBERED:]
        self._tried, self._heard, self.value = self.value, (), b""
        return self._tried
