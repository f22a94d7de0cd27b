"""`roamctl modem ...`: list, show, signal, at, reset, record."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections import deque
from typing import Any, TextIO

from router.control import modem_render
from router.control.client import ControlError, request
from router.control.output import as_json

__all__ = ["ACTIONS", "describe"]

ACTIONS = ("list", "show", "signal", "at", "reset", "record")
_RESETS = ("radio", "reset", "usb_reset", "reopen")
_LEVELS = ("rsrp", "rscp", "rssi")
_HISTORY = 600


def describe(parser: argparse.ArgumentParser) -> None:
    """Put what belongs to `modem` into its parser."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _action(actions, "list", _list, "modems, ports, networks, signals", named=False)
    _action(actions, "show", _show, "all that is known of a modem")
    signal = _action(actions, "signal", _signal, "the signal now")
    signal.add_argument(
        "--watch", action="store_true", help="as a graph, again every second until interrupted"
    )
    at = _action(actions, "at", _at, "send an AT command")
    at.add_argument("command", metavar="COMMAND", help="with or without AT in front")
    at.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="default: %(default)s")
    at.add_argument("--force", action="store_true", help="also a command that does more than ask")
    reset = _action(actions, "reset", _reset, "restart the modem, its radio, its USB port, or our port to it")
    reset.add_argument("--how", choices=_RESETS, default="reset", help="default: %(default)s")
    record = _action(actions, "record", _record, "record the dialogue without what tells who you are")
    record.add_argument("file", metavar="FILE", help="- for standard output")
    record.add_argument("--seconds", type=float, metavar="N", help="until interrupted by default")


def _action(actions: Any, name: str, run: Any, text: str, *, named: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    if named:
        parser.add_argument("--uplink", metavar="NAME", help="which one; not needed where there is but one")
    parser.set_defaults(action=run)
    return parser


def _list(arguments: argparse.Namespace) -> int:
    rows = request(arguments.socket, "modem_list")
    print(as_json(rows) if arguments.json else modem_render.modem_list(rows), end="")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    values = request(arguments.socket, "modem_show", {"uplink": arguments.uplink})
    print(as_json(values) if arguments.json else modem_render.show(values), end="")
    return 0


def _signal(arguments: argparse.Namespace) -> int:
    history: deque[float | None] = deque(maxlen=_HISTORY)
    while True:
        values = request(arguments.socket, "modem_signal", {"uplink": arguments.uplink})
        history.append(next((values[name] for name in _LEVELS if values[name] is not None), None))
        if arguments.json:
            text = json.dumps(values) + "\n"
        else:
            size = shutil.get_terminal_size((80, 24))
            text = modem_render.signal(values, history if arguments.watch else (), (size.columns, size.lines))
            if arguments.watch and sys.stdout.isatty():
                text = "\x1b[H\x1b[2J" + text
        print(text, end="", flush=True)
        if not arguments.watch:
            return 0
        time.sleep(1)


def _at(arguments: argparse.Namespace) -> int:
    params = {
        "uplink": arguments.uplink, "command": arguments.command, "timeout": arguments.timeout,
        "force": arguments.force,
    }  # fmt: skip
    values = request(arguments.socket, "modem_at", params, arguments.timeout + 65.0)
    print(as_json(values) if arguments.json else modem_render.answer(values), end="")
    return 0 if values["ok"] else 1


def _reset(arguments: argparse.Namespace) -> int:
    values = request(arguments.socket, "modem_reset", {"uplink": arguments.uplink, "how": arguments.how})
    print(as_json(values) if arguments.json else f"{values['uplink']}: {values['how']}\n", end="")
    return 0


def _record(arguments: argparse.Namespace) -> int:
    """Fetch lines until the time is over or the user interrupts; the file is written as they come."""
    params = {"uplink": arguments.uplink}
    try:
        file = _open(arguments.file)
    except OSError as error:
        raise ControlError(f"{arguments.file}: {error.strerror}") from None
    count, end = 0, None if arguments.seconds is None else time.monotonic() + arguments.seconds
    with file:
        try:
            while end is None or time.monotonic() < end:
                count += _fetch(arguments.socket, params, file)
                time.sleep(0.5)
        except KeyboardInterrupt:
            pass
        count += _fetch(arguments.socket, {**params, "end": True}, file)
    summary = {"file": arguments.file, "entries": max(0, count - 1)}
    text = json.dumps(summary) if arguments.json else f"{summary['entries']} entries in {arguments.file}"
    print(text, file=sys.stderr if arguments.file == "-" else sys.stdout)
    return 0


def _open(name: str) -> TextIO:
    """Never over a file that is there."""
    return os.fdopen(os.dup(1), "w") if name == "-" else open(name, "x", encoding="ascii")


def _fetch(socket: str, params: dict[str, Any], file: TextIO) -> int:
    lines = request(socket, "modem_record", params)["lines"]
    file.writelines(f"{line}\n" for line in lines)
    file.flush()
    return len(lines)
