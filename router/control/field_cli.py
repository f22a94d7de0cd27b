"""`roamctl test`, `ping`, `trace`, `uplink`, `registration`, `capture` and `support`: what a technician does."""

from __future__ import annotations

import argparse
import base64
import json
import time
from ipaddress import IPv4Address
from typing import Any, BinaryIO

from router.control import field_render, pcap
from router.control.output import put
from router.control.session import Session
from router.diagnosis import steps

__all__ = ["add"]

_TEST, _PING, _TRACE = 60.0, 30.0, 45.0
"""Seconds a daemon may take."""
_LONGEST = 60


def add(commands: Any) -> None:
    """Put these commands below `commands`, a parser's sub-commands."""
    test = commands.add_parser("test", help="uplink: a guided check, step by step")
    uplink = _command(
        test.add_subparsers(metavar="WHAT", required=True), "uplink", _test, "from the plug to the tunnel"
    )
    _named(uplink)
    uplink.add_argument(
        "--throughput", action="store_true", help="also how much comes through; costs 100 kB each way"
    )
    ping = _command(commands, "ping", _ping, "echoes through one uplink")
    _way(ping)
    ping.add_argument("--count", type=int, default=4, metavar="N", help="1..20 (default: %(default)s)")
    ping.add_argument(
        "--size", type=int, default=84, metavar="OCTETS", help="with the IP header (default: %(default)s)"
    )
    _way(_command(commands, "trace", _trace, "the hops of one uplink"))
    uplinks = commands.add_parser("uplink", help="up or down: use an uplink, or leave it alone")
    actions = uplinks.add_subparsers(metavar="ACTION", required=True)
    for word, text in (("up", "use it again"), ("down", "leave it alone until `up` or a restart")):
        action = _command(actions, word, _set, text)
        action.set_defaults(down=word == "down")
        _named(action)
    registration = commands.add_parser("registration", help="renew: ask the home agent again, now")
    renew = _command(
        registration.add_subparsers(metavar="ACTION", required=True),
        "renew",
        _renew,
        "of one uplink, or of all",
    )
    renew.add_argument("uplink", nargs="?", metavar="UPLINK")
    capture = _command(commands, "capture", _capture, "packets of one uplink into a pcap file")
    _named(capture)
    capture.add_argument(
        "file", nargs="?", metavar="FILE", help="UPLINK.pcap by default; - for standard output"
    )
    capture.add_argument("--tunnel", action="store_true", help="inside its tunnel")
    capture.add_argument("--seconds", type=float, metavar="N", help="until interrupted by default")
    capture.add_argument("--count", type=int, metavar="N", help="so many packets at most")
    capture.add_argument(
        "--snaplen", type=int, default=256, metavar="OCTETS", help="of each (default: %(default)s)"
    )
    support = _command(
        commands, "support", _support, "all a back office needs in one archive, without secrets"
    )
    support.add_argument("file", nargs="?", metavar="FILE", help="default: roamd-support-DATE-TIME.tar.gz")
    support.add_argument(
        "--seconds", type=_seconds, metavar="N", help="of captured headers, 0..60 (default: 5; 0: none)"
    )


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.set_defaults(action=run)
    return parser


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("uplink", metavar="UPLINK", help="its name")


def _way(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("to", nargs="?", type=_address, metavar="ADDRESS", help="the home agent by default")
    parser.add_argument("--tunnel", action="store_true", help="inside its tunnel")


def _address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no IPv4 address such as 198.51.100.2") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds, 0..{_LONGEST}")
    return seconds


def _test(arguments: argparse.Namespace, session: Session) -> int:
    session.progress(f"testing uplink {arguments.uplink} ...")
    try:
        found = session.ask(
            "test_uplink", {"uplink": arguments.uplink, "throughput": arguments.throughput}, _TEST
        )
    finally:
        session.progress("")
    put(arguments, session, found, lambda _: steps.as_text(found["uplink"], found["steps"], session.width))
    return 0 if found["carries"] else 1


