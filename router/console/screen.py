"""A thing shown again and again: only what changed goes over the line."""

from __future__ import annotations

__all__ = ["Screen"]


_WHOLE = 30
"""One in so many is drawn whole: a line loses octets, and nothing else would mend what they have spoilt."""


class Screen:
    """`vt100`: in place, by cursor addresses (ECMA-48 CUP); else the lines that changed, below each other."""

    def __init__(self, width: int, height: int, vt100: bool) -> None:
        self._width, self._height, self._vt100 = width, height, vt100
        self._seen: list[str] | None = None
        self._drawn = 0

    def forget(self) -> None:
        """Draw everything the next time."""
        self._seen = None

    def redraw(self, text: str) -> str:
        """What to send so that `text` is seen."""
        lines = text.splitlines()
        if self._vt100:
            lines = [line[: self._width] for line in lines[: self._height - 1]]
        seen, self._seen = self._seen, lines
        self._drawn += 1
        if self._vt100 and self._drawn % _WHOLE == 0:
            seen = None
        if seen is None:
            return ("\x1b[H\x1b[2J" if self._vt100 else "") + "".join(f"{line}\n" for line in lines)
        if not self._vt100:
            return "".join(f"{line}\n" for row, line in enumerate(lines) if line not in seen[row : row + 1])
        rows = max(len(lines), len(seen))
        before, after = (part + [""] * (rows - len(part)) for part in (seen, lines))
        changes = "".join(
            _change(row, one, other)
            for row, (one, other) in enumerate(zip(before, after, strict=True), 1)
            if one != other
        )
        return changes + f"\x1b[{len(lines) + 1};1H" if changes else ""


def _change(row: int, old: str, new: str) -> str:
    first = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    text, end = new[first:], ""
    if len(old) == len(new):
        # Numbers change in the middle of a line, and what is behind them stays.
        last = next(i for i in range(len(new) - 1, -1, -1) if old[i] != new[i])
        text = new[first : last + 1]
    elif len(new) < len(old):
        end = "\x1b[K"
    return f"\x1b[{row};{first + 1}H{text}{end}"
