"""The picture of a simulation: what the links could carry, and how long flows took."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

from router.sim.compare import Row, Setting
from router.sim.policies import IDEAL
from router.sim.trace import LinkTrace

__all__ = ["draw"]

_COLOURS = ("#D55E00", "#CC79A7", "#E69F00", "#56B4E9", "#009E73", "#0072B2")
"""Okabe and Ito's set, which colour-blind people can tell apart."""
_DASHES = ("-", (0, (5, 1)), (0, (1, 1)), "-.", (0, (3, 1, 1, 1, 1, 1)), "--")
"""So can printers, by these."""
_LINKS = ("#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#CC79A7")


def draw(filename: str, links: Sequence[LinkTrace], setting: Setting, rows: Sequence[Row]) -> None:
    """Write the picture; its kind by the name's ending.  Raises OSError, ValueError."""
    figure, (above, below) = pyplot.subplots(
        2, 1, figsize=(10, 7.5), height_ratios=(2, 3), layout="constrained"
    )
    try:
        _draw_links(above, links, setting)
        _draw_times(below, rows)
        figure.suptitle(
            f"{rows[-1].flows} flows, load {setting.load:g}, estimates {setting.estimates}, seed {setting.seed}"
        )
        figure.savefig(filename, dpi=150)
    finally:
        pyplot.close(figure)


def _draw_links(axes: Axes, links: Sequence[LinkTrace], setting: Setting) -> None:
    """Stacked, so that the upper edge is what the bond could carry."""
    times = sorted({min(time, setting.seconds) for link in links for time in (*link.times, setting.seconds)})
    rates = [[link.at(time).goodput / 1000 for time in times] for link in links]
    colours = [_LINKS[index % len(_LINKS)] for index in range(len(links))]
    areas = axes.stackplot(
        times, rates, labels=[link.name for link in links], colors=colours, step="post", linewidth=0
    )
    axes.set(
        xlabel="time (s)", ylabel="capacity, stacked (Mbit/s)", xlim=(0, setting.seconds), ylim=(0, None)
    )
    # As in the stack: the last is on top.
    axes.legend(handles=areas[::-1], title="link", loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    _tidy(axes)


def _draw_times(axes: Axes, rows: Sequence[Row]) -> None:
    for index, row in enumerate(rows):
        if not row.completion:
            continue
        ideal = row.policy == IDEAL
        count = len(row.completion) + row.unfinished
        axes.step(
            row.completion,
            [number / count for number in range(1, len(row.completion) + 1)],
            where="post",
            color="black" if ideal else _COLOURS[index % len(_COLOURS)],
            linestyle=":" if ideal else _DASHES[index % len(_DASHES)],
            linewidth=1.8,
            label=f"{row.policy}: mean {row.mean:.2f} s",
        )
    axes.set(xscale="log", xlabel="completion time of a flow (s)", ylabel="part of the flows", ylim=(0, 1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(title="policy", loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