def _ping(arguments: argparse.Namespace, session: Session) -> int:
    params = {**_way_of(arguments), "count": arguments.count, "size": arguments.size}
    found = session.ask("ping", params, _PING)
    put(arguments, session, found, field_render.echoes)
    return 0 if any(row["what"] == "reply" for row in found["echoes"]) else 1


def _trace(arguments: argparse.Namespace, session: Session) -> int:
    found = session.ask("trace", _way_of(arguments), _TRACE)
    put(arguments, session, found, field_render.hops)
    return 0 if any(row["what"] == "reply" for row in found["hops"]) else 1


def _way_of(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"uplink": arguments.uplink, "to": arguments.to, "tunnel": arguments.tunnel}


def _set(arguments: argparse.Namespace, session: Session) -> int:
    found = session.ask("uplink_set", {"uplink": arguments.uplink, "down": arguments.down})
    put(
        arguments,
        session,
        found,
        lambda _: f"{found['uplink']}: {'held down' if found['down'] else 'used'}\n",
    )
    return 0


def _renew(arguments: argparse.Namespace, session: Session) -> int:
    found = session.ask("registration_renew", {"uplink": arguments.uplink})
    put(arguments, session, found, lambda _: f"asked again: {', '.join(found['renewed'])}\n")
    return 0


def _capture(arguments: argparse.Namespace, session: Session) -> int:
    """Fetch packets until the time is over, there are enough, or the user interrupts."""
    name = arguments.file or f"{arguments.uplink}.pcap"
    params = {"uplink": arguments.uplink, "tunnel": arguments.tunnel, "snaplen": arguments.snaplen}
    found = session.ask("capture", params)
    end = None if arguments.seconds is None else time.monotonic() + arguments.seconds
    count, lost = 0, found["lost"]
    with session.save(name) as file:
        file.write(pcap.head(found["linktype"], arguments.snaplen))
        count += _write(arguments, file, found, count)
        try:
            while (end is None or time.monotonic() < end) and not _enough(arguments, count):
                session.pause(0.5)
                found = session.ask("capture", params)
                count, lost = count + _write(arguments, file, found, count), lost + found["lost"]
        except KeyboardInterrupt:
            pass
        found = session.ask("capture", {**params, "end": True})
        count += _write(arguments, file, found, count)
    values = {"file": name, "packets": count, "lost": lost}
    text = (
        json.dumps(values)
        if arguments.json
        else f"{count} packets in {name}" + (f", {lost} lost" if lost else "")
    )
    # Nothing between the packets.
    (session.complain if name == "-" else session.write)(f"{text}\n")
    return 0


def _enough(arguments: argparse.Namespace, count: int) -> bool:
    return arguments.count is not None and count >= arguments.count


def _write(arguments: argparse.Namespace, file: BinaryIO, found: dict[str, Any], count: int) -> int:
    """How many packets of `found` were written."""
    packets = found["packets"]
    if arguments.count is not None:
        packets = packets[: max(0, arguments.count - count)]
    for at, length, data in packets:
        file.write(pcap.record(at, length, base64.b64decode(data)))
    file.flush()
    return len(packets)


def _support(arguments: argparse.Namespace, session: Session) -> int:
    # It brings along what no other command needs.
    from router.control.support import SECONDS, gather, name_of, write

    name = arguments.file or name_of(time.localtime())
    seconds = SECONDS if arguments.seconds is None else arguments.seconds
    files = gather(session.ask, seconds, session.pause, session.progress)
    # Now only: who interrupts leaves no half of it behind.
    with session.save(name) as file:
        write(files, file)
    values = {"file": name, "holds": list(files)}
    # Nothing behind the archive.
    put(arguments, session, values, lambda _: f"{name}: {', '.join(files)}\n", aside=name == "-")
    return 0
