"""One line, edited.  It is drawn with backspaces, blanks and the text itself, so that any terminal shows it rightly."""

from __future__ import annotations

from enum import Enum

from router.console.keys import Key

__all__ = ["Editor", "History", "Wish"]

_MAX_LINE = 512


class Wish(Enum):
    """What the editor leaves to others."""

    DONE = "done"
    INTERRUPT = "interrupt"
    END = "end"
    COMPLETE = "complete"
    HELP = "help"


class History:
    """The lines before, the newest last; bounded."""

    def __init__(self, most: int = 100) -> None:
        self.lines: list[str] = []
        self._most = most

    def add(self, line: str) -> None:
        if line.strip() and self.lines[-1:] != [line]:
            self.lines = [*self.lines, line][-self._most :]


class Editor:
    """Each key gives what to send to the terminal, and what is wished for."""

    def __init__(self, prompt: str, width: int, history: History | None = None, secret: bool = False) -> None:
        self.text = ""
        self.cursor = 0
        self.spoilt = False
        """There was noise in it."""
        self._prompt = prompt
        self._room = max(8, width - len(prompt) - 1)
        self._history = history or History(0)
        self._secret = secret
        self._back = 0
        """How many lines back in the history; 0 is the line that is being written."""
        self._draft = ""
        self._literal = False
        self._left = 0
        """First character that is seen."""
        self._seen = ""
        self._at = 0

    def start(self) -> str:
        """The prompt, and what is written so far; also after something else was shown."""
        self._seen, self._at = "", 0
        return self._prompt + self._draw()

    def key(self, key: Key | str) -> tuple[str, Wish | None]:
        if isinstance(key, str):
            if key == "?" and not self._literal and not self._secret:
                return "", Wish.HELP
            self._literal = False
            return self.insert(key), None
        match key:
            case Key.ENTER:
                return self._draw(len(self.text)) + "\n", Wish.DONE
            case Key.INTERRUPT:
                return self._draw(len(self.text)) + "^C\n", Wish.INTERRUPT
            case Key.CLOSE if not self.text:
                return "\n", Wish.END
            case Key.TAB:
                return "", None if self._secret else Wish.COMPLETE
            case Key.REDRAW:
                return "\n" + self.start(), None
            case Key.NOISE:
                self.spoilt = True
                return "", None
            case Key.LITERAL:
                self._literal = True
                return "", None
        self._edit(key)
        return self._draw(), None

    def insert(self, text: str) -> str:
        if len(self.text) + len(text) > _MAX_LINE:
            return "\a"
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)
        return self._draw()

    def _edit(self, key: Key) -> None:
        before, after = self.text[: self.cursor], self.text[self.cursor :]
        match key:
            case Key.LEFT:
                self.cursor = max(0, self.cursor - 1)
            case Key.RIGHT:
                self.cursor = min(len(self.text), self.cursor + 1)
            case Key.HOME:
                self.cursor = 0
            case Key.END:
                self.cursor = len(self.text)
            case Key.BACKSPACE:
                self._set(before[:-1], after)
            case Key.DELETE | Key.CLOSE:
                self._set(before, after[1:])
            case Key.KILL_END:
                self._set(before, "")
            case Key.KILL_LINE:
                self._set("", after)
            case Key.KILL_WORD:
                kept = before.rstrip()
                self._set(kept[: kept.rfind(" ") + 1], after)
            case Key.UP:
                self._recall(self._back + 1)
            case Key.DOWN:
                self._recall(self._back - 1)

    def _set(self, before: str, after: str) -> None:
        self.text, self.cursor = before + after, len(before)

    def _recall(self, back: int) -> None:
        if not 0 <= back <= len(self._history.lines):
            return
        if self._back == 0:
            self._draft = self.text
        self._back = back
        self._set(self._history.lines[-back] if back else self._draft, "")

    def _draw(self, cursor: int | None = None) -> str:
        """From what is seen to what shall be, with the cursor where it belongs."""
        cursor = self.cursor if cursor is None else cursor
        if self._secret:
            return ""
        if not self._left <= cursor <= self._left + self._room:
            self._left = max(0, cursor - self._room // 2)
        wanted, at = self.text[self._left : self._left + self._room], cursor - self._left
        out, here = "", self._at
        if wanted != self._seen:
            same = _common(wanted, self._seen)
            blanks = max(0, len(self._seen) - len(wanted))
            out = _move(self._seen, here, same) + wanted[same:] + " " * blanks
            here = len(wanted) + blanks
        out += _move(wanted, here, at)
        self._seen, self._at = wanted, at
        return out


def _move(seen: str, here: int, there: int) -> str:
    """To the right by writing again what is there already."""
    return "\b" * (here - there) if there < here else seen[here:there]


def _common(one: str, other: str) -> int:
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))
