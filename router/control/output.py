"""What the commands of `roamctl` have in common: JSON, and showing something again every second."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from router.control.session import Session

__all__ = ["as_json", "put", "show"]


def as_json(values: Any) -> str:
    return json.dumps(values, indent=2) + "\n"


def put(arguments: argparse.Namespace, session: Session, values: Any, render: Callable[[Any], str]) -> None:
    """Show `values` as JSON (`--json`) or as `render` words them."""
    session.write(as_json(values) if arguments.json else render(values))


def show(
    arguments: argparse.Namespace, session: Session, ask: Callable[[], Any], render: Callable[[Any], str]
) -> int:
    """What `ask` answers, once or (`--watch`) until interrupted; the exit status."""
    while arguments.watch:
        values = ask()
        session.redraw(as_json(values) if arguments.json else render(values))
        session.pause(1)
    put(arguments, session, ask(), render)
    return 0
