"""`roamctl flows`, `roamctl explain` and `roamctl policy check`."""

from __future__ import annotations

import argparse
from typing import Any

from router.control import flow_render
from router.control.client import ControlError
from router.control.output import put, show
from router.control.session import Session

__all__ = ["add_flows"]

_MAX_FILE = 50_000
"""Octets of a configuration: it goes in one request."""


def add_flows(commands: Any) -> None:
    """Put the three commands below `commands`, a parser's sub-commands."""
    flows = _command(commands, "flows", _flows, "connections, their paths, and why")
    flows.add_argument("--all", action="store_true", help="also those that carry nothing now")
    flows.add_argument("--limit", type=int, default=40, metavar="N", help="default: %(default)s")
    flows.add_argument("--watch", action="store_true", help="again every second until interrupted")
    explain = _command(commands, "explain", _explain, "why a connection has its path, and no other")
    explain.add_argument(
        "flow", nargs="+", metavar="FLOW", help="from `flows`, or PROTOCOL SOURCE[:PORT] DESTINATION[:PORT]"
    )
    explain.add_argument("--in-device", metavar="DEVICE", help="it comes in by this one")
    explain.add_argument("--mac", metavar="ADDRESS", help="of the host it comes from")
    explain.add_argument("--dscp", metavar="NAME", help="its packets have this one")
    policy = commands.add_parser("policy", help="check: what other policies would do to the flows there are")
    check = _command(policy.add_subparsers(metavar="ACTION", required=True), "check", _check, "a dry run")
    check.add_argument("file", metavar="FILE", help="a whole configuration")


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.set_defaults(action=run)
    return parser


def _flows(arguments: argparse.Namespace, session: Session) -> int:
    asked = {"all": arguments.all, "limit": arguments.limit}
    return show(arguments, session, lambda: session.ask("flows", asked), flow_render.flows)


def _explain(arguments: argparse.Namespace, session: Session) -> int:
    params = {
        "flow": " ".join(arguments.flow), "in_device": arguments.in_device, "mac": arguments.mac,
        "dscp": arguments.dscp,
    }  # fmt: skip
    put(arguments, session, session.ask("explain", params), flow_render.explained)
    return 0


def _check(arguments: argparse.Namespace, session: Session) -> int:
    try:
        with open(arguments.file, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise ControlError(f"{arguments.file}: {error.strerror}") from None
    if len(text) > _MAX_FILE:
        raise ControlError(f"{arguments.file}: more than {_MAX_FILE} octets")
    values = session.ask("policy_check", {"file": arguments.file, "text": text}, 30.0)
    put(arguments, session, values, flow_render.policy_check)
    return 0
