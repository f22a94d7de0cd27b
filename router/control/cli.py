"""The `roamctl` command."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Container, Sequence
from importlib import import_module
from ipaddress import IPv4Address
from typing import Any

from router import __version__
from router.control import render
from router.control.client import ControlError
from router.control.flow_cli import add_flows
from router.control.output import put, show
from router.control.session import LocalSession, Session

__all__ = ["grammar", "main", "run"]

_PATIENCE = 30.0
"""Seconds: a role that starts anew says good-bye first."""
_PARTS = (
    (
        ("test", "ping", "trace", "uplink", "registration", "capture", "support"),
        "field_cli",
        "a technician's commands: install roamd-console",
    ),
    (("show",), "show_cli", "what shows and judges every part: install roamd-console"),
    (("top",), "top_cli", "the live screen: install roamd-console"),
    (("modem",), "modem_cli", "what talks to modems: install roamd-modem"),
)
"""Commands that are not on every router, the module that adds them, and what to say where it is missing."""


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    session = LocalSession()
    try:
        return run(sys.argv[1:] if argv is None else argv, session)
    finally:
        session.close()


def run(words: Sequence[str], session: Session) -> int:
    """Do one command; 0 well, 1 the daemon cannot be asked or says no, 2 wrong usage."""
    try:
        arguments = _parse(words, session)
        if isinstance(arguments, int):
            return arguments
        session.use(arguments)
        return int(arguments.action(arguments, session))
    except ControlError as error:
        session.complain(f"{session.name}: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _parse(words: Sequence[str], session: Session) -> argparse.Namespace | int:
    """What `words` say; an exit status, where help was wanted or the usage is wrong."""
    said, complained = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            return grammar(words, session).parse_args(words)
    except SystemExit as end:
        session.write(said.getvalue())
        session.complain(complained.getvalue())
        return int(end.code or 0)


def grammar(words: Sequence[str], session: Session) -> argparse.ArgumentParser:
    """The commands there are.  `words` are what is asked: some commands load much, and only when they are named."""
    parser = argparse.ArgumentParser(prog=session.name, description="Look into a running roamd.")
    parser.add_argument("--version", action="version", version=f"roamctl {__version__}")
    session.options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    status = commands.add_parser("status", help="role, uplinks, bindings, tunnels, flows")
    status.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    status.add_argument("--watch", action="store_true", help="again every second until interrupted")
    status.set_defaults(action=_status)
    counters = commands.add_parser("counters", help="what was counted since the start")
    counters.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    counters.set_defaults(action=_counters)
    revoke = commands.add_parser("revoke", help="end bindings of a mobile node (RFC 3543)")
    revoke.add_argument("home_address", type=_address, metavar="HOME-ADDRESS")
    revoke.add_argument("--bid", type=int, help="one binding only, by its Binding ID")
    revoke.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    revoke.set_defaults(action=_revoke)
    reload = commands.add_parser("reload", help="read the configuration again, and say what it changed")
    reload.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    reload.set_defaults(action=_reload)
    for asked, module, missing in _PARTS:
        _add(commands, words, asked, module, missing)
    add_flows(commands)
    session.commands(commands)
    if session.shell:
        _add_shells(commands, words)
    return parser


def _add_shells(commands: Any, words: Sequence[str]) -> None:
    """What only makes sense where files and a shell are."""
    simulate = commands.add_parser("simulate", help="compare policies over recorded or made-up links")
    if "simulate" in words:
        _part("simulate_cli", "the simulator: run it on another machine").describe(simulate)
    shell = commands.add_parser("completion", help="print completion code for a shell")
    shell.add_argument("shell", choices=("bash", "zsh"))
    shell.set_defaults(action=_completion)


def _add(commands: Any, words: Sequence[str], asked: Container[str], module: str, missing: str) -> None:
    """Add the commands `asked` where they are installed; who asks one of them elsewhere is told."""
    try:
        _part(module, missing).add(commands)
    except ControlError:
        if any(word in asked for word in words):
            raise


def _part(module: str, missing: str) -> Any:
    """A module that takes long to load, or that not every router has."""
    try:
        return import_module(f"router.control.{module}")
    except ImportError:
        raise ControlError(f"this installation comes without {missing}") from None


def _status(arguments: argparse.Namespace, session: Session) -> int:
    return show(arguments, session, lambda: session.ask("status"), render.status)


def _counters(arguments: argparse.Namespace, session: Session) -> int:
    put(arguments, session, session.ask("status")["counters"], render.counters)
    return 0


def _revoke(arguments: argparse.Namespace, session: Session) -> int:
    params = {"home_address": arguments.home_address, "bid": arguments.bid}
    result = session.ask("revoke", params)
    put(
        arguments,
        session,
        result,
        lambda _: f"{result['revoked']} bindings of {arguments.home_address} revoked\n",
    )
    return 0 if result["revoked"] else 1


def _reload(arguments: argparse.Namespace, session: Session) -> int:
    put(arguments, session, session.ask("reload", timeout=_PATIENCE), render.reloaded)
    return 0


def _address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no IPv4 address such as 10.99.0.2") from None


def _completion(arguments: argparse.Namespace, session: Session) -> int:
    try:
        whole = grammar(("simulate",), session)
    except ControlError:
        whole = grammar((), session)
    part = _part("completion", "completion for a shell: install roamd-console")
    session.write(part.completion(whole, arguments.shell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
