"""The `roamctl` command."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from ipaddress import IPv4Address

from router import __version__
from router.control import render
from router.control.client import ControlError
from router.control.flow_cli import add_flows
from router.control.modem_cli import add_modem
from router.control.output import put, show
from router.control.session import LocalSession, Session

__all__ = ["grammar", "main", "run"]

_PATIENCE = 30.0
"""Seconds: a role that starts anew says good-bye first."""

_BASH = """\
_roamctl() {
    local cur=${COMP_WORDS[COMP_CWORD]}
    case ${COMP_WORDS[COMP_CWORD-1]} in
        --socket) COMPREPLY=($(compgen -f -- "$cur")); return;;
        completion) COMPREPLY=($(compgen -W "bash zsh" -- "$cur")); return;;
        modem) COMPREPLY=($(compgen -W "list show signal at reset record" -- "$cur")); return;;
        --how) COMPREPLY=($(compgen -W "radio reset usb_reset reopen" -- "$cur")); return;;
        record|check|--plot|--replay) COMPREPLY=($(compgen -f -- "$cur")); return;;
        policy) COMPREPLY=($(compgen -W "check" -- "$cur")); return;;
        explain) COMPREPLY=($(compgen -W "$(roamctl flows 2>/dev/null | awk '/^[0-9a-f]{6} /{print $1}') tcp udp icmp" -- \
"$cur")); return;;
        --policy) COMPREPLY=($(compgen -W "primary hash static estimate load moves ideal" -- "$cur")); return;;
        --estimates) COMPREPLY=($(compgen -W "perfect noisy stale radio" -- "$cur")); return;;
        --workload) COMPREPLY=($(compgen -W "web small heavy even video" -- "$cur")); return;;
        --load|--seed) return;;
    esac
    case " ${COMP_WORDS[*]} " in
        *" simulate "*)
            COMPREPLY=($(compgen -f -- "$cur") $(compgen -W "--policy --estimates --workload --load --seconds --seed \
--plot --replay --json --help" -- "$cur"))
            return;;
    esac
    COMPREPLY=($(compgen -W "status flows explain policy counters revoke reload modem simulate completion --all --limit --in-device --mac --dscp --socket --json --watch --bid --uplink --how \
--force --timeout --seconds --help --version" -- "$cur"))
}
complete -F _roamctl roamctl
"""
_ZSH = """\
#compdef roamctl
_arguments '--socket[control socket]:path:_files' '--json[print JSON]' '--version[print the version]' \\
    '1:command:((status\\:"uplinks, bindings, tunnels, flows" flows\\:"connections, their paths, and why" explain\\:"why a connection has its path" \\
policy\\:"check\\: what other policies would do" counters\\:"what was counted" revoke\\:"end bindings of a mobile node" \\
reload\\:"read the configuration again" modem\\:"list, show, signal, at, reset, record" simulate\\:"compare policies over links" completion\\:"print shell completion"))' '*:argument:(--json --watch --bid bash zsh list show signal at reset record --uplink --how --force)'
"""


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    return run(sys.argv[1:] if argv is None else argv, LocalSession())


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
    add_flows(commands)
    add_modem(commands)
    simulate = commands.add_parser("simulate", help="compare policies over recorded or made-up links")
    if "simulate" in words:
        _describe(simulate)
    completion = commands.add_parser("completion", help="print completion code for a shell")
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(action=_completion)
    return parser


def _describe(simulate: argparse.ArgumentParser) -> None:
    # It brings along what takes long to load, and is not installed on a router.
    try:
        from router.control.simulate_cli import describe
    except ImportError:
        raise ControlError(
            "this installation comes without the simulator: run it on another machine"
        ) from None
    describe(simulate)


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
    session.write(_BASH if arguments.shell == "bash" else _ZSH)
    return 0


if __name__ == "__main__":
    sys.exit(main())
