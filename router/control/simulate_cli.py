"""`roamctl simulate`: policies against link traces, without a daemon."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from router.control.client import ControlError
from router.control.render import table
from router.control.replay_cli import show_replay
from router.control.session import Session
from router.sim.compare import SETTING, Row, Setting, compare, synthetic
from router.sim.csv_trace import TraceError, read_traces
from router.sim.estimates import KINDS
from router.sim.policies import IDEAL, POLICIES
from router.sim.trace import LinkTrace
from router.sim.workload import WORKLOADS

__all__ = ["describe"]

_HEAD = ("POLICY", "MEAN s", "P50 s", "P95 s", "P99 s", "/ IDEAL", "USED", "MOVES", "BAD", "OUTAGE s", "OPEN")
_LEGEND = """\
MEAN, P50, P95, P99: completion time of flows. / IDEAL: mean by that of one link that carries what all do. USED: of what
the links could carry. BAD: moves after which loads differ more than before. OUTAGE: time in which some flow got
nothing. OPEN: flows that never ended."""


def describe(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments and its action."""
    parser.description = (
        "Compare what decides on which link a flow goes, over link traces (CSV) or drifting links of"
        " 40, 15 and 5 Mbit/s. No daemon is asked."
    )
    parser.epilog = (
        "Columns of a trace: time (s), link, down (kbit/s), and if known up (kbit/s), delay (ms, one way),"
        " loss (0..1) and radio values: technology, band, duplex, bandwidth_down, bandwidth_up, rsrp, rsrq, sinr, cqi,"
        " layers. Empty: as before. "
        + "; ".join(f"policy {name}: {policy.what}" for name, policy in POLICIES.items())
        + f"; policy {IDEAL}: one link that carries what all do, always shown."
    )
    parser.add_argument("trace", nargs="*", metavar="TRACE", help="CSV file; several are one set of links")
    parser.add_argument(
        "--policy", action="append", choices=(*POLICIES, IDEAL), help="only this one; may be repeated"
    )
    parser.add_argument(
        "--estimates",
        choices=tuple(KINDS),
        default=SETTING.estimates,
        help="; ".join(f"{name}: {what}" for name, what in KINDS.items()) + " (default: %(default)s)",
    )
    parser.add_argument(
        "--workload",
        choices=tuple(WORKLOADS),
        default=SETTING.workload,
        help="sizes of flows: "
        + "; ".join(f"{name}: {one.what}" for name, one in WORKLOADS.items())
        + " (default: %(default)s)",
    )
    parser.add_argument(
        "--load",
        type=_between(0.01, 2.0),
        default=SETTING.load,
        metavar="PART",
        help="of what the links carry on average (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds",
        type=_between(1, 1e6),
        metavar="N",
        help=f"while flows come (default: the traces' length, {SETTING.seconds:g} without a trace)",
    )
    parser.add_argument(
        "--seed", type=int, default=SETTING.seed, metavar="N", help="of all chance (default: %(default)s)"
    )
    parser.add_argument(
        "--plot", metavar="FILE", help="also draw links and completion times: .png, .svg, .pdf"
    )
    parser.add_argument(
        "--replay",
        metavar="FILE",
        help="instead: decide anew what a daemon recorded (option record), and say what comes out otherwise",
    )
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.set_defaults(action=_simulate)


def _simulate(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.replay is not None:
        return show_replay(arguments.replay, session, as_json=getattr(arguments, "json", False))
    draw = _drawing(arguments.plot) if arguments.plot else None
    links = _links(arguments)
    setting = Setting(
        arguments.seconds or (max(link.times[-1] for link in links) if arguments.trace else SETTING.seconds),
        arguments.load,
        arguments.workload,
        arguments.estimates,
        arguments.seed,
    )
    if setting.seconds <= 0:
        raise ControlError("the traces have but one moment: say with --seconds how long it lasts")
    if not any(link.mean(setting.seconds) for link in links):
        raise ControlError(
            "no link of the traces ever carries anything: column down is 0 or empty throughout"
        )
    names = [name for name in arguments.policy or POLICIES if name != IDEAL]
    rows = compare(links, setting, names, _Progress(session, len(names) + 1))
    session.write(_json(links, setting, rows) if arguments.json else _text(links, setting, rows))
    if draw is not None:
        try:
            draw(arguments.plot, links, setting, rows)
        except (OSError, ValueError) as error:
            raise ControlError(f"{arguments.plot}: {error}") from None
    return 0


def _links(arguments: argparse.Namespace) -> list[LinkTrace]:
    if not arguments.trace:
        return synthetic(arguments.seconds or SETTING.seconds, arguments.seed)
    result: list[LinkTrace] = []
    for name in arguments.trace:
        try:
            with open(name, encoding="utf-8") as file:
                found = read_traces(file, name)
        except OSError as error:
            raise ControlError(f"{name}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ControlError(f"{name}: no text; expected CSV in UTF-8") from None
        except TraceError as error:
            raise ControlError(str(error)) from None
        twice = {link.name for link in found} & {link.name for link in result}
        if twice:
            raise ControlError(
                f"{name}: link {min(twice)} is in another trace too; expected each in one file"
            )
        result += found
    return result


def _drawing(name: str) -> Any:
    """What draws; asked for before the work begins, since it may be missing."""
    if not name.lower().endswith((".png", ".svg", ".pdf")):
        raise ControlError(f"{name}: expected a file name that ends in .png, .svg or .pdf")
    try:
        from router.control.simulate_plot import draw
    except ImportError as error:
        raise ControlError(
            f"--plot needs matplotlib ({error}): install it with pip install 'roamd[plot]'"
        ) from None
    return draw


class _Progress:
    """A line on the terminal, taken away at the end."""

    def __init__(self, session: Session, steps: int) -> None:
        self._session, self._steps, self._step = session, steps, 0

    def __call__(self, policy: str) -> None:
        self._step += bool(policy)
        self._session.progress(f"simulating {policy} ({self._step} of {self._steps})" if policy else "")


def _text(links: Sequence[LinkTrace], setting: Setting, rows: Sequence[Row]) -> str:
    shown = [
        f"{link.name} {link.mean(setting.seconds) / 1000:.1f}"
        + (f" ({link.holes} holes)" if link.holes else "")
        for link in links
    ]
    head = (
        f"Links, mean Mbit/s: {', '.join(shown)}\n"
        f"{rows[-1].flows} flows ({WORKLOADS[setting.workload].what}) in {setting.seconds:g} s,"
        f" load {setting.load:g}, estimates {setting.estimates}, seed {setting.seed}\n"
    )
    return f"{head}\n{table(_HEAD, (_cells(row) for row in rows))}\n\n{_LEGEND}\n"


def _cells(row: Row) -> tuple[str, ...]:
    times = (f"{value:.3f}" for value in (row.mean, row.median, row.p95, row.p99))
    return (
        row.policy,
        *times,
        f"{row.relative:.2f}",
        f"{100 * row.utilisation:.0f}%",
        str(row.moves),
        str(row.unhelpful),
        f"{row.outage:.1f}",
        str(row.unfinished),
    )


def _json(links: Sequence[LinkTrace], setting: Setting, rows: Sequence[Row]) -> str:
    described = [
        {"name": link.name, "mean_kbps": round(link.mean(setting.seconds), 1), "holes": link.holes}
        for link in links
    ]
    results = [{key: value for key, value in asdict(row).items() if key != "completion"} for row in rows]
    return json.dumps({"setting": asdict(setting), "links": described, "policies": results}, indent=2) + "\n"


def _between(least: float, most: float) -> Any:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r}; expected a number, {least:g}..{most:g}")
        return value

    return read
