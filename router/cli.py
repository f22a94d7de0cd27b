"""The `roamd` command."""

from __future__ import annotations

import argparse
import json
import logging
import sys

from router import __version__
from router.config import ConfigErrors

__all__ = ["main"]

_DEFAULT_CONFIG = "/etc/config/roamd"
_USAGE, _FAILED = 2, 1


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status: 0 well, 1 failed, 2 wrong usage or configuration."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.action(arguments))
    except ConfigErrors as error:
        print(error, file=sys.stderr)
        return _USAGE
    except OSError as error:
        print(f"roamd: {error}", file=sys.stderr)
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="roamd", description="Mobile IPv4 mobile node and home agent with several care-of addresses."
    )
    parser.add_argument("--version", action="version", version=f"roamd {__version__}")
    parser.add_argument(
        "--config", default=_DEFAULT_CONFIG, metavar="FILE", help="UCI configuration (default: %(default)s)"
    )
    parser.add_argument("--syslog", action="store_true", help="log to syslog, not to standard error")
    parser.set_defaults(action=_run)
    commands = parser.add_subparsers(metavar="COMMAND")
    run = commands.add_parser("run", help="run the daemon in the foreground (the default)")
    run.set_defaults(action=_run)
    check = commands.add_parser("check", help="check a configuration file and say every error in it")
    check.add_argument("file", nargs="?", help="file to check instead of --config")
    check.set_defaults(action=_check)
    options = commands.add_parser("options", help="print every option: type, default, what is allowed")
    options.add_argument(
        "--format", choices=("markdown", "json", "rules"), default="markdown", help="rules: for validate_data"
    )
    options.set_defaults(action=_options)
    console = commands.add_parser("console", help="the commands of roamctl on a serial line, or here")
    console.add_argument(
        "--tty", metavar="PATH", help="the port of a console section (default: this terminal)"
    )
    console.add_argument("--hash", action="store_true", help="make a password's value for option password")
    console.set_defaults(action=_console)
    demo = commands.add_parser("demo", help="drive a mobile router through a small internet on this machine")
    _add_demo(demo)
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    # The lab is not installed on a router.
    try:
        from router.lab import demo
    except ImportError:
        parser.set_defaults(action=_no_demo)
        return
    demo.add_arguments(parser)
    parser.set_defaults(action=demo.main)


def _no_demo(arguments: argparse.Namespace) -> int:
    print("roamd: this installation comes without the demo (package router.lab)", file=sys.stderr)
    return _FAILED


def _check(arguments: argparse.Namespace) -> int:
    from router.daemon.process import read_config

    filename = arguments.file or arguments.config
    read_config(filename)
    print(f"{filename}: good")
    return 0


def _options(arguments: argparse.Namespace) -> int:
    from router.config.options import as_json, as_markdown, as_rules

    if arguments.format == "json":
        print(json.dumps(as_json(), indent=2))
    else:
        print(as_markdown() if arguments.format == "markdown" else as_rules(), end="")
    return 0


def _console(arguments: argparse.Namespace) -> int:
    try:
        from router.console.process import print_hash, run
    except ImportError as error:
        print(f"roamd: no console here ({error}): install roamd-console", file=sys.stderr)
        return 1
    if arguments.hash:
        return print_hash()
    # On this terminal the log would stand among what it shows.
    _log_to(arguments.syslog or arguments.tty is None)
    return run(arguments.config, arguments.tty)


def _run(arguments: argparse.Namespace) -> int:
    import asyncio

    from router.daemon.process import Process
    from router.plane.plane import PlaneError

    _log_to(arguments.syslog)
    process = Process(arguments.config)
    try:
        asyncio.run(process.run())
    except PlaneError as error:
        print(f"roamd: {error}", file=sys.stderr)
        return _FAILED
    return 0


def _log_to(to_syslog: bool) -> None:
    if to_syslog:
        from router.daemon.syslog import SyslogHandler

        logging.basicConfig(handlers=[SyslogHandler()], format="%(name)s: %(message)s", level="INFO")
    else:
        logging.basicConfig(
            stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO"
        )


if __name__ == "__main__":
    sys.exit(main())
