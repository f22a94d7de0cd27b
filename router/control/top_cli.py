"""`roamctl top`: asks each second, hands keys to the screen, shows what it draws."""

from __future__ import annotations

import argparse
import time
from typing import Any

from router.control.client import ControlError
from router.control.session import Session
from router.control.top_screen import TopScreen

__all__ = ["add"]

_EVERY = 1.0
_ASKED = 200


def add(commands: Any) -> None:
    """Put `top` below `commands`, a parser's sub-commands."""
    parser = commands.add_parser("top", help="a live screen: rates, signals, flows, events; q quits")
    parser.set_defaults(action=_top)


def _top(arguments: argparse.Namespace, session: Session) -> int:
    if not session.interactive:
        raise ControlError("top: a terminal is wanted; elsewhere use status --watch")
    screen = TopScreen()
    due = time.monotonic()
    while not screen.over:
        now = time.monotonic()
        if now >= due:
            due = now + _EVERY
            if not screen.paused:
                _look(screen, session, now)
        session.redraw(screen.draw(session.width, session.height))
        screen.key(session.key(max(0.0, due - time.monotonic())))
    return 0


def _look(screen: TopScreen, session: Session, now: float) -> None:
    events = session.ask("events", {"limit": 4})["events"]
    for event in events:
        event["clock"] = time.strftime("%H:%M:%S", time.localtime(event["wall"]))
    screen.take(session.ask("status"), session.ask("flows", {"all": False, "limit": _ASKED}), events, now)
