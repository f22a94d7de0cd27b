"""What the commands of `roamctl` have in common: JSON, and showing something again every second."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["as_json", "show"]


def as_json(values: Any) -> str:
    return json.dumps(values, indent=2) + "\n"


def show(arguments: argparse.Namespace, ask: Callable[[], Any], render: Callable[[Any], str]) -> int:
    """What `ask` answers, once or (`--watch`) until interrupted; the exit status."""
    while True:
        values = ask()
        text = as_json(values) if arguments.json else render(values)
        if arguments.watch and sys.stdout.isatty():
            text = "\x1b[H\x1b[2J" + text
        print(text, end="", flush=True)
        if not arguments.watch:
            return 0
        time.sleep(1)
