"""What the demo says and finds: narration for people, checks and figures for machines."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from typing import Any

__all__ = ["Story"]

_GREEN, _RED, _BOLD, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"


class Story:
    """Prints as it goes, and keeps every check and figure."""

    def __init__(self) -> None:
        self._tty = sys.stdout.isatty()
        self._colour = self._tty and "NO_COLOR" not in os.environ
        self._start = time.monotonic()
        self.figures: dict[str, Any] = {
            "command": " ".join(sys.argv),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
        }
        self.checks: list[dict[str, Any]] = []

    @property
    def passed(self) -> bool:
        return bool(self.checks) and all(check["ok"] for check in self.checks)

    def chapter(self, title: str) -> None:
        seconds = time.monotonic() - self._start
        print(f"\n{self._paint(_BOLD, title)}  ({seconds:.0f} s)", flush=True)

    def say(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            print(f"  {line}", flush=True)

    def progress(self, what: str, share: float) -> None:
        """A bar on a terminal, nothing in a file."""
        if self._tty:
            full = int(24 * min(1.0, share))
            print(f"\r  {what} [{'#' * full}{'.' * (24 - full)}]", end="", flush=True)

    def progress_done(self) -> None:
        if self._tty:
            print("\r\x1b[K", end="", flush=True)

    def check(self, name: str, ok: bool, detail: str) -> bool:
        self.checks.append({"name": name, "ok": bool(ok), "detail": detail})
        mark = self._paint(_GREEN, "ok  ") if ok else self._paint(_RED, "FAIL")
        print(f"  {mark} {name}: {detail}", flush=True)
        return ok

    def verdict(self) -> int:
        """The last line; 0 when every check passed, else 1."""
        failed = [check["name"] for check in self.checks if not check["ok"]]
        seconds = time.monotonic() - self._start
        if self.passed:
            text = self._paint(_GREEN, f"All {len(self.checks)} checks passed in {seconds:.0f} s.")
        else:
            text = self._paint(
                _RED, f"Failed: {', '.join(failed) or 'nothing was checked'} ({seconds:.0f} s)."
            )
        print(f"\n{text}", flush=True)
        self.figures["seconds"] = round(seconds, 1)
        return 0 if self.passed else 1

    def write(self, filename: str) -> None:
        """The figures and checks as JSON."""
        with open(filename, "w") as file:
            json.dump({**self.figures, "checks": self.checks}, file, indent=2)
            file.write("\n")

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colour else text
