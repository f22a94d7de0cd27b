"""Make the byte code of this installation, once: `python3 -m router.bytecode`.

OpenWrt's Python never writes any by itself.  Not `compileall`, which needs pathlib.
"""

from __future__ import annotations

import os
import py_compile
import sys

__all__ = ["main"]


def main() -> int:
    """Compile every module of the installation; returns 1 where that cannot be, which costs time at each start only."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        for package in ("modem", "router"):
            for folder, _, names in os.walk(os.path.join(root, package)):
                for name in sorted(names):
                    if name.endswith(".py"):
                        _compile(os.path.join(folder, name), name)
    except OSError as error:
        print(f"roamd: starts take longer without byte code: {error}", file=sys.stderr)
        return 1
    return 0


def _compile(filename: str, name: str) -> None:
    try:
        py_compile.compile(filename, doraise=True)
    except py_compile.PyCompileError as error:
        print(f"roamd: {name}: {error.msg}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
