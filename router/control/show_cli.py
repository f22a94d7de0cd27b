"""`roamctl show ...`: how things stand, one noun a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from router.control import field_render, flow_render, modem_render, render
from router.control.output import as_json, put, show
from router.control.session import Session
from router.diagnosis import summary

__all__ = ["add"]

_SIM = ("uplink", "sim", "pin_tries", "iccid", "imsi", "operator", "registration", "roaming")
_CELL = (
    "technology",
    "plmn",
    "tac",
    "cell_id",
    "pci",
    "arfcn",
    "band",
    "duplex",
    "bandwidth_down",
    "bandwidth_up",
)
_LEVELS = ("info", "warning", "error")

Values = dict[str, Any]
Ask = Callable[[argparse.Namespace, Session], Any]
Render = Callable[[Any, Session], str]


def add(commands: Any) -> None:
    """Put `show` and its nouns below `commands`, a parser's sub-commands."""
    parser = commands.add_parser("show", help="what works, what does not, what to try; and every part of it")
    nouns = parser.add_subparsers(metavar="WHAT", required=True)
    for name, text, ask, words in _NOUNS:
        noun = _noun(nouns, name, text)
        noun.set_defaults(action=_shows(ask, words))
        if name in ("modem", "sim", "signal", "cells"):
            noun.add_argument(
                "uplink", nargs="?", metavar="UPLINK", help="not needed where there is but one modem"
            )
        if name == "flows":
            noun.add_argument("--all", action="store_true", help="also those that carry nothing now")
            noun.add_argument("--limit", type=int, default=20, metavar="N", help="default: %(default)s")
    events = _noun(nouns, "events", "what has happened")
    events.add_argument("uplink", nargs="?", metavar="UPLINK", help="of this one alone")
    events.add_argument(
        "--level", choices=_LEVELS, default="info", help="this one or worse (default: %(default)s)"
    )
    events.add_argument("--seconds", type=float, metavar="N", help="not older than this")
    events.add_argument("--limit", type=int, default=20, metavar="N", help="default: %(default)s")
    events.set_defaults(action=_events)


def _noun(nouns: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = nouns.add_parser(name, help=text)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.add_argument("--watch", action="store_true", help="again every second until interrupted")
    return parser


def _shows(ask: Ask, words: Render) -> Callable[[argparse.Namespace, Session], int]:
    def action(arguments: argparse.Namespace, session: Session) -> int:
        return show(arguments, session, lambda: ask(arguments, session), lambda found: words(found, session))

    return action


def _events(arguments: argparse.Namespace, session: Session) -> int:
    """Once, or (`--watch`) new ones as they come."""
    params = {"uplink": arguments.uplink, "level": arguments.level, "seconds": arguments.seconds}
    found = session.ask("events", {**params, "limit": arguments.limit})
    put(arguments, session, found, lambda _: field_render.events(found["events"]))
    while arguments.watch:
        session.pause(1)
        found = session.ask("events", {**params, "after": found["last"], "limit": 100})
        if found["events"]:
            text = as_json(found) if arguments.json else field_render.events(found["events"])
            session.write(text)
    return 0


def _status(part: str | None = None) -> Ask:
    def ask(arguments: argparse.Namespace, session: Session) -> Any:
        status = session.ask("status")
        return status if part is None else status.get(part, [])

    return ask


def _modem(arguments: argparse.Namespace, session: Session) -> Values:
    return dict(session.ask("modem_show", {"uplink": arguments.uplink}))


def _facts(names: tuple[str, ...]) -> Ask:
    def ask(arguments: argparse.Namespace, session: Session) -> Values:
        found = _modem(arguments, session)
        modem = found["modem"] or {"state": "no modem"}
        known = {"uplink": found["uplink"], "state": modem["state"]}
        return {**known, **{name: modem.get(name) for name in names if name != "uplink"}}

    return ask


def _cells(arguments: argparse.Namespace, session: Session) -> Values:
    return {
        **_facts(_CELL)(arguments, session),
        "carriers": (_modem(arguments, session)["modem"] or {}).get("carriers", []),
    }


def _signal(arguments: argparse.Namespace, session: Session) -> Values:
    return dict(session.ask("modem_signal", {"uplink": arguments.uplink}))


def _flows(arguments: argparse.Namespace, session: Session) -> Values:
    return dict(session.ask("flows", {"all": arguments.all, "limit": arguments.limit}))


def _cell_words(found: Values, session: Session) -> str:
    """The serving cell, and the carriers beside it."""
    cell = field_render.values({key: value for key, value in found.items() if key != "carriers"})
    rows = [
        (
            str(item.get("role") or "-"),
            str(item.get("band") or "-"),
            str(item.get("arfcn") or "-"),
            str(item.get("pci") or "-"),
        )
        for item in found["carriers"]
    ]
    return cell + (render.table(("CARRIER", "BAND", "ARFCN", "PCI"), rows) + "\n" if rows else "")


def _modem_words(found: Values, session: Session) -> str:
    return modem_render.show(found)


def _signal_words(found: Values, session: Session) -> str:
    return modem_render.signal(found, (), (session.width, session.height))


_NOUNS: tuple[tuple[str, str, Ask, Render], ...] = (
    ("summary", "one screen: what works, what does not, and the next thing to try",
        lambda _, session: session.ask("summary"), lambda found, session: summary.as_text(found, session.width)),
    ("uplinks", "links, addresses, registrations, rates", _status("uplinks"), lambda found, _: field_render.uplinks(found)),
    ("modem", "all that is known of a modem", _modem, _modem_words),
    ("sim", "card, PIN, who the subscriber is", _facts(_SIM), lambda found, _: field_render.values(found)),
    ("signal", "the signal now", _signal,
        _signal_words),
    ("cells", "serving cell and carriers", _cells, _cell_words),
    ("bindings", "what is registered", _status("bindings"), lambda found, _: render.bindings(found) + "\n"),
    ("tunnels", "tunnels and what they carried", _status("tunnels"), lambda found, _: render.tunnels(found) + "\n"),
    ("flows", "connections, their paths, and why", _flows, lambda found, _: flow_render.flows(found)),
    ("home-agent", "how the home agent answers, by uplink", _status(), lambda found, _: field_render.home_agent(found)),
    ("counters", "what was counted since the start", _status("counters"), lambda found, _: render.counters(found)),
    ("config", "the configuration without its secrets",
        lambda _, session: session.ask("config"), lambda found, _: str(found["text"])),
    ("version", "of daemon, Python and kernel",
        lambda _, session: session.ask("version"), lambda found, _: field_render.values(found)),
)  # fmt: skip
