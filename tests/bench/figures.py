"""Figures of a benchmark: shown as a table, written as JSON."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from dataclasses import asdict, dataclass

__all__ = ["Figure", "command_line", "report", "show"]


@dataclass(frozen=True)
class Figure:
    """`goal` is a least value, or with `at_most` a greatest; None is shown for comparison only."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal


def machine() -> dict[str, object]:
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def report(
    figures: list[Figure], command: str, filename: str | None, virtual: dict[str, object] | None = None
) -> None:
    """Print the figures, and write them to `filename` if there is one.

    `virtual` is the machine inside this one where some were measured.
    """
    show(figures)
    print(f"\n{command}")
    if filename is None:
        return
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    found: dict[str, object] = {"figures": rows, "machine": machine(), "command": command}
    if virtual is not None:
        found["virtual_machine"] = virtual
    with open(filename, "w") as file:
        json.dump(found, file, indent=2)


def show(figures: list[Figure]) -> None:
    """The table, for people."""
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        goal = "" if figure.goal is None else f"goal {'<=' if figure.at_most else '>='} {_shown(figure.goal)}"
        verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
        print(f"{figure.name:<{width}}  {_shown(figure.value):>12} {figure.unit:<8} {goal:<16} {verdict}")


def _shown(value: float) -> str:
    """Three digits that matter, at least."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"


def command_line(name: str) -> str:
    return f"invoke bench {name} {shlex.join(sys.argv[1:])}".rstrip()
