"""What the commands of `roamctl` have in common: JSON, and showing something again every second."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from typing import Any

from router.control.session import Session

__all__ = ["as_json", "put", "show"]

_PADDING = re.compile(r"(?<=\S) {3,}")


def as_json(values: Any) -> str:
    return json.dumps(values, indent=2) + "\n"


def put(
    arguments: argparse.Namespace,
    session: Session,
    values: Any,
    render: Callable[[Any], str],
    *,
    aside: bool = False,
) -> None:
    """Show `values` as JSON (`--json`) or as `render` words them; `aside`, where the output is a file's."""
    (session.complain if aside else session.write)(_text(arguments, session, values, render))


def show(
    arguments: argparse.Namespace, session: Session, ask: Callable[[], Any], render: Callable[[Any], str]
) -> int:
    """What `ask` answers, once or (`--watch`) until interrupted; the exit status."""
    while arguments.watch:
        session.redraw(_text(arguments, session, ask(), render))
        session.pause(1)
    put(arguments, session, ask(), render)
    return 0


def _text(arguments: argparse.Namespace, session: Session, values: Any, render: Callable[[Any], str]) -> str:
    if arguments.json:
        return json.dumps(values, separators=(",", ":")) + "\n" if session.compact else as_json(values)
    return _narrow(render(values)) if session.compact else render(values)


def _narrow(text: str) -> str:
    """Without what a slow line carries for nothing: padding between columns, and blank lines."""
    lines = [_PADDING.sub("  ", line.rstrip()) for line in text.splitlines()]
    return "\n".join(line for line in lines if line) + "\n"
