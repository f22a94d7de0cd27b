"""Lines from whoever sits at the port: edited, completed, explained."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable

from router.console.complete import Choices, Names, choices, divide
from router.console.editor import Editor, History, Wish
from router.console.keys import Size
from router.console.port import Port

__all__ = ["Prompt"]


class Prompt:
    """`framed` is called when frames have come instead of keys."""

    def __init__(self, port: Port, framed: Callable[[], None]) -> None:
        self._port = port
        self._framed = framed
        self.show: Callable[[str], None] = port.write
        """For what may be longer than a page; raises KeyboardInterrupt when who reads has seen enough."""

    def secret(self, prompt: str) -> str | None:
        """A line that is not shown; None for Ctrl-C and Ctrl-D, and where noise is in it."""
        editor = Editor(prompt, 80, secret=True)
        text = self._read(editor, None, _no_names)
        return None if editor.spoilt else text

    def line(
        self, prompt: str, width: int, history: History, parser: argparse.ArgumentParser, names: Names
    ) -> str | None:
        """A command's; empty at Ctrl-C, None at Ctrl-D."""
        return self._read(Editor(prompt, width, history), parser, names)

    def _read(self, editor: Editor, parser: argparse.ArgumentParser | None, names: Names) -> str | None:
        self._port.write(editor.start())
        while True:
            key = self._port.key()
            if key is None:
                self._framed()
                self._port.write("\n" + editor.start())
                continue
            if isinstance(key, Size):
                continue
            shown, wish = editor.key(key)
            self._port.write(shown)
            match wish:
                case Wish.DONE:
                    return editor.text
                case Wish.INTERRUPT:
                    return "" if parser is not None else None
                case Wish.END:
                    return None
                case Wish.COMPLETE if parser is not None:
                    self._complete(editor, parser, names)
                case Wish.HELP if parser is not None:
                    self._help(editor, parser, names)

    def _complete(self, editor: Editor, parser: argparse.ArgumentParser, names: Names) -> None:
        divided = divide(editor.text[: editor.cursor])
        if divided is None:
            return
        found = choices(parser, *divided, names).words
        words = [word for word, _ in found]
        if not words:
            self._port.write("\a")
            return
        more = _common(words)[len(divided[1]) :] + (" " if len(words) == 1 else "")
        if more:
            self._port.write(editor.insert(more))
        else:
            self._show("  ".join(words) + "\n", editor)

    def _help(self, editor: Editor, parser: argparse.ArgumentParser, names: Names) -> None:
        divided = divide(editor.text[: editor.cursor])
        found = Choices(()) if divided is None else choices(parser, *divided, names)
        if divided is None or (found.free and divided[1] and not found.words):
            # A question mark within a text: an AT command ends with one.
            self._port.write(editor.insert("?"))
            return
        self._port.write("?")
        self._show(_explained(found), editor)

    def _show(self, text: str, editor: Editor) -> None:
        self._port.write("\n")
        with contextlib.suppress(KeyboardInterrupt):
            self.show(text)
        self._port.write(editor.start())


def _explained(found: Choices) -> str:
    rows = [*found.words, *([(found.free, "")] if found.free else [])]
    if not rows:
        return "nothing known begins so\n"
    width = max(len(word) for word, _ in rows)
    return "".join(f"  {word:<{width}}  {text}".rstrip() + "\n" for word, text in rows)


def _common(words: list[str]) -> str:
    first, last = min(words), max(words)
    same = 0
    while same < len(first) and first[same : same + 1] == last[same : same + 1]:
        same += 1
    return first[:same]


def _no_names(_: str) -> tuple[str, ...]:
    return ()
