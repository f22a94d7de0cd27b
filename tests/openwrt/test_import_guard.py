"""The daemon needs no more of Python than the sub-packages it declares.

OpenWrt has Python in pieces.  Each module below is in a piece that roamd's packages do not name (python3-openssl,
-urllib, -email, ...), or needs one; where such a module is imported, a router without it has no roamd.
"""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from openwrt.packaging.tree import write_tree

REFUSED = (
    "bz2", "cProfile", "cgi", "codeop", "ctypes", "curses", "dbm", "decimal", "distutils", "doctest", "email",
    "fractions", "ftplib", "http", "importlib.metadata", "importlib.resources", "lib2to3", "lzma", "pathlib", "pydoc",
    "readline", "sqlite3", "ssl", "_ssl", "_hashlib", "smtplib", "statistics", "unicodedata", "unittest", "urllib",
    "uuid", "venv", "wsgiref", "xml", "xmlrpc", "zipfile",
)  # fmt: skip
"""`multiprocessing` is not here: pyroute2 imports it, and its package brings it."""

GUARD = """
import sys
refused = set(sys.argv[1].split(","))
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name in refused:
            raise ModuleNotFoundError(f"no module named {name!r}", name=name)
sys.meta_path.insert(0, Guard())
loaded = refused & sys.modules.keys()
assert not loaded, loaded
from importlib import import_module
for name in sys.argv[2].split(","):
    import_module(name)
print(len(sys.modules))
"""


def modules(packages):
    home = "usr/lib/roamd/"
    for package in packages:
        for file in package.files:
            if file.path.startswith(home) and file.path.endswith(".py"):
                yield file.path[len(home) : -3].replace("/", ".").removesuffix(".__init__")


@pytest.mark.parametrize(
    "names",
    [
        ("roamd",),
        ("roamd", "roamd-console"),
        ("roamd", "roamd-modem"),
        ("roamd", "roamd-modem", "roamd-agent"),
    ],
    ids=" ".join,
)
def test_every_module_of_a_package_imports_on_a_router(packages, tmp_path, names):
    chosen = [packages[name] for name in names]
    for one in chosen:
        write_tree(one, tmp_path)
    others = tmp_path / "others"
    others.mkdir()
    for name in ("pyroute2", "serial") if len(names) > 1 else ("pyroute2",):
        os.symlink(os.path.dirname(find_spec(name).origin), others / name)
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", GUARD, ",".join(REFUSED), ",".join(modules(chosen))],
        env={"PYTHONPATH": f"{tmp_path}/usr/lib/roamd:{others}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
