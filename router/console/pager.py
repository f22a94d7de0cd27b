"""Pages instead of floods."""

from __future__ import annotations

__all__ = ["MORE", "Pager", "erase"]

MORE = "-- more: Space, Enter, q --"


class Pager:
    """Lets a page through at a time; what is left waits for a key."""

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = max(2, height)
        self._left = self._height - 1

    def take(self, text: str) -> tuple[str, str]:
        """What can be shown now, whole lines, and the rest."""
        shown = 0
        for line in text.splitlines(keepends=True):
            rows = 1 + max(0, len(line.rstrip("\n")) - 1) // self._width
            if rows > self._left and self._left < self._height - 1:
                break
            self._left -= rows
            shown += len(line)
            if self._left <= 0:
                break
        return text[:shown], text[shown:]

    def page(self) -> None:
        self._left = self._height - 1

    def line(self) -> None:
        self._left = 1


def erase(text: str) -> str:
    """Takes `text` away from the current line, on any terminal."""
    return "\r" + " " * len(text) + "\r"
