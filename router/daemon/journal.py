"""The log: every event once, floods in a line that counts them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from router.mip.effect import Event

__all__ = ["Journal"]

_BURST = 5
_WINDOW = 10.0


class Journal:
    """Writes events to the `roamd` logger, at most 5 of a kind in 10 s."""

    def __init__(self) -> None:
        self.heard: Callable[[Event], None] | None = None
        """Gets every event that is logged by itself."""
        self.names: Mapping[int, str] = {}
        """Of the uplinks, by BID."""
        self._logger = logging.getLogger("roamd")
        self._seen: dict[str, tuple[float, int]] = {}

    def write(self, event: Event, now: float) -> None:
        """Log `event`, or count it when its kind has had its share of this window."""
        since, count = self._seen.get(event.kind, (now, 0))
        if now - since >= _WINDOW:
            if count > _BURST:
                self._logger.warning("%s: %d more in %.0f s", event.kind, count - _BURST, now - since)
            since, count = now, 0
        self._seen[event.kind] = (since, count + 1)
        if count < _BURST:
            level = logging.WARNING if event.level == "warning" else logging.INFO
            self._logger.log(level, "%s", event.text, extra={"uplink": self.names.get(event.bid)})
            if self.heard is not None:
                self.heard(event)

    def write_all(self, events: Iterable[Event], now: float) -> None:
        for event in events:
            self.write(event, now)
