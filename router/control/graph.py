"""A line graph in plain text: pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["graph"]

_MARK, _GAP = "*", " "


def graph(values: Sequence[float | None], width: int, height: int, unit: str, span: float = 10.0) -> str:
    """The last values, oldest left, in at most `width` columns and `height` lines; None leaves a gap.

    The scale fits what is shown, and spans `span` at least, so that noise does not look like a mountain.
    """
    label = 11
    shown = list(values)[-max(1, width - label) :]
    known = [value for value in shown if value is not None]
    if not known:
        return "\n".join(["(no signal known)", *[""] * (height - 1)])
    low, high = _scale(min(known), max(known), span)
    rows = max(2, height)
    grid = [[_GAP] * len(shown) for _ in range(rows)]
    before: int | None = None
    for column, value in enumerate(shown):
        if value is None:
            before = None
            continue
        row = round((high - value) / (high - low) * (rows - 1))
        grid[row][column] = _MARK
        # A steep change is joined up, else it falls apart into dots.
        for between in range(min(row, before) + 1, max(row, before)) if before is not None else ():
            grid[between][column] = "|"
        before = row
    lines = []
    for row, cells in enumerate(grid):
        level = high - (high - low) * row / (rows - 1)
        text = f"{level:6.0f} {unit:3}" if row in (0, rows - 1, rows // 2) else " " * 10
        lines.append(f"{text}|{''.join(cells)}".rstrip())
    return "\n".join(lines)


def _scale(least: float, greatest: float, span: float) -> tuple[float, float]:
    """Multiples of 5 around the values."""
    missing = max(0.0, span - (greatest - least)) / 2
    low, high = math.floor((least - missing) / 5) * 5, math.ceil((greatest + missing) / 5) * 5
    return float(low), float(high if high > low else low + 5)
