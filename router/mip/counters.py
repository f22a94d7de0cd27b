"""What a state machine counts, and the line of the log that goes with what it drops."""

from __future__ import annotations

from ipaddress import IPv4Address

from router.mip.effect import Effect, Event

__all__ = ["Counters"]


class Counters(dict[str, int]):
    """By name; a name appears with its first count."""

    def count(self, name: str) -> None:
        self[name] = self.get(name, 0) + 1

    def warn(self, name: str, text: str) -> Event:
        """Count it, and say what happened."""
        self.count(name)
        return Event("warning", name, text)

    def drop(self, reason: str, detail: str, source: tuple[IPv4Address, int] | None = None) -> list[Effect]:
        """All that becomes of a message which is not answered; `reason` is a counter's name after `dropped_`."""
        whence = f" from {source[0]}:{source[1]}" if source is not None else ""
        text = f"dropped a message{whence}: {reason.replace('_', ' ')} ({detail})"
        return [self.warn(f"dropped_{reason}", text)]
