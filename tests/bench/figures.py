"""Figures of a benchmark: shown as a table, written as JSON."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from dataclasses import asdict, dataclass

__all__ = ["Figure", "report"]


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


def report(figures: list[Figure], command: str, filename: str | None) -> None:
    """Print the figures, and write them to `filename` if there is one."""
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        goal = "" if figure.goal is None else f"goal {'<=' if figure.at_most else '>='} {figure.goal:,.0f}"
        verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
        print(f"{figure.name:<{width}}  {figure.value:>12,.1f} {figure.unit:<8} {goal:<16} {verdict}")
    print(f"\n{command}")
    if filename is None:
        return
    rows = [
        {key: value for key, value in asdict(figure).items() if key != "at_most"} | {"met": figure.met}
        for figure in figures
    ]
    with open(filename, "w") as file:
        json.dump({"figures": rows, "machine": machine(), "command": command}, file, indent=2)


def command_line(name: str) -> str:
    return f"invoke bench {name} {shlex.join(sys.argv[1:])}".rstrip()
