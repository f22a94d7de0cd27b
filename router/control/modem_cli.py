"""`roamctl modem ...`: list, show, signal, at, reset, record."""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from typing import Any, BinaryIO

from router.control import modem_render
from router.control.output import put
from router.control.session import Session

__all__ = ["ACTIONS", "add"]

ACTIONS = ("list", "show", "signal", "at", "reset", "record")
_RESETS = ("radio", "reset", "usb_reset", "reopen")
_LEVELS = ("rsrp", "rscp", "rssi")
_HISTORY = 600


def add(commands: Any) -> None:
    """Put `modem` and what belongs to it below `commands`, a parser's sub-commands."""
    parser = commands.add_parser("modem", help="cellular modems: list, show, signal, at, reset, record")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _action(actions, "list", _list, "modems, ports, networks, signals", named=False)
    _action(actions, "show", _show, "all that is known of a modem")
    signal = _action(actions, "signal", _signal, "the signal now")
    signal.add_argument(
        "--watch", action="store_true", help="as a graph, again every second until interrupted"
    )
    at = _action(actions, "at", _at, "send an AT command")
    at.add_argument(
        "words",
        nargs="+",
        metavar=("UPLINK", "COMMAND"),
        help="the command, with or without AT in front; which uplink, where there are several modems",
    )
    at.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="default: %(default)s")
    at.add_argument(
        "--force", action="store_true", help="also a command that does more than ask, without a question"
    )
    reset = _action(actions, "reset", _reset, "restart the modem, its radio, its USB port, or our port to it")
    reset.add_argument("--how", choices=_RESETS, default="reset", help="default: %(default)s")
    record = _action(actions, "record", _record, "record the dialogue without what tells who you are")
    record.add_argument("file", metavar="FILE", help="- for standard output")
    record.add_argument("--seconds", type=float, metavar="N", help="until interrupted by default")


def _action(actions: Any, name: str, run: Any, text: str, *, named: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    if named:
        parser.add_argument("--uplink", metavar="UPLINK", help="which one; not needed where there is but one")
    parser.set_defaults(action=run)
    return parser


def _list(arguments: argparse.Namespace, session: Session) -> int:
    put(arguments, session, session.ask("modem_list"), modem_render.modem_list)
    return 0


def _show(arguments: argparse.Namespace, session: Session) -> int:
    put(arguments, session, session.ask("modem_show", {"uplink": arguments.uplink}), modem_render.show)
    return 0


def _signal(arguments: argparse.Namespace, session: Session) -> int:
    history: deque[float | None] = deque(maxlen=_HISTORY)
    while True:
        values = session.ask("modem_signal", {"uplink": arguments.uplink})
        history.append(next((values[name] for name in _LEVELS if values[name] is not None), None))
        if arguments.json:
            text = json.dumps(values) + "\n"
        else:
            size = (session.width, session.height)
            text = modem_render.signal(values, history if arguments.watch else (), size)
        if not arguments.watch:
            session.write(text)
            return 0
        session.redraw(text)
        session.pause(1)


def _at(arguments: argparse.Namespace, session: Session) -> int:
    *named, command = arguments.words
    if len(named) > 1 or (named and arguments.uplink is not None):
        session.complain(
            f"modem at: expected one uplink and one command, not {' '.join(arguments.words)!r}\n"
        )
        return 2
    params = {
        "uplink": named[0] if named else arguments.uplink, "command": command, "timeout": arguments.timeout,
        "force": arguments.force, "question": session.interactive and not arguments.json,
    }  # fmt: skip
    values = session.ask("modem_at", params, arguments.timeout + 65.0)
    if question := values.get("question"):
        if not session.confirm(question):
            session.complain("nothing was sent\n")
            return 1
        values = session.ask("modem_at", {**params, "force": True}, arguments.timeout + 65.0)
    put(arguments, session, values, modem_render.answer)
    return 0 if values["ok"] else 1


def _reset(arguments: argparse.Namespace, session: Session) -> int:
    values = session.ask("modem_reset", {"uplink": arguments.uplink, "how": arguments.how})
    put(arguments, session, values, lambda _: f"{values['uplink']}: {values['how']}\n")
    return 0


def _record(arguments: argparse.Namespace, session: Session) -> int:
    """Fetch lines until the time is over or the user interrupts; the file is written as they come."""
    params = {"uplink": arguments.uplink}
    count, end = 0, None if arguments.seconds is None else time.monotonic() + arguments.seconds
    with session.save(arguments.file) as file:
        try:
            while end is None or time.monotonic() < end:
                count += _fetch(session, params, file)
                session.pause(0.5)
        except KeyboardInterrupt:
            pass
        count += _fetch(session, {**params, "end": True}, file)
    summary = {"file": arguments.file, "entries": max(0, count - 1)}
    text = json.dumps(summary) if arguments.json else f"{summary['entries']} entries in {arguments.file}"
    # Nothing between the lines of a recording.
    (session.complain if arguments.file == "-" else session.write)(f"{text}\n")
    return 0


def _fetch(session: Session, params: dict[str, Any], file: BinaryIO) -> int:
    lines = session.ask("modem_record", params)["lines"]
    file.writelines(f"{line}\n".encode("ascii") for line in lines)
    file.flush()
    return len(lines)
