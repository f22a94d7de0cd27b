"""Events of how an uplink, its modem and its data session stand."""

from __future__ import annotations

from collections.abc import Callable

from router.mip.effect import Event
from router.uplink.model import UplinkView

__all__ = ["UplinkNews"]

_SETTLED = ("up", "failed", "off")
"""Beginnings of how a data session stands: what is on the way to one comes again with every attempt."""


class UplinkNews:
    """Tells what differs from what was told last."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._said: dict[int, dict[str, str]] = {}
        """By BID."""

    def look(self, view: UplinkView) -> None:
        level = "info" if view.usable else "warning"
        self._say(view, level, "uplink", "", view.state.value)
        if view.modem is not None:
            self._say(view, "info", "modem", "modem ", view.modem.state)
            session = view.modem.session or ""
            if session.startswith(_SETTLED):
                self._say(view, "info", "modem", "modem session ", session)

    def forget(self, bid: int) -> None:
        self._said.pop(bid, None)

    def _say(self, view: UplinkView, level: str, kind: str, what: str, word: str) -> None:
        said = self._said.setdefault(view.bid, {})
        if said.get(what) != word:
            said[what] = word
            self._tell(Event(level, kind, f"uplink {view.name}: {what}{word}", view.bid))
